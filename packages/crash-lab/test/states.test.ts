import { createRandom } from '@raftlog/core/conformance';
import { describe, expect, test } from 'vitest';
import type { Change } from '../src/record/change.ts';
import { ROOT } from '../src/record/live-tree.ts';
import { CrashDisk, type CrashModel, type Fate } from '../src/states/crash-disk.ts';
import { fatesOf } from '../src/states/fates.ts';

const FILE = 2;
const DIRECTORY = 1;
const ALL: Fate = { isNamed: () => true, isWritten: () => true, size: 'new' };
const NONE: Fate = { isNamed: () => false, isWritten: () => false, size: 'old' };

/** One call after the other: each begins when the one before has ended. */
function disk(model: CrashModel, ...made: readonly Omit<Change, 'began' | 'ended' | 'call'>[]): CrashDisk {
  const changes = made.map(
    (change, at) => ({ call: change.kind, began: 2 * at, ended: 2 * at + 1, ...change }) as Change,
  );
  const played = new CrashDisk({ before: new Map(), nodes: new Map(), changes }, model);
  played.advanceTo(1000);
  return played;
}

const directory = { kind: 'create', file: DIRECTORY, to: { directory: ROOT, name: 'd' }, isDirectory: true } as const;
const file = { kind: 'create', file: FILE, to: { directory: DIRECTORY, name: 'f' }, isDirectory: false } as const;
const write = (at: number, length: number, byte: number, through = false) =>
  ({ kind: 'write', file: FILE, at, bytes: new Uint8Array(length).fill(byte), through }) as const;
const sync = (node = FILE, dataOnly = false) => ({ kind: 'sync', file: node, dataOnly }) as const;
const resize = (size: number) => ({ kind: 'resize', file: FILE, size }) as const;
const rename = { kind: 'rename', file: FILE, from: file.to, to: { directory: DIRECTORY, name: 'g' } } as const;

const names = (played: CrashDisk, fate: Fate): string[] => [...played.image(fate).keys()];
const bytes = (played: CrashDisk, fate: Fate, path = 'd/f'): number[] => [
  ...((played.image(fate).get(path) ?? []) as Uint8Array),
];

describe('names', () => {
  test('what was not synced may be there or not', () => {
    const played = disk('ext4', directory, file);
    expect(names(played, NONE)).toEqual([]);
    expect(names(played, { ...NONE, isNamed: (_, number) => number === 0 })).toEqual(['d']);
    expect(names(played, ALL)).toEqual(['d', 'd/f']);
  });

  test('on ext4 the fsync of a file keeps its name and all names before', () => {
    expect(names(disk('ext4', directory, file, sync(FILE, true)), NONE)).toEqual(['d', 'd/f']);
  });

  test('on a weak file system only the fsync of each directory does', () => {
    expect(names(disk('weak', directory, file, sync()), NONE)).toEqual([]);
    expect(names(disk('weak', directory, file, sync(), sync(DIRECTORY)), NONE)).toEqual([]);
    expect(names(disk('weak', directory, file, sync(), sync(DIRECTORY), sync(ROOT)), NONE)).toEqual(['d', 'd/f']);
  });

  test('fdatasync of a renamed file does not keep the new name, fsync of its directory does', () => {
    const before = [directory, file, sync(), rename] as const;
    expect(names(disk('ext4', ...before, sync(FILE, true)), NONE)).toEqual(['d', 'd/f']);
    expect(names(disk('ext4', ...before, sync()), NONE)).toEqual(['d', 'd/g']);
    expect(names(disk('weak', ...before, sync(DIRECTORY), sync(ROOT)), NONE)).toEqual(['d', 'd/g']);
  });
});

describe('data', () => {
  const made = [directory, file, sync()] as const;

  test('each write may be there or not, and the size with it', () => {
    const played = disk('ext4', ...made, write(0, 2, 7));
    expect(bytes(played, NONE)).toEqual([]);
    expect(bytes(played, { ...NONE, size: 'new' })).toEqual([0, 0]);
    expect(bytes(played, { ...ALL, size: 'old' })).toEqual([]);
    expect(bytes(played, ALL)).toEqual([7, 7]);
  });

  test('a later write may be there without an earlier one, but not in the same sector', () => {
    const far = disk('ext4', ...made, write(0, 1, 7), write(512, 1, 8));
    const second = { ...NONE, isWritten: (_: unknown, from: number) => from > 0, size: 'written' } as const;
    expect(bytes(far, second)).toEqual([...new Array(512).fill(0), 8]);
    const near = disk('ext4', ...made, write(0, 1, 7), write(1, 1, 8));
    expect(bytes(near, second)).toEqual([]);
  });

  test('a sync settles what had ended when it began', () => {
    expect(bytes(disk('ext4', ...made, write(0, 1, 7), sync(FILE, true), write(1, 1, 8)), NONE)).toEqual([7]);
    const overlapping: Change[] = [
      { call: '', began: 10, ended: 13, ...write(0, 1, 7) },
      { call: '', began: 12, ended: 15, ...sync() },
    ];
    const before = made.map((change, at) => ({ call: '', began: 2 * at, ended: 2 * at + 1, ...change }) as Change);
    const played = new CrashDisk({ before: new Map(), nodes: new Map(), changes: [...before, ...overlapping] });
    played.advanceTo(1000);
    expect(bytes(played, NONE)).toEqual([]);
    expect(bytes(played, ALL)).toEqual([7]);
  });

  test('a write that goes through settles its own sectors only', () => {
    const played = disk('ext4', ...made, write(512, 1, 9), write(0, 1, 7), write(1, 1, 8, true));
    expect(bytes(played, NONE)).toEqual([7, 8]);
    expect(bytes(played, ALL)).toHaveLength(513);
  });

  test('a cut takes what lies beyond it, and comes with what is written after it', () => {
    const played = disk('ext4', ...made, write(0, 4, 7), sync(), resize(1), write(3, 1, 8));
    expect(bytes(played, NONE)).toEqual([7, 7, 7, 7]);
    expect(bytes(played, { ...NONE, isNamed: () => true })).toEqual([7]);
    expect(bytes(played, { ...NONE, isWritten: () => true })).toEqual([7, 7, 7, 7]);
    expect(bytes(played, ALL)).toEqual([7, 0, 0, 8]);
    expect(bytes(disk('ext4', ...made, write(0, 4, 7), resize(1), sync(FILE, true)), NONE)).toEqual([7]);
  });
});

test('the fates of a moment are different for each thing that can be lost', () => {
  const played = disk('ext4', directory, file, sync(), write(0, 2000, 7), rename);
  const fates = fatesOf(played, 'ext4', createRandom(1), 3);
  const states = new Set(
    fates.map((fate) => JSON.stringify([...played.image(fate)].map(([path, content]) => [path, [...content]]))),
  );
  expect(fates.length).toBeGreaterThan(20);
  // Both names, with nothing, all, single sectors and halves of the write, at several sizes.
  expect(states.size).toBeGreaterThan(10);
});
