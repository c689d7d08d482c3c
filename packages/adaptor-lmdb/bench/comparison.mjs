// LMDB: the adaptor and the same database by hand, and how they have to compare.
import { DirectoryBuilder } from '@raftlog/core/conformance';
import { open } from '../test/support/open.mjs';
import { openByHand } from './by-hand.mjs';

const module = new URL('../test/support/open.mjs', import.meta.url);
const makeBuilder = (parent) => new DirectoryBuilder({ open, module, parent });
// lmdb-js makes one transaction of what is asked for in one turn, so by hand 64 callers share a sync as well.
const targets = { batch1000: 2.5, batch1: 0.9, callers64: 1, cachedRead: 10, reopenedRead: 5 };

/** @type {import('@raftlog/core/benchmark').ComparisonOptions} */
export const comparison = { name: 'LMDB', makeBuilder, openByHand, targets };
