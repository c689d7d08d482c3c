import { mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { LossyFileIo } from '@raftlog/core/conformance';
import { expect, test } from 'vitest';
import { type EngineDirectory, openEngineDirectory } from '../src/directory/engine-directory.ts';
import { HardStateFiles } from '../src/directory/hard-state-files.ts';
import { Witness } from '../src/directory/witness.ts';
import { nodeFileIo } from '../src/io/node-file-io.ts';
import { codeOf, errorOf } from './support/error-of.ts';
import { openHardState } from './support/open-hard-state.ts';
import { forEachCrash } from './support/power-cuts.ts';
import { temporaryDirectory } from './support/temporary-directory.ts';

const adaptor = '@raftlog/adaptor-test';
const noFailure = (): void => undefined;

function open(directory: string, io = nodeFileIo, name = adaptor): Promise<EngineDirectory> {
  return openEngineDirectory({ directory, adaptor: name, io, blocks: true });
}

/** Makes what an engine makes, or opens it: hard state, witness and one file of blocks. */
async function openStore(io: LossyFileIo): Promise<{ directory: EngineDirectory; hardState: HardStateFiles }> {
  const directory = await open('/data/new/node', io);
  const { path, created, blocks } = directory;
  const hardState = await (created ? HardStateFiles.create(path, io) : openHardState(path, io));
  await (created ? Witness.create(path, io, noFailure) : Witness.open(path, io, noFailure));
  const file = await io.open(`${blocks}/log`, created ? 'create-new' : 'write', { syncWrites: true });
  if (created) await file.write([Buffer.from('log')], 0);
  await directory.completeCreation();
  return { directory, hardState };
}

/** Every file below a directory with its content, and when it was last changed. */
function contents(directory: string): Record<string, string> {
  const found: Record<string, string> = {};
  for (const name of readdirSync(directory, { recursive: true, encoding: 'utf8' })) {
    const path = join(directory, name);
    const { mtimeMs } = statSync(path);
    found[name] = statSync(path).isFile() ? `${mtimeMs} ${readFileSync(path, 'latin1')}` : 'directory';
  }
  return found;
}

test('makes a missing directory with its parents, and opens it again as the same store', async () => {
  const path = join(temporaryDirectory(), 'a', 'b', 'c');
  const first = await open(path);
  expect(first).toMatchObject({
    created: true,
    path,
    blocks: join(path, 'blocks'),
    snapshots: join(path, 'snapshots'),
  });
  expect(readdirSync(path).sort()).toEqual(['blocks', 'raftlog.creating', 'raftlog.lock', 'snapshots']);
  await first.completeCreation();
  expect(readdirSync(path).sort()).toEqual(['blocks', 'raftlog.json', 'raftlog.lock', 'snapshots']);
  await first.release();
  await first.release();
  const second = await open(path);
  expect(second).toMatchObject({ created: false, storeId: first.storeId });
  await second.completeCreation();
  await second.release();
  expect(JSON.parse(readFileSync(join(path, 'raftlog.json'), 'utf8'))).toMatchObject({
    adaptor,
    version: 1,
    groupId: null,
  });
});

test('a relative path is taken from the working directory; without blocks there is no subdirectory for them', async () => {
  const directory = temporaryDirectory();
  const before = process.cwd();
  process.chdir(directory);
  try {
    const opened = await openEngineDirectory({ directory: 'node', adaptor, io: nodeFileIo, blocks: false });
    expect(opened.path.endsWith('/node')).toBe(true);
    expect(opened.blocks).toBe('');
    expect(readdirSync(join(directory, 'node'))).not.toContain('blocks');
    await opened.release();
  } finally {
    process.chdir(before);
  }
});

test('lost+found does not make a volume foreign', async () => {
  const directory = temporaryDirectory();
  mkdirSync(join(directory, 'lost+found'));
  const opened = await open(directory);
  expect(opened.created).toBe(true);
  await opened.release();
});

test.each([
  ['', '""'],
  [undefined, 'undefined'],
  [7, 'number'],
  ['a\0b', JSON.stringify('a\0b')],
])('directory %j: INVALID_ARGUMENT', async (directory, received) => {
  const error = await errorOf(open(directory as string));
  expect(error).toMatchObject({ code: 'INVALID_ARGUMENT', details: { argument: 'directory', received } });
});

test('a file in the way is refused, at the path or above it', async () => {
  const path = join(temporaryDirectory(), 'file');
  writeFileSync(path, 'mine');
  expect(await errorOf(open(path))).toMatchObject({ code: 'FOREIGN_DIRECTORY', details: { path } });
  expect(await codeOf(open(join(path, 'below')))).toBe('FOREIGN_DIRECTORY');
  expect(readFileSync(path, 'utf8')).toBe('mine');
});

test('a second opener is refused at once, under any name of the directory', async () => {
  const root = temporaryDirectory();
  const path = join(root, 'node');
  const first = await open(path);
  symlinkSync(path, join(root, 'alias'));
  expect(await errorOf(open(path))).toMatchObject({ code: 'LOCKED', details: { path } });
  await first.completeCreation();
  expect(await codeOf(open(path))).toBe('LOCKED');
  expect(await codeOf(open(join(root, 'alias')))).toBe('LOCKED');
  await first.release();
  await (await open(path)).release();
});

test('many openers at once: one makes the store, the others are told LOCKED', async () => {
  const path = join(temporaryDirectory(), 'node');
  const results = await Promise.allSettled(Array.from({ length: 12 }, () => open(path)));
  const opened = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
  expect(opened).toHaveLength(1);
  for (const result of results)
    if (result.status === 'rejected') expect(result.reason).toMatchObject({ code: 'LOCKED' });
  await opened[0]?.release();
});

const marker = (fields: object) =>
  JSON.stringify({ format: 'raftlog', version: 1, storeId: 'x', groupId: null, ...fields });

test.each([
  ['a foreign directory', { 'photo.jpg': 'x' }, 'FOREIGN_DIRECTORY'],
  ['a LevelDB', { LOCK: '', CURRENT: 'x', 'MANIFEST-000001': 'x' }, 'FOREIGN_DIRECTORY'],
  ['a newer format', { 'raftlog.json': marker({ version: 2, adaptor }) }, 'UNSUPPORTED_FORMAT'],
  ['a damaged marker', { 'raftlog.json': marker({ adaptor, checksum: '00000000' }) }, 'CORRUPTION'],
  ['an empty marker', { 'raftlog.json': '' }, 'CORRUPTION'],
  ['a marker that is JSON of something else', { 'raftlog.json': '[1]' }, 'CORRUPTION'],
  ['a store without its marker', { 'hardstate.a': 'x', 'hardstate.b': 'x', witness: 'x' }, 'CORRUPTION'],
  ['a store without its marker, locked before', { 'hardstate.b': 'x', 'raftlog.lock': '' }, 'CORRUPTION'],
  [
    'an unfinished creation of a newer format',
    { 'raftlog.creating': marker({ version: 9, adaptor }), 'hardstate.a': 'x' },
    'UNSUPPORTED_FORMAT',
  ],
])('%s is refused untouched', async (_, files, code) => {
  const directory = temporaryDirectory();
  for (const [name, content] of Object.entries(files)) writeFileSync(join(directory, name), content);
  const before = contents(directory);
  const error = await errorOf(open(directory));
  expect(error.code).toBe(code);
  expect(error.message).toMatch(/\.$/);
  expect(contents(directory)).toEqual(before);
});

test('a directory that the user made a moment ago is durable with what is in it', async () => {
  const io = new LossyFileIo({ directories: ['/data'] });
  await io.makeDirectory('/data/new');
  await io.syncDirectory('/data');
  await io.makeDirectory('/data/new/node');
  await openStore(io);
  expect((await openStore(io.powerCut({ mode: 'synced' }))).directory.created).toBe(false);
});

test("another adaptor's directory is refused untouched and its adaptor named, whole or unfinished", async () => {
  const directory = temporaryDirectory();
  const other = await open(directory, nodeFileIo, '@raftlog/adaptor-other');
  for (const finish of [async () => undefined, () => other.completeCreation()]) {
    await finish();
    await other.release();
    const before = contents(directory);
    const error = await errorOf(open(directory));
    expect(error).toMatchObject({ code: 'FOREIGN_DIRECTORY', details: { found: '@raftlog/adaptor-other' } });
    expect(contents(directory)).toEqual(before);
  }
});

test('every flipped bit of the marker is refused, or says the same', async () => {
  const io = new LossyFileIo({ directories: ['/data'] });
  const { directory } = await openStore(io);
  const intact = io.readFile('/data/new/node/raftlog.json');
  const after = io.killProcess();
  for (let offset = 0; offset < intact.byteLength; offset++) {
    for (const bit of [1, 4, 32]) {
      const flipped = intact.slice();
      flipped[offset] = (flipped[offset] ?? 0) ^ bit;
      after.writeFile('/data/new/node/raftlog.json', flipped);
      const answer = await open('/data/new/node', after).then(
        async (opened) => {
          await opened.release();
          return opened.storeId;
        },
        (error: { code: string }) => error.code,
      );
      expect(['CORRUPTION', 'UNSUPPORTED_FORMAT', directory.storeId]).toContain(answer);
    }
  }
});

test('an unfinished creation is cleared and begun again; unknown files stay', async () => {
  const directory = temporaryDirectory();
  const first = await open(directory);
  await HardStateFiles.create(directory, nodeFileIo);
  mkdirSync(join(first.blocks, 'deeper'));
  for (const path of [join(first.blocks, 'log'), join(first.blocks, 'deeper', 'log'), join(first.snapshots, 'x.tmp')]) {
    writeFileSync(path, 'unacknowledged');
  }
  writeFileSync(join(directory, 'notes.txt'), 'mine');
  await first.release();
  const second = await open(directory);
  expect(second.created).toBe(true);
  expect(second.storeId).not.toBe(first.storeId);
  expect(readdirSync(directory).sort()).toEqual([
    'blocks',
    'notes.txt',
    'raftlog.creating',
    'raftlog.lock',
    'snapshots',
  ]);
  expect(readdirSync(second.blocks, { recursive: true })).toEqual(['deeper']);
  expect(readdirSync(second.snapshots)).toEqual([]);
  await HardStateFiles.create(directory, nodeFileIo);
  await second.completeCreation();
  await second.release();
  expect((await open(directory)).created).toBe(false);
});

test('a torn marker of an unfinished creation does not stop the next one', async () => {
  const directory = temporaryDirectory();
  writeFileSync(join(directory, 'raftlog.creating'), '{"format":"raft');
  const opened = await open(directory);
  expect(opened.created).toBe(true);
  await opened.release();
});

test('a marker "unfinished" beside the real one is taken away, not obeyed', async () => {
  const directory = temporaryDirectory();
  const first = await open(directory);
  await first.completeCreation();
  await first.release();
  writeFileSync(join(directory, 'raftlog.creating'), readFileSync(join(directory, 'raftlog.json')));
  writeFileSync(join(first.blocks, 'log'), 'acknowledged');
  const second = await open(directory);
  expect(second.created).toBe(false);
  expect(readFileSync(join(second.blocks, 'log'), 'utf8')).toBe('acknowledged');
  expect(readdirSync(directory)).not.toContain('raftlog.creating');
  await second.release();
});

test.each([
  ['EACCES', 'PERMISSION_DENIED'],
  ['EROFS', 'PERMISSION_DENIED'],
  ['ENOSPC', 'NO_SPACE'],
] as const)(
  '%s while a store is made: %s, the lock is free, and what the failure allows is left clean',
  async (systemCode, code) => {
    for (let number = 1; ; number++) {
      const io = new LossyFileIo({ directories: ['/data/node'] });
      io.failAt(number, systemCode, {
        operations: ['open', 'lock', 'write', 'datasync', 'syncDirectory', 'makeDirectory'],
      });
      const error = await open('/data/node', io).then(
        async (opened) => {
          await opened.release();
          return undefined;
        },
        (reason: { code: string }) => reason,
      );
      if (error === undefined) break;
      expect(error.code === code || (number > 4 && systemCode !== 'ENOSPC')).toBe(true);
      io.healAll();
      if (!io.files('/data/node').includes('/data/node/raftlog.creating')) expect(io.files('/data/node')).toEqual([]);
      await (await open('/data/node', io)).release();
    }
  },
);

test('a read-only disk is left without any new file', async () => {
  const io = new LossyFileIo({ directories: ['/data/node'] });
  io.failAt(1, 'EROFS', { operations: ['lock', 'write', 'makeDirectory'], forever: true });
  expect(await errorOf(open('/data/node', io))).toMatchObject({
    code: 'PERMISSION_DENIED',
    details: { path: '/data/node' },
  });
  expect(io.files('/data/node')).toEqual([]);
});

test.each(['contract', 'ext4'] as const)(
  'no crash during or after the creation loses what was acknowledged, nor leaves a place that does not open (%s)',
  async (model) => {
    const count = await forEachCrash(
      0,
      async (io, promise) => {
        const { hardState, directory } = await openStore(io);
        promise(1);
        await hardState.save({ currentTerm: 2, votedFor: 'a' });
        promise(2);
        await hardState.close();
        await directory.release();
      },
      async ({ io, promised }) => {
        // What the second process is promised must survive a crash too: it may have seen names that are not on the disk.
        let seen = promised;
        const { directory, hardState } = await openStore(io);
        if (promised > 0) expect(directory.created).toBe(false);
        if (promised > 1) expect(hardState.current?.state).toEqual({ currentTerm: 2, votedFor: 'a' });
        await hardState.save({ currentTerm: 5, votedFor: 'b' });
        seen = 5;
        const rebooted = await openStore(io.powerCut({ mode: 'synced' }));
        expect(rebooted.directory.created).toBe(false);
        expect(rebooted.hardState.current?.state.currentTerm).toBe(seen);
      },
      { io: new LossyFileIo({ directories: ['/data'], model }), limit: 30 },
    );
    expect(count).toBeGreaterThan(60);
  },
);
