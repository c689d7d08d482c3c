import { crc32 } from 'node:zlib';

/** All that happened in a run, as lines; their hash says whether two runs were the same. */
export class Trace {
  readonly #now: () => number;
  readonly #keeps: boolean;
  readonly #lines: string[] = [];
  #hash = 0;
  #count = 0;

  /** `keeps`: the lines themselves too. */
  constructor(now: () => number, keeps: boolean) {
    this.#now = now;
    this.#keeps = keeps;
  }

  add(what: string): void {
    const line = `${this.#now().toFixed(3)} ${what}`;
    this.#hash = crc32(line, this.#hash);
    this.#count++;
    if (this.#keeps) this.#lines.push(line);
  }

  /** What helps a reader, and follows from what else is told. */
  detail(what: () => string): void {
    if (this.#keeps) this.#lines.push(`${this.#now().toFixed(3)}   ${what()}`);
  }

  get hash(): string {
    return `${this.#hash.toString(16).padStart(8, '0')}-${this.#count}`;
  }

  get lines(): readonly string[] {
    return this.#lines;
  }
}
