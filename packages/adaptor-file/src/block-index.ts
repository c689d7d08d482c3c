/** The keys `low` to `high` live in this segment. Bounds: keys outside aren't alive there, not every number inside is a key. */
export interface Piece {
  readonly segment: number;
  readonly low: number;
  readonly high: number;
}

/**
 * Which segment holds a key: disjoint pieces with rising keys, one per segment unless a repair has split one. Where in the
 * segment is the business of its {@link RunTable}, which needn't be in memory.
 */
export class BlockIndex {
  #pieces: Piece[] = [];

  /** The pieces from the first one that may hold a key `>= key`. */
  *from(key: number): Generator<Piece, void, undefined> {
    // A copy: what a commit removes meanwhile may still be found, but nothing may be skipped.
    yield* this.#pieces.slice(this.#find(key));
  }

  /** All pieces, the one with the highest keys first. */
  fromTop(): Piece[] {
    return this.#pieces.toReversed();
  }

  /** No key is above this; 0: there is none. */
  get highKey(): number {
    return this.#pieces.at(-1)?.high ?? 0;
  }

  /** Adds keys above all others. */
  put(segment: number, low: number, high: number): void {
    const last = this.#pieces.at(-1);
    // Two places for one key: whichever were read, it might be the one that was cut off.
    if (low <= this.highKey) throw new RangeError(`Key ${low} is put behind key ${this.highKey}.`);
    if (last?.segment === segment) this.#pieces[this.#pieces.length - 1] = { ...last, high };
    else this.#pieces.push({ segment, low, high });
  }

  /** Puts keys in the middle, in the place of whatever was between the lowest and the highest of them. */
  replace(segment: number, low: number, high: number): void {
    const kept: Piece[] = [];
    for (const piece of this.#pieces) {
      if (piece.low < low) kept.push({ ...piece, high: Math.min(piece.high, low - 1) });
      if (piece.high > high) kept.push({ ...piece, low: Math.max(piece.low, high + 1) });
    }
    kept.push({ segment, low, high });
    this.#pieces = kept.sort((a, b) => a.low - b.low);
  }

  removeFrom(key: number): void {
    for (let last = this.#pieces.at(-1); last !== undefined && last.high >= key; last = this.#pieces.at(-1)) {
      this.#pieces.pop();
      if (last.low < key) this.#pieces.push({ ...last, high: key - 1 });
    }
  }

  removeThrough(key: number): void {
    const kept = this.#find(key + 1);
    if (kept > 0) this.#pieces.splice(0, kept);
    const [first] = this.#pieces;
    if (first !== undefined && first.low <= key) this.#pieces[0] = { ...first, low: key + 1 };
  }

  /** The lowest segment with a live key once these removals are made; `undefined` if none is left. */
  lowestSegmentAfter(cut: number | undefined, removeThrough: number | undefined): number | undefined {
    let lowest: number | undefined;
    for (const piece of this.#pieces) {
      if (cut !== undefined && piece.low >= cut) break;
      if (removeThrough !== undefined && piece.high <= removeThrough) continue;
      if (lowest === undefined || piece.segment < lowest) lowest = piece.segment;
    }
    return lowest;
  }

  #find(key: number): number {
    let low = 0;
    let high = this.#pieces.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const piece = this.#pieces[middle];
      if (piece !== undefined && piece.high >= key) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}
