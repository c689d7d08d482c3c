const WIDTH = 30;
const PLAIN_EVERY_MS = 10_000;

/** A bar on a terminal; elsewhere a line now and then. */
export class Progress {
  readonly #out: NodeJS.WriteStream;
  #said = performance.now();

  constructor(out: NodeJS.WriteStream = process.stderr) {
    this.#out = out;
  }

  show(what: string, done: number, of: number, rest: string): void {
    const share = of === 0 ? 1 : Math.min(1, done / of);
    const text = `${what} ${done} of ${of}, ${rest}`;
    if (this.#out.isTTY) {
      const filled = Math.round(share * WIDTH);
      this.#out.write(`\r\u001b[K${'█'.repeat(filled)}${'░'.repeat(WIDTH - filled)} ${text}`);
    } else if (performance.now() - this.#said > PLAIN_EVERY_MS) {
      this.#said = performance.now();
      this.#out.write(`${text}\n`);
    }
  }

  clear(): void {
    if (this.#out.isTTY) this.#out.write('\r\u001b[K');
  }
}
