import { expect, test } from 'vitest';
import { isSync, isWrite, parseTrace } from '../src/syncs/system-calls.ts';

const trace = (...lines: string[]) => parseTrace(lines.join('\n'), '/store');

test('calls on the store and marks are read, others are not', () => {
  const calls = trace(
    '7  access("/raftlog-mark/begin open", F_OK) = -1 ENOENT (No such file or directory)',
    '7  access("/etc/passwd", F_OK) = 0',
    '7  openat(AT_FDCWD</home>, "/store/log", O_RDWR|O_CREAT|O_CLOEXEC, 0644) = 17</store/log>',
    '7  write(1</store-of-another/log>, "x", 1) = 1',
    '7  write(17</store/log>, "a) = 3", 6) = 6',
    '7  fsync(18</store>) = 0',
    '7  +++ exited with 0 +++',
  );
  expect(calls.map(({ name, path, result }) => [name, path, result])).toEqual([
    ['mark', 'begin open', -1],
    ['openat', 'log', 17],
    ['write', 'log', 6],
    ['fsync', '', 0],
  ]);
});

test('a call that another thread interrupts began where it began', () => {
  const [write, sync] = trace(
    '8  fdatasync(17</store/log> <unfinished ...>',
    '9  pwrite64(17</store/log>, "x", 1, 0) = 1',
    '8  <... fdatasync resumed>)           = -1 EIO (Input/output error) (INJECTED)',
  );
  expect(write).toMatchObject({ name: 'pwrite64', began: 1, ended: 1, injected: false });
  expect(sync).toMatchObject({ name: 'fdatasync', began: 0, ended: 2, result: -1, injected: true });
});

test('descriptors that write through are known until they are used for another file', () => {
  const calls = trace(
    '7  openat(AT_FDCWD</>, "/store/log.new", O_WRONLY|O_DSYNC) = 17</store/log.new>',
    '7  rename("/store/log.new", "/store/log") = 0',
    '7  pwritev(17</store/log>, [{iov_base="x", iov_len=1}], 1, 0) = 1',
    '7  openat(AT_FDCWD</>, "/store/log", O_WRONLY) = 17</store/log>',
    '7  pwritev(17</store/log>, [{iov_base="x", iov_len=1}], 1, 0) = 1',
    '7  pwritev2(17</store/log>, [{iov_base="x", iov_len=1}], 1, 0, RWF_DSYNC) = 1',
  );
  expect(calls.filter(isWrite).map(({ writesThrough }) => writesThrough)).toEqual([true, false, true]);
});

test('msync is a sync of the file that is mapped there, if it waits', () => {
  const calls = trace(
    '7  mmap(NULL, 8192, PROT_READ|PROT_WRITE, MAP_SHARED, 17</store/data.mdb>, 0) = 0x7f0000000000',
    '7  msync(0x7f0000001000, 4096, MS_SYNC) = 0',
    '7  msync(0x7f0000001000, 4096, MS_ASYNC) = 0',
    '7  msync(0x7f0000002000, 4096, MS_SYNC) = 0',
  );
  expect(calls.filter(isSync).map(({ path }) => path)).toEqual(['data.mdb']);
});
