import type { LogId } from '../../entry.ts';
import type { CaseContext, ConformanceCase, ConformanceSubject } from '../case.ts';
import { createTestEntries } from '../entries.ts';
import { createModel, type LogOperation } from '../model.ts';
import { createRandom } from '../random.ts';
import { randomOperations } from './crash-workload.ts';
import { defineCases } from './define-cases.ts';
import { explorePowerCuts, withoutFileIo } from './power-cut-explorer.ts';

const faults = defineCases('faults');
const onDisk = { inapplicable: withoutFileIo, timeoutMs: 120_000 };

function append(first: number, last: number, term: number, bytes = 100): LogOperation {
  return { type: 'append', entries: createTestEntries(first, last, term, { bytes }) };
}

function purge(index: number, term: number): LogOperation {
  const through: LogId = { index, term };
  return { type: 'purge', through };
}

function vote(currentTerm: number, votedFor?: string): LogOperation {
  return { type: 'hardState', state: { currentTerm, votedFor } };
}

/** Ten appends of four entries each, in steps that no block boundary follows; `bytes` decides how many files they fill. */
function filled(bytes: number): LogOperation[] {
  return Array.from({ length: 10 }, (_, i) => append(i * 4 + 1, i * 4 + 4, 1, bytes + i * 7));
}

