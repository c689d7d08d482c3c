import type { CrashKind } from '../disk/machine-disk.ts';
import type { LinkQuality } from '../network/link.ts';
import type { Waking } from '../time/machine-clock.ts';

/**
 * Whom a fault hits: whoever leads when it comes; a `rival` that still believes that it leads, in an earlier term; or the machine with this number,
 * counted round those that there are.
 */
export type Target = 'leader' | 'rival' | number;

/** What an operator asks the cluster for. What can't be done at the moment is refused, as it would be. */
export type MembershipStep =
  /** A spare machine becomes a learner. */
  | 'add-learner'
  /** A learner becomes a voter. */
  | 'promote'
  /** A voter becomes a learner. */
  | 'demote'
  /** A member goes; its machine is switched off some time after. */
  | 'remove'
  /** A member that may never come back is replaced by a spare machine, in one joint change. */
  | 'replace'
  /** Several voters change at once. */
  | 'joint';

/** What an ambush waits for: a new leader, a leader's change of the members, a leader that asks another one to take over, a snapshot on its way. */
export type Occasion = 'election' | 'membership' | 'transfer' | 'snapshot';

/** What goes wrong, as data. Times are milliseconds of virtual time. */
export type Fault =
  | { readonly kind: 'crash'; readonly target: Target; readonly how: CrashKind; readonly downFor: number }
  /** All at once, as when a data centre loses its power. */
  | { readonly kind: 'crash-all'; readonly how: CrashKind; readonly downFor: number }
  /** `first`: what is heard first when it is over. */
  | { readonly kind: 'pause'; readonly target: Target; readonly first: Waking; readonly lasts: number }
  /** On one side are the machines whose bit is set, or the voters of the leader's latest configuration. */
  | { readonly kind: 'partition'; readonly side: number | 'voters'; readonly lasts: number }
  | {
      readonly kind: 'isolate';
      readonly target: Target;
      /** `inbound`: it can still be heard. `outbound`: it can still hear. */
      readonly direction: 'both' | 'inbound' | 'outbound';
      readonly lasts: number;
    }
  /** Two that don't reach each other, while all others reach both. */
  | {
      readonly kind: 'cut';
      readonly from: Target;
      readonly to: number;
      readonly bothWays: boolean;
      readonly lasts: number;
    }
  | { readonly kind: 'noise'; readonly quality: LinkQuality; readonly lasts: number }
  | {
      readonly kind: 'bad-link';
      readonly from: number;
      readonly to: number;
      readonly quality: LinkQuality;
      readonly lasts: number;
    }
  | { readonly kind: 'slow-disk'; readonly target: Target; readonly factor: number; readonly lasts: number }
  | { readonly kind: 'full-disk'; readonly target: Target; readonly lasts: number }
  | { readonly kind: 'failing-sync'; readonly target: Target }
  | { readonly kind: 'clock-rate'; readonly target: Target; readonly rate: number }
  /** Waits for the next time that something delicate has begun, and strikes then. */
  | { readonly kind: 'ambush'; readonly on: Occasion; readonly after: number; readonly fault: Fault }
  | { readonly kind: 'membership'; readonly step: MembershipStep; readonly pick: number }
  | { readonly kind: 'transfer'; readonly pick: number };

export type FaultKind = Fault['kind'];

/** A fault and its moment. */
export interface FaultEvent {
  /** Its place in the plan that the seed gives; kept when a plan is shrunk. */
  readonly number: number;
  readonly at: number;
  readonly fault: Fault;
}

/** One line for a person. */
export function describeEvent({ number, at, fault }: FaultEvent): string {
  const { kind, ...details } = fault;
  const words = Object.entries(details).map(
    ([name, value]) => `${name} ${typeof value === 'object' ? JSON.stringify(value) : value}`,
  );
  return `#${number} at ${Math.round(at)} ms: ${kind}${words.length > 0 ? ` (${words.join(', ')})` : ''}`;
}
