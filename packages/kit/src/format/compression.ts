import { promisify } from 'node:util';
import * as zlib from 'node:zlib';
import { StorageError } from '@raftlog/core';
import {
  BLOCK_HEADER_BYTES,
  type BlockHeader,
  corruptBlock,
  EntryBlock,
  readBlockHeader,
  viewOf,
  writeBlockHeader,
} from './block.ts';

/** A compression of the user's own. Used for every block; the name isn't stored: a directory written with one is read with the same. */
export interface CustomCompression {
  compress(bytes: Uint8Array): Promise<Uint8Array>;
  /** Rejects, or answers for at most `limit` bytes: damaged input must not fill the memory. */
  decompress(bytes: Uint8Array, limit: number): Promise<Uint8Array>;
}

/** `deflate`; `zstd` where the runtime has it (Node 22.15 and later); or the user's own. */
export type Compression = 'none' | 'deflate' | 'zstd' | CustomCompression;

interface Method extends CustomCompression {
  readonly code: number;
}

// Node 20's types don't know zstd, and its runtime doesn't have it.
type Zstd = Partial<
  Record<
    'zstdCompress' | 'zstdDecompress',
    (input: Uint8Array, options: object, callback: (error: Error | null, result: Uint8Array) => void) => void
  >
>;

const DEFLATE: Method = {
  code: 1,
  compress: (bytes) => promisify<Uint8Array, zlib.ZlibOptions, Buffer>(zlib.deflateRaw)(bytes, { level: 1 }),
  decompress: (bytes, limit) =>
    promisify<Uint8Array, zlib.ZlibOptions, Buffer>(zlib.inflateRaw)(bytes, { maxOutputLength: limit }),
};

function zstd(): Method | undefined {
  const { zstdCompress, zstdDecompress } = zlib as Zstd;
  if (zstdCompress === undefined || zstdDecompress === undefined) return undefined;
  return {
    code: 2,
    compress: (bytes) => promisify(zstdCompress)(bytes, {}),
    decompress: (bytes, limit) => promisify(zstdDecompress)(bytes, { maxOutputLength: limit }),
  };
}

const CUSTOM_CODE = 3;

/** Turns blocks into what is stored and back. */
export class BlockCodec {
  readonly #method: Method | undefined;

  constructor(compression: Compression) {
    if (compression === 'none') return;
    this.#method =
      compression === 'deflate'
        ? DEFLATE
        : compression === 'zstd'
          ? zstd()
          : { ...bound(compression), code: CUSTOM_CODE };
    if (this.#method === undefined) {
      throw new StorageError(
        'UNSUPPORTED',
        "This version of Node has no zstd (22.15 and later do). Use compression: 'deflate', or upgrade Node.",
        { feature: 'zstd compression' },
      );
    }
  }

  /** The block as it is to be stored. At once where nothing is to be compressed. */
  encode(block: EntryBlock): Uint8Array | Promise<Uint8Array> {
    const raw = block.seal();
    return this.#method === undefined ? raw : this.#compress(this.#method, block, raw);
  }

  async #compress(method: Method, block: EntryBlock, raw: Uint8Array): Promise<Uint8Array> {
    const packed = await method.compress(raw.subarray(BLOCK_HEADER_BYTES));
    if (packed.length >= block.payloadBytes) return raw;
    const bytes = new Uint8Array(BLOCK_HEADER_BYTES + packed.length);
    bytes.set(packed, BLOCK_HEADER_BYTES);
    writeBlockHeader(bytes, viewOf(bytes), block.first, block.count, method.code, block.payloadBytes);
    return bytes;
  }

  /** What was stored, checked whole: `CORRUPTION` otherwise. At once where nothing is compressed. */
  decode(bytes: Uint8Array): EntryBlock | Promise<EntryBlock> {
    // Byte 9 is the compression; only a hint here, the checksum is checked on both ways.
    if (bytes[9] === 0) return EntryBlock.parse(bytes);
    return this.#decompress(bytes, readBlockHeader(bytes));
  }

  async #decompress(bytes: Uint8Array, header: BlockHeader): Promise<EntryBlock> {
    const payload = await this.#methodFor(header.compression)
      .decompress(bytes.subarray(BLOCK_HEADER_BYTES), header.rawBytes)
      .catch(() => undefined);
    if (payload?.length !== header.rawBytes) throw corruptBlock('does not decompress to the length it says');
    const raw = new Uint8Array(BLOCK_HEADER_BYTES + payload.length);
    raw.set(payload, BLOCK_HEADER_BYTES);
    writeBlockHeader(raw, viewOf(raw), header.first, header.count, 0, payload.length);
    return EntryBlock.parse(raw);
  }

  #methodFor(code: number): Method {
    const method =
      code === DEFLATE.code ? DEFLATE : code === 2 ? zstd() : code === this.#method?.code ? this.#method : undefined;
    if (method !== undefined) return method;
    throw new StorageError(
      'UNSUPPORTED',
      'A block was compressed in a way that is not available. Open the engine with the compression it was written with.',
      { feature: `compression ${code}` },
    );
  }
}

function bound(compression: CustomCompression): CustomCompression {
  return {
    compress: (bytes) => compression.compress(bytes),
    decompress: (bytes, limit) => compression.decompress(bytes, limit),
  };
}
