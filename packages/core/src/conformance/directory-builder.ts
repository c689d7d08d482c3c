import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { StorageEngine } from '../storage-engine.ts';
import type { BuildOptions, ChildProcessOpener, LogFiles, OpenInChild, StorageEngineBuilder } from './builder.ts';

/** What a {@link DirectoryBuilder} needs to know of an engine. */
export interface DirectoryBuilderOptions {
  /** Opens the engine in a directory, or makes it there. */
  readonly open: OpenInChild;
  /** A module (`file:` URL) that a plain `node` can import and that exports the same `open`, but doesn't run the suite. */
  readonly module: URL;
  /** Default: false. */
  readonly offersBuffered?: boolean;
  /** Default: false. */
  readonly takesFileIo?: boolean;
  /** The files of the engine in this directory. */
  readonly files?: (directory: string) => LogFiles;
  /** An existing directory that all places are made in. Default: the system's for temporary files. */
  readonly parent?: string;
}

/**
 * The builder of an engine that lives in a directory: each `cleanup` removes it, and what is built next gets one that never was
 * there before.
 *
 * @example
 * ```ts
 * const builder = new DirectoryBuilder({
 *   open: (directory, options) => MyStorageEngine.open({ directory, ...options }),
 *   module: new URL('./open.js', import.meta.url),
 * });
 * ```
 */
export class DirectoryBuilder implements StorageEngineBuilder {
  readonly offersBuffered: boolean;
  readonly takesFileIo: boolean;
  readonly #options: DirectoryBuilderOptions;
  #directory: string | undefined;

  constructor(options: DirectoryBuilderOptions) {
    this.#options = options;
    this.offersBuffered = options.offersBuffered ?? false;
    this.takesFileIo = options.takesFileIo ?? false;
  }

  /** Doesn't exist before the first `build`; the directory that it is in does. */
  get directory(): string {
    // Made when it is first asked for: a builder of which nothing was wanted leaves nothing behind.
    this.#directory ??= join(mkdtempSync(join(this.#options.parent ?? tmpdir(), 'raftlog-')), 'store');
    return this.#directory;
  }

  get child(): ChildProcessOpener {
    return { module: this.#options.module, place: this.directory };
  }

  get files(): LogFiles | undefined {
    return this.#options.files?.(this.directory);
  }

  build(options: BuildOptions = {}): Promise<StorageEngine> {
    return this.#options.open(this.directory, options);
  }

  async cleanup(): Promise<void> {
    if (this.#directory !== undefined) await rm(dirname(this.#directory), { recursive: true, force: true });
    this.#directory = undefined;
  }
}
