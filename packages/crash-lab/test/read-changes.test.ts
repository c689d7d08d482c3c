import { expect, test } from 'vitest';
import { readChanges } from '../src/record/read-changes.ts';

const hex = (text: string): string =>
  [...Buffer.from(text)].map((byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join('');
const path = (name: string): string => hex(`/disk/${name}`);

function read(...lines: readonly string[]) {
  const options = {
    root: '/disk',
    before: new Map<string, number | 'directory'>(),
    leftOut: (name: string) => name.endsWith('-shm'),
  };
  return readChanges(lines.join('\n'), options).changes;
}

const open = (name: string, fd: number, flags = 'O_RDWR|O_CREAT'): string =>
  `1 openat(AT_FDCWD<${hex('/')}>, "${path(name)}", ${flags}, 0600) = ${fd}<${path(name)}>`;

test('writes with and without an offset, in pieces, and short ones', () => {
  const changes = read(
    open('a', 3),
    `1 write(3<${path('a')}>, "${hex('abc')}", 3) = 2`,
    `1 writev(3<${path('a')}>, [{iov_base="${hex('d')}", iov_len=1}, {iov_base="${hex('ef')}", iov_len=2}], 2) = 3`,
    `1 pwrite64(3<${path('a')}>, "${hex('x')}", 1, 9) = 1`,
    `1 lseek(3<${path('a')}>, 1, SEEK_SET) = 1`,
    `1 write(3<${path('a')}>, "${hex('y')}", 1) = 1`,
    `1 write(3<${path('a')}>, "${hex('z')}", 1) = -1 EIO (Input/output error)`,
  );
  const writes = changes.filter(({ kind }) => kind === 'write');
  expect(writes.map((change) => change.kind === 'write' && [change.at, Buffer.from(change.bytes).toString()])).toEqual([
    [0, 'ab'],
    [2, 'def'],
    [9, 'x'],
    [1, 'y'],
  ]);
});

test('calls of several threads overlap, and a descriptor is what it was when the call began', () => {
  const changes = read(
    open('a', 3),
    `1 fsync(3<${path('a')}> <unfinished ...>`,
    `2 close(3<${path('a')}>) = 0`,
    open('b', 3).replace('1 ', '2 '),
    '1 <... fsync resumed>) = 0',
  );
  const [a, b, sync] = changes;
  expect(b).toMatchObject({ kind: 'create', to: { name: 'b' } });
  expect(sync).toMatchObject({ kind: 'sync', file: a?.kind === 'create' ? a.file : undefined, began: 1, ended: 4 });
});

test('what goes through, names, cuts and marks', () => {
  const changes = read(
    `1 mkdir("${path('d')}", 0700) = 0`,
    open('d/a', 3, 'O_WRONLY|O_CREAT|O_DSYNC'),
    `1 pwrite64(3<${path('d/a')}>, "${hex('abcd')}", 4, 0) = 4`,
    `1 ftruncate(3<${path('d/a')}>, 2) = 0`,
    `1 rename("${path('d/a')}", "${path('d/b')}") = 0`,
    `1 fallocate(3<${path('d/b')}>, 0, 0, 8) = 0`,
    `1 fallocate(3<${path('d/b')}>, FALLOC_FL_KEEP_SIZE, 0, 80) = 0`,
    `1 unlink("${path('d/b')}") = 0`,
    `1 access("${hex('/raftlog-mark/i 1')}", F_OK) = -1 ENOENT (No such file or directory)`,
  );
  expect(changes.map(({ kind }) => kind)).toEqual([
    'create',
    'create',
    'write',
    'resize',
    'rename',
    'extend',
    'remove',
    'mark',
  ]);
  expect(changes[2]).toMatchObject({ through: true });
  expect(changes.at(-1)).toMatchObject({ text: 'i 1' });
});

test('what is not understood is refused, unless it is left out', () => {
  const map = (name: string): string =>
    `1 mmap(NULL, 4096, PROT_READ|PROT_WRITE, MAP_SHARED, 3<${path(name)}>, 0) = 0x7f00`;
  expect(() => read(open('a', 3), map('a'))).toThrow('a is written through a shared mapping');
  expect(read(open('a-shm', 3), map('a-shm'))).toEqual([]);
  expect(() => read(open('a', 3), `1 fallocate(3<${path('a')}>, FALLOC_FL_COLLAPSE_RANGE, 0, 1) = 0`)).toThrow(
    'COLLAPSE',
  );
  expect(() => read(open('a', 3), `1 pwrite64(3<${path('a')}>, "${hex('ab')}"..., 9, 0) = 9`)).toThrow('cuts short');
  expect(() => read(open('a', 3), '1 sync() = 0')).toThrow("doesn't model");
});
