import { comparisonMain } from '@raftlog/core/benchmark';
import { DirectoryBuilder } from '@raftlog/core/conformance';
import { open } from '../test/support/open.mjs';
import { openByHand } from './by-hand.mjs';
const module = new URL('../test/support/open.mjs', import.meta.url);
const extra = JSON.parse(process.env.EXTRA ?? '{}');
const makeBuilder = (parent) => new DirectoryBuilder({ open: (d, o) => open(d, { ...o, ...extra }), module, parent });
const targets = { batch1000: 1.3, batch1: 0.4, callers64: 1, cachedRead: 10, reopenedRead: 5 };
process.exitCode = await comparisonMain({ name: 'SQLite', makeBuilder, openByHand, targets }, process.argv.slice(2));
