import { CrashHistory, type CrashMoment, type LogModel, type LogOperation } from '@raftlog/core/conformance';
import type { Change } from '../record/change.ts';

/** Operations that were made on what lay there. */
export interface StoredHistory {
  readonly base: LogModel;
  readonly operations: readonly LogOperation[];
  readonly buffered: boolean;
}

/** What must be true of a state: that it is what a crash may leave of this history at that moment. */
export interface Demand extends CrashMoment {
  /** Number of the history, in the list that goes with the states. */
  readonly history: number;
  /** When the power was cut and what it left, in words. */
  readonly where: string;
}

export function historyOf({ base, operations, buffered }: StoredHistory): CrashHistory {
  const history = new CrashHistory(base, { buffered });
  for (const operation of operations) history.issue(operation);
  return history;
}

/**
 * What must hold at each moment of a recording, from its marks. Until the open has resolved that is what the crash before it demanded
 * (`earlier`), afterwards what the open found and was asked for since.
 */
export class Story {
  readonly histories: readonly StoredHistory[];
  readonly #moments: readonly { readonly at: number; readonly demand: Demand }[];

  constructor(
    changes: readonly Change[],
    stored: StoredHistory,
    earlier?: { readonly history: StoredHistory; readonly demand: Demand },
  ) {
    this.histories = earlier === undefined ? [stored] : [stored, earlier.history];
    const history = historyOf(stored);
    let issued = 0;
    const now = (): Demand => ({ ...history.moment(), issued, history: 0, where: '' });
    const moments = [{ at: -1, demand: earlier === undefined ? now() : { ...earlier.demand, history: 1 } }];
    for (const change of changes) {
      if (change.kind !== 'mark') continue;
      const [word, number] = change.text.split(' ');
      if (word === 'i') issued = Math.max(issued, Number(number));
      if (word === 'a') history.acknowledge(Number(number));
      // A call may have begun to write as soon as it is made, which is when its mark begins.
      moments.push({ at: word === 'i' ? change.began : change.ended, demand: now() });
    }
    this.#moments = moments;
  }

  /** At a position in the trace. */
  at(position: number): Demand {
    const passed = this.#moments.findLast(({ at }) => at <= position);
    if (passed === undefined) throw new Error('There is no moment before the first.');
    return passed.demand;
  }
}
