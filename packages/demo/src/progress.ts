import ora, { type Ora } from 'ora';

const barWidth = 30;
const plainEveryMs = 2_000;

/** Shows how far the work is, and lines that stay. */
export interface Progress {
  update(done: number, of: number, what: string): void;
  /** A line that stays, above the bar. */
  line(text: string): void;
  stop(): void;
}

/** A bar on a terminal; plain lines, and few of them, elsewhere. */
export function makeProgress(output: NodeJS.WriteStream): Progress {
  return output.isTTY && process.env.TERM !== 'dumb' ? new BarProgress(output) : new PlainProgress(output);
}

class BarProgress implements Progress {
  readonly #output: NodeJS.WriteStream;
  readonly #spinner: Ora;

  constructor(output: NodeJS.WriteStream) {
    this.#output = output;
    // The input stays as it is, so that Ctrl-C remains a signal.
    this.#spinner = ora({ stream: output, discardStdin: false });
  }

  update(done: number, of: number, what: string): void {
    this.#spinner.text = `${bar(done / of)} ${percent(done / of)}  ${what}`;
    if (!this.#spinner.isSpinning) this.#spinner.start();
  }

  line(text: string): void {
    const { isSpinning } = this.#spinner;
    this.#spinner.stop();
    this.#output.write(`${text}\n`);
    if (isSpinning) this.#spinner.start();
  }

  stop(): void {
    this.#spinner.stop();
  }
}

class PlainProgress implements Progress {
  readonly #output: NodeJS.WriteStream;
  #next: number = performance.now() + plainEveryMs;

  constructor(output: NodeJS.WriteStream) {
    this.#output = output;
  }

  update(done: number, of: number, what: string): void {
    const now = performance.now();
    if (now < this.#next) return;
    this.#next = now + plainEveryMs;
    this.#output.write(`${percent(done / of)}  ${what}\n`);
  }

  line(text: string): void {
    this.#output.write(`${text}\n`);
  }

  stop(): void {}
}

function bar(share: number): string {
  const filled = Math.round(Math.min(1, share) * barWidth);
  return '█'.repeat(filled) + '░'.repeat(barWidth - filled);
}

function percent(share: number): string {
  return `${Math.floor(share * 100)}%`.padStart(4);
}
