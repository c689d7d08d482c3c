import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createRandom, defaultSeed } from '@raftlog/core/conformance';
import { expect, test } from 'vitest';
import { crc32c } from '../src/format/crc32c.ts';
import { type LogFileEnd, nodeFileIo, readLogFile } from '../src/index.ts';
import { temporaryDirectory } from './support/temporary-directory.ts';

// Files that the databases themselves wrote are read in the tests of their adaptors.
const BLOCK = 32 * 1024;
const HEADER = 7;

test('CRC-32C', () => {
  expect(crc32c(Buffer.from('123456789'))).toBe(0xe3069283);
  expect(crc32c(new Uint8Array(0))).toBe(0);
});

/** A log file as LevelDB's `doc/log_format.md` has it, and where each record begins. */
function encodeLog(records: readonly Buffer[]): { readonly bytes: Buffer; readonly starts: readonly number[] } {
  const parts: Buffer[] = [];
  const starts: number[] = [];
  let size = 0;
  const append = (part: Buffer): void => {
    parts.push(part);
    size += part.length;
  };
  for (const record of records) {
    let at = 0;
    for (let isFirst = true; isFirst || at < record.length; isFirst = false) {
      if (BLOCK - (size % BLOCK) < HEADER) append(Buffer.alloc(BLOCK - (size % BLOCK)));
      if (isFirst) starts.push(size);
      const payload = record.subarray(at, at + BLOCK - (size % BLOCK) - HEADER);
      at += payload.length;
      append(encodeFragment(payload, isFirst, at === record.length));
    }
  }
  return { bytes: Buffer.concat(parts), starts };
}

function encodeFragment(payload: Buffer, isFirst: boolean, isLast: boolean): Buffer {
  const type = isFirst ? (isLast ? 1 : 2) : isLast ? 4 : 3;
  const typed = Buffer.concat([Buffer.of(type), payload]);
  const checksum = crc32c(typed);
  const masked = (((checksum >>> 15) | (checksum << 17)) + 0xa282ead8) >>> 0;
  const front = Buffer.alloc(6);
  front.writeUInt32LE(masked);
  front.writeUInt16LE(payload.length, 4);
  return Buffer.concat([front, typed]);
}

/** Of different bytes each, at least 8. */
function recordsOf(sizes: readonly number[]): Buffer[] {
  return sizes.map((size, i) => Buffer.alloc(size, `record ${i} `));
}

interface Found {
  readonly end: LogFileEnd;
  /** Beginnings and ends of the records. */
  readonly ends: readonly (readonly [string, string])[];
}

async function read(directory: string, bytes: Buffer): Promise<Found> {
  const path = join(directory, 'file.log');
  writeFileSync(path, bytes);
  const ends: [string, string][] = [];
  const end = await readLogFile(path, nodeFileIo, ({ head, tail }) => {
    ends.push([head.toString('latin1', 0, 64), tail.toString('latin1')]);
  });
  return { end, ends };
}

const endsOf = (records: readonly Buffer[]): [string, string][] =>
  records.map((record) => [
    record.toString('latin1', 0, 64),
    record.toString('latin1', Math.max(0, record.length - 8)),
  ]);

test('records of every size come back, whatever is left of the block that they begin in', async () => {
  const directory = temporaryDirectory();
  for (let left = 0; left <= 80; left++) {
    const records = recordsOf([BLOCK - HEADER - left, 8, 50, 3 * BLOCK, 20, 10 * BLOCK, 8]);
    const { bytes } = encodeLog(records);
    const { end, ends } = await read(directory, bytes);
    expect(ends, `${left} bytes left`).toEqual(endsOf(records));
    expect(end).toEqual({ intactBytes: bytes.length, size: bytes.length, damaged: false });
  }
  expect((await read(directory, Buffer.alloc(0))).end).toEqual({ intactBytes: 0, size: 0, damaged: false });
});

test('a file that was cut ends with the last whole record, a flipped byte with the one before, and what follows it is told', async () => {
  const directory = temporaryDirectory();
  const records = recordsOf([100, BLOCK, 30, 90_000, 8, 200]);
  const { bytes, starts } = encodeLog(records);
  const seed = defaultSeed();
  const random = createRandom(seed);
  for (let round = 0; round < 300; round++) {
    const at = random.integer(0, bytes.length - 1);
    const where = `at ${at}, RAFTLOG_SEED=${seed}`;
    const hit = starts.findLastIndex((start) => start <= at);

    const cut = await read(directory, bytes.subarray(0, at));
    expect(cut.ends, where).toEqual(endsOf(records.slice(0, hit)));
    expect(cut.end, where).toEqual({ intactBytes: starts[hit], size: at, damaged: false });

    const flipped = Buffer.from(bytes);
    flipped[at] = (flipped[at] ?? 0) ^ random.integer(1, 255);
    const found = await read(directory, flipped);
    expect(found.ends, where).toEqual(endsOf(records.slice(0, hit)));
    expect(found.end.intactBytes, where).toBe(starts[hit]);
    // Records that begin in a later block are found whatever is damaged; those in the same one as long as the length is right.
    const hasLater = starts.some((start, i) => i > hit && Math.floor(start / BLOCK) > Math.floor(at / BLOCK));
    if (hasLater) expect(found.end.damaged, where).toBe(true);
    if (hit === records.length - 1) expect(found.end.damaged, where).toBe(false);
  }
});
