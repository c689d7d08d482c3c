// RocksDB: the adaptor and the same database by hand, and how they have to compare.
import { DirectoryBuilder } from '@raftlog/core/conformance';
import { open } from '../test/support/open.mjs';
import { openByHand } from './by-hand.mjs';

const module = new URL('../test/support/open.mjs', import.meta.url);

/** @type {import('@raftlog/core/benchmark').ComparisonOptions} */
export const comparison = {
  name: 'RocksDB',
  makeBuilder: (parent) => new DirectoryBuilder({ open, module, parent, offersBuffered: true }),
  openByHand,
  // The driver's promises hide calls that block the event loop until the disk has answered. One caller alone pays for the way to
  // the thread that keeps the loop free here, and back.
  targets: { batch1000: 3, batch1: 0.4, callers64: 3, cachedRead: 10, reopenedRead: 5 },
};