/** Power cuts on a simulated disk, at every call that the engine makes to it. */
export const powerCutCases: readonly ConformanceCase[] = [
  faults(
    'A6-interrupted-creation',
    'a first open that is cut short at any point leaves a place where the next one starts clean',
    async (context) => {
      await explorePowerCuts(context, { operations: [], statesPerCall: 24, cutRecoveryOneIn: 3 });
    },
    onDisk,
  ),
  faults(
    'B22b-hard-state-before-entries',
    'write() never leaves entries of a term without the hard state that came with them, wherever the power is cut',
    async (context) => {
      const operations: LogOperation[] = [];
      for (let term = 1; term <= 6; term++) {
        const state = { currentTerm: term, votedFor: `node-${term}` };
        operations.push({
          type: 'write',
          batch: {
            hardState: state,
            ...(term % 3 === 0 ? { truncateFrom: term * 2 - 3 } : {}),
            entries:
              term % 3 === 0
                ? createTestEntries(term * 2 - 3, term * 2, term, { bytes: 60 })
                : createTestEntries(term * 2 - 1, term * 2, term, { bytes: 60 }),
          },
        });
      }
      await explorePowerCuts(context, { operations, statesPerCall: 12 });
    },
    onDisk,
  ),
  faults(
    'D34-replace-atomic-under-crash',
    'after a crash in replaceRange there is the old suffix or the new one, never neither and never a mix',
    async (context) => {
      const operations: LogOperation[] = [
        ...filled(90).slice(0, 4),
        { type: 'replace', fromIndex: 7, entries: createTestEntries(7, 12, 2, { bytes: 120 }) },
        { type: 'replace', fromIndex: 12, entries: createTestEntries(12, 13, 3, { bytes: 500 }) },
        { type: 'replace', fromIndex: 1, entries: createTestEntries(1, 3, 4, { bytes: 80 }) },
        { type: 'replace', fromIndex: 2, entries: [] },
        append(2, 5, 5),
      ];
      await explorePowerCuts(context, { operations, statesPerCall: 12 });
    },
    onDisk,
  ),
  faults(
    'D35-durable-index-is-true',
    'durableIndex names what is on the disk, also where a cut overtakes an append that is still under way',
    async (context) => {
      const operations: LogOperation[] = [
        append(1, 10, 1),
        { type: 'replace', fromIndex: 6, entries: createTestEntries(6, 10, 2, { bytes: 100 }) },
        append(11, 14, 2),
        { type: 'truncate', fromIndex: 9 },
        append(9, 14, 3),
        { type: 'write', batch: { truncateFrom: 3, entries: createTestEntries(3, 16, 4, { bytes: 100 }) } },
        purge(20, 4),
        append(21, 30, 5),
        { type: 'reset', boundary: { index: 12, term: 6 } },
        append(13, 40, 6),
      ];
      await explorePowerCuts(context, { operations, statesPerCall: 6, intoWrites: true });
    },
    onDisk,
  ),
  faults(
    'D36-truncate-survives-power-cut',
    'what was cut off never comes back, wherever the power is cut, also when the log was written over since',
    async (context) => {
      const operations: LogOperation[] = [
        ...filled(4000).slice(0, 5),
        { type: 'truncate', fromIndex: 6 },
        append(6, 8, 2),
        { type: 'truncate', fromIndex: 7 },
        append(7, 20, 3, 60),
        { type: 'truncate', fromIndex: 1 },
        append(1, 1, 4),
      ];
      await explorePowerCuts(context, { operations, statesPerCall: 10 });
    },
    onDisk,
  ),
  faults(
    'E42-purge-survives-power-cut',
    'a purge is there whole or not at all after a crash, and its boundary is durable before the space is given back',
    async (context) => {
      const operations: LogOperation[] = [
        ...filled(5000),
        purge(6, 1),
        purge(22, 1),
        append(41, 44, 1),
        purge(44, 1),
        append(45, 46, 2),
        purge(60, 2),
        append(61, 62, 2),
      ];
      await explorePowerCuts(context, { operations, statesPerCall: 8 });
    },
    onDisk,
  ),
  faults(
    'E46-reset-under-crash',
    'nothing old returns after a reset, also after a crash in the middle of a deferred deletion',
    async (context) => {
      const operations: LogOperation[] = [
        vote(3, 'node-2'),
        ...filled(5000),
        { type: 'reset', boundary: { index: 20, term: 7 } },
        append(21, 24, 7),
        { type: 'reset', boundary: { index: 500, term: 8 } },
        append(501, 503, 8),
        { type: 'reset' },
        append(1, 3, 9),
      ];
      await explorePowerCuts(context, { operations, statesPerCall: 8 });
    },
    onDisk,
  ),
  faults(
    'F49-torn-save',
    'a save of the hard state that is cut short leaves the state before it or its own, never an older one and never none',
    async (context) => {
      const operations = [vote(1), vote(1, 'node-1'), vote(2, 'n'.repeat(700)), vote(3), vote(4, 'node-2')];
      await explorePowerCuts(context, { operations, statesPerCall: 40, cutRecoveryOneIn: 3 });
    },
    onDisk,
  ),
  faults(
    'G59-recycled-records-stay-dead',
    'records of purged entries never replay, also where new files may show what the disk held before',
    async (context) => {
      const operations: LogOperation[] = [];
      for (let round = 0; round < 6; round++) {
        const first = round * 8 + 1;
        operations.push(append(first, first + 3, round + 1, 6000), append(first + 4, first + 7, round + 1, 6000));
        operations.push(purge(first + (round % 2 === 0 ? 7 : 5), round + 1));
      }
      // Both ways: files that are reused at once, and files that have waited as spares.
      await explorePowerCuts(context, { operations, statesPerCall: 6 });
      await explorePowerCuts(context, { operations, statesPerCall: 6, pauseMs: 3 });
    },
    onDisk,
  ),
  faults(
    'H64-power-cut-anywhere',
    'wherever the power is cut in random work, what was acknowledged is there, the rest is a prefix, and the log goes on',
    (context) => explore(context, 40, { statesPerCall: 6 }),
    onDisk,
  ),
  faults(
    'H64-power-cut-among-callers',
    'the same with several calls under way at once',
    (context) => explore(context, 60, { statesPerCall: 6, overlap: 0.7 }),
    onDisk,
  ),
  faults(
    'H64-power-cut-buffered',
    'in buffered mode a power cut leaves a prefix that holds everything that was flushed, and every truncate, replaceRange, purge, reset and hard state',
    (context) => explore(context, 50, { statesPerCall: 6, overlap: 0.3, build: { durability: 'buffered' } }),
    {
      ...onDisk,
      inapplicable: (subject: ConformanceSubject) =>
        withoutFileIo(subject) ?? (subject.builder.offersBuffered === true ? undefined : 'offers no buffered mode'),
    },
  ),
];

async function explore(
  context: CaseContext,
  count: number,
  exploration: Omit<Parameters<typeof explorePowerCuts>[1], 'operations'>,
): Promise<void> {
  const operations = randomOperations(createModel(), count, createRandom(context.seed + 1), { maxBytes: 4000 });
  await explorePowerCuts(context, { ...exploration, operations });
}
