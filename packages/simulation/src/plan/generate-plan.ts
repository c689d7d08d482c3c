import { createRandom, type Random } from '@raftlog/core/conformance';
import { USUAL_DISK } from '../disk/machine-disk.ts';
import type { LinkQuality } from '../network/link.ts';
import type { Waking } from '../time/machine-clock.ts';
import type { Fault, FaultEvent, FaultKind, Occasion, Target } from './fault-event.ts';
import type { EngineKind, RunPlan } from './run-plan.ts';

/** What the user may fix; the seed decides the rest. */
export interface PlanOptions {
  readonly nodes?: number | undefined;
  readonly engine?: EngineKind | undefined;
}

const ELECTION_TIMEOUT = 100;
const DURATION = 2500;

/** Relative frequency. */
const WEIGHTS: Readonly<Record<FaultKind, number>> = {
  crash: 6,
  'crash-all': 1,
  pause: 3,
  partition: 3,
  isolate: 4,
  cut: 3,
  noise: 2,
  'bad-link': 2,
  'slow-disk': 2,
  'full-disk': 1,
  'failing-sync': 2,
  'clock-rate': 1,
  ambush: 10,
  membership: 6,
  transfer: 4,
};

/** What an ambush does: what is most likely to do harm at that moment. */
const STRIKES: Readonly<Record<Occasion, readonly FaultKind[]>> = {
  election: ['crash', 'crash', 'crash-all', 'isolate', 'isolate', 'pause', 'partition', 'slow-disk'],
  membership: ['partition', 'partition', 'partition', 'crash', 'crash-all', 'isolate'],
  transfer: ['isolate', 'isolate', 'isolate', 'pause', 'crash'],
  snapshot: ['crash', 'crash', 'crash-all', 'isolate', 'slow-disk'],
};

/** The plan of a seed: the same seed and options, the same plan. */
export function generatePlan(seed: number, options: PlanOptions = {}): RunPlan {
  const random = createRandom(seed);
  // Drawn whether they are used or not, so that fixing one leaves all else as it was.
  const nodes = random.pick([1, 3, 3, 3, 3, 4, 5, 5]);
  const engine = random.pick(['memory', 'memory', 'file'] as const);
  const snapshotEntries = random.pick([5, 10, 20, 50]);
  return {
    seed,
    engine: options.engine ?? engine,
    durability: random.pick(['sync', 'sync', 'buffered']),
    nodes: options.nodes ?? nodes,
    spares: 3,
    clients: random.integer(2, 5),
    keys: random.integer(1, 4),
    thinkTime: random.pick([5, 15, 30]),
    link: usualLink(random),
    disk: { ...USUAL_DISK, maxWrite: random.pick([1, 4, 15]) },
    clockSkew: random.pick([0, 0.01, 0.03]),
    electionTimeoutMs: ELECTION_TIMEOUT,
    snapshotEntries,
    keepEntries: random.pick([0, 2, snapshotEntries]),
    snapshotChunkBytes: random.pick([32, 200, 4096]),
    maxMessageBytes: random.pick([1, 500, 500, 5000]),
    maxInFlightMessages: random.pick([1, 4, 4, 50]),
    forward: random.chance(0.7),
    duration: DURATION,
    events: generateEvents(random),
  };
}

function usualLink(random: Random): LinkQuality {
  return {
    loss: random.pick([0, 0, 0.01, 0.05]),
    duplication: random.pick([0, 0.01, 0.1]),
    minDelay: 0.2,
    maxDelay: random.pick([1, 3, 10]),
    straggling: random.pick([0, 0.02]),
    straggle: random.pick([20, 300]),
    isOrdered: random.chance(0.4),
  };
}

/**
 * Each run has some kinds of faults and not others: where all happen all the time, none gets far (swarm testing; Groce et al. 2012).
 */
function generateEvents(random: Random): FaultEvent[] {
  // Some runs have only two or three kinds, so that these meet often.
  const share = random.pick([0.15, 0.5]);
  const kinds = (Object.keys(WEIGHTS) as FaultKind[]).filter(() => random.chance(share));
  const weighted = kinds.flatMap((kind) => Array.from({ length: WEIGHTS[kind] }, () => kind));
  if (weighted.length === 0) return [];
  const gap = random.pick([50, 120, 250]);
  const events: FaultEvent[] = [];
  for (let at = 100 + random.next() * gap; at < DURATION; at += random.next() * 2 * gap) {
    events.push({ number: events.length, at, fault: generateFault(random.pick(weighted), random) });
  }
  return events;
}

function generateFault(kind: FaultKind, random: Random): Fault {
  const lasts = ELECTION_TIMEOUT * random.pick([0.3, 1, 2, 4, 8]) * (0.5 + random.next());
  const target: Target = random.chance(0.4) ? 'leader' : random.integer(0, 99);
  const how = random.pick(['power-cut', 'power-cut', 'kill'] as const);
  const downFor = random.pick([0, 5, lasts, lasts]);
  const pick = random.integer(0, 99);
  switch (kind) {
    case 'crash':
      return { kind, target, how, downFor };
    case 'crash-all':
      return { kind, how, downFor: Math.min(downFor, 200) };
    case 'pause':
      return { kind, target, first: firstAwake(random.next()), lasts: Math.min(lasts, 4 * ELECTION_TIMEOUT) };
    case 'partition':
      return { kind, side: random.chance(0.2) ? 'voters' : random.integer(1, 254), lasts };
    case 'isolate':
      return { kind, target, direction: random.pick(['both', 'inbound', 'outbound']), lasts };
    case 'cut':
      return { kind, from: target, to: pick, bothWays: random.chance(0.5), lasts };
    case 'noise':
      return { kind, quality: badLink(random), lasts };
    case 'bad-link':
      return { kind, from: pick, to: random.integer(0, 99), quality: badLink(random), lasts };
    case 'slow-disk':
      return { kind, target, factor: random.pick([3, 10, 50]), lasts };
    case 'full-disk':
      return { kind, target, lasts };
    case 'failing-sync':
      return { kind, target };
    case 'clock-rate':
      return { kind, target, rate: 1 + (random.next() - 0.5) * 0.06 };
    case 'ambush': {
      const on = random.pick(['election', 'election', 'membership', 'transfer', 'snapshot'] as const);
      const fault = generateFault(random.pick(STRIKES[on]), random);
      const isAimed = 'target' in fault && random.chance(0.8);
      const prey = on === 'election' ? random.pick(['leader', 'leader', 'rival'] as const) : 'leader';
      const after = random.pick([0, 1, 5, 15]) * random.next();
      return { kind, on, after, fault: isAimed ? { ...fault, target: prey } : fault };
    }
    case 'membership':
      return {
        kind,
        step: random.pick(['add-learner', 'add-learner', 'promote', 'promote', 'demote', 'remove', 'replace', 'joint']),
        pick,
      };
    case 'transfer':
      return { kind, pick };
  }
}

function firstAwake(dice: number): Waking {
  if (dice < 0.5) return 'calls';
  return dice < 0.75 ? 'messages' : 'anything';
}

function badLink(random: Random): LinkQuality {
  return {
    loss: random.pick([0.1, 0.3, 0.7]),
    duplication: random.pick([0, 0.3]),
    minDelay: 0.2,
    maxDelay: random.pick([5, 40, 150]),
    straggling: random.pick([0, 0.2]),
    straggle: 500,
    isOrdered: random.chance(0.4),
  };
}
