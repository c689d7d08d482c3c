import type { BuildOptions, StorageEngineBuilder } from '@raftlog/core/conformance';
import type { KitStorageEngine } from '@raftlog/kit';
import { MemoryStorageEngine } from '../src/index.ts';

/** Every engine starts from nothing: there is no place to open again. */
export class MemoryBuilder implements StorageEngineBuilder {
  build({ maxPendingBytes, small }: BuildOptions = {}): Promise<KitStorageEngine> {
    return MemoryStorageEngine.open({
      ...(maxPendingBytes === undefined ? {} : { maxPendingBytes }),
      ...(small === true ? { cacheBytes: 4096 } : {}),
    });
  }

  async cleanup(): Promise<void> {}
}
