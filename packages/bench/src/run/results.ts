import { type Summary, summarize } from '@raftlog/core/benchmark';
import type { ContenderName } from '../contenders/names.ts';
import type { TrialResult } from '../trial/task.ts';
import { type Workload, workloadName } from '../workloads/workload.ts';
import type { PlannedTrial } from './plan.ts';

/** A trial that was run, and what came of it. */
export interface TrialRecord extends PlannedTrial {
  /** Wall-clock time of the whole trial. */
  readonly seconds: number;
  readonly result?: TrialResult;
  /** Why there is no result. */
  readonly error?: string;
}

/** One of a trial's figures, of one contender. */
export interface FigureOf {
  readonly contender: ContenderName;
  readonly workload: Workload;
  readonly figure: string;
}

/** All trials of a run of the command, to be asked for figures. */
export class Results {
  readonly trials: readonly TrialRecord[];
  readonly #byKey = new Map<string, TrialRecord[]>();

  constructor(trials: readonly TrialRecord[]) {
    this.trials = trials;
    for (const trial of trials) {
      const same = this.#byKey.get(keyOf(trial));
      if (same === undefined) this.#byKey.set(keyOf(trial), [trial]);
      else same.push(trial);
    }
  }

  /** The trials of one contender and workload that gave something. */
  of(contender: ContenderName, workload: Workload): TrialRecord[] {
    return this.#all({ contender, workload }).filter(({ result }) => result !== undefined);
  }

  summary({ contender, workload, figure }: FigureOf): Summary | undefined {
    const samples = [...this.#samples({ contender, workload, figure }).values()];
    return samples.length === 0 ? undefined : summarize(samples);
  }

  /** The ratio of the medians; its range is that of the ratios within single runs. */
  ratio(above: FigureOf, below: FigureOf): Summary | undefined {
    const [numerator, denominator] = [this.summary(above), this.summary(below)];
    if (numerator === undefined || denominator === undefined) return undefined;
    const others = this.#samples(below);
    const ratios = [...this.#samples(above)].flatMap(([run, value]) => {
      const other = others.get(run);
      return other === undefined ? [] : [value / other];
    });
    const median = numerator.median / denominator.median;
    return { median, low: Math.min(median, ...ratios), high: Math.max(median, ...ratios) };
  }

  /** By run. */
  #samples({ contender, workload, figure }: FigureOf): Map<number, number> {
    const samples = new Map<number, number>();
    for (const { run, result } of this.of(contender, workload)) {
      const value = result?.figures[figure];
      if (value !== undefined) samples.set(run, value);
    }
    return samples;
  }

  /** Why there is no such figure: the trial failed, or it wasn't part of this run. */
  whyNot(which: Pick<FigureOf, 'contender' | 'workload'>): string {
    const failed = this.#all(which).find(({ error }) => error !== undefined);
    return failed === undefined ? 'not measured' : `failed: ${failed.error?.split('\n')[0]}`;
  }

  #all(which: Pick<FigureOf, 'contender' | 'workload'>): readonly TrialRecord[] {
    return this.#byKey.get(keyOf(which)) ?? [];
  }
}

function keyOf({ contender, workload }: Pick<FigureOf, 'contender' | 'workload'>): string {
  return `${contender}: ${workloadName(workload)}`;
}
