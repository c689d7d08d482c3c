import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parseCommandLine } from '../src/command-line.ts';
import { checkDirectory, fileSystemOf } from '../src/place.ts';

test('everything can be chosen', () => {
  const args =
    '-- --peers --adaptors file,level --only append,node --sustained 0.5 --open-100m --batches 1,10_000 --payloads 16,1048576 --callers 1,8 --in-flight 3 --log-length 5 --range-entries 40 --cut-entries 80 --memory-entries 9 --keep-mib 7 --runs 2 --seconds 0.1 --settle-mib 0 --directory /d --allow-tmpfs --json j --markdown /m --html h';
  const cwd = process.env.RAFTLOG_CWD ?? process.env.INIT_CWD ?? process.cwd();
  expect(parseCommandLine(args.split(' '))).toEqual({
    peers: true,
    adaptors: ['file', 'level'],
    groups: ['append', 'node'],
    sustainedMinutes: 0.5,
    open100m: true,
    batches: [1, 10_000],
    payloads: [16, 2 ** 20],
    callers: [1, 8],
    inFlight: [3],
    logLengths: [5],
    rangeEntries: 40,
    cutEntries: 80,
    memoryEntries: 9,
    keepMiB: 7,
    runs: 2,
    seconds: 0.1,
    settleMiB: 0,
    directory: '/d',
    allowTmpfs: true,
    json: join(cwd, 'j'),
    markdown: '/m',
    html: join(cwd, 'h'),
    help: false,
  });
});

test('by default all adaptors do everything, without the peers and what takes very long', () => {
  expect(parseCommandLine([])).toMatchObject({
    peers: false,
    adaptors: ['file', 'memory', 'level', 'lmdb', 'sqlite', 'rocksdb'],
    groups: ['append', 'read', 'cut', 'open', 'memory', 'stall', 'node', 'comparison'],
    sustainedMinutes: undefined,
    open100m: false,
    payloads: [256],
  });
});

test.each([
  [['--runs', 'many'], '--runs must be a whole number, 1 or more, not "many"'],
  [['--payloads', '8'], '--payloads must be a whole number, 16 to 1048576, not "8"'],
  [['--batches', '1,,2'], '--batches must be a list'],
  [['--adaptors', 'tape'], '--adaptors takes file, memory, level, lmdb, sqlite, rocksdb, not "tape"'],
  [['--only', 'nothing'], '--only takes append'],
  [['--seconds', '0'], '--seconds must be a number above 0'],
  [['--cut-entries', '10000'], '--cut-entries must be at least twice --range-entries'],
  [['--pears'], '--pears'],
])('%j is refused with a sentence', (args, sentence) => {
  expect(() => parseCommandLine(args)).toThrow(sentence);
});

test('a directory that is none is refused', () => {
  expect(() => checkDirectory('/no/such/directory', false)).toThrow('--directory must be an existing directory');
});

const shared = '/dev/shm';
const inMemory = process.platform === 'linux' && ['tmpfs', 'ramfs'].includes(fileSystemOf(shared));

test.skipIf(!inMemory)('a directory in memory is refused unless it is wanted', () => {
  expect(() => checkDirectory(shared, false)).toThrow('where a sync costs nothing');
  expect(() => checkDirectory(shared, true)).not.toThrow();
});
