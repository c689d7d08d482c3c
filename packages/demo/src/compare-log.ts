import { createHash } from 'node:crypto';
import type { LogStore } from '@raftlog/core';

/** What a log holds, held against what was written. */
export interface Comparison {
  /** Entries in the log. */
  readonly recovered: number;
  /** Lines that were acknowledged and are missing or other than they were. */
  readonly lost: readonly number[];
  /** Entries that are not the line of their index, acknowledged or not. */
  readonly different: readonly number[];
  /** Indexes in the log that the input doesn't have. */
  readonly extra: readonly number[];
  /** Of the data of all entries, in the order of the log. */
  readonly sha256: string;
}

/** Reads the whole log and compares it with `lines`, of which line `i` belongs at index `i + 1`. */
export async function compareLog(
  log: LogStore,
  lines: readonly Uint8Array[],
  acknowledged: ReadonlySet<number>,
): Promise<Comparison> {
  const hash = createHash('sha256');
  const intact = new Set<number>();
  const different: number[] = [];
  const extra: number[] = [];
  let recovered = 0;
  for await (const { index, data } of log.entries()) {
    recovered++;
    hash.update(data);
    const line = lines[index - 1];
    if (line === undefined) extra.push(index);
    else if (index === recovered && Buffer.compare(data, line) === 0) intact.add(index);
    else different.push(index);
  }
  const lost = [...acknowledged].filter((index) => !intact.has(index)).sort((a, b) => a - b);
  return { recovered, lost, different, extra, sha256: hash.digest('hex') };
}

/** What is wrong, in words; nothing if nothing is. */
export function faults({ lost, different, extra }: Comparison): string[] {
  const list = (what: string, indexes: readonly number[]): string[] =>
    indexes.length === 0 ? [] : [`${what}: ${indexes.slice(0, 5).join(', ')}${indexes.length > 5 ? ', ...' : ''}`];
  return [
    ...list(`${lost.length} acknowledged and lost`, lost),
    ...list(`${different.length} other than the input`, different),
    ...list(`${extra.length} never written`, extra),
  ];
}
