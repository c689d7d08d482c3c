import { createModel, createRandom, type LogModel } from '@raftlog/core/conformance';
import { JudgePool } from '../check/judge-pool.ts';
import type { StateVerdict } from '../check/state-verdict.ts';
import { type LabEngine, record } from '../record/record.ts';
import { chooseWorkload, type Workload } from '../record/workload.ts';
import type { CrashModel } from '../states/crash-disk.ts';
import type { DiskImage } from '../states/disk-image.ts';
import { type CrashState, enumerateStates } from '../states/enumerate.ts';
import { type Demand, type StoredHistory, Story } from '../states/story.ts';
import { type CrashedEngine, type LabSubject, labEngine } from '../subject.ts';
import { shrink } from './shrink.ts';
import { operationsOf, type Violation } from './violation.ts';

export interface CrashCampaignOptions {
  /** At least so many different states are judged. Default: 20,000. */
  readonly states?: number;
  /** Repeats the workloads, and the choice of states; when exactly threads run no seed can repeat. Default: 1. */
  readonly seed?: number;
  /** Default: `ext4`. */
  readonly model?: CrashModel;
  /** Operations of a workload. Default: 40. */
  readonly operations?: number;
  /** States that are judged at once, each in a process of its own. Default: 2. */
  readonly processes?: number;
  /** It ends after so many violations. Default: 10. */
  readonly violations?: number;
  /** How long a shorter workload is looked for when the first violation is found. Default: 30,000. */
  readonly shrinkMs?: number;
  readonly onProgress?: (progress: CrashCampaignReport) => void;
}

export interface CrashCampaignReport {
  /** Workloads that were recorded. */
  readonly recordings: number;
  readonly operations: number;
  /** System calls that changed something. */
  readonly changes: number;
  /** States that the rules give for these recordings. */
  readonly possible: number;
  /** Different states that were judged. */
  readonly states: number;
  readonly violations: readonly Violation[];
}

// Enough for each moment of a workload; more would be the same moments again.
const STATES_PER_RECORDING = 600;

/**
 * Records workloads, crashes them wherever they can be crashed, and judges what is left: every acknowledged operation is there, the rest is a prefix
 * of what was issued, nothing that was removed is back, no vote is older; the log goes on, and survives a second crash. Every other workload begins with what a crash of
 * the one before left, so that recoveries are crashed as well.
 */
export async function runCrashCampaign(
  subject: LabSubject,
  options: CrashCampaignOptions = {},
): Promise<CrashCampaignReport> {
  const { states = 20_000, seed = 1, processes = 2, violations = 10, onProgress } = options;
  const engine = await labEngine(subject);
  const pool = new JudgePool(engine, processes);
  const campaign = new CrashCampaign(subject.name, engine, pool, options);
  try {
    for (let round = 0; campaign.report.states < states && campaign.report.violations.length < violations; round++) {
      const roundSeed = seed * 10_000 + round;
      const first = await campaign.crash({ seed: roundSeed, before: new Map(), base: createModel() }, onProgress);
      const left = first?.left;
      if (left !== undefined && campaign.report.states < states) {
        await campaign.crash(
          { seed: roundSeed + 5_000, before: left.image, base: left.found, earlier: left },
          onProgress,
        );
      }
    }
    return campaign.report;
  } finally {
    pool.close();
  }
}

/** Where a workload begins. */
export interface Beginning {
  readonly seed: number;
  readonly before: DiskImage;
  readonly base: LogModel;
  readonly earlier?: { readonly history: StoredHistory; readonly demand: Demand };
}

/** What a crash left, and what was found in it. */
interface Left {
  readonly image: DiskImage;
  readonly found: LogModel;
  readonly history: StoredHistory;
  readonly demand: Demand;
}

class CrashCampaign {
  readonly #name: string;
  readonly #engine: CrashedEngine;
  readonly #pool: JudgePool;
  readonly #options: CrashCampaignOptions;
  report: CrashCampaignReport = { recordings: 0, operations: 0, changes: 0, possible: 0, states: 0, violations: [] };

  constructor(name: string, engine: CrashedEngine, pool: JudgePool, options: CrashCampaignOptions) {
    this.#name = name;
    this.#engine = engine;
    this.#pool = pool;
    this.#options = options;
  }

