import { cpSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { isStorageError, type StorageEngine } from '@raftlog/core';
import {
  type BuildOptions,
  type CrashHistory,
  cloneModel,
  differenceBetween,
  goOnAfterCrash,
  type LogModel,
  modelLastIndex,
  observe,
} from '@raftlog/core/conformance';
import type { Demand } from '../states/story.ts';

/** What is wrong with a state, or with what an engine makes of it. */
export interface StateProblem {
  /**
   * - `refused`: it doesn't open, or can't be read
   * - `wrong`: what it shows isn't what a crash may leave
   * - `stuck`: it takes no further writes
   * - `lost-again`: a second crash takes what it acknowledged since, or what it showed
   * - `crashed`, `killed`, `hung`: of the process
   */
  readonly kind: 'refused' | 'wrong' | 'stuck' | 'lost-again' | 'crashed' | 'killed' | 'hung';
  readonly detail: string;
  /** What it breaks, if it is only one of the demands. */
  readonly demand?: Demand;
}

export interface StateVerdict {
  readonly problem: StateProblem | undefined;
  /** What was found, if it could be read. */
  readonly found: LogModel | undefined;
}

type Open = (directory: string) => Promise<StorageEngine>;

/** Opens what a crash left, judges it, goes on with it, and lets it crash once more. */
export async function judgeState(
  open: Open,
  directory: string,
  histories: readonly CrashHistory[],
  demands: readonly Demand[],
  leftOut: (path: string) => boolean,
): Promise<StateVerdict> {
  const stage: { kind: StateProblem['kind'] } = { kind: 'refused' };
  let found: LogModel | undefined;
  let engine: StorageEngine | undefined;
  try {
    engine = await open(directory);
    found = cloneModel(await observe(engine));
    stage.kind = 'wrong';
    const verdict = judge(found, engine, histories, demands);
    if (verdict !== undefined) return { problem: { kind: 'wrong', ...verdict }, found };
    stage.kind = 'stuck';
    const after = await goOnAfterCrash(engine, found);
    stage.kind = 'lost-again';
    const difference = await crashAgain(open, directory, after, leftOut);
    if (difference !== undefined) return { problem: { kind: 'lost-again', detail: difference }, found };
    stage.kind = 'stuck';
    await engine.close();
    engine = undefined;
    return { problem: undefined, found };
  } catch (error) {
    const isTyped = isStorageError(error);
    const detail = isTyped
      ? `${error.code}: ${error.message}`
      : error instanceof Error
        ? (error.stack ?? error.message)
        : String(error);
    return { problem: { kind: isTyped ? stage.kind : 'crashed', detail }, found };
  } finally {
    await engine?.close().catch(() => undefined);
  }
}

function judge(
  found: LogModel,
  { logStore: log }: StorageEngine,
  histories: readonly CrashHistory[],
  demands: readonly Demand[],
): Pick<StateProblem, 'detail' | 'demand'> | undefined {
  for (const demand of demands) {
    const detail = histories[demand.history]?.judge(found, demand);
    if (detail !== undefined) return { detail, demand };
  }
  const last = modelLastIndex(found);
  const first = (found.boundary?.index ?? 0) + 1;
  if (log.firstIndex !== first || log.lastIndex !== last) {
    return { detail: `the log says ${log.firstIndex} to ${log.lastIndex}, but holds ${first} to ${last}` };
  }
  if (log.durableIndex === last) return undefined;
  return { detail: `durableIndex is ${log.durableIndex} after the open, not ${last}` };
}

/** As a killed process leaves it: what lies in the files while the engine is open. */
async function crashAgain(
  open: Open,
  directory: string,
  expected: LogModel,
  leftOut: (path: string) => boolean,
): Promise<string | undefined> {
  const copy = `${directory}-again`;
  copyQuiet(directory, copy, leftOut);
  try {
    const engine = await open(copy);
    try {
      return differenceBetween(await observe(engine), expected);
    } finally {
      await engine.close();
    }
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}

/** A copy of one instant, although a database may be removing files behind the scenes: once more, until nothing has changed meanwhile. */
function copyQuiet(directory: string, copy: string, leftOut: (path: string) => boolean): void {
  for (let attempt = 0; attempt < 100; attempt++) {
    rmSync(copy, { recursive: true, force: true });
    const before = fingerprint(directory);
    try {
      cpSync(directory, copy, { recursive: true, filter: (path) => !leftOut(path.slice(directory.length + 1)) });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') continue;
      throw error;
    }
    if (fingerprint(directory) === before) return;
  }
  throw new Error('The files never rest.');
}

function fingerprint(directory: string): string {
  const paths = readdirSync(directory, { recursive: true, encoding: 'utf8' }).sort();
  return paths
    .map((path) => {
      const { size = -1, mtimeMs = -1 } = statSync(join(directory, path), { throwIfNoEntry: false }) ?? {};
      return `${path} ${size} ${mtimeMs}`;
    })
    .join('\n');
}

/** Opens as the recorded process did. */
export function openerOf(
  open: (directory: string, build: BuildOptions) => Promise<StorageEngine>,
  build: Omit<BuildOptions, 'fileIo'>,
): Open {
  return (directory) => open(directory, build);
}
