import type { Random } from '@raftlog/core/conformance';
import { type ChangeOptions, type Configuration, isNodeError, type MembershipChange } from '@raftlog/node';
import type { Violations } from '../invariants/violation.ts';
import type { MembershipStep } from '../plan/fault-event.ts';
import type { VirtualTime } from '../time/virtual-time.ts';
import type { Machine } from './machine.ts';

/** What an {@link Operator} is made of. */
export interface OperatorParts {
  readonly time: VirtualTime;
  readonly random: Random;
  readonly machines: readonly Machine[];
  readonly leader: () => Machine | undefined;
  readonly violations: Violations;
  readonly tell: (what: string) => void;
}

interface Wish {
  readonly changes: readonly MembershipChange[];
  readonly options?: ChangeOptions;
}

/** How long a machine that was removed goes on, not knowing it. */
const SWITCH_OFF_AFTER = 150;

/** Changes the members, as one who sees what the leader says and can switch machines on and off. */
export class Operator {
  readonly #parts: OperatorParts;

  constructor(parts: OperatorParts) {
    this.#parts = parts;
  }

  async change(step: MembershipStep, pick: number): Promise<void> {
    const leader = this.#parts.leader();
    const configuration = leader?.node?.status().configuration;
    const wish = configuration && this.#wishFor(step, pick, configuration);
    if (leader === undefined || wish === undefined) return;
    const added = wish.changes.filter(({ kind }) => kind !== 'remove').map(({ id }) => id);
    for (const machine of this.#parts.machines) if (added.includes(machine.id)) machine.switchOn();
    const removed = wish.changes.filter(({ kind }) => kind === 'remove').map(({ id }) => id);
    await this.#attempt(step, leader, (node) => node.changeMembership(wish.changes, wish.options));
    for (const id of removed) this.#switchOffLater(id);
  }

  async transfer(pick: number): Promise<void> {
    const leader = this.#parts.leader();
    const voters = leader?.node?.status().configuration.voters.filter((id) => id !== leader.id) ?? [];
    const to = voters[pick % Math.max(1, voters.length)];
    if (leader === undefined || to === undefined) return;
    await this.#attempt(`transfer to ${to}`, leader, (node) => node.transferLeadership(to));
  }

  async #attempt(
    what: string,
    leader: Machine,
    call: (node: NonNullable<Machine['node']>) => Promise<unknown>,
  ): Promise<void> {
    if (leader.node === undefined) return;
    try {
      await call(leader.node);
      this.#parts.tell(`operator: ${what} done`);
    } catch (error) {
      // Refused, or of unknown outcome: an operator would look again.
      if (!isNodeError(error))
        this.#parts.violations.report('no-crash', `${what} at ${leader.id} rejects: ${String(error)}`);
      this.#parts.tell(`operator: ${what} ${isNodeError(error) ? error.code : 'failed'}`);
    }
  }

  #wishFor(step: MembershipStep, pick: number, { voters, outgoing, learners }: Configuration): Wish | undefined {
    const members = new Set([...voters, ...outgoing, ...learners]);
    const spares = this.#parts.machines.map(({ id }) => id).filter((id) => !members.has(id));
    const one = (ids: readonly string[]): string | undefined => ids[pick % Math.max(1, ids.length)];
    const spare = one(spares);
    const learner = one(learners);
    const voter = one(voters);
    switch (step) {
      case 'add-learner':
        return spare === undefined ? undefined : { changes: [{ kind: 'add-learner', id: spare }] };
      case 'promote':
        return learner === undefined ? undefined : { changes: [{ kind: 'add-voter', id: learner }] };
      case 'demote':
        return voter === undefined || voters.length < 3 ? undefined : { changes: [{ kind: 'add-learner', id: voter }] };
      case 'remove': {
        const id = voters.length > 2 && pick % 2 === 0 ? voter : learner;
        return id === undefined ? undefined : { changes: [{ kind: 'remove', id }] };
      }
      case 'replace':
        if (spare === undefined || voter === undefined) return undefined;
        return {
          changes: [
            { kind: 'remove', id: voter },
            { kind: 'add-voter', id: spare },
          ],
        };
      case 'joint':
        return this.#jointChange(voters, learners, spares, pick);
    }
  }

  /** All learners and a spare become voters, and one voter a learner. */
  #jointChange(
    voters: readonly string[],
    learners: readonly string[],
    spares: readonly string[],
    pick: number,
  ): Wish | undefined {
    const demoted = voters.length > 2 ? voters.slice(0, 1 + (pick % 2)) : [];
    const changes: MembershipChange[] = [
      ...learners.map((id) => ({ kind: 'add-voter', id }) as const),
      ...spares.slice(0, 1).map((id) => ({ kind: 'add-voter', id }) as const),
      ...demoted.map((id) => ({ kind: 'add-learner', id }) as const),
    ];
    return changes.length === 0 ? undefined : { changes, options: { joint: true } };
  }

  /** Only once a leader's committed configuration is without it: its vote may be needed until then. */
  #switchOffLater(id: string): void {
    this.#parts.time.schedule(SWITCH_OFF_AFTER, () => {
      const machine = this.#parts.machines.find((candidate) => candidate.id === id);
      if (machine !== undefined && this.#isGone(id)) machine.switchOff();
    });
  }

  #isGone(id: string): boolean {
    const status = this.#parts.leader()?.node?.status();
    if (status === undefined || status.commitIndex < status.lastLog.index) return false;
    const { voters, outgoing, learners } = status.configuration;
    return ![...voters, ...outgoing, ...learners].includes(id);
  }
}
