import { LossyFileIo } from '@raftlog/core/conformance';
import { expect, test } from 'vitest';
import { HardStateFiles } from '../src/directory/hard-state-files.ts';
import { sealBlock } from '../src/format/sealed-block.ts';
import { codeOf, errorOf } from './support/error-of.ts';
import { openHardState } from './support/open-hard-state.ts';
import { forEachCrash } from './support/power-cuts.ts';

const vote = (currentTerm: number, votedFor?: string) => ({ currentTerm, votedFor });

async function created(): Promise<{ io: LossyFileIo; files: HardStateFiles }> {
  const io = new LossyFileIo({ directories: ['/data'] });
  const files = await HardStateFiles.create('/data', io);
  await io.syncDirectory('/data');
  return { io, files };
}

async function withSaved(...states: { currentTerm: number; votedFor: string | undefined }[]): Promise<LossyFileIo> {
  const { io, files } = await created();
  for (const state of states) await files.save(state);
  await files.close();
  return io;
}

test('a new store has no state, before and after it is opened again', async () => {
  const { io, files } = await created();
  expect(files.current).toBeUndefined();
  await files.close();
  const again = await openHardState('/data', io);
  expect(again.current).toBeUndefined();
  expect(again.healed).toBeUndefined();
});

test.each([vote(0), vote(1, 'node-1'), vote(Number.MAX_SAFE_INTEGER, 'ü'.repeat(512)), vote(3, 'a\0b')])(
  'round-trips %o',
  async (state) => {
    const io = await withSaved(state);
    const files = await openHardState('/data', io);
    expect(files.current).toEqual({ sequence: 1, state });
    await files.save(vote(Number.MAX_SAFE_INTEGER, 'x'));
    expect(files.current?.sequence).toBe(2);
  },
);

test.each(['/data/hardstate.a', '/data/hardstate.b'])('a save survives any damage to %s', async (path) => {
  const io = await withSaved(vote(1, 'old'), vote(2, 'new'));
  const intact = io.readFile(path);
  for (let offset = 0; offset < intact.byteLength; offset += 61) {
    const damaged = io.clone();
    const bytes = intact.slice();
    bytes[offset] = (bytes[offset] ?? 0) ^ 0x10;
    damaged.writeFile(path, bytes);
    const files = await openHardState('/data', damaged);
    expect(files.current).toEqual({ sequence: 2, state: vote(2, 'new') });
    expect(files.healed).toBe(path);
    expect(damaged.powerCut({ mode: 'synced' }).readFile(path)).toEqual(intact);
  }
});

test.each([0, 1, 4095])('a copy cut to %i bytes is healed', async (size) => {
  const io = await withSaved(vote(2, 'new'));
  io.writeFile('/data/hardstate.a', io.readFile('/data/hardstate.a').slice(0, size));
  const files = await openHardState('/data', io);
  expect(files.current?.state).toEqual(vote(2, 'new'));
  expect(io.readFile('/data/hardstate.a')).toEqual(io.readFile('/data/hardstate.b'));
});

test('both copies damaged: CORRUPTION, and nothing is written', async () => {
  const io = await withSaved(vote(2, 'new'));
  io.writeFile('/data/hardstate.a', new Uint8Array(4096));
  io.writeFile('/data/hardstate.b', new Uint8Array(4096).fill(255));
  const error = await errorOf(openHardState('/data', io));
  expect(error).toMatchObject({ code: 'CORRUPTION', details: { path: '/data/hardstate.a' } });
  expect(io.readFile('/data/hardstate.a')).toEqual(new Uint8Array(4096));
});

test.each(['/data/hardstate.a', '/data/hardstate.b'])('%s missing: CORRUPTION', async (path) => {
  const io = await withSaved(vote(2, 'new'));
  io.removeFile(path);
  expect(await errorOf(openHardState('/data', io))).toMatchObject({ code: 'CORRUPTION', details: { path } });
});

test('copies that contradict each other: CORRUPTION', async () => {
  const io = await withSaved(vote(2, 'one'));
  const other = await withSaved(vote(2, 'two'));
  io.writeFile('/data/hardstate.b', other.readFile('/data/hardstate.b'));
  expect(await codeOf(openHardState('/data', io))).toBe('CORRUPTION');
});

