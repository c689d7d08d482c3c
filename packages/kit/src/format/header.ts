import { type LogId, StorageError } from '@raftlog/core';
import { viewOf } from './block.ts';
import { crc32 } from './checksum.ts';

/*
 * The header of a store, in bytes (little-endian; 53-bit numbers as two u32, low first):
 *
 *    0  u32  magic "RLH1"
 *    4  u32  CRC-32 of everything from byte 8 on
 *    8  u32  version, 1
 *   12  u32  flags: 1 there is a boundary, 2 there is a last log id, 4 the log has damaged ranges
 *   16  u64  commit sequence
 *   24  u64  boundary index     32  u64  boundary term
 *   40  u64  last index         48  u64  last term
 *   56  u64  hard-state sequence
 */
const MAGIC = 0x31484c52;
const VERSION = 1;
const BYTES = 64;
const TWO_32 = 0x1_0000_0000;

const HAS_BOUNDARY = 1;
const HAS_LAST = 2;
const IS_DAMAGED = 4;

/** The state of a log besides its entries, as of one commit. */
export interface LogHeader {
  readonly sequence: number;
  readonly boundary: LogId | undefined;
  readonly lastLogId: LogId | undefined;
  /** Sequence of the hard state that was durable before this commit: an older one found later has lost a vote. */
  readonly hardStateSequence: number;
  /** Ranges of the log are lost and not yet repaired: only a salvage may open it. */
  readonly damaged: boolean;
}

export function encodeHeader(header: LogHeader): Uint8Array {
  const bytes = new Uint8Array(BYTES);
  const view = viewOf(bytes);
  const put = (offset: number, value: number): void => {
    view.setUint32(offset, value % TWO_32, true);
    view.setUint32(offset + 4, Math.floor(value / TWO_32), true);
  };
  const { boundary, lastLogId } = header;
  view.setUint32(0, MAGIC, true);
  view.setUint32(8, VERSION, true);
  view.setUint32(
    12,
    (boundary ? HAS_BOUNDARY : 0) | (lastLogId ? HAS_LAST : 0) | (header.damaged ? IS_DAMAGED : 0),
    true,
  );
  put(16, header.sequence);
  put(24, boundary?.index ?? 0);
  put(32, boundary?.term ?? 0);
  put(40, lastLogId?.index ?? 0);
  put(48, lastLogId?.term ?? 0);
  put(56, header.hardStateSequence);
  view.setUint32(4, crc32(bytes.subarray(8)), true);
  return bytes;
}

/** `CORRUPTION` unless all of it is intact. */
export function decodeHeader(bytes: Uint8Array): LogHeader {
  const view = viewOf(bytes);
  if (
    bytes.length < BYTES ||
    view.getUint32(0, true) !== MAGIC ||
    view.getUint32(4, true) !== crc32(bytes.subarray(8))
  ) {
    throw new StorageError(
      'CORRUPTION',
      'The header of the log is damaged. Restore the directory from a backup, or rebuild this node from its peers.',
      {},
    );
  }
  const version = view.getUint32(8, true);
  if (version !== VERSION) {
    throw new StorageError(
      'UNSUPPORTED_FORMAT',
      `The log has format version ${version}; this version of Raftlog reads ${VERSION}. Upgrade Raftlog.`,
      { path: '', found: version, supported: [VERSION] },
    );
  }
  const get = (offset: number): number => view.getUint32(offset, true) + view.getUint32(offset + 4, true) * TWO_32;
  const flags = view.getUint32(12, true);
  return {
    sequence: get(16),
    boundary: flags & HAS_BOUNDARY ? { index: get(24), term: get(32) } : undefined,
    lastLogId: flags & HAS_LAST ? { index: get(40), term: get(48) } : undefined,
    hardStateSequence: get(56),
    damaged: (flags & IS_DAMAGED) !== 0,
  };
}
