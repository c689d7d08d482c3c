import type { HardState, StorageEngine, WriteBatch } from '@raftlog/core';
import { SHIPPED } from '../cluster/implementation.ts';
import type { Broken } from './broken.ts';

/** An engine whose `write` is another one. */
function withWrite(engine: StorageEngine, write: (batch: WriteBatch) => Promise<void>): StorageEngine {
  return Object.create(engine, {
    // What the engine itself calls stays its own; getters must not run on the copy, which lacks its private parts.
    write: { value: write },
    logStore: { value: engine.logStore },
    metaStore: { value: engine.metaStore },
    snapshotStore: { value: engine.snapshotStore },
    capabilities: { value: engine.capabilities },
    failure: { value: engine.failure },
    close: { value: () => engine.close() },
  });
}

function brokenStorage(
  properties: Omit<Broken, 'load'>,
  write: (engine: StorageEngine, batch: WriteBatch) => Promise<void>,
): Broken {
  return {
    ...properties,
    load: async () => ({
      ...SHIPPED,
      name: properties.name,
      storageEngine: (engine) => withWrite(engine, (batch) => write(engine, batch)),
    }),
  };
}

const withoutVote = ({ currentTerm }: HardState): HardState => ({ currentTerm, votedFor: undefined });

/** Answers at once; what goes wrong later nobody hears. */
function early(written: Promise<void>): Promise<void> {
  written.catch(() => undefined);
  return Promise.resolve();
}

const notPersisted: Parameters<typeof brokenStorage>[1] = (engine, { hardState, ...rest }) =>
  engine.write({ ...rest, ...(hardState && { hardState: withoutVote(hardState) }) });

const acknowledgedEarly: Parameters<typeof brokenStorage>[1] = (engine, batch) =>
  batch.hardState === undefined ? early(engine.write(batch)) : engine.write(batch);

const votedEarly: Parameters<typeof brokenStorage>[1] = (engine, batch) =>
  batch.hardState === undefined ? engine.write(batch) : early(engine.write(batch));

/** Nodes on a storage that doesn't keep what it says. */
export const brokenStorages: readonly Broken[] = [
  brokenStorage(
    {
      name: 'vote-not-persisted',
      what: 'The term is kept, the vote is not.',
      caughtBy: ['durable-before-use'],
      seeds: 20,
    },
    notPersisted,
  ),
  brokenStorage(
    {
      name: 'vote-not-persisted, seen from outside',
      what: 'The same, seen by what comes of it.',
      caughtBy: ['one-vote-per-term', 'election-safety'],
      ignoring: ['durable-before-use'],
      firstSeed: 234,
      seeds: 3000,
    },
    notPersisted,
  ),
  brokenStorage(
    {
      name: 'vote-persisted-after-reply',
      what: 'A hard state is said to be durable when the disk has only begun.',
      caughtBy: ['durable-before-use'],
      seeds: 20,
    },
    votedEarly,
  ),
  brokenStorage(
    {
      name: 'vote-persisted-after-reply, seen from outside',
      what: 'The same, seen by what comes of it.',
      caughtBy: ['one-vote-per-term', 'election-safety', 'term-monotonic', 'no-crash'],
      ignoring: ['durable-before-use'],
      seeds: 1000,
    },
    votedEarly,
  ),
  brokenStorage(
    {
      name: 'entries-acknowledged-early',
      what: 'Entries are said to be durable when the disk has only begun.',
      caughtBy: ['durable-before-use'],
      seeds: 20,
    },
    acknowledgedEarly,
  ),
  brokenStorage(
    {
      name: 'entries-acknowledged-early, seen from outside',
      what: 'The same, seen by what comes of it.',
      caughtBy: ['leader-completeness', 'state-machine-safety', 'linearizability', 'no-crash'],
      ignoring: ['durable-before-use'],
      seeds: 1000,
    },
    acknowledgedEarly,
  ),
];
