import { applyToModel, cloneModel, type LogModel, type LogOperation } from '@raftlog/core/conformance';
import type { JudgePool } from '../check/judge-pool.ts';
import type { LabEngine } from '../record/record.ts';
import type { Workload } from '../record/workload.ts';
import type { CrashModel } from '../states/crash-disk.ts';
import { type Beginning, crashWorkload, violationOf } from './crash-campaign.ts';
import { operationsOf, type Violation } from './violation.ts';

export interface ShrinkOptions {
  readonly model: CrashModel;
  readonly processes: number;
  /** It settles for what it has after so long. */
  readonly timeMs: number;
}

/** States of a shorter workload that are judged before it counts as right. */
const STATES_OF_A_TRIAL = 400;

/**
 * Looks for a shorter workload that the engine fails in the same way (the same kind of problem), by leaving out operations: halves, quarters, and so on down to
 * one. What is left can still be too long: a state that only comes about when threads meet may not come about again.
 */
export async function shrink(
  engine: LabEngine,
  pool: JudgePool,
  violation: Violation,
  workload: Workload,
  beginning: Beginning,
  { model, processes, timeMs }: ShrinkOptions,
): Promise<Violation> {
  const deadline = performance.now() + timeMs;
  let shortest = violation;
  const attempt = async (operations: readonly LogOperation[]): Promise<boolean> => {
    if (!isRight(beginning.base, operations)) return false;
    const trial = { ...workload, operations, reopenAfter: undefined, restBefore: undefined };
    let found: Violation | undefined;
    const limits = { model, processes, limit: STATES_OF_A_TRIAL };
    await crashWorkload(engine, pool, trial, beginning, limits, ({ state, verdict: { problem }, story }) => {
      if (problem?.kind === violation.problem.kind) {
        found ??= violationOf(violation.subject, { model }, trial, beginning, state, story, problem);
      }
      return found === undefined && performance.now() < deadline;
    });
    if (found === undefined || issuedSince(found).length >= issuedSince(shortest).length) return false;
    shortest = found;
    return true;
  };
  for (let size = issuedSince(shortest).length; size >= 1; size = Math.floor(size / 2)) {
    for (let at = 0; at < issuedSince(shortest).length && performance.now() < deadline; ) {
      const operations = issuedSince(shortest);
      if (!(await attempt([...operations.slice(0, at), ...operations.slice(at + size)]))) at += size;
    }
  }
  return shortest;
}

/** Operations of the recorded process itself: a crash of its recovery comes before them. */
function issuedSince(violation: Violation): readonly LogOperation[] {
  return violation.demands.at(-1)?.history === 0 ? operationsOf(violation) : [];
}

function isRight(base: LogModel, operations: readonly LogOperation[]): boolean {
  const model = cloneModel(base);
  return operations.every((operation) => applyToModel(model, operation).length === 0);
}
