import { isDeepStrictEqual } from 'node:util';
import { type Entry, isStorageError, type StorageEngine } from '@raftlog/core';
import { differenceOfEntries, modelEntry, modelFirstIndex, modelLastIndex } from '@raftlog/core/conformance';
import type { Specimen } from './specimen.ts';

const OUTCOMES = ['intact', 'refused', 'unreadable', 'lost', 'returned', 'altered', 'crashed', 'killed'] as const;

/**
 * What came of opening and reading a damaged store, the worse the later; of several the worst counts.
 *
 * - `intact`: everything is as it was
 * - `refused`: it did not open, and said so with a `StorageError`
 * - `unreadable`: it opened, and what is damaged rejects with a `StorageError`
 * - `lost`: something is missing, or an older boundary or hard state is served, without an error
 * - `returned`: entries that were truncated or purged are there again
 * - `altered`: something is served that never was
 * - `crashed`: anything else was thrown, or the process ended by itself
 * - `killed`: the process was ended by a signal, or hung
 */
export type Outcome = (typeof OUTCOMES)[number];

export interface Verdict {
  readonly outcome: Outcome;
  /** Code of the refusal or of the read that rejected, or the signal. */
  readonly code?: string;
  readonly detail: string;
}

/** Opens a store, reads everything and compares it with what was there. */
export async function judgeDamaged(open: () => Promise<StorageEngine>, specimen: Specimen): Promise<Verdict> {
  let engine: StorageEngine;
  try {
    engine = await open();
  } catch (error) {
    return rejection('refused', 'open', error);
  }
  const verdicts: Verdict[] = [{ outcome: 'intact', detail: '' }];
  try {
    verdicts.push(...(await judgeHardState(engine, specimen)), ...(await judgeLog(engine, specimen)));
  } catch (error) {
    verdicts.push(rejection('unreadable', 'reading', error));
  }
  await engine.close().catch((error: unknown) => verdicts.push(rejection('intact', 'close', error)));
  return verdicts.reduce((worst, verdict) => (rank(verdict) > rank(worst) ? verdict : worst));
}

const rank = ({ outcome }: Verdict): number => OUTCOMES.indexOf(outcome);

function rejection(outcome: Outcome, what: string, error: unknown): Verdict {
  if (isStorageError(error)) return { outcome, code: error.code, detail: `${what}: ${error.message}` };
  return { outcome: 'crashed', detail: `${what}: ${error instanceof Error ? error.stack : error}` };
}

async function judgeHardState(engine: StorageEngine, { model, replaced }: Specimen): Promise<Verdict[]> {
  try {
    const found = await engine.metaStore.loadHardState();
    if (isDeepStrictEqual({ ...found }, { ...model.hardState })) return [];
    const isOld = found === undefined || replaced.some((old) => isDeepStrictEqual({ ...old }, { ...found }));
    return [{ outcome: isOld ? 'lost' : 'altered', detail: `the hard state is ${JSON.stringify(found)}` }];
  } catch (error) {
    return [rejection('unreadable', 'loadHardState', error)];
  }
}

async function judgeLog({ logStore: log }: StorageEngine, specimen: Specimen): Promise<Verdict[]> {
  const { model } = specimen;
  const verdicts: Verdict[] = [];
  const { purgeBoundary: boundary, firstIndex, lastIndex } = log;
  if (boundary?.index !== model.boundary?.index || boundary?.term !== model.boundary?.term) {
    verdicts.push({ outcome: 'lost', detail: `the purge boundary is ${JSON.stringify(boundary)}` });
  }
  const from = Math.min(firstIndex, modelFirstIndex(model));
  const to = Math.max(lastIndex, modelLastIndex(model));
  // A damaged end could be anywhere.
  if (to - from > 10_000) return [{ outcome: 'altered', detail: `the log reaches from ${firstIndex} to ${lastIndex}` }];
  try {
    const entries = await log.getEntries(from, to);
    const byIndex = new Map(entries.map((entry) => [entry.index, entry]));
    for (let index = from; index <= to; index++) verdicts.push(...judgeEntry(index, byIndex.get(index), specimen));
  } catch (error) {
    verdicts.push(rejection('unreadable', 'getEntries', error));
    // What isn't damaged must still be right.
    for (let index = from; index <= to; index++) verdicts.push(...(await readAlone(index)));
  }
  return verdicts;

  async function readAlone(index: number): Promise<Verdict[]> {
    try {
      return judgeEntry(index, await log.entry(index), specimen);
    } catch (error) {
      return [rejection('unreadable', `entry ${index}`, error)];
    }
  }
}

function judgeEntry(index: number, found: Entry | undefined, { model, removed }: Specimen): Verdict[] {
  const difference = differenceOfEntries(found, modelEntry(model, index));
  if (difference === undefined) return [];
  if (found === undefined) return [{ outcome: 'lost', detail: difference }];
  const isRemoved = removed.some((entry) => entry.index === index && differenceOfEntries(found, entry) === undefined);
  return [{ outcome: isRemoved ? 'returned' : 'altered', detail: difference }];
}
