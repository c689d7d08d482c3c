import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { BuildOptions, LogOperation } from '@raftlog/core/conformance';
import type { StateProblem } from '../check/state-verdict.ts';
import type { DiskImage } from '../states/disk-image.ts';
import type { Demand, StoredHistory } from '../states/story.ts';

/** A state that an engine makes something wrong of, with all that is needed to see it again. */
export interface Violation {
  readonly subject: string;
  readonly seed: number;
  readonly model: string;
  readonly problem: StateProblem;
  /** 1: the crash hit a process that began with nothing. 2: one that began with what another crash had left. */
  readonly generation: number;
  readonly callers: number;
  readonly build: Omit<BuildOptions, 'fileIo'>;
  readonly image: DiskImage;
  readonly demands: readonly Demand[];
  readonly histories: readonly StoredHistory[];
}

/** The operations that had been issued when the crash came. */
export function operationsOf({ demands, histories }: Violation): readonly LogOperation[] {
  const demand = demands.at(-1);
  if (demand === undefined) return [];
  return histories[demand.history]?.operations.slice(0, demand.issued) ?? [];
}

function describeOperation(operation: LogOperation): string {
  const span = (
    entries: readonly { readonly index: number; readonly term: number; readonly data: Uint8Array }[],
  ): string => {
    const [first, last] = [entries[0], entries.at(-1)];
    if (first === undefined || last === undefined) return 'nothing';
    const bytes = entries.reduce((sum, { data }) => sum + data.length, 0);
    return `${first.index}${last === first ? '' : `..${last.index}`} (term ${last.term}, ${bytes} bytes)`;
  };
  switch (operation.type) {
    case 'append':
      return `append ${span(operation.entries)}`;
    case 'replace':
      return `replace from ${operation.fromIndex} by ${span(operation.entries)}`;
    case 'truncate':
      return `truncate from ${operation.fromIndex}`;
    case 'purge':
      return `purge through ${operation.through.index} (term ${operation.through.term})`;
    case 'reset':
      return `reset${operation.boundary === undefined ? '' : ` to ${operation.boundary.index} (term ${operation.boundary.term})`}`;
    case 'hardState':
      return `save term ${operation.state.currentTerm}, vote ${operation.state.votedFor ?? 'none'}`;
    case 'write': {
      const { hardState, truncateFrom, entries = [] } = operation.batch;
      const vote =
        hardState === undefined ? '' : ` term ${hardState.currentTerm}, vote ${hardState.votedFor ?? 'none'};`;
      return `write${vote}${truncateFrom === undefined ? '' : ` truncate from ${truncateFrom};`} ${span(entries)}`;
    }
    case 'flush':
      return 'flush';
  }
}

/** What a person is shown. */
export function formatViolation(violation: Violation, command: string): string {
  const { problem, generation, callers, build, demands } = violation;
  const demand = demands.at(-1);
  const operations = operationsOf(violation).map((operation, at) => `    ${at + 1}. ${describeOperation(operation)}`);
  const lines = [
    `${problem.kind}: ${problem.detail}`,
    `  power cut ${demand?.where}`,
    `  ${build.durability ?? 'default'} durability, ${callers === 1 ? 'one call' : `up to ${callers} calls`} at a time${generation === 2 ? ', on what an earlier crash had left' : ''}`,
    `  of ${demand?.issued ?? 0} operations the log had to show at least ${demand?.logFloor ?? 0}, the vote at least ${demand?.hardStateFloor ?? 0}:`,
    ...operations,
    `  ${command}`,
  ];
  return lines.join('\n');
}

/** Writes it to a file of its own; answers its path. */
export function saveViolation(violation: Violation, directory: string, number: number): string {
  const path = join(directory, `${violation.subject}-${number}.json`);
  const image = Object.fromEntries(violation.image);
  writeFileSync(path, `${JSON.stringify({ ...violation, image }, encode, 1)}\n`);
  return path;
}

export function readViolation(path: string): Violation {
  const stored = JSON.parse(readFileSync(path, 'utf8'), decode) as Omit<Violation, 'image'> & {
    readonly image: Readonly<Record<string, Uint8Array | 'directory'>>;
  };
  return { ...stored, image: new Map(Object.entries(stored.image)) };
}

function encode(this: unknown, key: string, value: unknown): unknown {
  // By the holder: a Buffer has made JSON of itself before this is asked.
  const held = (this as Readonly<Record<string, unknown>>)[key];
  return held instanceof Uint8Array ? { base64: Buffer.from(held).toString('base64') } : value;
}

function decode(_key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || !('base64' in value) || typeof value.base64 !== 'string')
    return value;
  return new Uint8Array(Buffer.from(value.base64, 'base64'));
}
