import { type FileNode, PAGE_BYTES } from './nodes.ts';
import { type DirtyFile, type Fate, type PowerCutMode, SECTOR_BYTES, touchedSectors } from './power-cut.ts';

type Random = () => number;

const allData = (_file: FileNode, _sector: number, touched: readonly number[]): number => touched.length;
const noData = (): number => 0;
const fullSize = (file: FileNode): number => file.unsynced.length;

/** One fate of the given kind; where there is something to choose, `random` does. */
export function chooseFate(mode: PowerCutMode, dirty: readonly DirtyFile[], random: Random): Fate {
  const below = (limit: number): number => Math.floor(random() * limit);
  const base = { name: mode, keepsEntry: () => true, sizeAfter: fullSize, sectorAfter: allData, staleSectors: false };
  switch (mode) {
    case 'all':
      return base;
    case 'synced':
      return { ...base, keepsEntry: () => false, sizeAfter: noData, sectorAfter: noData };
    case 'size-only':
      return { ...base, sectorAfter: noData, staleSectors: below(2) === 1 };
    case 'data-only':
      return { ...base, sizeAfter: noData };
    case 'entries-lost':
      return { ...base, keepsEntry: () => false };
    case 'entries-only':
      return { ...base, sizeAfter: noData, sectorAfter: noData };
    case 'missing': {
      const victim = dirty[below(dirty.length)];
      return victim === undefined ? base : missingWrite(victim, below(victim.file.unsynced.length), below(2) === 1);
    }
    case 'torn': {
      const victim = dirty[below(dirty.length)];
      if (victim === undefined) return base;
      const position = below(victim.file.unsynced.length);
      return tornWrite(victim, position, below(sectorsOf(victim.file, position) + 1));
    }
    case 'reordered':
      return { ...base, ...pageWise(random) };
    case 'mixed':
      return mixed(random);
  }
}

/** One write is missing, all else is there. */
function missingWrite(victim: DirtyFile, position: number, staleSectors: boolean): Fate {
  return {
    name: `missing: change ${position} of ${victim.path}`,
    keepsEntry: () => true,
    sizeAfter: fullSize,
    sectorAfter: (file, _sector, touched) => {
      const index = file === victim.file ? touched.indexOf(position) : -1;
      return index < 0 ? touched.length : index;
    },
    staleSectors,
  };
}

/** One write ends after `sectors` sectors, and what followed it in its file is missing. */
function tornWrite(victim: DirtyFile, position: number, sectors: number): Fate {
  const change = victim.file.unsynced[position];
  const firstSector = change?.kind === 'write' ? Math.floor(change.position / SECTOR_BYTES) : 0;
  return {
    name: `torn: change ${position} of ${victim.path} after ${sectors} sectors`,
    keepsEntry: () => true,
    sizeAfter: (file) => (file === victim.file ? position + (sectors > 0 ? 1 : 0) : file.unsynced.length),
    sectorAfter: (file, sector, touched) => {
      if (file !== victim.file) return touched.length;
      return touched.filter((at) => at < position || (at === position && sector - firstSector < sectors)).length;
    },
    staleSectors: false,
  };
}

/** Fates that are worth trying first: each unsynced write missing, each torn at each sector, each directory change alone lost or kept. */
function* systematicFates(dirty: readonly DirtyFile[], entryChanges: number, random: Random): Generator<Fate> {
  for (const mode of ['synced', 'all', 'entries-only', 'entries-lost', 'size-only', 'data-only'] as const) {
    yield chooseFate(mode, dirty, random);
  }
  const all = chooseFate('all', dirty, random);
  for (let change = 0; change < entryChanges; change++) {
    yield { ...all, name: `directory change ${change} lost`, keepsEntry: (other) => other !== change };
    yield { ...all, name: `directory change ${change} and later lost`, keepsEntry: (other) => other < change };
    yield { ...all, name: `only directory change ${change} kept`, keepsEntry: (other) => other === change };
  }
  for (const victim of dirty) {
    for (const [position, change] of victim.file.unsynced.entries()) {
      if (change.kind !== 'write') continue;
      yield missingWrite(victim, position, random() < 0.5);
      const sectors = sectorsOf(victim.file, position);
      for (let kept = 0; kept <= sectors; kept++) yield tornWrite(victim, position, kept);
    }
  }
}

/** At most `limit` fates: the systematic ones, thinned out evenly if they are too many for half of it, then random ones. */
export function* sampledFates(
  dirty: readonly DirtyFile[],
  entryChanges: number,
  limit: number,
  random: Random,
): Generator<Fate> {
  const systematic = [...systematicFates(dirty, entryChanges, random)];
  const share = Math.min(systematic.length, Math.max(2, Math.ceil(limit / 2)));
  for (let number = 0; number < share && number < limit; number++) {
    // The first two, nothing and everything, are always among them.
    const place = number < 2 ? number : 2 + Math.floor(((number - 2) * (systematic.length - 2)) / (share - 2));
    const fate = systematic[place];
    if (fate !== undefined) yield fate;
  }
  for (let number = share; number < limit; number++) {
    yield chooseFate(number % 3 === 0 ? 'reordered' : 'mixed', dirty, random);
  }
}

