import { createRandom, type Random } from '@raftlog/core/conformance';
import type { Fault, FaultEvent, MembershipStep } from '../plan/fault-event.ts';
import type { RunPlan } from '../plan/run-plan.ts';

/*
 * Some mistakes show only where several rare things meet. These plans have nothing but those, so that few seeds are enough; the plans of all other seeds
 * have them too, seldom.
 */

/**
 * Leaders that crash soon after they are elected, each with entries that reached some of the others: the situation of figure 8 in the Raft paper. One entry
 * goes in a message: otherwise a new leader's own entry comes along with the old ones.
 */
export function leadersThatCrash(plan: RunPlan): RunPlan {
  return {
    ...plan,
    nodes: 5,
    maxMessageBytes: 1,
    maxInFlightMessages: 1,
    events: eventsEvery(40, plan, (random) => ({
      kind: 'ambush',
      on: 'election',
      after: random.next() * 25,
      fault: { kind: 'crash', target: 'leader', how: 'kill', downFor: random.next() * 300 },
    })),
  };
}

/** Membership changes during which the new voters are cut off from all others, or the leader crashes. */
export function changesUnderPartition(plan: RunPlan): RunPlan {
  return {
    ...plan,
    nodes: 3,
    events: eventsEvery(60, plan, (random) => (random.chance(0.5) ? changeOf(random) : ambushOf(random))),
  };
}

function changeOf(random: Random): Fault {
  const steps: readonly MembershipStep[] = ['add-learner', 'joint', 'joint', 'replace', 'replace', 'demote'];
  return { kind: 'membership', step: random.pick(steps), pick: random.integer(0, 99) };
}

function ambushOf(random: Random): Fault {
  const lasts = 200 + random.next() * 300;
  const fault: Fault = random.chance(0.8)
    ? { kind: 'partition', side: random.chance(0.5) ? 'voters' : random.integer(1, 62), lasts }
    : { kind: 'crash', target: 'leader', how: 'kill', downFor: lasts };
  return { kind: 'ambush', on: 'membership', after: random.next() * 5, fault };
}

/** Leadership goes to and fro over links on which much comes late, and leaders are held up: what was said in an earlier term comes in a later one. */
export function returningLeaders(plan: RunPlan): RunPlan {
  return {
    ...plan,
    nodes: 3,
    keys: 1,
    clients: 5,
    thinkTime: 5,
    link: { ...plan.link, straggling: 0.2, straggle: 400, isOrdered: false },
    events: eventsEvery(60, plan, (random) =>
      random.chance(0.6)
        ? { kind: 'transfer', pick: random.integer(0, 99) }
        : {
            kind: 'pause',
            target: 'leader',
            first: random.pick(['calls', 'messages']),
            lasts: 150 + random.next() * 200,
          },
    ),
  };
}

/**
 * A follower is held up for nearly an election timeout while the other one is cut off from the leader; when it goes on, and has confirmed the leader's lease, the
 * leader is cut off from both.
 */
export function pausedFollowers(plan: RunPlan): RunPlan {
  const random = createRandom(plan.seed);
  const { electionTimeoutMs: timeout } = plan;
  const events: FaultEvent[] = [];
  const add = (at: number, fault: Fault): void => void events.push({ number: events.length, at, fault });
  for (let at = 3 * timeout; at < plan.duration; at += 6 * timeout) {
    const held = timeout * (0.8 + 0.15 * random.next());
    add(at, { kind: 'cut', from: 'leader', to: random.integer(0, 99), bothWays: true, lasts: 3 * timeout });
    add(at, { kind: 'pause', target: random.integer(0, 99), first: 'messages', lasts: held });
    add(at + held + 1 + random.next() * 2, {
      kind: 'isolate',
      target: 'leader',
      direction: 'both',
      lasts: 2 * timeout,
    });
  }
  return { ...plan, nodes: 3, clockSkew: 0, keys: 1, clients: 5, thinkTime: 5, events };
}

function eventsEvery(gap: number, { seed, duration }: RunPlan, fault: (random: Random) => Fault): FaultEvent[] {
  const random = createRandom(seed);
  const events: FaultEvent[] = [];
  for (let at = 100; at < duration; at += random.next() * 2 * gap) {
    events.push({ number: events.length, at, fault: fault(random) });
  }
  return events;
}
