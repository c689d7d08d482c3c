import type { LogStore } from '@raftlog/core';
import { EntrySource } from '@raftlog/core/benchmark';
import { ADAPTORS, onEngine } from '../contenders/adaptors.ts';
import type { AdaptorName } from '../contenders/names.ts';

const callEntries = 10_000;
const callBytes = 2 << 20;
const progressEveryMs = 1_000;

/** A log to be written. */
export interface FillOptions {
  readonly directory: string;
  readonly entries: number;
  readonly payload: number;
  /** Entries per call. Default: as many as make about 2 MiB. */
  readonly batch?: number;
  readonly onProgress?: (done: number) => void;
}

/**
 * Writes a log by the adaptor's own means, so that its files are what the adaptor makes of them; without a sync for each commit where that is offered.
 */
export async function writeLog(adaptor: AdaptorName, options: FillOptions): Promise<void> {
  const { directory, entries } = options;
  const durability = ADAPTORS[adaptor].offersBuffered ? 'buffered' : 'sync';
  await onEngine(adaptor, { directory, durability }, async ({ logStore }) => {
    await fill(logStore, entries, options);
    await logStore.flush();
  });
}

/** Appends `count` entries. */
export async function fill(
  log: LogStore,
  count: number,
  { payload, batch = callSize(payload), onProgress }: Pick<FillOptions, 'payload' | 'batch' | 'onProgress'>,
): Promise<void> {
  const reusable = new EntrySource(payload).reusableBatch(batch);
  let shown = performance.now();
  for (let done = 0; done < count; ) {
    const entries = batch <= count - done ? reusable : reusable.slice(0, count - done);
    let index = log.lastIndex;
    for (const entry of entries) entry.index = ++index;
    await log.persistEntries(entries);
    done += entries.length;
    if (performance.now() - shown < progressEveryMs) continue;
    shown = performance.now();
    onProgress?.(done);
  }
}

/** Writes and purges `bytes`, so that files are there to be used again. */
export async function writeAndPurge(log: LogStore, payload: number, bytes: number): Promise<void> {
  const perTurn = 4 * callSize(payload);
  for (let left = Math.ceil(bytes / Math.max(1, payload)); left > 0; left -= perTurn) {
    await fill(log, perTurn, { payload });
    await log.purge({ index: log.lastIndex - callSize(payload), term: 1 });
  }
}

function callSize(payload: number): number {
  return Math.max(1, Math.min(callEntries, Math.floor(callBytes / (payload + 16))));
}
