import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { contenderLabel, isPeer, type PeerName } from '../contenders/names.ts';
import type { BenchOptions } from '../options.ts';
import type { PeerProgram } from '../peers/go-peers.ts';
import { runPeer } from '../peers/run-peer.ts';
import { runTrial } from '../trial/run-trial.ts';
import type { TrialResult } from '../trial/task.ts';
import { workloadName } from '../workloads/workload.ts';
import type { PlannedTrial } from './plan.ts';
import type { Progress } from './progress.ts';
import type { TrialRecord } from './results.ts';

/** What the trials of a run have in common. */
export interface TrialSetting {
  readonly options: BenchOptions;
  readonly peers: ReadonlyMap<PeerName, PeerProgram>;
  /** Empty; every trial gets a directory in it. */
  readonly parent: string;
  readonly progress: Progress;
}

/** Runs the trials one after the other. One that fails is recorded, and the others go on. */
export async function runTrials(planned: readonly PlannedTrial[], setting: TrialSetting): Promise<TrialRecord[]> {
  const fixtures = new Fixtures();
  const records: TrialRecord[] = [];
  for (const [done, trial] of planned.entries()) {
    const what = `${contenderLabel(trial.contender)}: ${workloadName(trial.workload)}`;
    setting.progress.show(done, what);
    const began = performance.now();
    const outcome = await attempt(trial, setting, fixtures, (text) => setting.progress.show(done, `${what}: ${text}`));
    records.push({ ...trial, seconds: (performance.now() - began) / 1000, ...outcome });
    fixtures.removeUnneeded(planned.slice(done + 1));
  }
  setting.progress.end();
  return records;
}

async function attempt(
  trial: PlannedTrial,
  setting: TrialSetting,
  fixtures: Fixtures,
  onProgress: (text: string) => void,
): Promise<{ result: TrialResult } | { error: string }> {
  const directory = mkdtempSync(join(setting.parent, 'trial-'));
  const generates = trial.workload.kind === 'generate';
  try {
    const result = await runIn(directory, trial, setting, fixtures, onProgress);
    if (generates) fixtures.add(trial, directory);
    return { result };
  } catch (error) {
    if (generates) rmSync(directory, { recursive: true, force: true });
    return { error: error instanceof Error ? error.message : String(error) };
  } finally {
    if (!generates) rmSync(directory, { recursive: true, force: true });
  }
}

async function runIn(
  directory: string,
  trial: PlannedTrial,
  { options, peers }: TrialSetting,
  fixtures: Fixtures,
  onProgress: (text: string) => void,
): Promise<TrialResult> {
  const { contender, workload } = trial;
  const { seconds, settleMiB } = options;
  if (!isPeer(contender)) {
    return runTrial({ contender, workload, directory, seconds, settleMiB, fixture: fixtures.find(trial) }, onProgress);
  }
  const program = peers.get(contender);
  if (program === undefined || 'missing' in program || workload.kind !== 'append') {
    throw new Error(`${contender} can't do this.`);
  }
  return runPeer(program.binary, { directory, seconds }, workload);
}

/** Logs that were written for others to open. */
class Fixtures {
  readonly #directories = new Map<string, string>();

  add(trial: PlannedTrial, directory: string): void {
    this.#directories.set(keyOf(trial), directory);
  }

  find(trial: PlannedTrial): string | undefined {
    return trial.workload.kind === 'open' ? this.#directories.get(keyOf(trial)) : undefined;
  }

  /** Long logs don't lie about for longer than there is a use for them. */
  removeUnneeded(ahead: readonly PlannedTrial[]): void {
    const needed = new Set(ahead.filter(({ workload }) => workload.kind === 'open').map(keyOf));
    for (const [key, directory] of this.#directories) {
      if (needed.has(key)) continue;
      this.#directories.delete(key);
      rmSync(directory, { recursive: true, force: true });
    }
  }
}

/** The same for the trial that writes a log and for those that open it. */
function keyOf({ contender, workload }: PlannedTrial): string {
  const { payload } = workload;
  return `${contender} ${'entries' in workload ? workload.entries : 0} ${payload}`;
}
