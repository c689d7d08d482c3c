import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { encodeMarker, readMarker } from '../src/directory/directory-marker.ts';
import { HardStateFiles } from '../src/directory/hard-state-files.ts';
import { Witness } from '../src/directory/witness.ts';
import { EntryBlock } from '../src/format/block.ts';
import { decodeHeader, encodeHeader } from '../src/format/header.ts';
import { nodeFileIo } from '../src/io/node-file-io.ts';
import { SnapshotFiles } from '../src/snapshots/snapshot-files.ts';
import { openHardState } from './support/open-hard-state.ts';

/*
 * What format version 1 looks like, byte for byte: a directory that was written once must be read for ever. A test that fails here
 * says that the format has changed: that takes a new version, and a reader for the old one.
 */

const golden = new URL('golden/', import.meta.url).pathname;
let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'raftlog-golden-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

/** Compares with the golden file; `RAFTLOG_WRITE_GOLDEN=1` writes those that are missing, never one that is there. */
function expectGolden(name: string, bytes: Uint8Array): void {
  const path = join(golden, name);
  if (!existsSync(path) && process.env['RAFTLOG_WRITE_GOLDEN'] === '1') {
    mkdirSync(golden, { recursive: true });
    writeFileSync(path, bytes);
  }
  expect(Buffer.from(bytes).equals(readFileSync(path)), `${name} is written as it always was`).toBe(true);
}

const entries = [
  { index: 7, term: 3, kind: 'noop', data: new Uint8Array(0) },
  { index: 8, term: 3, kind: 'command', data: Uint8Array.of(1, 2, 3, 255) },
  { index: 9, term: 2 ** 40 + 5, kind: 'config', data: new Uint8Array(40).fill(170) },
] as const;

test('a block', () => {
  const block = EntryBlock.start(7, 0);
  for (const { term, kind, data } of entries) block.append(term, kind, data);
  expectGolden('block.bin', block.seal());
  const read = EntryBlock.parse(readFileSync(join(golden, 'block.bin')));
  expect(read.slice(7, 9).map((entry) => ({ ...entry, data: Uint8Array.from(entry.data) }))).toEqual(entries);
});

test('the header of a store', () => {
  const header = {
    sequence: 2 ** 33 + 1,
    boundary: { index: 6, term: 2 },
    lastLogId: { index: 9, term: 2 ** 40 + 5 },
    hardStateSequence: 4,
    damaged: true,
  };
  expectGolden('header.bin', encodeHeader(header));
  expect(decodeHeader(readFileSync(join(golden, 'header.bin')))).toEqual(header);
});

test('the hard state', async () => {
  const files = await HardStateFiles.create(directory, nodeFileIo);
  await files.save({ currentTerm: 5, votedFor: undefined });
  await files.save({ currentTerm: 2 ** 40 + 5, votedFor: 'node-ü' });
  await files.close();
  for (const name of ['hardstate.a', 'hardstate.b']) {
    expectGolden(`${name}.bin`, readFileSync(join(directory, name)));
    writeFileSync(join(directory, name), readFileSync(join(golden, `${name}.bin`)));
  }
  const read = await openHardState(directory, nodeFileIo);
  expect(read.current).toEqual({ sequence: 2, state: { currentTerm: 2 ** 40 + 5, votedFor: 'node-ü' } });
  await read.close();
});

test('the witness', async () => {
  const fail = (operation: string, error: unknown): never => {
    throw new Error(operation, { cause: error });
  };
  const witness = await Witness.create(directory, nodeFileIo, fail);
  witness.note(12, { index: 9, term: 3 });
  await witness.close(true);
  const path = join(directory, 'witness');
  expectGolden('witness.bin', readFileSync(path));
  writeFileSync(path, readFileSync(join(golden, 'witness.bin')));
  const read = await Witness.open(directory, nodeFileIo, fail);
  expect([read.recorded, read.damaged]).toEqual([{ sequence: 12, lastLogId: { index: 9, term: 3 } }, false]);
  await read.close(false);
});

test('the marker of a directory', async () => {
  const marker = { adaptor: '@raftlog/adaptor-file', storeId: '0b8c2f5e-6a57-4d0c-9f39-0d8f6f9a2b11', groupId: null };
  expectGolden('raftlog.json.bin', encodeMarker(marker));
  writeFileSync(join(directory, 'raftlog.json'), readFileSync(join(golden, 'raftlog.json.bin')));
  expect(await readMarker(directory, 'raftlog.json', nodeFileIo)).toEqual(marker);
});

test('a snapshot', async () => {
  const onFailure = (operation: string, error: unknown): never => {
    throw new Error(operation, { cause: error });
  };
  const snapshots = await SnapshotFiles.open(directory, nodeFileIo, { onFailure });
  const content = new Uint8Array(300_000).map((_, position) => position % 251);
  const saved = await snapshots.save(
    { lastIncluded: { index: 9, term: 3 }, context: Uint8Array.of(4, 5) },
    (async function* () {
      yield content;
    })(),
  );
  await snapshots.close();
  const [name] = readdirSync(directory);
  expect(name).toBe('0000000000000009-0000000000000003-0000000000000001.snap');
  const path = join(directory, name as string);
  expectGolden('snapshot.bin', readFileSync(path));
  writeFileSync(path, readFileSync(join(golden, 'snapshot.bin')));
  const reader = await SnapshotFiles.open(directory, nodeFileIo, { onFailure });
  expect(await reader.latest()).toEqual(saved);
  const read: Uint8Array[] = [];
  for await (const chunk of reader.open(saved.id)) read.push(chunk);
  expect(Buffer.concat(read).equals(content)).toBe(true);
  await reader.close();
});
