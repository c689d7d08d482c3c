import { createRandom, type Random } from '@raftlog/core/conformance';
import type { Recording } from '../record/record.ts';
import { CrashDisk, type CrashModel, type Step } from './crash-disk.ts';
import { type DiskImage, hashImage } from './disk-image.ts';
import { fatesOf, type NamedFate, plainFates } from './fates.ts';
import type { Demand, Story } from './story.ts';

/** One thing that a power cut may leave. */
export interface CrashState {
  readonly image: DiskImage;
  /** All that must be true of it: the same bytes may be left at several moments. */
  readonly demands: readonly Demand[];
}

export interface Enumeration {
  /** What the rules give, alike ones counted each time. */
  readonly possible: number;
  /** Of these, so many were made. */
  readonly tried: number;
  /** Of these, so many are different. */
  readonly distinct: number;
  readonly states: Iterable<CrashState>;
}

export interface EnumerateOptions {
  readonly model: CrashModel;
  readonly seed: number;
  /** At most so many states; a sample of them if there are more. */
  readonly limit: number;
}

const MIXES = 12;

/** The states of a disk that a crash at any moment of a recording may leave. */
export function enumerateStates(recording: Recording, story: Story, options: EnumerateOptions): Enumeration {
  const random = createRandom(options.seed);
  const counts = new Map<number, number>();
  walk(recording, options, (point, { fates }) => counts.set(point, fates.length));
  const quota = quotaFor([...counts.values()], options.limit * 3);
  const chosen = new Map<number, ReadonlySet<number>>();
  for (const [point, count] of counts) chosen.set(point, sample(count, quota, random));

  const found = new Map<string, Found>();
  let tried = 0;
  walk(recording, options, (point, { disk, fates, position, name }) => {
    const demand = story.at(position);
    for (const [number, fate] of fates.entries()) {
      if (chosen.get(point)?.has(number) !== true) continue;
      tried++;
      const hash = hashImage(disk.image(fate));
      const state = found.get(hash) ?? { point, fate: number, demands: new Map<string, Demand>() };
      const key = JSON.stringify([demand.history, demand.issued, demand.logFloor, demand.hardStateFloor]);
      if (!state.demands.has(key)) state.demands.set(key, { ...demand, where: `${name}: ${fate.name}` });
      found.set(hash, state);
    }
  });

  const all = [...found.values()];
  const kept = sample(all.length, options.limit, random);
  const states = all.filter((_, number) => kept.has(number));
  return {
    possible: [...counts.values()].reduce((sum, count) => sum + count, 0),
    tried,
    distinct: all.length,
    states: make(recording, options, states),
  };
}

interface Found {
  readonly point: number;
  readonly fate: number;
  readonly demands: Map<string, Demand>;
}

interface Point {
  readonly disk: CrashDisk;
  readonly fates: readonly NamedFate[];
  readonly position: number;
  readonly name: string;
}

function* make(recording: Recording, options: EnumerateOptions, states: readonly Found[]): Generator<CrashState> {
  const byPoint = new Map<number, Found[]>();
  for (const state of states) byPoint.set(state.point, [...(byPoint.get(state.point) ?? []), state]);
  for (const [number, { disk, fates }] of points(recording, options)) {
    for (const { fate, demands } of byPoint.get(number) ?? []) {
      const chosen = fates[fate];
      if (chosen === undefined) throw new Error('The same recording gave other states.');
      yield { image: disk.image(chosen), demands: [...demands.values()] };
    }
  }
}

function walk(recording: Recording, options: EnumerateOptions, visit: (number: number, point: Point) => void): void {
  for (const [number, point] of points(recording, options)) visit(number, point);
}

/**
 * The moments at which a crash is tried. What a crash may leave grows with each change until a sync settles some of it, so right before
 * that all is tried; at every other moment the two ends of what is possible.
 */
function* points(recording: Recording, { model, seed }: EnumerateOptions): Generator<[number, Point]> {
  const disk = new CrashDisk(recording, model);
  let number = 0;
  let last: Step | undefined;
  for (;;) {
    const next = disk.nextStep;
    const isFull = next === undefined || settles(next);
    const position = last === undefined ? -1 : last.at;
    const fates = isFull ? fatesOf(disk, model, createRandom(seed + number), MIXES) : plainFates();
    const name =
      last === undefined
        ? 'at the start'
        : `${last.ends ? 'after' : 'within'} ${last.change.kind === 'mark' ? `mark "${last.change.text}"` : last.change.call}`;
    yield [number++, { disk, fates, position, name }];
    if (next === undefined) return;
    disk.step();
    last = next;
  }
}

function settles({ ends, change }: Step): boolean {
  return ends && (change.kind === 'sync' || (change.kind === 'write' && change.through));
}

/** The most that each may have so that together they have no more than `limit`. */
function quotaFor(counts: readonly number[], limit: number): number {
  const total = (quota: number): number => counts.reduce((sum, count) => sum + Math.min(count, quota), 0);
  let [low, high] = [1, Math.max(1, ...counts)];
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (total(middle) <= limit) low = middle;
    else high = middle - 1;
  }
  return low;
}

function sample(count: number, limit: number, random: Random): ReadonlySet<number> {
  const numbers = Array.from({ length: count }, (_, number) => number);
  for (let at = 0; at < Math.min(count, limit) && limit < count; at++) {
    const other = random.integer(at, count - 1);
    [numbers[at], numbers[other]] = [numbers[other] ?? 0, numbers[at] ?? 0];
  }
  return new Set(numbers.slice(0, limit));
}
