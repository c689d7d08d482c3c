import { initialConfiguration, type RaftCore } from '@raftlog/raft';
import { expect, test } from 'vitest';
import { Administration } from '../src/administration.ts';
import type { CoreHost } from '../src/core-host.ts';
import type { NodeMessage } from '../src/node-message.ts';
import { Proposer } from '../src/proposer.ts';
import { Requests } from '../src/request.ts';
import { ManualClock } from './support/manual-clock.ts';

/** A core of which only this much is asked. */
function hostOf(core: Partial<Record<keyof RaftCore, unknown>>): CoreHost {
  return { input: (run) => run(core as unknown as RaftCore) };
}

const requests = (): Requests => new Requests(new ManualClock(), { timeoutMs: 10_000, limit: 10 });

test('a forwarded proposal ends with its term, also where the same node leads in the next one: that one has forgotten it', async () => {
  const sent: NodeMessage[] = [];
  const proposer = new Proposer({
    host: hostOf({
      status: () => ({ term: 5, role: 'follower', leader: 'b' }),
      propose: () => ({ accepted: false, refusal: { reason: 'not-leader', leader: 'b' } }),
    }),
    requests: requests(),
    send: (_to, message) => sent.push(message),
    isCongested: () => false,
    forward: true,
    maxCommandBytes: 100,
    maxUncommittedBytes: 100,
    session: 1,
    firstTerm: 0,
  });
  const proposed = proposer.propose(new Uint8Array(1), undefined);
  expect(sent).toMatchObject([{ type: 'proposal-request', term: 5 }]);
  proposer.leadershipChanged({ role: 'follower', term: 5, leader: 'b' }, 0);
  proposer.leadershipChanged({ role: 'follower', term: 7, leader: undefined }, 0);
  proposer.leadershipChanged({ role: 'follower', term: 7, leader: 'b' }, 0);
  await expect(proposed).rejects.toMatchObject({ code: 'LEADERSHIP_LOST', details: { leader: 'b' } });
});

test('a membership change whose entry comes with a snapshot ends with its fate unknown', async () => {
  const configuration = initialConfiguration(['a', 'b']);
  const administration = new Administration(
    hostOf({
      changeMembership: () => ({ accepted: true, term: 1, first: 5, last: 5 }),
      status: () => ({ configuration }),
    }),
    requests(),
  );
  const changed = administration.changeMembership([{ kind: 'add-learner', id: 'c' }], {}, undefined);
  administration.leadershipChanged({ role: 'follower', term: 2, leader: 'b' }, 5);
  administration.skipped(50);
  await expect(changed).rejects.toMatchObject({ code: 'LEADERSHIP_LOST' });
});
