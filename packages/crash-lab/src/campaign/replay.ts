import { JudgePool } from '../check/judge-pool.ts';
import type { StateVerdict } from '../check/state-verdict.ts';
import { type LabSubject, labEngine } from '../subject.ts';
import type { Violation } from './violation.ts';

/** Gives the engine the state of a violation once more. */
export async function replay(
  subject: LabSubject,
  { histories, image, build, demands }: Violation,
): Promise<StateVerdict> {
  const pool = new JudgePool(await labEngine(subject), 1);
  try {
    pool.setHistories(histories);
    return await pool.judge({ image, build, demands });
  } finally {
    pool.close();
  }
}
