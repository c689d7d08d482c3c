import type { Broken } from './broken.ts';
import { changesUnderPartition, leadersThatCrash, returningLeaders } from './focused-plans.ts';
import { loadPatched, type Patch } from './patched-packages.ts';

type CorePatch = Omit<Patch, 'package'>;

function brokenCore(properties: Omit<Broken, 'load'>, ...patches: CorePatch[]): Broken {
  return {
    ...properties,
    load: () =>
      loadPatched(
        properties.name,
        patches.map((patch) => ({ ...patch, package: 'raft' })),
      ),
  };
}

/** Cores with one wrong line. */
export const brokenCores: readonly Broken[] = [
  brokenCore(
    {
      name: 'commits-old-term',
      what: 'A leader commits an entry of an earlier term by counting its copies (Raft paper, figure 8).',
      caughtBy: ['leader-completeness', 'state-machine-safety', 'no-crash'],
      firstSeed: 195,
      seeds: 3000,
      adapt: leadersThatCrash,
    },
    {
      file: 'leader',
      find: 'if (index <= log.commitIndex || log.termAt(index) !== currentTerm)',
      replace: 'if (index <= log.commitIndex)',
    },
  ),
  brokenCore(
    {
      name: 'counts-own-entry-early',
      what: 'A leader counts its own entries before they are durable on its disk.',
      caughtBy: ['leader-completeness', 'state-machine-safety', 'linearizability', 'no-crash'],
      firstSeed: 21,
      seeds: 300,
    },
    {
      file: 'replication',
      find: '(voter) => (voter === id ? log.storedIndex : 0)',
      replace: '(voter) => (voter === id ? log.lastIndex : 0)',
    },
  ),
  brokenCore(
    {
      name: 'lease-without-check-quorum',
      what: 'A leader goes on as one, and answers by its lease, although no quorum answers it any more.',
      caughtBy: ['linearizability'],
      seeds: 1000,
    },
    { file: 'leader', find: 'if (options.checkQuorum && now', replace: 'if (false && now' },
    {
      file: 'leader',
      find: 'if (confirmedAt === undefined || now - confirmedAt',
      replace: 'if (confirmedAt === undefined || now - now',
    },
  ),
  brokenCore(
    {
      name: 'lease-kept-in-transfer',
      what: 'A leader that hands over goes on trusting its lease, although its successor needs no pre-vote and no silence.',
      caughtBy: ['linearizability'],
      firstSeed: 750,
      seeds: 3000,
    },
    { file: 'leader', find: 'this.#hasGivenUpLease = true;', replace: '' },
    { file: 'leader', find: '|| this.#transfer !== undefined ||', replace: '||' },
  ),
  brokenCore(
    {
      name: 'new-members-too-early',
      what: 'The new half of a joint configuration decides alone before the configuration is committed.',
      caughtBy: ['election-safety', 'log-matching', 'leader-completeness', 'state-machine-safety', 'no-crash'],
      seeds: 1000,
      adapt: changesUnderPartition,
    },
    {
      file: 'configuration',
      find: 'return Math.min(majorityValue(voters, value), majorityValue(outgoing, value));',
      replace: 'return majorityValue(voters, value);',
    },
  ),
  brokenCore(
    {
      name: 'no-joint-configuration',
      what: 'Several voters change in a single step, so that the old and the new majority may have nobody in common.',
      caughtBy: ['election-safety', 'log-matching', 'leader-completeness', 'state-machine-safety', 'no-crash'],
      seeds: 1000,
      adapt: changesUnderPartition,
    },
    {
      file: 'membership-change',
      find: 'const isJointChange = joint ?? changedVoters > 1;',
      replace: 'const isJointChange = false;',
    },
  ),
  brokenCore(
    {
      name: 'joint-left-early',
      what: 'A joint configuration is left before it is committed.',
      caughtBy: ['one-change-at-a-time'],
      seeds: 100,
    },
    {
      file: 'leader',
      find: "const proposal = this.#append('config', [encodeConfiguration(configuration)]);",
      replace: `const proposal = this.#append('config', [encodeConfiguration(configuration)]);
        if (leavesByItself(configuration)) this.#append('config', [encodeConfiguration(leftJoint(configuration))]);`,
    },
  ),
  brokenCore(
    {
      name: 'two-pending-changes',
      what: 'A leader begins a membership change before the one before it is committed.',
      caughtBy: ['one-change-at-a-time'],
      firstSeed: 15,
      seeds: 200,
    },
    {
      file: 'leader',
      find: "return this.#server.log.isConfigurationCommitted ? undefined : { reason: 'change-pending' };",
      replace: 'return undefined;',
    },
  ),
  brokenCore(
    {
      name: 'truncates-below-commit',
      what: 'A follower cuts its log at the first entry that it is sent, even where it is committed.',
      caughtBy: ['commit-order', 'durable-before-use', 'leader-completeness', 'state-machine-safety', 'no-crash'],
      seeds: 100,
    },
    { file: 'raft-log', find: 'if (from <= this.#commitIndex) {', replace: 'if (from <= this.boundary.index) {' },
    {
      file: 'follower',
      find: 'index > log.boundary.index && log.termAt(index) !== term',
      replace: 'index > log.boundary.index',
    },
  ),
  brokenCore(
    {
      name: 'truncates-acknowledged',
      what: 'A follower cuts its log behind the last entry of every append: an old one, come late, takes back what was acknowledged since.',
      caughtBy: ['durable-before-use', 'leader-completeness', 'state-machine-safety', 'no-crash'],
      seeds: 1000,
    },
    {
      file: 'follower',
      find: 'const first = entries[position];',
      replace: `const last = entries.at(-1)?.index ?? log.lastIndex;
        if (last < log.lastIndex && last >= log.commitIndex) log.truncate(last + 1);
        const first = entries[position];`,
    },
  ),
  brokenCore(
    {
      name: 'ignores-conflicts',
      what: 'A follower keeps an entry of another term where the leader has another one, and acknowledges it.',
      caughtBy: ['log-matching', 'leader-completeness', 'state-machine-safety', 'no-crash'],
      seeds: 300,
    },
    {
      file: 'follower',
      find: 'index > log.boundary.index && log.termAt(index) !== term',
      replace: 'index > log.boundary.index && log.termAt(index) === undefined',
    },
  ),
  brokenCore(
    {
      name: 'skips-log-match',
      what: 'A follower appends without looking at the entry before.',
      caughtBy: ['log-matching', 'storage-contract', 'no-crash', 'state-machine-safety', 'leader-completeness'],
      firstSeed: 55,
      seeds: 300,
    },
    { file: 'follower', find: '!log.matches(previous)', replace: 'previous.index > log.lastIndex' },
  ),
  brokenCore(
    {
      name: 'votes-for-any-log',
      what: 'A vote is given to a candidate whose log lacks what the voter has.',
      caughtBy: ['leader-completeness', 'state-machine-safety', 'no-crash'],
      seeds: 300,
    },
    {
      file: 'raft-log',
      find: 'return other.term > term || (other.term === term && other.index >= index);',
      replace: 'return true;',
    },
  ),
  brokenCore(
    {
      name: 'compares-length-only',
      what: 'A vote is given to the longer log, whatever its last term (Raft paper, section 5.4.1).',
      caughtBy: ['leader-completeness', 'state-machine-safety', 'no-crash'],
      firstSeed: 83,
      seeds: 3000,
    },
    {
      file: 'raft-log',
      find: 'return other.term > term || (other.term === term && other.index >= index);',
      replace: 'return other.index >= index;',
    },
  ),
  brokenCore(
    {
      name: 'votes-twice',
      what: 'A second candidate of a term gets a vote too.',
      caughtBy: ['one-vote-per-term', 'election-safety', 'storage-contract'],
      seeds: 300,
    },
    {
      file: 'vote-request',
      find: 'return server.votedFor === from || (server.votedFor === undefined && server.leader === undefined);',
      replace: 'return true;',
    },
  ),
  brokenCore(
    {
      name: 'half-is-a-majority',
      what: 'Two of four are taken for a majority.',
      caughtBy: ['election-safety', 'leader-completeness', 'state-machine-safety', 'no-crash'],
      seeds: 300,
      adapt: (plan) => ({ ...plan, nodes: 4 }),
    },
    {
      file: 'configuration',
      find: 'values[Math.floor(ids.length / 2)]',
      replace: 'values[Math.ceil(ids.length / 2) - 1]',
    },
  ),
  brokenCore(
    {
      name: 'read-without-round',
      what: 'A leader answers reads without asking whether it still leads: stale after a partition.',
      caughtBy: ['linearizability'],
      firstSeed: 61,
      seeds: 300,
    },
    { file: 'leader', find: 'const round = this.replication.sendHeartbeats();', replace: 'const round = 0;' },
  ),
  brokenCore(
    {
      name: 'confirms-round-of-earlier-term',
      what: 'The answer to a late heartbeat of an earlier term names its round, and confirms one of a later term that has not been sent yet.',
      caughtBy: ['linearizability', 'no-crash'],
      seeds: 300,
      adapt: returningLeaders,
    },
    {
      file: 'raft-core',
      find: "{ type: 'heartbeat-response', round: 0 }",
      replace: "{ type: 'heartbeat-response', round: arguments[0].round ?? 0 }",
    },
  ),
  brokenCore(
    {
      name: 'read-before-own-commit',
      what: 'A new leader answers reads before it has committed an entry of its own term, so before it knows what is committed.',
      caughtBy: ['linearizability'],
      seeds: 1000,
    },
    {
      file: 'leader',
      find: 'if (this.#reads.isWaiting && this.#hasCommittedInTerm) {',
      replace: 'if (this.#reads.isWaiting) {',
    },
  ),
  brokenCore(
    {
      name: 'heartbeat-commits-unverified',
      what: 'Heartbeats carry the whole commit index, not only what the follower has acknowledged.',
      caughtBy: ['state-machine-safety', 'no-crash'],
      seeds: 300,
    },
    {
      file: 'replication',
      find: 'return Math.min(peer.match, this.#server.log.commitIndex);',
      replace: 'return this.#server.log.commitIndex;',
    },
    {
      file: 'follower',
      find: 'log.commitTo(isDamaged ? Math.min(index, log.lastIndex) : index);',
      replace: 'log.commitTo(Math.min(index, log.lastIndex));',
    },
  ),
];
