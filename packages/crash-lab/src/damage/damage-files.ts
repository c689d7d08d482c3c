import { type BuildOptions, createRandom, type StorageEngineBuilder } from '@raftlog/core/conformance';
import { type MakeBuilder, placeOf } from '../place.ts';
import { runNode } from '../processes.ts';
import type { SpecimenTask } from '../programs/specimen-writer.ts';
import { type DiskImage, readImage } from '../states/disk-image.ts';
import { type Damage, DamageChooser } from './damage.ts';
import type { Verdict } from './damage-verdict.ts';
import { DamagedCopies } from './damaged-copies.ts';

export interface DamageOptions {
  /** Bytes to flip bits of, and files to cut short or end in zeros (half of them each). Half of each in a store that was closed, half in one whose process was killed. */
  readonly flips: number;
  readonly cuts: number;
  /** The store and the damages follow from it. */
  readonly seed: number;
  /** Only files whose path below the engine's directory it matches. Default: all. */
  readonly files?: RegExp;
  /** What the engine is opened with. Default: `small`. */
  readonly build?: Omit<BuildOptions, 'fileIo'>;
}

/** What came of the damages; see `Outcome` for what the counts mean. */
export interface DamageReport {
  readonly intact: number;
  /** By code. */
  readonly refused: Readonly<Record<string, number>>;
  /** By code. */
  readonly unreadable: Readonly<Record<string, number>>;
  readonly lost: number;
  readonly returned: number;
  readonly altered: number;
  readonly crashed: number;
  /** By signal; `HUNG` for what took longer than 20 s. */
  readonly killed: Readonly<Record<string, number>>;
  readonly damages: readonly (Damage & Verdict)[];
}

/**
 * Makes a store, damages a copy of it in one place, opens the copy in a child process, reads everything, and judges; again and again.
 * Rejects if the undamaged copy isn't intact.
 */
export async function damageFiles(makeBuilder: MakeBuilder, options: DamageOptions): Promise<DamageReport> {
  const damages: (Damage & Verdict)[] = [];
  for (const left of ['closed', 'killed'] as const) {
    const share = (count: number): number => (left === 'closed' ? Math.ceil(count / 2) : Math.floor(count / 2));
    const counts = { flips: share(options.flips), cuts: share(options.cuts) };
    if (counts.flips + counts.cuts > 0)
      damages.push(...(await damageStore(makeBuilder, left, { ...options, ...counts })));
  }
  return summarize(damages);
}

async function damageStore(
  makeBuilder: MakeBuilder,
  left: Damage['left'],
  options: DamageOptions,
): Promise<(Damage & Verdict)[]> {
  const { flips, cuts, seed, build = { small: true } } = options;
  const builder = await makeBuilder();
  try {
    const { directory } = placeOf(builder);
    const { task, original } = await makeStore(builder, { build, seed, kill: left === 'killed' });
    const chooser = DamageChooser.over(left, filesOf(original, options.files), createRandom(seed));
    const copies = new DamagedCopies(task, original, directory);
    try {
      await copies.checkUndamaged();
      for (let flip = 0; flip < flips; flip++) await copies.look(chooser.next('flip'));
      for (let cut = 0; cut < cuts; cut++) await copies.look(chooser.next(cut % 2 === 0 ? 'cut' : 'zero'));
      await copies.settle();
      return copies.seen;
    } finally {
      copies.stop();
    }
  } finally {
    await builder.cleanup();
  }
}

/** Has a child process make the store that is to be damaged. */
export async function makeStore(
  builder: StorageEngineBuilder,
  how: Omit<SpecimenTask, 'module' | 'place'>,
): Promise<{ readonly task: SpecimenTask; readonly original: DiskImage }> {
  const { child, directory } = placeOf(builder);
  const task: SpecimenTask = { ...how, module: child.module.href, place: child.place };
  const written = await runNode('specimen-writer', task);
  if (written.signal !== (task.kill ? 'SIGKILL' : null) || (!task.kill && written.exitCode !== 0)) {
    throw new Error(`The store could not be made: ${written.complaint}`);
  }
  return { task, original: readImage(directory) };
}

/** Files with something in them. */
export function filesOf(image: DiskImage, pattern: RegExp = /./): Map<string, Uint8Array> {
  const files = [...image].flatMap(([path, content]) => (content === 'directory' ? [] : [[path, content] as const]));
  return new Map(files.filter(([path, { length }]) => length > 0 && pattern.test(path)));
}

function summarize(damages: readonly (Damage & Verdict)[]): DamageReport {
  const having = (outcome: Verdict['outcome']): (Damage & Verdict)[] =>
    damages.filter((damage) => damage.outcome === outcome);
  const byCode = (outcome: Verdict['outcome']): Record<string, number> => {
    const counts: Record<string, number> = {};
    for (const { code = 'none' } of having(outcome)) counts[code] = (counts[code] ?? 0) + 1;
    return counts;
  };
  return {
    intact: having('intact').length,
    refused: byCode('refused'),
    unreadable: byCode('unreadable'),
    lost: having('lost').length,
    returned: having('returned').length,
    altered: having('altered').length,
    crashed: having('crashed').length,
    killed: byCode('killed'),
    damages,
  };
}
