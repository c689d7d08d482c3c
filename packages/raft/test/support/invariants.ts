import type { Entry } from '@raftlog/core';
import type { Status } from '../../src/index.ts';
import type { TestServer } from './test-server.ts';

/** What was ever seen of a cluster, to hold the present against. */
export class History {
  readonly leaders: Map<number, string> = new Map();
  /** By index, with the term of the leader that committed it. */
  readonly committed: Map<number, { readonly entry: Entry; readonly inTerm: number }> = new Map();
  highestCommit = 0;
  readonly #checked = new Map<string, readonly unknown[]>();

  /** Whether these parts are others than the last time under this name: what hasn't changed needs no second look. */
  hasChanged(name: string, parts: readonly unknown[]): boolean {
    const before = this.#checked.get(name);
    this.#checked.set(name, parts);
    return before === undefined || parts.some((part, position) => part !== before[position]);
  }
}

/** The promises of the Raft paper's figure 3, checked on servers as they are now. Throws what is broken. */
export function checkInvariants(servers: readonly TestServer[], history: History): void {
  const statuses = servers.map((server) => server.status);
  for (const [position, server] of servers.entries()) {
    const status = statuses[position] as Status;
    checkElectionSafety(status, history);
    recordCommits(server, status, history);
  }
  for (const [position, server] of servers.entries()) {
    checkLeaderCompleteness(server, statuses[position] as Status, history);
    checkStateMachineSafety(server, history);
    for (const other of servers.slice(0, position)) checkLogMatching(server, other, history);
  }
}

/** At most one leader can be elected in a given term. */
function checkElectionSafety({ id, role, term }: Status, { leaders }: History): void {
  if (role !== 'leader') return;
  const known = leaders.get(term);
  if (known !== undefined && known !== id) throw new Error(`election safety: ${known} and ${id} lead in term ${term}`);
  leaders.set(term, id);
}

function recordCommits({ id, storage }: TestServer, { commitIndex, term }: Status, history: History): void {
  for (let index = history.highestCommit + 1; index <= commitIndex; index++) {
    const entry = storage.entry(index);
    if (entry === undefined) throw new Error(`${id} has committed ${index}, which it doesn't hold`);
    history.committed.set(index, { entry, inTerm: term });
    history.highestCommit = index;
  }
}

/** A committed entry is in the logs of the leaders of all higher terms. */
function checkLeaderCompleteness({ id, storage }: TestServer, { role, term }: Status, history: History): void {
  if (role !== 'leader' || !history.hasChanged(`leader ${id}`, [term, history.highestCommit, storage.entries])) return;
  for (const [index, { entry, inTerm }] of history.committed) {
    if (inTerm > term || index <= storage.boundary.index) continue;
    if (storage.entry(index)?.term !== entry.term)
      throw new Error(`leader completeness: ${id} leads in term ${term} without entry ${index}`);
  }
}

/** No two servers apply different entries at one index, and none applies what isn't committed, or not durable in its own log. */
function checkStateMachineSafety({ id, applied, storage }: TestServer, history: History): void {
  if (!history.hasChanged(`applied ${id}`, [applied, applied.length])) return;
  const last = applied.at(-1);
  if (last !== undefined && !storage.isDurable(last.index, last.term))
    throw new Error(`${id} has applied ${last.index} before it was durable`);
  for (const [position, entry] of applied.entries()) {
    const expected = history.committed.get(position + 1)?.entry;
    if (expected === entry) continue;
    if (expected === undefined || !isSame(expected, entry))
      throw new Error(`state-machine safety: ${id} has applied another entry at ${position + 1}`);
  }
}

/** Two logs that hold an entry of the same index and term are equal up to it. */
function checkLogMatching(a: TestServer, b: TestServer, history: History): void {
  if (!history.hasChanged(`${a.id} ${b.id}`, [a.storage.entries, b.storage.entries])) return;
  let isEqualBelow = false;
  for (let index = Math.min(a.storage.lastIndex, b.storage.lastIndex); ; index--) {
    const [here, there] = [a.storage.entry(index), b.storage.entry(index)];
    if (here === undefined || there === undefined) return;
    const isEqual = here === there || isSame(here, there);
    if (isEqualBelow && !isEqual)
      throw new Error(`log matching: ${a.id} and ${b.id} differ at ${index} below an equal entry`);
    if (here.term === there.term && !isEqual)
      throw new Error(`log matching: ${a.id} and ${b.id} hold two entries ${index} of one term`);
    isEqualBelow ||= isEqual;
  }
}

function isSame(a: Entry, b: Entry): boolean {
  return a.index === b.index && a.term === b.term && Buffer.compare(a.data, b.data) === 0;
}
