import { parseArgs } from 'node:util';
import type { PlanOptions } from './plan/generate-plan.ts';

/** What the command was asked for. */
export interface SimulateOptions {
  readonly seeds: number;
  readonly firstSeed: number;
  readonly plan: PlanOptions;
  /** Numbers of the events to keep; `undefined`: all. */
  readonly events: readonly number[] | undefined;
  readonly duration: number | undefined;
  /** Name of something broken to run instead of what is shipped. */
  readonly broken: string | undefined;
  /** Print what happens, line by line. */
  readonly trace: boolean;
  /** Run each seed twice and compare. */
  readonly twice: boolean;
}

export const USAGE = `simulate: runs whole Raft clusters on a virtual clock and tries to break them.

  --seeds N          how many seeds (default 100)
  --seed S           the first one (default: another one every day)
  --nodes N          voters that each cluster begins with (default: the seed decides)
  --engine KIND      memory or file (default: the seed decides)
  --events 3,7,12    only these events of the plan, to replay a shrunk one ('none': no event)
  --duration MS      end faults and clients after so much virtual time
  --broken NAME      run something deliberately broken
  --trace            print all that happens; for one seed
  --twice            run every seed twice and compare the traces`;

/** Reads the arguments, or throws an error whose message says what is wrong. */
export function parseCommandLine(args: readonly string[]): SimulateOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      seeds: { type: 'string', default: '100' },
      seed: { type: 'string' },
      nodes: { type: 'string' },
      engine: { type: 'string' },
      events: { type: 'string' },
      duration: { type: 'string' },
      broken: { type: 'string' },
      trace: { type: 'boolean', default: false },
      twice: { type: 'boolean', default: false },
    },
  });
  return {
    seeds: wholeNumber('seeds', values.seeds, 1),
    firstSeed: values.seed === undefined ? seedOfToday() : wholeNumber('seed', values.seed, 0),
    plan: {
      nodes: values.nodes === undefined ? undefined : wholeNumber('nodes', values.nodes, 1),
      engine: values.engine === undefined ? undefined : engineOf(values.engine),
    },
    events: values.events === undefined ? undefined : eventsOf(values.events),
    duration: values.duration === undefined ? undefined : wholeNumber('duration', values.duration, 1),
    broken: values.broken,
    trace: values.trace,
    twice: values.twice,
  };
}

function wholeNumber(option: string, text: string, least: number): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < least || text.trim() === '') {
    throw new RangeError(`--${option} must be a whole number, ${least} or more, not "${text}".`);
  }
  return value;
}

function engineOf(text: string): 'memory' | 'file' {
  if (text === 'memory' || text === 'file') return text;
  throw new RangeError(`--engine must be memory or file, not "${text}".`);
}

function eventsOf(text: string): number[] {
  return text === 'none' ? [] : text.split(',').map((number) => wholeNumber('events', number, 0));
}

function seedOfToday(): number {
  return Math.floor(Date.now() / 86_400_000) * 1_000_000;
}
