import { dirname } from 'node:path';
import type { StorageEngine } from '../../storage-engine.ts';
import type { BuildOptions } from '../builder.ts';
import type { CaseContext, ConformanceSubject } from '../case.ts';
import { createTestEntries } from '../entries.ts';
import type { FileCall, FileOperation } from '../lossy-file-io/injected-faults.ts';
import { LossyFileIo } from '../lossy-file-io/lossy-file-io.ts';
import {
  applyToEngine,
  differenceBetween,
  type LogModel,
  type LogOperation,
  modelLastIndex,
  observe,
} from '../model.ts';
import { createRandom, type Random } from '../random.ts';
import { awaitedLater } from './awaited-later.ts';
import { CrashHistory, type CrashMoment } from './crash-history.ts';

/** Why cases on simulated disks don't apply to an engine whose files can't be put there. */
export const NO_FILE_IO = 'takes no FileIo: its files can’t be put on a simulated disk';

/** Why cases on simulated disks don't apply, if they don't. */
export function withoutFileIo({ builder, capabilities }: ConformanceSubject): string | undefined {
  if (capabilities.durability === 'volatile') return 'volatile: nothing has to survive';
  if (builder.takesFileIo !== true) return NO_FILE_IO;
  return undefined;
}

/** A simulated disk for the builder's place. */
export function simulatedDisk({ builder }: ConformanceSubject): LossyFileIo {
  return new LossyFileIo({ directories: [builder.directory === undefined ? '/' : dirname(builder.directory)] });
}

export interface Exploration {
  readonly operations: readonly LogOperation[];
  /** On top of a `FileIo` and `small`. */
  readonly build?: BuildOptions;
  /** Outcomes tried at each call: all, where there are no more. */
  readonly statesPerCall: number;
  /** Probability that the next operation is issued before the last one has resolved. Default: 0, so that every crash hits one operation. */
  readonly overlap?: number;
  /** Issue each operation while the one before is being written, so that it meets a commit that can't take it in any more. Default: false. */
  readonly intoWrites?: boolean;
  /** Wait this long after each operation, so that work in the background is done before the next. Default: not at all. */
  readonly pauseMs?: number;
  /** Opens in the middle of which the power is cut again, one in this many. Default: 8. */
  readonly cutRecoveryOneIn?: number;
}

interface Point {
  readonly disk: LossyFileIo;
  readonly moment: CrashMoment;
  readonly call: FileCall;
}

// What comes before a call is the same as before the call before it, if that one changed nothing.
const changing: readonly FileOperation[] = [
  'open',
  'makeDirectory',
  'rename',
  'remove',
  'syncDirectory',
  'lock',
  'write',
  'datasync',
  'truncate',
];

/**
 * Runs the operations once on a simulated disk, and kills the process, and cuts the power, before every call that the engine makes to it: for each
 * outcome the place is opened, what is found is judged, the log goes on, and the power is cut once more.
 */
export async function explorePowerCuts(context: CaseContext, exploration: Exploration): Promise<void> {
  const random = createRandom(context.seed);
  const buildOptions: BuildOptions = { small: true, ...exploration.build };
  const disk = simulatedDisk(context);
  const history = new CrashHistory(undefined, { buffered: isBuffered(context, buildOptions) });
  const points: Point[] = [];
  let engine: StorageEngine | undefined;
  let changed = true;
  let acknowledged = '';
  let written: (() => void) | undefined;
  const nextWrite = (): Promise<void> =>
    new Promise((resolve) => {
      written = resolve;
    });
  disk.onCall = (call) => {
    const moment = history.moment(engine);
    // An acknowledgement raises what is promised although nothing was written since.
    const promised = JSON.stringify(moment);
    if (changed || promised !== acknowledged) points.push({ disk: disk.clone(), moment, call });
    changed = changing.includes(call.operation);
    acknowledged = promised;
    if (call.operation === 'write') written?.();
  };
  engine = await context.builder.build({ ...buildOptions, fileIo: disk });
  await runOperations(engine, exploration, history, random, nextWrite);
  const atEnd = disk.clone();
  points.push({
    disk: atEnd,
    moment: history.moment(engine),
    call: { number: 0, operation: 'close', path: 'the end' },
  });
  await engine.close();

  for (const { disk: before, moment, call } of points) {
    const killed = `process killed before call ${call.number} (${call.operation} ${call.path})`;
    const afterKill = {
      disk: before.clone(),
      history,
      moment,
      buildOptions,
      where: killed,
      random,
      cutRecovery: false,
    };
    await recoverTwice(context, afterKill);
    const { states } = before.powerCutStates({ limit: exploration.statesPerCall, seed: context.seed + call.number });
    for (const { name, fileIo } of states) {
      const where = `power cut before call ${call.number} (${call.operation} ${call.path}), ${name}`;
      const again = random.integer(1, exploration.cutRecoveryOneIn ?? 8) === 1;
      await recoverTwice(context, { disk: fileIo, history, moment, buildOptions, where, random, cutRecovery: again });
    }
  }
}

/** True if acknowledged entries are promised only after a flush, by these options or by the adaptor's own default. */
export function isBuffered({ capabilities }: ConformanceSubject, options: BuildOptions = {}): boolean {
  return (options.durability ?? capabilities.durability) === 'buffered';
}

