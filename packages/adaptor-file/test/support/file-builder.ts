import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { StorageEngine } from '@raftlog/core';
import type { BuildOptions, ChildProcessOpener, LogFiles, StorageEngineBuilder } from '@raftlog/core/conformance';
import { FileStorageEngine } from '../../src/index.ts';

/** Segments and caches that overflow within a few kilobytes. */
const SMALL = { segmentBytes: 64 * 1024, cacheBytes: 8 * 1024 };

/** The file adaptor, as the conformance suite judges it. */
export class FileBuilder implements StorageEngineBuilder {
  readonly offersBuffered = true;
  readonly takesFileIo = true;
  readonly #durability: 'sync' | 'buffered';
  readonly #root: string;
  #number = 0;

  private constructor(root: string, durability: 'sync' | 'buffered') {
    this.#root = root;
    this.#durability = durability;
  }

  static async make(durability: 'sync' | 'buffered'): Promise<FileBuilder> {
    return new FileBuilder(await mkdtemp(join(tmpdir(), 'raftlog-file-')), durability);
  }

  get directory(): string {
    return join(this.#root, String(this.#number));
  }

  get child(): ChildProcessOpener {
    return { module: new URL('./open-in-child.mjs', import.meta.url), place: this.directory };
  }

  get files(): LogFiles {
    const blocks = join(this.directory, 'blocks');
    return {
      log: async () => (await readdir(blocks)).sort().map((name) => join(blocks, name)),
      hardState: [join(this.directory, 'hardstate.a'), join(this.directory, 'hardstate.b')],
      witness: [join(this.directory, 'witness')],
    };
  }

  build({ small, ...options }: BuildOptions = {}): Promise<StorageEngine> {
    const { directory } = this;
    return FileStorageEngine.open({ directory, durability: this.#durability, ...options, ...(small ? SMALL : {}) });
  }

  async cleanup(): Promise<void> {
    await rm(this.directory, { recursive: true, force: true });
    this.#number++;
  }
}
