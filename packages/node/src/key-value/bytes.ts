/** Puts values one after the other. */
export class ByteWriter {
  #bytes: Buffer = Buffer.alloc(256);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  byte(value: number): this {
    this.#reserve(1);
    this.#length = this.#bytes.writeUInt8(value, this.#length);
    return this;
  }

  /** A whole number from 0 to 2^53 - 1. */
  number(value: number): this {
    this.#reserve(8);
    this.#length = this.#bytes.writeDoubleBE(value, this.#length);
    return this;
  }

  bytes(value: Uint8Array): this {
    this.#reserve(4 + value.length);
    this.#length = this.#bytes.writeUInt32BE(value.length, this.#length);
    this.#bytes.set(value, this.#length);
    this.#length += value.length;
    return this;
  }

  text(value: string): this {
    return this.bytes(Buffer.from(value, 'utf8'));
  }

  optional(value: Uint8Array | undefined): this {
    return value === undefined ? this.byte(0) : this.byte(1).bytes(value);
  }

  /** What was put since the last call, in memory of its own. */
  take(): Uint8Array {
    const taken = new Uint8Array(this.#bytes.subarray(0, this.#length));
    this.#length = 0;
    return taken;
  }

  #reserve(bytes: number): void {
    const needed = this.#length + bytes;
    if (needed <= this.#bytes.length) return;
    const larger = Buffer.alloc(Math.max(needed, this.#bytes.length * 2));
    larger.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = larger;
  }
}

/** Takes values one after the other. Throws a `RangeError` where they end early. */
export class ByteReader {
  readonly #bytes: Buffer;
  #position = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get isAtEnd(): boolean {
    return this.#position === this.#bytes.length;
  }

  byte(): number {
    const value = this.#bytes.readUInt8(this.#position);
    this.#position += 1;
    return value;
  }

  number(): number {
    const value = this.#bytes.readDoubleBE(this.#position);
    this.#position += 8;
    if (!Number.isSafeInteger(value) || value < 0) throw new RangeError('Not a whole number.');
    return value;
  }

  /** In memory of its own: what is kept must not pin the batch that it came with. */
  bytes(): Uint8Array {
    const length = this.#bytes.readUInt32BE(this.#position);
    const end = this.#position + 4 + length;
    if (end > this.#bytes.length) throw new RangeError('The bytes end early.');
    const value = new Uint8Array(this.#bytes.subarray(this.#position + 4, end));
    this.#position = end;
    return value;
  }

  text(): string {
    return Buffer.from(this.bytes()).toString('utf8');
  }

  optional(): Uint8Array | undefined {
    return this.byte() === 0 ? undefined : this.bytes();
  }
}
