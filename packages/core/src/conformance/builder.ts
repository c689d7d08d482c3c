import type { FileIo } from '../file-io.ts';
import type { StorageEngine } from '../storage-engine.ts';

/** How the suite wants an engine opened. What an adaptor doesn't offer it doesn't get asked for (see {@link StorageEngineBuilder}). */
export interface BuildOptions {
  /** Default: the adaptor's own, which is what it is judged by. `sync` is asked for only if that is its own, `buffered` only where `offersBuffered` says so. */
  readonly durability?: 'sync' | 'buffered';
  /** `salvage` is asked for only where `capabilities.salvage`. */
  readonly onCorruption?: 'refuse' | 'salvage';
  readonly maxPendingBytes?: number;
  /** All file work of the engine goes through it. Given only where `takesFileIo`. */
  readonly fileIo?: FileIo;
  /** Small, so that caches, segments and pages overflow within a few kilobytes; adaptors that have no such sizes ignore it. */
  readonly small?: boolean;
}

/** How a child process opens the same place, to be killed in the middle of its work. */
export interface ChildProcessOpener {
  /**
   * A module (`file:` URL) that a plain `node` can import and that exports {@link OpenInChild} as `open`. It does nothing else when it is
   * imported: above all it must not run the suite, which refuses to start in its own child.
   */
  readonly module: URL;
  /** Handed to `open`: JSON-able, names the place that `build` opens too. */
  readonly place: string;
}

/** What the module of a {@link ChildProcessOpener} exports as `open`. */
export type OpenInChild = (place: string, options: BuildOptions) => Promise<StorageEngine>;

/**
 * What an author of an adaptor implements to have it proved. For engines in a directory there is {@link DirectoryBuilder}.
 *
 * @example
 * ```ts
 * class MyBuilder implements StorageEngineBuilder {
 *   #table = new Table();
 *   build(options?: BuildOptions) { return MyStorageEngine.open({ table: this.#table, ...options }); }
 *   async cleanup() { this.#table = new Table(); }
 * }
 * ```
 */
export interface StorageEngineBuilder {
  /** Opens, or after a close reopens, the same place. */
  build(options?: BuildOptions): Promise<StorageEngine>;
  /** Empties the place: the next `build` starts from nothing. Every engine that was built is closed by then. */
  cleanup(): Promise<void>;
  /** Where persistent engines keep their files; lets the suite put foreign files there and look at the space. May change at `cleanup`. */
  readonly directory?: string;
  /** How a child process opens the same place. Mandatory for persistent engines: without it nothing proves a kill. May change at `cleanup`. */
  readonly child?: ChildProcessOpener;
  /** `durability: 'buffered'` may be asked for. */
  readonly offersBuffered?: boolean;
  /** `fileIo` may be given: the power-cut and fault cases then run against simulated disks. */
  readonly takesFileIo?: boolean;
  /** Where the newest writes lie, for cases that damage them. */
  readonly files?: LogFiles | undefined;
}

/** The files of an engine that is closed, for cases that cut and flip their bytes. Paths below `directory`. */
export interface LogFiles {
  /** All files that hold entries, oldest first. Naming them claims that damage to any byte of them is noticed; a database's own files rarely stand that. */
  log?(): Promise<string[]>;
  /** The two copies of the hard state. */
  readonly hardState?: readonly [string, string];
  /** Copies of the witness. */
  readonly witness?: readonly string[];
  /** The files of all snapshots. Naming them claims that damage to any byte of them is noticed when it is read. */
  snapshots?(): Promise<string[]>;
}
