import { type Configuration, isJoint, sorted } from './configuration.ts';

/** One step of a membership change. */
export interface MembershipChange {
  /** `add-voter` also promotes a learner, `add-learner` also demotes a voter. */
  readonly kind: 'add-voter' | 'add-learner' | 'remove';
  readonly id: string;
}

/** How a change is carried out. */
export interface ChangeOptions {
  /**
   * Go through a joint configuration (Raft paper, section 6). Default: only where more than one voter changes; one alone is safe without, because any
   * majorities before and after have a server in common (thesis, section 4.1).
   */
  readonly joint?: boolean;
  /** Leave the joint configuration as soon as it is committed. False: `RaftCore.leaveJoint()` does. Default: true. */
  readonly autoLeave?: boolean;
}

/** What the changes make of `current`, or what is wrong with them, as a sentence. */
export function changedConfiguration(
  current: Configuration,
  changes: readonly MembershipChange[],
  { joint, autoLeave = true }: ChangeOptions,
): { readonly next: Configuration } | { readonly problem: string } {
  const voters = new Set(current.voters);
  const learners = new Set(current.learners);
  for (const { kind, id } of changes) {
    if (id === '') return { problem: 'A server must have an id.' };
    voters.delete(id);
    learners.delete(id);
    if (kind === 'add-voter') voters.add(id);
    if (kind === 'add-learner') learners.add(id);
  }
  if (voters.size === 0) return { problem: 'The last voter can not be removed.' };
  if (isSameSet(voters, current.voters) && isSameSet(learners, current.learners))
    return { problem: 'Nothing changes.' };

  const changedVoters = countDifferences(voters, current.voters);
  if (joint === false && changedVoters > 1)
    return { problem: `${changedVoters} voters change: that takes a joint configuration.` };
  const isJointChange = joint ?? changedVoters > 1;
  return {
    next: {
      voters: sorted(voters),
      outgoing: isJointChange ? current.voters : [],
      learners: sorted(learners),
      autoLeave: isJointChange && autoLeave,
    },
  };
}

/** The new half alone. `current` is joint. */
export function leftJoint({ voters, learners }: Configuration): Configuration {
  return { voters, outgoing: [], learners, autoLeave: false };
}

/** Whether the leader is to leave this configuration by itself once it is committed. */
export function leavesByItself(configuration: Configuration): boolean {
  return isJoint(configuration) && configuration.autoLeave;
}

function isSameSet(a: ReadonlySet<string>, b: readonly string[]): boolean {
  return countDifferences(a, b) === 0;
}

function countDifferences(a: ReadonlySet<string>, b: readonly string[]): number {
  const added = [...a].filter((id) => !b.includes(id)).length;
  const removed = b.filter((id) => !a.has(id)).length;
  return added + removed;
}