/** Number of outcomes there are: `Infinity` if they can't be counted. `stale`: new parts of files may show what the disk held there before. */
export function countFates(dirty: readonly DirtyFile[], entryChanges: number, stale: boolean): number {
  const all = choices(dirty, entryChanges);
  const count = (options: (choice: Choice) => number): number =>
    all.reduce((product, choice) => product * options(choice), 1);
  const total = count(({ options }) => options);
  // Those in which a new part was not reached by any write come twice.
  return stale ? 2 * total - count(({ options, isNew }) => (isNew === true ? options - 1 : options)) : total;
}

/** Every outcome there is. */
export function* everyFate(dirty: readonly DirtyFile[], entryChanges: number, stale: boolean): Generator<Fate> {
  const all = choices(dirty, entryChanges);
  const digits = all.map(() => 0);
  for (let number = 0; ; number++) {
    const fate = fateOf(all, [...digits], `outcome ${number}`);
    yield fate;
    if (stale && all.some(({ isNew }, place) => isNew === true && digits[place] === 0)) {
      yield { ...fate, name: `${fate.name}, with what the disk held before`, staleSectors: true };
    }
    let place = 0;
    for (; place < all.length; place++) {
      const next = (digits[place] ?? 0) + 1;
      if (next < (all[place]?.options ?? 0)) {
        digits[place] = next;
        break;
      }
      digits[place] = 0;
    }
    if (place === all.length) return;
  }
}

interface Choice {
  readonly key: string;
  /** Named by the file, as two files have sectors of the same number. */
  readonly file?: FileNode;
  readonly options: number;
  readonly values?: readonly number[];
  /** A sector beyond what the file was on the disk. */
  readonly isNew?: boolean;
}

function choices(dirty: readonly DirtyFile[], entryChanges: number): Choice[] {
  const list: Choice[] = [];
  for (let change = 0; change < entryChanges; change++) list.push({ key: `entry ${change}`, options: 2 });
  for (const { file } of dirty) {
    const sizes = new Map<number, number>();
    for (let after = 0; after <= file.unsynced.length; after++) sizes.set(sizeSeen(file, after), after);
    list.push({ key: 'size', file, options: sizes.size, values: [...sizes.values()] });
    for (const [sector, touched] of touchedSectors(file)) {
      const isNew = sector * SECTOR_BYTES >= file.disk.size;
      list.push({ key: `sector ${sector}`, file, options: touched.length + 1, isNew });
    }
  }
  return list;
}

function fateOf(all: readonly Choice[], digits: readonly number[], name: string): Fate {
  const chosen = new Map<FileNode | undefined, Map<string, number>>();
  for (const [place, choice] of all.entries()) {
    const digit = digits[place] ?? 0;
    let ofFile = chosen.get(choice.file);
    if (ofFile === undefined) {
      ofFile = new Map();
      chosen.set(choice.file, ofFile);
    }
    ofFile.set(choice.key, choice.values?.[digit] ?? digit);
  }
  const look = (file: FileNode | undefined, key: string): number => chosen.get(file)?.get(key) ?? 0;
  return {
    name,
    keepsEntry: (change) => look(undefined, `entry ${change}`) === 1,
    sizeAfter: (file) => look(file, 'size'),
    sectorAfter: (file, sector) => look(file, `sector ${sector}`),
    staleSectors: false,
  };
}

function sizeSeen(file: FileNode, after: number): number {
  let size = file.disk.size;
  for (const change of file.unsynced.slice(0, after)) {
    size = change.kind === 'resize' ? change.size : Math.max(size, change.position + change.bytes.length);
  }
  return size;
}

function sectorsOf(file: FileNode, position: number): number {
  const change = file.unsynced[position];
  if (change?.kind !== 'write' || change.bytes.length === 0) return 0;
  const end = change.position + change.bytes.length;
  return Math.floor((end - 1) / SECTOR_BYTES) - Math.floor(change.position / SECTOR_BYTES) + 1;
}

function pageWise(random: Random): Pick<Fate, 'sectorAfter' | 'staleSectors'> {
  const pages = new Map<FileNode, Map<number, number>>();
  return {
    sectorAfter: (file, sector, touched) => {
      let moments = pages.get(file);
      if (moments === undefined) {
        moments = new Map();
        pages.set(file, moments);
      }
      const page = Math.floor((sector * SECTOR_BYTES) / PAGE_BYTES);
      let moment = moments.get(page);
      if (moment === undefined) {
        moment = Math.floor(random() * (file.unsynced.length + 1));
        moments.set(page, moment);
      }
      const seen = moment;
      return touched.filter((at) => at < seen).length;
    },
    staleSectors: random() < 0.3,
  };
}

/** Files differ in their luck: some whole, some untouched, the others page by page or sector by sector. */
function mixed(random: Random): Fate {
  const luck = new Map<FileNode, number>();
  const luckOf = (file: FileNode): number => {
    const known = luck.get(file) ?? Math.floor(random() * 4);
    luck.set(file, known);
    return known;
  };
  const pages = pageWise(random);
  const entryLuck = random();
  return {
    name: 'mixed',
    keepsEntry: () => random() < entryLuck,
    sizeAfter: (file) => Math.floor(random() * (file.unsynced.length + 1)),
    sectorAfter: (file, sector, touched) => {
      const kind = luckOf(file);
      if (kind === 0) return 0;
      if (kind === 1) return touched.length;
      if (kind === 2) return pages.sectorAfter(file, sector, touched);
      return Math.floor(random() * (touched.length + 1));
    },
    staleSectors: pages.staleSectors,
  };
}
