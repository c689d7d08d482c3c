import { type Entry, type IndexRange, type LogId, StorageError } from '@raftlog/core';
import { invalidArgument } from '../argument.ts';
import { ENTRY_HEADER_BYTES, EntryBlock } from '../format/block.ts';
import { type LogState, UNKNOWN_TERM } from './log-state.ts';
import type { StoredBlocks } from './stored-blocks.ts';
import { TermRuns } from './term-runs.ts';
import { checkEntries } from './validate.ts';
import type { Writer } from './writer.ts';

/** What a look at every block of a log found. */
export interface Survey {
  /** Maximal ranges without an intact entry, ascending. */
  readonly damaged: readonly IndexRange[];
  /** Keys under which the store has damaged blocks: a repair must put blocks under the same ones, to replace them. */
  readonly damagedKeys: readonly number[];
  /** Terms of the intact entries. */
  readonly terms: TermRuns;
}

/** Reads the whole log, block by block, and says what of `first` to `last` is intact. */
export async function surveyLog(blocks: StoredBlocks, first: number, last: number): Promise<Survey> {
  const damaged: IndexRange[] = [];
  const damagedKeys: number[] = [];
  const terms = new TermRuns();
  let next = first; // all below is known
  let intactEnd = first - 1; // last index that is intact, or the end of a range that is lost for sure
  const lose = (end: number): void => {
    if (end <= intactEnd) return;
    const previous = damaged.at(-1);
    if (previous?.last === intactEnd) damaged[damaged.length - 1] = { first: previous.first, last: end };
    else damaged.push({ first: intactEnd + 1, last: end });
    intactEnd = end;
  };
  while (next <= last) {
    const found = await blocks.readChecked(next, last);
    if (found.length === 0) break;
    for (const checked of found) {
      next = Math.max(next, checked.key) + 1;
      if ('error' in checked) {
        damagedKeys.push(checked.key);
        continue;
      }
      const { block } = checked;
      lose(Math.min(block.first - 1, last));
      for (const entry of block.slice(Math.max(block.first, first), Math.min(block.last, last)))
        terms.append(entry.index, entry.term);
      intactEnd = Math.min(block.last, last);
    }
  }
  lose(last);
  return { damaged, damagedKeys, terms };
}

/** Puts back what a salvage found lost. */
export class Repairer {
  readonly #state: LogState;
  readonly #writer: Writer;
  readonly #maxEntryBytes: number;
  readonly #damagedKeys: ReadonlySet<number>;

  constructor(state: LogState, writer: Writer, maxEntryBytes: number, damagedKeys: readonly number[]) {
    this.#state = state;
    this.#writer = writer;
    this.#maxEntryBytes = maxEntryBytes;
    this.#damagedKeys = new Set(damagedKeys);
  }

  async repair(entries: readonly Entry[]): Promise<void> {
    if (!Array.isArray(entries)) throw invalidArgument('entries', entries, 'an array of entries');
    const first = entries[0]?.index;
    const last = entries.at(-1)?.index;
    // One that another call is putting back already would get two sets of blocks.
    const waiting = this.#state.damaged.filter((damaged) => !this.#state.isRestored(damaged));
    const range = waiting.find((damaged) => damaged.first === first && damaged.last === last);
    if (range === undefined) {
      const known = waiting.map((damaged) => `${damaged.first}..${damaged.last}`).join(', ');
      throw invalidArgument(
        'entries',
        `${first}..${last}`,
        known === '' ? 'nothing: no range waits for its repair' : `exactly one damaged range: ${known}`,
      );
    }
    const bytes =
      checkEntries(entries, this.#state.before(range.first), this.#maxEntryBytes) + entries.length * ENTRY_HEADER_BYTES;
    this.#checkFollowing(range, entries.at(-1)?.term ?? 0);
    this.#writer.admit(bytes);
    const logIds: LogId[] = entries.map(({ index, term }) => ({ index, term }));
    this.#state.restore(range, logIds);
    await this.#writer.batchForRepair(range, this.#pack(entries, bytes), bytes).done;
  }

  /** What stands behind the range was written after it: its term is not lower; and the end of the log is known by its term, if that is known. */
  #checkFollowing(range: IndexRange, term: number): void {
    const end = this.#state.last;
    if (range.last === end?.index && end.term === UNKNOWN_TERM) return;
    const following = range.last === end?.index ? end.term : this.#state.terms.at(range.last + 1);
    if (term > following || (range.last === end?.index && term < following)) {
      throw new StorageError(
        'TERM_REGRESSION',
        `Entry ${range.last} can't have term ${term}: the log has term ${following} there or behind it. These entries are of another history.`,
        { lastTerm: term, actualTerm: following },
      );
    }
  }

  #pack(entries: readonly Entry[], bytes: number): EntryBlock[] {
    const blocks: EntryBlock[] = [];
    let block: EntryBlock | undefined;
    let left = bytes;
    for (const { index, term, kind, data } of entries) {
      if (block === undefined || !block.hasRoomFor(data.length)) {
        block = EntryBlock.start(index, left);
        blocks.push(block);
      }
      block.append(term, kind, data);
      left -= data.length;
      if (this.#damagedKeys.has(index)) block = undefined;
    }
    return blocks;
  }
}
