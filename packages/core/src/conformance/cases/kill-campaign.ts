import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { StorageEngine } from '../../storage-engine.ts';
import type { StorageEngineBuilder } from '../builder.ts';
import { createModel, type LogModel } from '../model.ts';
import { childEnvironment, refuseInOwnChild } from '../own-child.ts';
import { createRandom, defaultSeed, type Random } from '../random.ts';
import { CrashHistory } from './crash-history.ts';
import { randomOperation } from './crash-workload.ts';
import { judgeAfterCrash } from './judge-after-crash.ts';
import type { KillTask } from './kill-child.ts';
import { contentOf, killedSnapshotBytes, snapshotContent } from './snapshot-content.ts';

export interface KillCampaignOptions {
  /** Processes to kill. Default: 8. */
  readonly kills?: number;
  /** Repeats the operations and the random moments of another run; when exactly a kill hits no seed can repeat. */
  readonly seed?: number;
  /** Called after each kill that lost nothing. */
  readonly onProgress?: (progress: KillCampaignReport) => void;
}

export interface KillCampaignReport {
  readonly seed: number;
  readonly kills: number;
  /** Kills that hit the child while it opened the place. */
  readonly whileOpening: number;
  readonly issued: number;
  readonly acknowledged: number;
  /** Snapshots that were saved. */
  readonly snapshots: number;
}

/**
 * Kills a process with SIGKILL, again and again, while it writes to the builder's place, and looks after each kill: every acknowledged operation is
 * there, the others are there as a prefix, no vote goes back, every saved snapshot is there whole, and the log goes on. Rejects at the first loss.
 * Each kill finds the place as the last one left it.
 */
export async function runKillCampaign(
  builder: StorageEngineBuilder,
  options: KillCampaignOptions = {},
): Promise<KillCampaignReport> {
  refuseInOwnChild();
  const { kills = 8, seed = defaultSeed(), onProgress } = options;
  const random = createRandom(seed);
  let state: Found = { log: createModel(), snapshots: [] };
  let firstSnapshot = 1;
  let report: KillCampaignReport = { seed, kills: 0, whileOpening: 0, issued: 0, acknowledged: 0, snapshots: 0 };
  await builder.cleanup();
  while (report.kills < kills) {
    const { child } = builder;
    if (child === undefined) throw new Error('The builder names no child process opener.');
    const buffered = builder.offersBuffered === true && random.chance(0.3);
    const build: KillTask['build'] = {
      small: random.chance(0.8),
      ...(buffered ? { durability: 'buffered' as const } : {}),
    };
    const { href: module } = child.module;
    const [taskSeed, callers] = [random.integer(1, 2 ** 31), random.integer(1, 6)];
    const task: KillTask = { module, place: child.place, seed: taskSeed, build, callers, firstSnapshot };
    const told = await runAndKill(task, random);
    const where = `kill ${report.kills + 1} (seed ${seed})`;
    try {
      state = await judge(builder, state, task, told);
      report = {
        seed,
        kills: report.kills + 1,
        whileOpening: report.whileOpening + (told.opened ? 0 : 1),
        issued: report.issued + told.issued,
        acknowledged: report.acknowledged + told.acknowledged.length,
        snapshots: report.snapshots + told.saved.length,
      };
      firstSnapshot = Math.max(firstSnapshot, told.lastSave + 1);
    } catch (error) {
      throw new Error(`${where}: ${error instanceof Error ? error.message : error}`, { cause: error });
    }
    onProgress?.(report);
  }
  await builder.cleanup();
  return report;
}

/**
 * The campaign as a command: `--kills 500 --seed 1`. Resolves to the exit code: 1 for a loss, 2 for a wrong argument. An adaptor's `crash`
 * script is this with its builder. `makeBuilder` is given an empty directory to put its places in; after a loss it is kept.
 */
export async function killCampaignMain(
  makeBuilder: (parent: string) => StorageEngineBuilder,
  argv: readonly string[] = process.argv.slice(2),
): Promise<number> {
  let kills: number;
  let seed: number;
  try {
    const options = { kills: { type: 'string', default: '500' }, seed: { type: 'string' } } as const;
    const { values } = parseArgs({ args: argv.filter((word) => word !== '--'), options });
    kills = wholeNumber('--kills', values.kills);
    seed = values.seed === undefined ? defaultSeed() : wholeNumber('--seed', values.seed);
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : error}\n`);
    return 2;
  }
  const parent = await mkdtemp(join(tmpdir(), 'raftlog-crash-'));
  try {
    const started = performance.now();
    const show = (report: KillCampaignReport): string =>
      `${report.kills} of ${kills} kills, ${report.acknowledged} operations acknowledged, lost: 0`;
    const report = await runKillCampaign(makeBuilder(parent), {
      kills,
      seed,
      onProgress: (progress) => {
        if (progress.kills % 25 === 0) process.stdout.write(`${show(progress)}\n`);
      },
    });
    const seconds = ((performance.now() - started) / 1000).toFixed(1);
    process.stdout.write(`${show(report)}; ${report.whileOpening} hit an open, ${seconds} s, seed ${seed}\n`);
    await rm(parent, { recursive: true, force: true });
    return 0;
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : error}\nWhat was found is in ${parent}\n`);
    return 1;
  }
}

