import { join } from 'node:path';
import { type FileIo, StorageError } from '@raftlog/core';
import { readLogFile } from '@raftlog/kit';

/** Bytes at the end of each commit's record in the write-ahead log: its sequence, which {@link checkLogFiles} counts by. */
export function encodeSequence(sequence: number): Buffer {
  const bytes = Buffer.alloc(SEQUENCE_BYTES);
  bytes.writeBigUInt64LE(BigInt(sequence));
  return bytes;
}

export const SEQUENCE_BYTES = 8;

/**
 * Looks at LevelDB's manifest and write-ahead logs before LevelDB does, and throws `CORRUPTION` where it would lose something in silence: it skips 32 KiB of
 * a damaged log and goes on behind them, so that a truncation in the middle is undone and later commits stand; it takes a cut file for a whole
 * one; and it removes the files in question once it has opened. Resolves to the bytes of a commit that a crash tore, at the very end.
 *
 * @param witnessed - The logs have lost something if they end below this commit.
 */
export async function checkLogFiles(directory: string, io: FileIo, witnessed: number): Promise<number> {
  const firstLog = await readManifest(directory, io);
  const logs = (await io.list(directory)).map(logNumberOf).filter((number) => number >= firstLog);
  logs.sort((a, b) => a - b);
  if (logs[0] !== firstLog) throw damaged(join(directory, logFileName(firstLog)), 'is missing');

  let last: number | undefined;
  let before = 0;
  let discarded = 0;
  for (const number of logs) {
    const path = join(directory, logFileName(number));
    const end = await readLogFile(path, io, ({ tail }) => {
      const sequence = Number(tail.readBigUInt64LE());
      // Empty ones may stand before the first commit: LevelDB starts a new log for each compaction that it is asked for.
      if (last === undefined ? before > 0 : sequence !== last + 1) {
        throw damaged(path, `goes on with commit ${sequence} behind ${last ?? 'what can not be read'}`);
      }
      last = sequence;
    });
    if (end.damaged) throw damaged(path, `is damaged at byte ${end.intactBytes}`, end.intactBytes);
    before += end.size;
    discarded += end.size - end.intactBytes;
  }
  if (last !== undefined && last < witnessed) {
    throw damaged(directory, `ends with commit ${last}, but ${witnessed} was acknowledged`);
  }
  return discarded;
}

/** Number of the oldest log file whose commits are in no table yet. */
async function readManifest(directory: string, io: FileIo): Promise<number> {
  const current = join(directory, 'CURRENT');
  if ((await io.kind(current)) === undefined) throw damaged(current, 'is missing');
  const name = (await readText(current, io)).trimEnd();
  const path = join(directory, name);
  if (!/^MANIFEST-\d+$/.test(name) || (await io.kind(path)) === undefined) {
    throw damaged(current, `names no manifest that is there: ${JSON.stringify(name)}`);
  }
  let firstLog: number | undefined;
  const end = await readLogFile(path, io, ({ head }) => {
    firstLog = logNumberIn(head) ?? firstLog;
  });
  if (end.damaged || firstLog === undefined)
    throw damaged(path, `is damaged at byte ${end.intactBytes}`, end.intactBytes);
  return firstLog;
}

const COMPARATOR = 1;
const LOG_NUMBER = 2;

/** The log number in a record of the manifest, which has it first or behind the name of the comparator. */
function logNumberIn(record: Buffer): number | undefined {
  let at = 0;
  if (record[at] === COMPARATOR) at = 2 + (record[1] ?? 0);
  if (record[at] !== LOG_NUMBER) return undefined;
  let number = 0;
  for (let scale = 1; ; scale *= 128) {
    const byte = record[++at] ?? 0;
    number += (byte & 0x7f) * scale;
    if (byte < 0x80) return number;
  }
}

async function readText(path: string, io: FileIo): Promise<string> {
  const file = await io.open(path, 'read');
  try {
    const bytes = Buffer.alloc(await file.size());
    await file.read(bytes, 0);
    return bytes.toString('latin1');
  } finally {
    await file.close();
  }
}

function logNumberOf(name: string): number {
  return Number(/^(\d+)\.log$/.exec(name)?.[1] ?? Number.NaN);
}

function logFileName(number: number): string {
  return `${String(number).padStart(6, '0')}.log`;
}

function damaged(path: string, how: string, offset?: number): StorageError<'CORRUPTION'> {
  return new StorageError(
    'CORRUPTION',
    `${path} ${how}: acknowledged entries are lost. Nothing was changed. Restore the directory from a backup, or rebuild this node from its peers.`,
    { path, ...(offset === undefined ? undefined : { offset }) },
  );
}