/** Issues the operations in order, some of them without waiting for the ones before. Fails if one is refused. */
async function runOperations(
  engine: StorageEngine,
  { operations, overlap = 0, intoWrites = false, pauseMs = 0 }: Exploration,
  history: CrashHistory,
  random: Random,
  nextWrite: () => Promise<void>,
): Promise<void> {
  let pending: Promise<void>[] = [];
  for (const operation of operations) {
    const write = nextWrite();
    const call = history.call(engine, operation).then((code) => {
      if (code !== undefined) throw new Error(`${operation.type} was refused with ${code}, but it is right`);
    });
    pending.push(awaitedLater(call));
    if (intoWrites) await Promise.race([write, call]);
    if (intoWrites || random.chance(overlap)) continue;
    await Promise.all(pending);
    pending = [];
    if (pauseMs > 0) await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
  await Promise.all(pending);
}

export interface Recovery {
  readonly disk: LossyFileIo;
  readonly history: CrashHistory;
  readonly moment: CrashMoment;
  readonly buildOptions: BuildOptions;
  /** Names the crash in the message of a failure. */
  readonly where: string;
  readonly random: Random;
  /** Cut the power in the middle of the first recovery too. */
  readonly cutRecovery: boolean;
  /** Append to what is found: it brings pages that a failed sync left out to the disk after all. Default: by chance. */
  readonly goesOn?: boolean;
}

/**
 * Opens the place after a crash, judges what is found, checks that it is on the disk and not only in the page cache, appends, and
 * does it all once more after a second crash.
 */
export async function recoverTwice(context: CaseContext, recovery: Recovery): Promise<void> {
  const { history, moment, buildOptions, where, random } = recovery;
  let disk = recovery.disk;
  if (recovery.cutRecovery) disk = await cutWhileOpening(context, recovery);
  const found = await openAnd(context, buildOptions, disk, where, async (engine) => {
    const observed = await observe(engine);
    const verdict = history.judge(observed, moment);
    if (verdict !== undefined) throw new Error(verdict);
    checkGetters(engine, observed);
    return observed;
  });
  const { model: served, engine } = found;
  const next = createTestEntries(modelLastIndex(served) + 1, modelLastIndex(served) + 2, lastTerm(served), {
    bytes: 40,
  });
  const goesOn = recovery.goesOn ?? random.chance(0.75);
  if (goesOn) {
    const hardState = { currentTerm: (served.hardState?.currentTerm ?? 0) + 1, votedFor: 'node-1' };
    for (const operation of [
      { type: 'append', entries: next },
      { type: 'hardState', state: hardState },
      { type: 'flush' },
    ] as const) {
      const code = await applyToEngine(engine, operation);
      if (code !== undefined) throw new Error(`${where}: afterwards ${operation.type} was refused with ${code}`);
    }
    served.entries.push(...next);
    served.hardState = hardState;
  }
  const second = disk.powerCut({ mode: random.pick(['synced', 'mixed', 'torn']), seed: random.integer(0, 1e9) });
  await abandon(engine);
  const again = await openAnd(context, buildOptions, second, `${where}; then a second power cut`, async (reopened) => {
    const observed = await observe(reopened);
    const difference = differenceBetween(observed, served);
    if (difference !== undefined) {
      throw new Error(`${goesOn ? 'what was acknowledged' : 'what was read'} after the first is gone: ${difference}`);
    }
    return observed;
  });
  await again.engine.close();
}

/** Opens the place and runs `check`; whatever fails, the message says after which crash. */
async function openAnd(
  { builder }: ConformanceSubject,
  options: BuildOptions,
  disk: LossyFileIo,
  where: string,
  check: (engine: StorageEngine) => Promise<LogModel>,
): Promise<{ engine: StorageEngine; model: LogModel }> {
  let engine: StorageEngine | undefined;
  try {
    engine = await builder.build({ ...options, fileIo: disk });
    return { engine, model: await check(engine) };
  } catch (error) {
    if (engine !== undefined) await abandon(engine);
    const what = engine === undefined ? 'the place can’t be opened: ' : '';
    throw new Error(`${where}: ${what}${error instanceof Error ? error.message : error}`, { cause: error });
  }
}

/** Closes an engine whose disk is gone. */
export async function abandon(engine: StorageEngine): Promise<void> {
  // It can't say goodbye to a disk that answers nothing; only its memory and timers are to be freed.
  await engine.close().catch(() => undefined);
}

function checkGetters(engine: StorageEngine, observed: LogModel): void {
  const { firstIndex, lastIndex, durableIndex } = engine.logStore;
  const [first, last] = [(observed.boundary?.index ?? 0) + 1, modelLastIndex(observed)];
  if (firstIndex !== first || lastIndex !== last) {
    throw new Error(`the log says ${firstIndex} to ${lastIndex}, but holds ${first} to ${last}`);
  }
  if (durableIndex !== last) throw new Error(`durableIndex is ${durableIndex} after the open, not ${last}`);
}

function lastTerm(model: LogModel): number {
  return Math.max(model.entries.at(-1)?.term ?? model.boundary?.term ?? 1, model.hardState?.currentTerm ?? 1);
}

/** Begins to open the place, and cuts the power before a random call of that. */
async function cutWhileOpening(context: CaseContext, { disk, buildOptions, random }: Recovery): Promise<LossyFileIo> {
  const trial = disk.clone();
  const moments: LossyFileIo[] = [];
  trial.onCall = ({ operation }) => {
    if (changing.includes(operation)) moments.push(trial.clone());
  };
  const engine = await context.builder.build({ ...buildOptions, fileIo: trial }).catch(() => undefined);
  trial.onCall = undefined;
  if (engine !== undefined) await engine.close();
  const chosen = moments.length === 0 ? disk : random.pick(moments);
  return chosen.powerCut({ mode: random.pick(['synced', 'mixed', 'torn']), seed: random.integer(0, 1e9) });
}
