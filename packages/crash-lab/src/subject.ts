import type { StorageEngineBuilder } from '@raftlog/core/conformance';
import type { BlindSpot } from './damage/every-damage.ts';
import { placeOf } from './place.ts';
import type { LabEngine } from './record/record.ts';

/** What the module exports, as its default, that the lab is given: the engine that is tried, and what is known of its driver. */
export interface LabSubject {
  readonly name: string;
  /** Makes the builder of an engine that lies in a directory, with a `child` whose `place` is that directory. {@link DirectoryBuilder} is one. */
  readonly makeBuilder: () => StorageEngineBuilder;
  /**
   * Files that hold nothing that must survive, by their path below the engine's directory: they are left out of the states, and may be written through shared
   * mappings. Default: SQLite's `-shm`, LMDB's `lock.mdb`, and `LOCK`, `LOG` and `LOG.old` of LevelDB and RocksDB.
   */
  readonly leftOut?: RegExp;
  /** Files whose failures cost nothing; see `FailingDiskOptions`. */
  readonly harmlessFailures?: RegExp;
  /** Signals that the driver is known to end the process with at some failed write. */
  readonly mayEndWith?: readonly NodeJS.Signals[];
  /** The driver is known to report success for some write that failed. */
  readonly swallows?: boolean;
  /** What the engine is known to do where a call fails, as its documentation says: these are counted, and no violations. */
  readonly knownFaults?: readonly { readonly why: string; readonly problem: RegExp }[];
  /** Damage that the engine is known not to notice, as its documentation says. */
  readonly blindSpots?: readonly BlindSpot[];
}

const LEFT_OUT = /(^|\/)(LOCK|LOG|LOG\.old|lock\.mdb)$|-shm$/;

/** `module`: a `file:` URL. */
export async function loadSubject(module: string): Promise<LabSubject> {
  const { default: subject } = (await import(module)) as { readonly default?: LabSubject };
  if (typeof subject?.makeBuilder === 'function') return subject;
  throw new TypeError(`${module} exports no LabSubject as its default.`);
}

/** What of a subject the crash campaign needs. */
export interface CrashedEngine extends LabEngine {
  readonly offersBuffered: boolean;
}

export async function labEngine({ makeBuilder, leftOut = LEFT_OUT }: LabSubject): Promise<CrashedEngine> {
  const builder = makeBuilder();
  const { child, directory } = placeOf(builder);
  if (child.place !== directory)
    throw new Error('The lab opens copies of the directory: the builder has to name it as `child.place`.');
  await builder.cleanup();
  return { module: child.module.href, leftOut, offersBuffered: builder.offersBuffered === true };
}
