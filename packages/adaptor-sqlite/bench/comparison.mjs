// SQLite: the adaptor and the same database by hand, and how they have to compare.
import { DirectoryBuilder } from '@raftlog/core/conformance';
import { open } from '../test/support/open.mjs';
import { openByHand } from './by-hand.mjs';

const module = new URL('../test/support/open.mjs', import.meta.url);
const makeBuilder = (parent) => new DirectoryBuilder({ open, module, parent });

// One at a time, a call to another thread is the price of a free event loop.
const targets = { batch1000: 1.3, batch1: 0.4, callers64: 1, cachedRead: 10, reopenedRead: 5 };

/** @type {import('@raftlog/core/benchmark').ComparisonOptions} */
export const comparison = { name: 'SQLite', makeBuilder, openByHand, targets };
