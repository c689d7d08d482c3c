// A reader that outlives this many truncations may be told `TRUNCATED` although only its neighbours were cut.
const KEPT = 1024;

/**
 * Remembers which truncations came when, so that a reader can ask: what is the lowest index that was cut off since I started?
 *
 * A later, deeper cut hides the earlier ones, so both lists ascend and the answer is one binary search; the history stays
 * as short as the log has steps.
 */
export class CutHistory {
  #epoch = 0;
  readonly #epochs: number[] = [];
  readonly #indexes: number[] = [];

  /** The present; give it to `lowestSince` later. */
  get epoch(): number {
    return this.#epoch;
  }

  /** Everything `>= index` was removed. */
  cut(index: number): void {
    while (this.#indexes.length > 0 && (this.#indexes.at(-1) as number) >= index) {
      this.#indexes.pop();
      this.#epochs.pop();
    }
    this.#epoch++;
    this.#epochs.push(this.#epoch);
    this.#indexes.push(index);
    if (this.#indexes.length > KEPT) {
      // The oldest two become one that is as late as the later and as deep as the deeper: careful, never wrong.
      this.#epochs.shift();
      this.#indexes.splice(1, 1);
    }
  }

  /** Lowest index removed after `epoch`; infinity if none was. */
  lowestSince(epoch: number): number {
    if (epoch === this.#epoch) return Number.POSITIVE_INFINITY;
    let low = 0;
    let high = this.#epochs.length - 1;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#epochs[middle] as number) > epoch) high = middle;
      else low = middle + 1;
    }
    return this.#indexes[low] as number;
  }
}
