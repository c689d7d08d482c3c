import { Presets, SingleBar } from 'cli-progress';

/** Tells how far a long run has come. */
export interface Progress {
  /** What is going on now, of which `done` trials are over. */
  show(done: number, what: string): void;
  end(): void;
}

/** A bar on a terminal, and a line for each trial elsewhere. */
export function progressOf(total: number): Progress {
  return process.stderr.isTTY ? new ProgressBar(total) : new ProgressLines(total);
}

class ProgressBar implements Progress {
  readonly #bar = new SingleBar(
    {
      format: '{bar} {value}/{total}  {duration_formatted}, {eta_formatted} to go  {what}',
      barsize: 24,
      hideCursor: true,
      clearOnComplete: true,
      // Trials take from a second to minutes: the estimate needs a long memory.
      etaBuffer: 200,
    },
    Presets.shades_classic,
  );

  constructor(total: number) {
    this.#bar.start(total, 0, { what: '' });
  }

  show(done: number, what: string): void {
    this.#bar.update(done, { what });
  }

  end(): void {
    this.#bar.stop();
  }
}

class ProgressLines implements Progress {
  readonly #total: number;
  #shown = -1;

  constructor(total: number) {
    this.#total = total;
  }

  show(done: number, what: string): void {
    if (done === this.#shown) return;
    this.#shown = done;
    console.error(`${Math.min(done + 1, this.#total)}/${this.#total}  ${what}`);
  }

  end(): void {}
}
