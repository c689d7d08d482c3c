/**
 * Which term each index has, as runs of equal terms: a log has few, one per leader that wrote to it. So terms are known at
 * once and calls that depend on one can be accepted or refused when they are made. 16 bytes per run.
 */
export class TermRuns {
  readonly #starts: number[] = [];
  readonly #terms: number[] = [];

  /** `index` lies above all that is known. */
  append(index: number, term: number): void {
    if (this.#terms.at(-1) === term) return;
    this.#starts.push(index);
    this.#terms.push(term);
  }

  /** Forgets everything `>= from`. */
  truncate(from: number): void {
    while (this.#starts.length > 0 && (this.#starts.at(-1) as number) >= from) {
      this.#starts.pop();
      this.#terms.pop();
    }
  }

  /** Forgets what only indexes `<= through` need. */
  purge(through: number): void {
    let count = 0;
    while ((this.#starts[count + 1] ?? Number.POSITIVE_INFINITY) <= through + 1) count++;
    if (count === 0) return;
    this.#starts.splice(0, count);
    this.#terms.splice(0, count);
  }

  /** Sets the terms of `entries`, which stand in the middle; `end` is the end of the log. */
  replace(entries: readonly { readonly index: number; readonly term: number }[], end: number): void {
    const last = entries.at(-1)?.index ?? end;
    const behind = this.#starts.flatMap((start, run) =>
      start > last ? [{ index: start, term: this.#terms[run] as number }] : [],
    );
    // The run that reaches over the replaced part starts anew behind it.
    const next = last < end ? [{ index: last + 1, term: this.at(last + 1) }] : [];
    this.truncate(entries[0]?.index ?? last + 1);
    for (const { index, term } of [...entries, ...next, ...behind]) this.append(index, term);
  }

  clear(): void {
    this.#starts.length = 0;
    this.#terms.length = 0;
  }

  /** Term of an index that is in the log. */
  at(index: number): number {
    let low = 0;
    let high = this.#starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if ((this.#starts[middle] as number) <= index) low = middle;
      else high = middle - 1;
    }
    return this.#terms[low] ?? 0;
  }
}