test('an unknown format version is refused', async () => {
  const io = await withSaved(vote(2, 'new'));
  io.writeFile(
    '/data/hardstate.a',
    sealBlock('RLHARDST', 2, () => undefined),
  );
  expect(await errorOf(openHardState('/data', io))).toMatchObject({
    code: 'UNSUPPORTED_FORMAT',
    details: { found: 2, supported: [1] },
  });
});

test('after a failed save nothing more is saved, and the next open shows the old state or the new one', async () => {
  for (const operations of [['write'], ['datasync']] as const) {
    for (const number of [1, 2]) {
      const { io, files } = await created();
      await files.save(vote(1, 'old'));
      io.failAt(number, 'EIO', { operations });
      expect(await codeOf(files.save(vote(2, 'new')))).toBe('STORE_FAILED');
      expect(files.current?.state).toEqual(vote(1, 'old'));
      expect(await codeOf(files.save(vote(3)))).toBe('STORE_FAILED');
      await files.close();
      const again = await openHardState('/data', io);
      const shown = again.current?.state;
      expect([vote(1, 'old'), vote(2, 'new')]).toContainEqual(shown);
      // The barrier: what was shown is on the disk now, although the failed sync had left it in the page cache only.
      const rebooted = await openHardState('/data', io.powerCut({ mode: 'synced' }));
      expect(rebooted.current?.state).toEqual(shown);
      expect(rebooted.healed).toBeUndefined();
    }
  }
});

// Longer than a sector: its records can be torn.
const longVote = (term: number) => vote(term, String(term).repeat(1000));

/** Opens what is left of a crash, with a crash at every call of that: no state below `promised` may ever be shown, nor one that was shown be lost. */
async function checkReopening(io: LossyFileIo, promised: number): Promise<void> {
  await forEachCrash(
    promised,
    async (reopened, promise) => {
      const { current } = await openHardState('/data', reopened);
      expect(current?.state).toEqual(longVote(current?.state.currentTerm ?? 0));
      expect(current?.state.currentTerm).toBeGreaterThanOrEqual(promised);
      promise(current?.state.currentTerm ?? 0);
    },
    async (last) => {
      const { current } = await openHardState('/data', last.io);
      expect(current?.state.currentTerm).toBeGreaterThanOrEqual(last.promised);
    },
    { io, limit: 12 },
  );
}

test('no crash loses an acknowledged state, at the save or at the open after it', async () => {
  const { io, files } = await created();
  await files.save(longVote(1));
  const count = await forEachCrash(
    1,
    async (_, promise) => {
      await files.save(longVote(2));
      promise(2);
      await files.save(longVote(3));
      promise(3);
    },
    (aftermath) => checkReopening(aftermath.io, aftermath.promised),
    { io },
  );
  expect(count).toBeGreaterThan(20);
});

test.each(['none', 'part', 'whole'] as const)(
  'no crash while opening after a failed sync, of which %s reached the disk, loses the state',
  async (lands) => {
    for (const number of [1, 2]) {
      const { io, files } = await created();
      await files.save(longVote(1));
      io.failAt(number, 'EIO', { operations: ['datasync'], lands });
      expect(await codeOf(files.save(longVote(2)))).toBe('STORE_FAILED');
      await checkReopening(io.killProcess(), 1);
    }
  },
);

test('the other copy is left alone until the newest is durable', async () => {
  const { io, files } = await created();
  await files.save(longVote(1));
  const ahead = io.clone();
  await (await openHardState('/data', ahead)).save(longVote(2));
  const bytes = ahead.readFile('/data/hardstate.a');
  // A save whose sync failed half-way: the page cache shows the new record, the disk has torn halves of both.
  const file = await io.open('/data/hardstate.a', 'write', { syncWrites: true });
  await file.write([bytes.subarray(0, 512)], 0);
  io.failAt(1, 'EIO', { operations: ['datasync'] });
  await expect(file.write([bytes], 0)).rejects.toMatchObject({ code: 'EIO' });
  await checkReopening(io.killProcess(), 1);
});
