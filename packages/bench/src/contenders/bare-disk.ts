import { closeSync, fdatasync, fdatasyncSync, openSync, write, writeSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { LimitName } from './names.ts';

const fileBytes = 64 << 20;
const pieceBytes = 1 << 20;

const writeAsync = promisify(write);
const fdatasyncAsync = promisify(fdatasync);

/**
 * A file of one size, filled with data before anything is timed and written over and over: the file system has nothing to allocate and
 * no size to note, so that a commit is as cheap as the disk lets it be.
 */
export class BareDisk {
  readonly append: () => Promise<void> | void;
  readonly #fd: number;
  readonly #data: Uint8Array;
  readonly #size: number;
  #offset = 0;

  constructor(kind: LimitName, directory: string, commitBytes: number) {
    this.#data = new Uint8Array(commitBytes).fill(0xa5);
    this.#size = Math.max(fileBytes, 2 * commitBytes);
    this.#fd = openSync(join(directory, 'bare-disk'), 'wx');
    try {
      fillFile(this.#fd, this.#size);
    } catch (error) {
      this.close();
      throw error;
    }
    this.append = kind === 'limit' ? () => this.#appendBlocking() : () => this.#appendAsync();
  }

  #appendBlocking(): void {
    const offset = this.#nextOffset();
    checkWhole(writeSync(this.#fd, this.#data, 0, this.#data.byteLength, offset), this.#data);
    fdatasyncSync(this.#fd);
  }

  async #appendAsync(): Promise<void> {
    const offset = this.#nextOffset();
    const { bytesWritten } = await writeAsync(this.#fd, this.#data, 0, this.#data.byteLength, offset);
    checkWhole(bytesWritten, this.#data);
    await fdatasyncAsync(this.#fd);
  }

  #nextOffset(): number {
    if (this.#offset + this.#data.byteLength > this.#size) this.#offset = 0;
    const offset = this.#offset;
    this.#offset += this.#data.byteLength;
    return offset;
  }

  close(): void {
    closeSync(this.#fd);
  }
}

function fillFile(fd: number, size: number): void {
  const piece = new Uint8Array(pieceBytes).fill(0x5a);
  for (let offset = 0; offset < size; offset += pieceBytes) {
    const part = piece.subarray(0, Math.min(pieceBytes, size - offset));
    checkWhole(writeSync(fd, part, 0, part.byteLength, offset), part);
  }
  fdatasyncSync(fd);
}

function checkWhole(written: number, data: Uint8Array): void {
  if (written !== data.byteLength) throw new Error(`Only ${written} of ${data.byteLength} bytes were written.`);
}
