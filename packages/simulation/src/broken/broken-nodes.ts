import type { Broken } from './broken.ts';
import { pausedFollowers } from './focused-plans.ts';
import { loadPatched, type Patch } from './patched-packages.ts';

type NodePatch = Omit<Patch, 'package'>;

function brokenNode(properties: Omit<Broken, 'load'>, ...patches: NodePatch[]): Broken {
  return {
    ...properties,
    load: () =>
      loadPatched(
        properties.name,
        patches.map((patch) => ({ ...patch, package: 'node' })),
      ),
  };
}

/** Nodes, and state machines, with one fault. */
export const brokenNodes: readonly Broken[] = [
  brokenNode(
    {
      name: 'sends-before-durable',
      what: 'Messages leave before the write is durable that they rest on.',
      caughtBy: ['durable-before-use'],
      seeds: 20,
    },
    { file: 'runtime', find: 'if (writeId <= this.#writer.storedId) {', replace: 'if (true) {' },
  ),
  brokenNode(
    {
      name: 'sends-before-durable, seen from outside',
      what: 'The same, seen by what comes of it.',
      caughtBy: [
        'one-vote-per-term',
        'election-safety',
        'leader-completeness',
        'state-machine-safety',
        'term-monotonic',
        'no-crash',
      ],
      ignoring: ['durable-before-use'],
      seeds: 1000,
    },
    { file: 'runtime', find: 'if (writeId <= this.#writer.storedId) {', replace: 'if (true) {' },
  ),
  brokenNode(
    {
      name: 'reads-before-applied',
      what: 'A read is answered before the state machine has what it must see.',
      caughtBy: ['linearizability'],
      seeds: 100,
    },
    { file: 'reader', find: 'return applied !== undefined && applied >= index;', replace: 'return true;' },
  ),
  brokenNode(
    {
      name: 'lease-through-pause',
      what: 'A leader whose process was held up trusts a lease that has ended by the clocks of the others.',
      caughtBy: ['linearizability'],
      firstSeed: 42,
      seeds: 3000,
    },
    { file: 'reader', find: 'this.#options.catchUp();', replace: '' },
  ),
  brokenNode(
    {
      name: 'loyalty-through-pause',
      what: 'A follower whose process was held up dates what it hears back to before the pause, and is bound for less time than the lease lasts that it confirms.',
      caughtBy: ['linearizability'],
      firstSeed: 40,
      seeds: 60,
      adapt: pausedFollowers,
    },
    { file: 'runtime', find: 'this.#ticker.catchUp();\n            if (message', replace: 'if (message' },
  ),
  brokenNode(
    {
      name: 'snapshot-mislabelled',
      what: 'A snapshot is taken a little later than the entry it is labelled with, so that commands are applied twice.',
      caughtBy: ['snapshot-label', 'state-machine-safety'],
      seeds: 100,
    },
    {
      file: 'snapshot-taker',
      find: 'const context = encodeContext(',
      replace: 'await new Promise((resolve) => setTimeout(resolve, 10));\n            const context = encodeContext(',
    },
  ),
  brokenNode(
    {
      name: 'install-not-finished',
      what: 'After a crash between the save of a received snapshot and the reset of the log, the log is left as it was.',
      caughtBy: ['no-crash', 'state-machine-safety', 'storage-contract', 'commit-order', 'leader-completeness'],
      seeds: 1000,
    },
    { file: 'recover-storage', find: 'await logStore.reset(lastIncluded);', replace: ';' },
  ),
  brokenNode(
    {
      name: 'sessions-not-in-snapshot',
      what: 'The session table is lost in a snapshot, so that a command that is sent again takes effect twice.',
      caughtBy: ['state-machine-safety', 'linearizability'],
      seeds: 300,
    },
    { file: 'key-value/key-value-state-machine', find: 'sessions: this.#sessions.copy()', replace: 'sessions: []' },
  ),
];
