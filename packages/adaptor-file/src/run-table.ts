import { getUint53, RUN_BYTES, setUint53, viewOf } from './segment-format.ts';

/** A run holds at most this many bytes of records, or one block: what a read of one entry has to fetch. */
export const RUN_SPAN: number = 64 * 1024;

/**
 * The sparse index of one segment: runs of blocks that lie one after the other in the file with rising keys.
 *
 * A new run starts every 64 KiB, and wherever the order of the bytes is not the order of the live keys: after a cut
 * (the blocks that were cut off lie in between) and after damage. So both keys and offsets rise over the whole table,
 * and a block is alive only if its key is at most the `lastKey` of its run.
 *
 * Typed arrays: 24 bytes per 64 KiB of log, whatever the size of the entries.
 */
export class RunTable {
  #length = 0;
  #firstKeys = new Float64Array(16);
  #lastKeys = new Float64Array(16);
  #offsets = new Uint32Array(16);
  #ends = new Uint32Array(16);
  #startNewRun = true;

  get length(): number {
    return this.#length;
  }

  /** Memory that the table takes. */
  get byteLength(): number {
    return this.#firstKeys.length * RUN_BYTES;
  }

  firstKey(run: number): number {
    return this.#firstKeys[run] ?? 0;
  }

  lastKey(run: number): number {
    return this.#lastKeys[run] ?? 0;
  }

  offset(run: number): number {
    return this.#offsets[run] ?? 0;
  }

  /** Where the last block of a run ends; of one that was cut, where it once ended. */
  end(run: number): number {
    return this.#ends[run] ?? 0;
  }

  /** Adds a block above all others, which lies at `offset` to `end`. */
  add(key: number, offset: number, end: number): void {
    const last = this.#length - 1;
    if (this.#startNewRun || last < 0 || end - this.offset(last) > RUN_SPAN) {
      if (this.#length === this.#firstKeys.length) this.#grow(this.#length * 2);
      this.#firstKeys[this.#length] = key;
      this.#lastKeys[this.#length] = key;
      this.#offsets[this.#length] = offset;
      this.#ends[this.#length] = end;
      this.#length++;
      this.#startNewRun = false;
    } else {
      this.#lastKeys[last] = key;
      this.#ends[last] = end;
    }
  }

  /** The next block starts a new run: what lies before it can't be walked over. */
  breakRun(): void {
    this.#startNewRun = true;
  }

  /** Removes every key `>= from`. */
  cut(from: number): void {
    while (this.#length > 0 && this.firstKey(this.#length - 1) >= from) this.#length--;
    const last = this.#length - 1;
    if (last >= 0 && this.lastKey(last) >= from) this.#lastKeys[last] = from - 1;
    this.#startNewRun = true;
  }

  /** The first run whose last key is `>= key`; `length` if there is none. */
  find(key: number): number {
    let low = 0;
    let high = this.#length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.lastKey(middle) >= key) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  encode(): Uint8Array {
    const bytes = new Uint8Array(this.#length * RUN_BYTES);
    const view = viewOf(bytes);
    for (let run = 0; run < this.#length; run++) {
      setUint53(view, run * RUN_BYTES, this.firstKey(run));
      setUint53(view, run * RUN_BYTES + 8, this.lastKey(run));
      view.setUint32(run * RUN_BYTES + 16, this.offset(run), true);
      view.setUint32(run * RUN_BYTES + 20, this.end(run), true);
    }
    return bytes;
  }

  static decode(bytes: Uint8Array): RunTable {
    const table = new RunTable();
    const view = viewOf(bytes);
    const length = Math.floor(bytes.byteLength / RUN_BYTES);
    table.#grow(Math.max(length, 1));
    table.#length = length;
    for (let run = 0; run < length; run++) {
      table.#firstKeys[run] = getUint53(view, run * RUN_BYTES);
      table.#lastKeys[run] = getUint53(view, run * RUN_BYTES + 8);
      table.#offsets[run] = view.getUint32(run * RUN_BYTES + 16, true);
      table.#ends[run] = view.getUint32(run * RUN_BYTES + 20, true);
    }
    return table;
  }

  #grow(capacity: number): void {
    const [firstKeys, lastKeys, offsets, ends] = [this.#firstKeys, this.#lastKeys, this.#offsets, this.#ends];
    this.#firstKeys = new Float64Array(capacity);
    this.#lastKeys = new Float64Array(capacity);
    this.#offsets = new Uint32Array(capacity);
    this.#ends = new Uint32Array(capacity);
    this.#firstKeys.set(firstKeys.subarray(0, this.#length));
    this.#lastKeys.set(lastKeys.subarray(0, this.#length));
    this.#offsets.set(offsets.subarray(0, this.#length));
    this.#ends.set(ends.subarray(0, this.#length));
  }
}