function wholeNumber(option: string, value: string): number {
  const number = Number(value);
  if (Number.isSafeInteger(number) && number >= 1) return number;
  throw new RangeError(`${option} is "${value}": give a whole number from 1 on.`);
}

/** What a child told before it died. */
interface Told {
  readonly opened: boolean;
  readonly issued: number;
  readonly acknowledged: readonly number[];
  /** Number of the last snapshot that it began to save; 0 for none. */
  readonly lastSave: number;
  readonly saved: readonly number[];
}

/** What lies in the place. */
interface Found {
  readonly log: LogModel;
  /** Numbers of the snapshots, newest first. */
  readonly snapshots: readonly number[];
}

/** Starts a child and kills it: after a random number of acknowledgements, or now and then while it opens the place. */
async function runAndKill(task: KillTask, random: Random): Promise<Told> {
  const whileOpening = random.chance(0.15);
  const enough = random.integer(1, random.chance(0.5) ? 30 : 400);
  const pauseMs = random.chance(0.5) ? 0 : random.next() * 3;
  // Beside this module, compiled with it or not.
  const script = new URL(`./kill-child${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url);
  const child = spawn(process.execPath, [fileURLToPath(script), JSON.stringify(task)], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: childEnvironment(),
  });
  let [output, complaint, acknowledged] = ['', '', 0];
  let killing = false;
  const kill = (): void => {
    killing = true;
    child.kill('SIGKILL');
  };
  if (whileOpening) setTimeout(kill, random.integer(40, 160)).unref();
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaint += text;
  });
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
    acknowledged += text.match(/^a /gm)?.length ?? 0;
    if (acknowledged < enough || killing) return;
    killing = true;
    if (pauseMs === 0) kill();
    else setTimeout(kill, pauseMs);
  });
  // Whatever it hangs on, it is killed, and judged by what it told.
  const patience = setTimeout(kill, 10_000);
  await ended(child);
  clearTimeout(patience);
  if (child.signalCode !== 'SIGKILL') {
    throw new Error(
      `the child ended by itself with ${child.exitCode ?? child.signalCode}: ${complaint || output.slice(-500)}`,
    );
  }
  return read(output);
}

function ended(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    // Only then is all that it wrote read.
    child.once('close', () => resolve());
  });
}

function read(output: string): Told {
  const lines = output.split('\n');
  // The last line may be cut short by the kill.
  lines.pop();
  const refusal = lines.find((line) => line.startsWith('e '));
  if (refusal !== undefined)
    throw new Error(`the child reports that operation ${refusal.slice(2)}, though it is right`);
  const numbers = (letter: string): number[] =>
    lines.filter((line) => line.startsWith(`${letter} `)).map((line) => Number(line.slice(2)));
  return {
    opened: lines.includes('open'),
    issued: Math.max(0, ...numbers('i')),
    acknowledged: numbers('a'),
    lastSave: Math.max(0, ...numbers('s')),
    saved: numbers('t'),
  };
}

/** Compares the place with what the child told; resolves to what lies there now. */
async function judge(builder: StorageEngineBuilder, before: Found, task: KillTask, told: Told): Promise<Found> {
  const history = new CrashHistory(before.log);
  const random = createRandom(task.seed);
  while (history.issued < told.issued) history.issue(randomOperation(history.current, random));
  for (const number of told.acknowledged) history.acknowledge(number);
  let snapshots: number[] = [];
  const log = await judgeAfterCrash(
    () => builder.build(task.build),
    history,
    async (engine) => {
      snapshots = await judgeSnapshots(engine, before.snapshots, task, told);
    },
  );
  return { log, snapshots };
}

/** Fails unless what was there before, and what was saved, is there whole. Keeps two; resolves to their numbers. */
async function judgeSnapshots(
  { snapshotStore }: StorageEngine,
  before: readonly number[],
  { firstSnapshot }: KillTask,
  { saved, lastSave }: Told,
): Promise<number[]> {
  const found: number[] = [];
  for (const { id, lastIncluded } of await snapshotStore.list()) {
    const number = lastIncluded.index;
    if (!before.includes(number) && (number < firstSnapshot || number > lastSave)) {
      throw new Error(`snapshot ${number} is there, which was never saved or was removed`);
    }
    const content = await contentOf(snapshotStore, id);
    if (Buffer.compare(content, snapshotContent(killedSnapshotBytes(number))) !== 0) {
      throw new Error(`snapshot ${number} has other content than was saved`);
    }
    found.push(number);
  }
  const lost = [...before, ...saved].find((number) => !found.includes(number));
  if (lost !== undefined) throw new Error(`snapshot ${lost} was saved and is gone`);
  await snapshotStore.retain(2);
  return found.slice(0, 2);
}
