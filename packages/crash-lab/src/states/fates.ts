import type { Random } from '@raftlog/core/conformance';
import type { DataChange, NamingChange } from '../record/change.ts';
import type { CrashDisk, CrashModel, Fate } from './crash-disk.ts';
import { SECTOR } from './pending-file.ts';

const PAGE = 4096;

/** What a power cut may leave, with a name for reports. */
export interface NamedFate extends Fate {
  readonly name: string;
}

const all = (): boolean => true;
const none = (): boolean => false;

/** The two ends: all that was written, and nothing that wasn't synced. */
export function plainFates(): NamedFate[] {
  return [
    { name: 'all written', isNamed: all, isWritten: all, size: 'new' },
    { name: 'only what was synced', isNamed: none, isWritten: none, size: 'old' },
  ];
}

/** What the disk may hold now, one deviation at a time; and `mixes` at random. */
export function fatesOf(disk: CrashDisk, model: CrashModel, random: Random, mixes: number): NamedFate[] {
  const names = disk.pendingNames;
  const data = disk.pendingData;
  return [
    ...plainFates(),
    ...(names.length > 0 ? nameFates(names, model) : []),
    ...(data.length > 0 ? sizeFates() : []),
    ...data.flatMap(writeFates),
    ...(names.length + data.length > 1
      ? Array.from({ length: mixes }, () => mixedFate(names.length, model, random))
      : []),
  ];
}

function nameFates(names: readonly NamingChange[], model: CrashModel): NamedFate[] {
  const fates: NamedFate[] = [];
  const add = (name: string, isNamed: Fate['isNamed']): void => {
    fates.push(
      { name: `${name}, all data`, isNamed, isWritten: all, size: 'new' },
      { name: `${name}, no data`, isNamed, isWritten: none, size: 'old' },
    );
  };
  for (const [at, { call }] of names.entries()) {
    add(`names before ${call}`, (_, number) => number < at);
    if (model !== 'weak') continue;
    add(`all names but ${call}`, (_, number) => number !== at);
    add(`of the names only ${call}`, (_, number) => number === at);
  }
  add('all names', all);
  return fates;
}

function sizeFates(): NamedFate[] {
  return [
    { name: 'data without size', isNamed: all, isWritten: all, size: 'old' },
    { name: 'size without data', isNamed: all, isWritten: none, size: 'new' },
  ];
}

function writeFates(change: DataChange): NamedFate[] {
  const fates: NamedFate[] = [];
  const add = (name: string, isPart: (from: number) => boolean): void => {
    for (const size of ['written', 'new'] as const) {
      fates.push({
        name: `${name} of ${change.call}, all else${size === 'new' ? ', and the size' : ''}`,
        isNamed: all,
        isWritten: (other, from) => other !== change || isPart(from),
        size,
      });
    }
    fates.push({
      name: `${name} of ${change.call}, nothing else`,
      isNamed: all,
      isWritten: (other, from) => other === change && isPart(from),
      size: 'written',
    });
  };
  add('nothing', none);
  add('all', all);
  if (change.kind !== 'write') return fates;
  for (const unit of [SECTOR, PAGE]) {
    const [first, last] = [Math.floor(change.at / unit), Math.floor((change.at + change.bytes.length - 1) / unit)];
    if (first === last) continue;
    const what = unit === PAGE ? 'page' : 'sector';
    const middle = Math.ceil((first + last) / 2);
    const unitOf = (from: number): number => Math.floor(from / unit);
    add(`the first ${what}`, (from) => unitOf(from) === first);
    add(`all but the first ${what}`, (from) => unitOf(from) !== first);
    add(`all but the last ${what}`, (from) => unitOf(from) !== last);
    add(`the first half in ${what}s`, (from) => unitOf(from) < middle);
    if (last - first > 1) add(`all but the ${what} in the middle`, (from) => unitOf(from) !== middle);
  }
  return fates;
}

/** Each name, and each write, page or sector, is kept or lost as the dice fall. */
function mixedFate(names: number, model: CrashModel, random: Random): NamedFate {
  const seed = random.integer(0, 2 ** 31);
  const kept = random.integer(0, names);
  const size = random.pick(['written', 'old', 'new'] as const);
  const unit = random.pick([SECTOR, PAGE, Number.POSITIVE_INFINITY]);
  const share = random.pick([0.2, 0.5, 0.8]);
  const isKept = (...words: number[]): boolean => dice(seed, words) < share;
  return {
    name: `a mix (${seed}; ${unit === SECTOR ? 'sectors' : unit === PAGE ? 'pages' : 'writes'}, size ${size})`,
    isNamed: (_, number) => (model === 'weak' ? isKept(number) : number < kept),
    isWritten: ({ began, file }, from) => isKept(began, file, Math.floor(from / unit)),
    size,
  };
}

/** A number from 0 up to 1 that follows from the words alone: what becomes of a sector mustn't hang on the order of the questions. */
function dice(seed: number, words: readonly number[]): number {
  let hash = seed | 0;
  for (const word of words) {
    hash = Math.imul(hash ^ word, 0x9e3779b1);
    hash = Math.imul(hash ^ (hash >>> 15), 0x85ebca6b);
    hash ^= hash >>> 13;
  }
  return (hash >>> 0) / 2 ** 32;
}
