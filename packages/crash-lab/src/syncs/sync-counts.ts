import type { BuildOptions } from '@raftlog/core/conformance';
import { countedFiles, type MakeBuilder, placeOf } from '../place.ts';
import type { DurableCallsTask } from '../programs/durable-calls.ts';
import { traceNode } from './strace.ts';
import { isSync, isWrite, type SystemCall } from './system-calls.ts';
import { TRACED_OPERATIONS, type TracedOperation } from './traced-operations.ts';

export interface SyncOptions {
  /**
   * Files, by their path below the engine's directory, that durability doesn't hang on, such as a database's log for humans. What the builder
   * names as witness is left out anyway: it is written in the background, whenever.
   */
  readonly ignore?: RegExp;
  /** What the engine is opened with. Default: nothing, which is what it is judged by. */
  readonly build?: Omit<BuildOptions, 'fileIo'>;
}

/** What one call did to the files of the store between its beginning and its resolution. */
export interface SyncCount {
  /** Completed fsync, fdatasync and msync, of directories too; and writes that write through. */
  readonly syncs: number;
  readonly writes: number;
  /** Files that had been written and not synced since when the call resolved. */
  readonly unsynced: readonly string[];
  /** All of them, in the order in which they ended: for what else is to be asserted. */
  readonly calls: readonly SystemCall[];
}

export type SyncCounts = { readonly [Operation in TracedOperation]: SyncCount };

/**
 * Opens a new engine in a child process under strace, makes each durable call once, alone and in the steady state, and tells what it did to the
 * disk. Needs strace. In buffered mode `flush` is judged together with the `persistEntries` before it.
 */
export async function countSyncs(makeBuilder: MakeBuilder, options: SyncOptions = {}): Promise<SyncCounts> {
  const builder = await makeBuilder();
  try {
    const { child, directory } = placeOf(builder);
    const task: DurableCallsTask = { module: child.module.href, place: child.place, build: options.build ?? {} };
    const { calls, exitCode, complaint } = await traceNode('durable-calls', task, directory);
    if (exitCode !== 0) throw new Error(`The traced engine failed: ${complaint}`);
    const isCounted = countedFiles(builder, options.ignore);
    const counted = calls.filter(({ path }) => isCounted(path));
    const counts = TRACED_OPERATIONS.map((operation) => [operation, countOf(operation, counted)]);
    return Object.fromEntries(counts) as SyncCounts;
  } finally {
    await builder.cleanup();
  }
}

function countOf(operation: TracedOperation, all: readonly SystemCall[]): SyncCount {
  const from = all.findIndex(({ name, path }) => name === 'mark' && path === `begin ${operation}`);
  const to = all.findIndex(({ name, path }) => name === 'mark' && path === `end ${operation}`);
  if (from < 0 || to < 0) throw new Error(`The trace lacks the marks of ${operation}.`);
  const calls = all.slice(from + 1, to).filter(({ name, result }) => name !== 'mark' && result >= 0);
  const earlier = operation === 'flush' ? all.findIndex(({ path }) => path === 'begin persistEntries') : from;
  return {
    syncs: calls.filter((call) => isSync(call) || (isWrite(call) && call.writesThrough)).length,
    writes: calls.filter(isWrite).length,
    unsynced: unsyncedAfter(all.slice(earlier + 1, to), operation === 'purge'),
    calls,
  };
}

/** Paths that were written and not synced after their last write; with `firstOnly` after their first. */
function unsyncedAfter(calls: readonly SystemCall[], firstOnly: boolean): string[] {
  const written = new Map<string, number>();
  const synced = new Set<string>();
  for (const call of calls) {
    if (call.result < 0) continue;
    const { path, from, began, ended } = call;
    if (isWrite(call) && !call.writesThrough) {
      // The deletions of what was purged follow the purge at once, before its caller knows.
      if (!firstOnly || !synced.has(path)) written.set(path, ended);
    } else if (isSync(call) && (written.get(path) ?? ended) < began) {
      written.delete(path);
      synced.add(path);
    } else if (from !== undefined) {
      const at = written.get(from);
      written.delete(from);
      written.delete(path);
      if (at !== undefined) written.set(path, at);
    } else if (call.name.startsWith('unlink')) {
      written.delete(path);
    }
  }
  return [...written.keys()];
}
