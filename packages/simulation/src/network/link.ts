import type { Random } from '@raftlog/core/conformance';

/** How one direction between two nodes behaves. */
export interface LinkQuality {
  /** Probability that a message is lost. */
  readonly loss: number;
  /** Probability that a message arrives twice. */
  readonly duplication: number;
  /** Milliseconds that a message takes at least, and at most; each its own, so that they overtake each other. */
  readonly minDelay: number;
  readonly maxDelay: number;
  /** Probability that a message takes up to `straggle` milliseconds longer than that. */
  readonly straggling: number;
  readonly straggle: number;
  /** Messages don't overtake each other, as on one connection. */
  readonly isOrdered: boolean;
}

/** A quiet network: every message arrives once, in order, within a millisecond. */
export const PERFECT_LINK: LinkQuality = {
  loss: 0,
  duplication: 0,
  minDelay: 0.2,
  maxDelay: 1,
  straggling: 0,
  straggle: 0,
  isOrdered: true,
};

/** When the copies of one message arrive, in milliseconds from now; none: it is lost. */
export function deliveriesOn(link: LinkQuality, random: Random): number[] {
  if (link.loss > 0 && random.chance(link.loss)) return [];
  const copies = link.duplication > 0 && random.chance(link.duplication) ? 2 : 1;
  return Array.from({ length: copies }, () => delayOn(link, random));
}

function delayOn({ minDelay, maxDelay, straggling, straggle }: LinkQuality, random: Random): number {
  const usual = minDelay + random.next() * (maxDelay - minDelay);
  return straggling > 0 && random.chance(straggling) ? usual + random.next() * straggle : usual;
}
