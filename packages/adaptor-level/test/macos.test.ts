import { join } from 'node:path';
import type { FileIo } from '@raftlog/core';
import { nodeFileIo } from '@raftlog/kit';
import { afterEach, expect, test } from 'vitest';
import { append, TestStore, withDirectory } from './support/level-store.ts';

const platform = process.platform;
afterEach(() => Object.defineProperty(process, 'platform', { value: platform }));

/** The real file system; tells which files were synced by the store itself, not by LevelDB. */
function watched(synced: string[]): FileIo {
  const open: FileIo['open'] = async (path, mode, options) => {
    const handle = await nodeFileIo.open(path, mode, options);
    return new Proxy(handle, {
      get(target, name) {
        if (name === 'datasync') synced.push(path);
        const member: unknown = Reflect.get(target, name);
        return typeof member === 'function' ? member.bind(target) : member;
      },
    });
  };
  return new Proxy(nodeFileIo, {
    get: (target, name) => (name === 'open' ? open : (Reflect.get(target, name) as unknown)),
  });
}

test.each([
  ['darwin', 2],
  ['linux', 0],
] as const)("on %s the drive's cache is emptied %i times for two commits", async (name, times) => {
  await withDirectory(async (directory) => {
    const synced: string[] = [];
    Object.defineProperty(process, 'platform', { value: name });
    const store = await TestStore.open(directory, { create: true, fileIo: watched(synced) });
    await store.commit(append(1, [1]));
    await store.commit(append(2, [2]));
    await store.close();
    expect(synced).toEqual(Array<string>(times).fill(join(directory, 'CURRENT')));
  });
});
