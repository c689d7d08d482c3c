/** Contents of one file. Two that were forked share their memory until one of them is written. */
export class FileBytes {
  // Everything behind `#size` is zero, so that growing needs no clearing.
  #buffer: Uint8Array = new Uint8Array(0);
  #size = 0;
  #shared = false;

  get size(): number {
    return this.#size;
  }

  fork(): FileBytes {
    const fork = new FileBytes();
    fork.#buffer = this.#buffer;
    fork.#size = this.#size;
    fork.#shared = true;
    this.#shared = true;
    return fork;
  }

  read(into: Uint8Array, position: number): number {
    const end = Math.min(this.#size, position + into.length);
    if (end <= position) return 0;
    into.set(this.#buffer.subarray(position, end));
    return end - position;
  }

  write(bytes: Uint8Array, position: number): void {
    if (bytes.length === 0) return;
    const end = position + bytes.length;
    this.#own(Math.max(end, this.#size));
    this.#buffer.set(bytes, position);
    this.#size = Math.max(this.#size, end);
  }

  resize(size: number): void {
    if (size === this.#size) return;
    this.#own(size);
    if (size < this.#size) this.#buffer.fill(0, size, this.#size);
    this.#size = size;
  }

  slice(start = 0, end: number = this.#size): Uint8Array {
    return this.#buffer.slice(Math.min(start, this.#size), Math.min(end, this.#size));
  }

  #own(size: number): void {
    if (!this.#shared && size <= this.#buffer.length) return;
    const grown = size > this.#buffer.length;
    const copy = new Uint8Array(grown ? Math.max(size, this.#buffer.length * 2, 256) : this.#buffer.length);
    copy.set(this.#buffer.subarray(0, this.#size));
    this.#buffer = copy;
    this.#shared = false;
  }
}
