import { join } from 'node:path';
import type { FileIo } from '@raftlog/core';
import { readLogFile } from '@raftlog/kit/thread';
import { REDO_KEY } from './keys.ts';

/** Ends each commit's record in the write-ahead log, behind the header, which is put last: the commit's sequence. */
export function encodeSequence(sequence: number): Buffer {
  const bytes = Buffer.alloc(SEQUENCE_BYTES);
  bytes.writeBigUInt64LE(BigInt(sequence));
  return bytes;
}

export const SEQUENCE_BYTES = 8;

/** How RocksDB's newest write-ahead log ends. */
export interface LogEnd {
  /** Sequence of the last commit that is intact, and with all before it: there is none newer. `undefined`: none, which says nothing of the tables. */
  readonly sequence: number | undefined;
  /** Bytes behind it that RocksDB will not read. */
  readonly tornBytes: number;
}

/**
 * Reads the newest write-ahead log as RocksDB does: up to the first record that isn't intact. Whether one comes behind it tells nothing: records that
 * were not synced, such as deleted ranges, may reach the disk in any order. Older logs are left to the witness: they are most of the bytes.
 */
export async function readNewestLog(directory: string, io: FileIo): Promise<LogEnd> {
  const names = (await io.list(directory)).filter((name) => /^\d+\.log$/.test(name));
  const newest = names.sort((a, b) => Number.parseInt(a, 10) - Number.parseInt(b, 10)).at(-1);
  if (newest === undefined) return { sequence: undefined, tornBytes: 0 };
  let sequence: number | undefined;
  const { intactBytes, size } = await readLogFile(join(directory, newest), io, ({ head, tail }) => {
    if (isCommit(head)) sequence = Number(tail.readBigUInt64LE());
  });
  return { sequence, tornBytes: size - intactBytes };
}

// As RocksDB's `db/write_batch.cc` has it: a record is a batch of 12 bytes, then its operations, each with its kind, the length of its key, the key.
const FIRST_OPERATION = 12;
const DELETION = 0;
const PUT = 1;

/** Deleted ranges and the redo record of a commit are in the log too, and end with something else. */
function isCommit(record: Buffer): boolean {
  const [kind, keyLength] = record.subarray(FIRST_OPERATION);
  return kind === DELETION || (kind === PUT && keyLength !== REDO_KEY.length);
}
