// LevelDB: the adaptor and the same database by hand, and how they have to compare.
import { DirectoryBuilder } from '@raftlog/core/conformance';
import { open } from '../test/support/open.mjs';
import { openByHand } from './by-hand.mjs';

const module = new URL('../test/support/open.mjs', import.meta.url);

/** @type {import('@raftlog/core/benchmark').ComparisonOptions} */
export const comparison = {
  name: 'LevelDB',
  makeBuilder: (parent) => new DirectoryBuilder({ open, module, parent }),
  openByHand,
  targets: { batch1000: 3, batch1: 1, callers64: 4, cachedRead: 10, reopenedRead: 5 },
};