  /** One workload; `left` is one of its states that was right, to go on from. */
  async crash(
    beginning: Beginning,
    onProgress: CrashCampaignOptions['onProgress'],
  ): Promise<{ readonly left: Left | undefined }> {
    const { states: wanted = 20_000, operations = 40 } = this.#options;
    const { offersBuffered } = this.#engine;
    const workload = chooseWorkload(beginning.base, { seed: beginning.seed, operations, offersBuffered });
    const limit = Math.min(STATES_PER_RECORDING, wanted - this.report.states);
    const pick = createRandom(beginning.seed).integer(0, limit - 1);
    const earlier = this.report.violations;
    let number = 0;
    let left: Left | undefined;
    const found = await crashWorkload(
      this.#engine,
      this.#pool,
      workload,
      beginning,
      { ...this.#options, limit },
      ({ state, verdict, story }) => {
        const { report } = this;
        const { problem } = verdict;
        const [demand] = state.demands;
        if (problem !== undefined) {
          const violation = violationOf(this.#name, this.#options, workload, beginning, state, story, problem);
          this.report = { ...report, states: report.states + 1, violations: [...report.violations, violation] };
        } else {
          this.report = { ...report, states: report.states + 1 };
          const history = demand === undefined ? undefined : story.histories[demand.history];
          if (
            ++number >= pick &&
            left === undefined &&
            verdict.found !== undefined &&
            history !== undefined &&
            demand !== undefined
          ) {
            left = { image: state.image, found: verdict.found, history, demand };
          }
        }
        onProgress?.(this.report);
        return this.report.violations.length < (this.#options.violations ?? 10);
      },
    );
    await this.#shrinkFirst(earlier.length, workload, beginning);
    this.report = {
      ...this.report,
      recordings: this.report.recordings + 1,
      operations: this.report.operations + operations,
      changes: this.report.changes + found.changes,
      possible: this.report.possible + found.possible,
    };
    return { left };
  }

  /** Of the first workload that the engine fails, the state that needs the fewest operations, if that can be had with less. */
  async #shrinkFirst(earlier: number, workload: Workload, beginning: Beginning): Promise<void> {
    const { violations } = this.report;
    const { model = 'ext4', processes = 2, shrinkMs = 30_000 } = this.#options;
    if (earlier > 0 || violations.length === 0 || shrinkMs === 0) return;
    const [first, ...others] = violations.toSorted((a, b) => operationsOf(a).length - operationsOf(b).length);
    if (first === undefined) return;
    const options = { model, processes, timeMs: shrinkMs };
    const shortest = await shrink(this.#engine, this.#pool, first, workload, beginning, options);
    this.report = { ...this.report, violations: [shortest, ...others] };
  }
}

interface Judged {
  readonly state: CrashState;
  readonly verdict: StateVerdict;
  readonly story: Story;
}

/** Records one workload and judges its states, until `onJudged` answers false. */
export async function crashWorkload(
  engine: LabEngine,
  pool: JudgePool,
  workload: Workload,
  { seed, before, base, earlier }: Beginning,
  {
    model = 'ext4',
    limit,
    processes = 2,
  }: { readonly model?: CrashModel; readonly limit: number; readonly processes?: number },
  onJudged: (judged: Judged) => boolean,
): Promise<{ readonly changes: number; readonly possible: number }> {
  const recording = await record(engine, workload, before, base);
  const buffered = workload.build.durability === 'buffered';
  const story = new Story(recording.changes, { base, operations: workload.operations, buffered }, earlier);
  const { possible, states } = enumerateStates(recording, story, { model, seed, limit });
  pool.setHistories(story.histories);
  const source = states[Symbol.iterator]();
  let goesOn = true;
  const judgeNext = async (): Promise<void> => {
    for (let next = source.next(); goesOn && next.done !== true; next = source.next()) {
      const state = next.value;
      const verdict = await pool.judge({ image: state.image, demands: state.demands, build: workload.build });
      goesOn = onJudged({ state, verdict, story }) && goesOn;
    }
  };
  await Promise.all(Array.from({ length: processes }, judgeNext));
  return { changes: recording.changes.length, possible };
}

export function violationOf(
  subject: string,
  { model = 'ext4' }: Pick<CrashCampaignOptions, 'model'>,
  { build, callers }: Workload,
  { seed, earlier }: Beginning,
  state: CrashState,
  { histories }: Story,
  problem: Violation['problem'],
): Violation {
  const generation = earlier === undefined ? 1 : 2;
  const { image } = state;
  const demands = problem.demand === undefined ? state.demands : [problem.demand];
  return { subject, seed, model, problem, generation, callers, build, image, demands, histories };
}
