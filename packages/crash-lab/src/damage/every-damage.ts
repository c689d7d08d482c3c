import { join } from 'node:path';
import { memoryDirectory, removeDirectory } from '../memory-directory.ts';
import type { DiskImage } from '../states/disk-image.ts';
import type { LabSubject } from '../subject.ts';
import type { Damage } from './damage.ts';
import { filesOf, makeStore } from './damage-files.ts';
import type { Outcome, Verdict } from './damage-verdict.ts';
import { DamagedCopies } from './damaged-copies.ts';

/** Damage that an engine is known not to notice. */
export interface BlindSpot {
  /** As its documentation says it. */
  readonly why: string;
  /** Files, by their path below the engine's directory. */
  readonly files: RegExp;
  readonly kinds?: readonly Damage['kind'][];
  /** What may come of it. */
  readonly outcomes: readonly Outcome[];
}

export interface DamageCampaignOptions {
  /** At most so many bytes of a store are flipped, evenly chosen. Default: all. */
  readonly flips?: number;
  /** The store follows from it. Default: 1. */
  readonly seed?: number;
  /** Default: 2. */
  readonly processes?: number;
  readonly onProgress?: (progress: DamageCampaignReport, of: number) => void;
}

export interface DamageCampaignReport {
  readonly damages: number;
  /** Of these, bytes that were flipped. */
  readonly flips: number;
  readonly outcomes: Readonly<Partial<Record<Outcome, number>>>;
  /** Damages that weren't noticed, as is known. */
  readonly blind: number;
  /** How many, by the words of the blind spot. */
  readonly blindSpots: Readonly<Record<string, number>>;
  readonly violations: readonly string[];
}

/**
 * Damages a small store in one place after the other: every byte flipped, every sector zeroed, every file missing or cut short. Of a
 * store that was closed, and of one whose process was killed. The right data or a typed error is right; anything else only in a blind spot.
 */
export async function runDamageCampaign(
  subject: LabSubject,
  options: DamageCampaignOptions = {},
): Promise<DamageCampaignReport> {
  const { onProgress } = options;
  let report: DamageCampaignReport = { damages: 0, flips: 0, outcomes: {}, blind: 0, blindSpots: {}, violations: [] };
  let planned = 0;
  for (const left of ['killed', 'closed'] as const) {
    await damageStore(subject, left, options, {
      onPlan: (count) => {
        // The other one has about as many.
        planned = report.damages + (left === 'killed' ? 2 * count : count);
      },
      onSeen: (seen) => {
        report = added(report, seen, subject.blindSpots ?? []);
        onProgress?.(report, planned);
      },
    });
  }
  return report;
}

type Seen = Damage & Verdict;

async function damageStore(
  subject: LabSubject,
  left: Damage['left'],
  { flips = Number.POSITIVE_INFINITY, seed = 1, processes = 2 }: DamageCampaignOptions,
  told: { readonly onPlan: (count: number) => void; readonly onSeen: (seen: Seen) => void },
): Promise<void> {
  const builder = subject.makeBuilder();
  const scratch = memoryDirectory();
  try {
    const how = { build: { small: true }, seed, isTiny: true, kill: left === 'killed' };
    const { task, original } = await makeStore(builder, how);
    const damages = everyDamage(left, original, flips);
    told.onPlan(damages.length);
    const work = async (number: number): Promise<void> => {
      const place = join(scratch, String(number));
      const copies = new DamagedCopies({ ...task, place }, original, place);
      try {
        await copies.checkUndamaged();
        for (const damage of damages.filter((_, at) => at % processes === number)) {
          await copies.look(damage);
          // The last one may yet have a death to follow.
          for (const seen of copies.seen.splice(0, copies.seen.length - 1)) told.onSeen(seen);
        }
        await copies.settle();
        for (const seen of copies.seen) told.onSeen(seen);
      } finally {
        copies.stop();
      }
    };
    await Promise.all(Array.from({ length: processes }, (_, number) => work(number)));
  } finally {
    removeDirectory(scratch);
    await builder.cleanup();
  }
}

function everyDamage(left: Damage['left'], original: DiskImage, flips: number): Damage[] {
  const files = [...filesOf(original)];
  const bytes = files.reduce((sum, [, { length }]) => sum + length, 0);
  const stride = Math.max(1, bytes / flips);
  const damages: Damage[] = [];
  let passed = 0;
  for (const [file, content] of files) {
    const add = (kind: Damage['kind'], offset: number, mask = 0): void => {
      damages.push({ left, file, kind, offset, mask });
    };
    add('missing', 0);
    for (let offset = 0; offset < content.length; offset++, passed++) {
      if (Math.floor(passed / stride) !== Math.floor((passed - 1) / stride))
        add('flip', offset, 1 + ((passed * 37) % 255));
      if (offset % 512 !== 0) continue;
      add('cut', offset);
      if (content.subarray(offset, offset + 512).some((byte) => byte !== 0)) add('sector', offset);
    }
    add('cut', content.length - 1);
  }
  return damages;
}

const RIGHT: readonly Outcome[] = ['intact', 'refused', 'unreadable'];

function added(report: DamageCampaignReport, seen: Seen, blindSpots: readonly BlindSpot[]): DamageCampaignReport {
  const { outcome, kind, file, offset, mask, left, detail, code } = seen;
  const counted = {
    ...report,
    damages: report.damages + 1,
    flips: report.flips + (kind === 'flip' ? 1 : 0),
    outcomes: { ...report.outcomes, [outcome]: (report.outcomes[outcome] ?? 0) + 1 },
  };
  if (RIGHT.includes(outcome)) return counted;
  const spot = blindSpots.find(
    ({ files, kinds, outcomes }) => files.test(file) && kinds?.includes(kind) !== false && outcomes.includes(outcome),
  );
  if (spot !== undefined) {
    const count = (report.blindSpots[spot.why] ?? 0) + 1;
    return { ...counted, blind: report.blind + 1, blindSpots: { ...report.blindSpots, [spot.why]: count } };
  }
  const where = `${kind} ${file} at ${offset}${kind === 'flip' ? ` (bits ${mask})` : ''} of a store that was ${left}`;
  return {
    ...counted,
    violations: [...report.violations, `${where}: ${outcome}${code === undefined ? '' : ` (${code})`}, ${detail}`],
  };
}
