import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs, { mkdirSync, readFileSync, statSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { nodeFileIo } from '../src/io/node-file-io.ts';
import { temporaryDirectory } from './support/temporary-directory.ts';

test.each([{ syncWrites: false }, { syncWrites: true }])(
  'writes chunks one after the other, with %o',
  async (options) => {
    const path = join(temporaryDirectory(), 'file');
    const file = await nodeFileIo.open(path, 'create-new', options);
    // More chunks than one writev takes, empty ones and a single one among them.
    const chunks = Array.from({ length: 2500 }, (_, i) => new Uint8Array(i % 7).fill(i));
    await file.write(chunks, 3);
    await file.write([Buffer.from('abc')], 0);
    await file.write([], 0);
    await file.write([new Uint8Array(0)], 0);
    await file.datasync();
    const expected = Buffer.concat([Buffer.from('abc'), ...chunks]);
    expect(await file.size()).toBe(expected.byteLength);
    const into = new Uint8Array(expected.byteLength + 10);
    expect(await file.read(into, 0)).toBe(expected.byteLength);
    expect(await file.read(into, expected.byteLength)).toBe(0);
    expect(await file.read(new Uint8Array(0), 0)).toBe(0);
    await file.close();
    expect(readFileSync(path).equals(expected)).toBe(true);
  },
);

test('truncate cuts and zero-fills', async () => {
  const path = join(temporaryDirectory(), 'file');
  const file = await nodeFileIo.open(path, 'create');
  await file.write([Buffer.from('abcdef')], 0);
  await file.truncate(3);
  await file.truncate(5);
  await file.close();
  expect(readFileSync(path)).toEqual(Buffer.from('abc\0\0'));
});

test('modes', async () => {
  const path = join(temporaryDirectory(), 'file');
  await expect(nodeFileIo.open(path, 'read')).rejects.toMatchObject({ code: 'ENOENT' });
  await expect(nodeFileIo.open(path, 'write')).rejects.toMatchObject({ code: 'ENOENT' });
  await (await nodeFileIo.open(path, 'create')).close();
  await expect(nodeFileIo.open(path, 'create-new')).rejects.toMatchObject({ code: 'EEXIST' });
  expect(statSync(path).mode & 0o077).toBe(0);
  const file = await nodeFileIo.open(path, 'read');
  await expect(file.write([Buffer.from('x')], 0)).rejects.toMatchObject({ code: 'EBADF' });
  await file.close();
});

test('close waits for what runs, refuses what comes, and frees the descriptor once', async () => {
  const path = join(temporaryDirectory(), 'file');
  const file = await nodeFileIo.open(path, 'create');
  // Several trips to the system: a close in between would let the rest go to whatever is opened next.
  const writing = file.write(
    Array.from({ length: 5000 }, () => new Uint8Array(100).fill(7)),
    0,
  );
  const closing = [file.close(), file.close()];
  await expect(file.write([Buffer.from('x')], 0)).rejects.toMatchObject({ code: 'EBADF' });
  await expect(file.datasync()).rejects.toMatchObject({ code: 'EBADF' });
  await Promise.all([writing, ...closing]);
  const other = await nodeFileIo.open(`${path}2`, 'create');
  await file.close();
  await other.write([Buffer.from('still open')], 0);
  await other.close();
  expect(readFileSync(path).equals(Buffer.alloc(500_000, 7))).toBe(true);
});

test('directories, kinds, renames and removals', async () => {
  const directory = temporaryDirectory();
  const inner = join(directory, 'inner');
  await nodeFileIo.makeDirectory(inner);
  await nodeFileIo.makeDirectory(inner);
  writeFileSync(join(inner, 'a'), '1');
  writeFileSync(join(inner, 'b'), '2');
  symlinkSync(inner, join(directory, 'link'));
  await expect(nodeFileIo.makeDirectory(join(inner, 'a'))).rejects.toMatchObject({ code: 'EEXIST' });
  expect(await nodeFileIo.kind(inner)).toBe('directory');
  expect(await nodeFileIo.kind(join(directory, 'link'))).toBe('directory');
  expect(await nodeFileIo.kind(join(inner, 'a'))).toBe('file');
  expect(await nodeFileIo.kind(join(inner, 'a', 'c'))).toBeUndefined();
  expect(await nodeFileIo.kind(join(inner, 'c'))).toBeUndefined();
  await nodeFileIo.rename(join(inner, 'a'), join(inner, 'b'));
  expect(await nodeFileIo.list(inner)).toEqual(['b']);
  await nodeFileIo.syncDirectory(inner);
  await nodeFileIo.remove(join(inner, 'b'));
  expect(await nodeFileIo.list(inner)).toEqual([]);
  await expect(nodeFileIo.remove(join(inner, 'b'))).rejects.toMatchObject({ code: 'ENOENT' });
});

test('a lock is refused to a second holder in this process, through any name of the directory', async () => {
  const directory = temporaryDirectory();
  mkdirSync(join(directory, 'real'));
  symlinkSync(join(directory, 'real'), join(directory, 'alias'));
  const lock = await nodeFileIo.lock(join(directory, 'real', 'lock'));
  expect(lock).toBeDefined();
  expect(await nodeFileIo.lock(join(directory, 'alias', 'lock'))).toBeUndefined();
  expect(await nodeFileIo.lock(join(directory, 'real', 'lock'))).toBeUndefined();
  await lock?.release();
  await lock?.release();
  const next = await nodeFileIo.lock(join(directory, 'alias', 'lock'));
  expect(next).toBeDefined();
  await next?.release();
});

test('a lock is refused while another process has it, and free as soon as that is killed', async () => {
  const path = join(temporaryDirectory(), 'lock');
  const child = spawn(
    process.execPath,
    [
      '-e',
      `const fs = require('node:fs'); const { tryLock } = require('fs-native-extensions');
       const fd = fs.openSync(${JSON.stringify(path)}, 'a+'); if (!tryLock(fd)) process.exit(1);
       process.stdout.write('locked'); setInterval(() => {}, 1000);`,
    ],
    { cwd: join(import.meta.dirname, '..'), stdio: ['ignore', 'pipe', 'inherit'] },
  );
  onTestFinished(() => {
    child.kill('SIGKILL');
  });
  await once(child.stdout, 'data');
  expect(await nodeFileIo.lock(path)).toBeUndefined();
  child.kill('SIGKILL');
  await once(child, 'exit');
  const lock = await nodeFileIo.lock(path);
  expect(lock).toBeDefined();
  await lock?.release();
});

test('whoever locks a file that its last holder removes meanwhile does not hold a lock that others cannot see', async () => {
  const path = join(temporaryDirectory(), 'lock');
  writeFileSync(path, '');
  const { open } = fs;
  onTestFinished(() => {
    fs.open = open;
    syncBuiltinESMExports();
  });
  // Right between the open and the lock.
  fs.open = ((
    ...[name, flags, mode, callback]: [string, number, number, (error: Error | null, fd: number) => void]
  ) => {
    open(name, flags, mode, (error, fd) => {
      unlinkSync(path);
      fs.open = open;
      syncBuiltinESMExports();
      callback(error, fd);
    });
  }) as typeof open;
  syncBuiltinESMExports();
  const lock = await nodeFileIo.lock(path);
  expect(lock).toBeDefined();
  expect(await nodeFileIo.lock(path)).toBeUndefined();
  await lock?.release();
});
