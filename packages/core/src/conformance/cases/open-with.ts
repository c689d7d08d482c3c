import type { Entry, LogId } from '../../entry.ts';
import type { StorageErrorCode } from '../../errors.ts';
import type { StorageEngine } from '../../storage-engine.ts';
import { assertLog, rejectsWith } from '../assertions.ts';
import type { BuildOptions } from '../builder.ts';
import type { CaseContext } from '../case.ts';

/** Opens the place and appends `entries` in batches of `batch`, the last one shorter. Default: one batch. */
export async function openWith(
  context: CaseContext,
  entries: readonly Entry[],
  options: BuildOptions & { readonly batch?: number } = {},
): Promise<StorageEngine> {
  const { batch = Math.max(1, entries.length), ...buildOptions } = options;
  const engine = await context.open(buildOptions);
  for (let from = 0; from < entries.length; from += batch) {
    await engine.logStore.persistEntries(entries.slice(from, from + batch));
  }
  return engine;
}

/** Fails unless the log is this, now and after a clean reopen; resolves to the engine that is open then. */
export function expectLog(
  context: CaseContext,
  engine: StorageEngine,
  entries: readonly Entry[],
  boundary?: LogId,
): Promise<StorageEngine> {
  return context.andAfterReopen(engine, (opened) => assertLog(opened, entries, boundary));
}

/** A call that is to be refused, with a name for the message. */
export interface RefusedCall {
  readonly what: string;
  readonly code: StorageErrorCode | readonly StorageErrorCode[];
  readonly call: (engine: StorageEngine) => Promise<unknown>;
}

/** Fails unless each call is refused with its code and the log is `entries` after `boundary` all the while, and after a reopen. */
export async function expectRefused(
  context: CaseContext,
  engine: StorageEngine,
  calls: readonly RefusedCall[],
  entries: readonly Entry[],
  boundary?: LogId,
): Promise<StorageEngine> {
  for (const { what, code, call } of calls) {
    await rejectsWith(code, call(engine), what);
    const { lastIndex, firstIndex } = engine.logStore;
    if (lastIndex !== (boundary?.index ?? 0) + entries.length || firstIndex !== (boundary?.index ?? 0) + 1) {
      throw new Error(`${what} was refused, but the log went from ${firstIndex} to ${lastIndex} after it`);
    }
  }
  return expectLog(context, engine, entries, boundary);
}
