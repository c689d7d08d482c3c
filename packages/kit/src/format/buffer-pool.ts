// More than a cache gives back at once is never asked for at once.
const MAX_FREE = 64;

/**
 * Memory for blocks, used again. A block that passed through the cache is old to the garbage collector, which frees old memory
 * late: without this a steady stream of writes holds tens of megabytes that nobody needs.
 */
export class BufferPool {
  readonly #size: number;
  readonly #free: Uint8Array[] = [];

  constructor(size: number) {
    this.#size = size;
  }

  /** Bytes of any content. */
  take(): Uint8Array {
    return this.#free.pop() ?? allocate(this.#size);
  }

  /** Nobody has a view of `buffer` any more. */
  give(buffer: Uint8Array): void {
    if (this.#free.length < MAX_FREE) this.#free.push(buffer);
  }
}

/** Not zeroed, and not from Node's shared pool, where a small block would pin its neighbours' memory. */
export function allocate(size: number): Uint8Array {
  const buffer = Buffer.allocUnsafeSlow(size);
  return new Uint8Array(buffer.buffer, buffer.byteOffset, size);
}
