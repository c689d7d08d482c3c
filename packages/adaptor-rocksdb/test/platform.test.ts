import { isStorageError, RocksdbStorageEngine } from '@raftlog/adaptor-rocksdb';
import { expect, test } from 'vitest';
import { inTemporaryDirectory } from './support/blocks.ts';

test('a platform that the driver has no binary for is UNSUPPORTED', () =>
  inTemporaryDirectory(async (directory) => {
    // What the driver's loader takes for the processor.
    process.env.npm_config_arch = 'none';
    try {
      const error: unknown = await RocksdbStorageEngine.open({ directory }).catch((reason: unknown) => reason);
      if (!isStorageError(error, 'UNSUPPORTED')) throw error;
      expect(error.details.feature).toContain(process.platform);
    } finally {
      delete process.env.npm_config_arch;
    }
  }));
