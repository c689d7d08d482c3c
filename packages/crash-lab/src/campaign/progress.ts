import { Presets, SingleBar } from 'cli-progress';

const PLAIN_EVERY_MS = 10_000;

/** A bar on a terminal; elsewhere a line now and then. */
export class Progress {
  readonly #out: NodeJS.WriteStream;
  #bar: SingleBar | undefined;
  #said = performance.now();

  constructor(out: NodeJS.WriteStream = process.stderr) {
    this.#out = out;
  }

  show(what: string, done: number, of: number, rest: string): void {
    if (this.#out.isTTY) {
      this.#bar ??= this.#begin(of, { what, rest });
      this.#bar.setTotal(of);
      this.#bar.update(Math.min(done, of), { what, rest });
    } else if (performance.now() - this.#said > PLAIN_EVERY_MS) {
      this.#said = performance.now();
      this.#out.write(`${what} ${done} of ${of}, ${rest}\n`);
    }
  }

  clear(): void {
    this.#bar?.stop();
    this.#bar = undefined;
  }

  #begin(of: number, words: { readonly what: string; readonly rest: string }): SingleBar {
    const format = '{bar} {what} {value} of {total}, {rest}';
    const bar = new SingleBar(
      { format, barsize: 30, hideCursor: true, clearOnComplete: true, stream: this.#out },
      Presets.shades_classic,
    );
    bar.start(of, 0, words);
    return bar;
  }
}
