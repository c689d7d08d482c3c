import { crc32 } from 'node:zlib';
import type { Entry, LogId } from '@raftlog/core';
import type { Violations } from '../invariants/violation.ts';

/** Stands for a log up to some entry: equal for equal logs, and, but for one case in four thousand million, only for those. */
export type Chain = number;

const EMPTY: Chain = 0;
const KINDS = { noop: 1, command: 2, config: 3 } as const;

/**
 * Every entry that any node ever put into its log, with the chain of the log up to it. That two logs with the same index and term are equal up to there
 * (Raft paper, section 5.3) is then a matter of comparing two numbers when an entry is appended.
 */
export class EntryChains {
  readonly #violations: Violations;
  readonly #chains = new Map<number, Map<number, Chain>>();

  constructor(violations: Violations) {
    this.#violations = violations;
  }

  /** `undefined`: no node has had such an entry. */
  of({ index, term }: LogId): Chain | undefined {
    return index === 0 ? EMPTY : this.#chains.get(index)?.get(term);
  }

  /** `previous`: that of the entry before; `undefined` where that isn't known. */
  extend(previous: Chain | undefined, { index, term, kind, data }: Entry, node: string): Chain | undefined {
    const known = this.of({ index, term });
    if (previous === undefined) return known;
    const header = Math.imul(previous ^ Math.imul(term, 0x9e3779b1), 4) + KINDS[kind];
    const chain = crc32(data, header >>> 0);
    if (known === undefined) {
      const terms = this.#chains.get(index) ?? new Map<number, Chain>();
      this.#chains.set(index, terms.set(term, chain));
    } else if (known !== chain) {
      this.#violations.report(
        'log-matching',
        `${node} has an entry ${index} of term ${term}, as another node has, but the logs up to there differ.`,
      );
    }
    return chain;
  }
}
