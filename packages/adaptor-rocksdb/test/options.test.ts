import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isStorageError, type RocksdbOptions, RocksdbStorageEngine } from '@raftlog/adaptor-rocksdb';
import { describe, expect, test } from 'vitest';
import { inTemporaryDirectory } from './support/blocks.ts';

const MIB = 1024 * 1024;

/** What RocksDB writes down that it was opened with. */
async function optionsOf(options: Partial<RocksdbOptions>): Promise<Map<string, string>> {
  return inTemporaryDirectory(async (directory) => {
    const engine = await RocksdbStorageEngine.open({ directory, ...options });
    await engine.close();
    const blocks = join(directory, 'blocks');
    const newest =
      (await readdir(blocks))
        .filter((name) => name.startsWith('OPTIONS'))
        .sort()
        .at(-1) ?? '';
    const text = await readFile(join(blocks, newest), 'latin1');
    return new Map([...text.matchAll(/^ *(\w+)=(.*)$/gm)].map(([, name = '', value = '']) => [name, value]));
  });
}

describe('options', () => {
  test('the defaults keep what is written safe', async () => {
    const options = await optionsOf({});
    expect(options.get('write_buffer_size')).toBe(String(16 * MIB));
    expect(options.get('no_block_cache')).toBe('true');
    expect(options.get('manual_wal_flush')).toBe('false');
    expect(options.get('paranoid_checks')).toBe('true');
    expect(options.get('avoid_flush_during_recovery')).toBe('false');
    expect(options.get('wal_recovery_mode')).toBe('kPointInTimeRecovery');
    expect(options.get('checksum')).toBe('kXXH3');
  });

  test('sizes reach the database', async () => {
    const options = await optionsOf({ writeBufferBytes: 4 * MIB, blockCacheBytes: MIB });
    expect(options.get('write_buffer_size')).toBe(String(MIB));
    expect(options.get('no_block_cache')).toBe('false');
  });

  test('options of the driver that are not offered change nothing', async () => {
    const foreign: object = {
      compaction: 'universal',
      walCompression: true,
      pipelinedWrite: true,
      errorIfExists: true,
    };
    expect(await optionsOf(foreign)).toEqual(await optionsOf({}));
  });

  test.each<[string, unknown]>([
    ['writeBufferBytes', MIB - 1],
    ['writeBufferBytes', 1024 * MIB + 1],
    ['writeBufferBytes', 1.5 * MIB + 0.5],
    ['writeBufferBytes', '4 MiB'],
    ['blockCacheBytes', -1],
    ['blockCacheBytes', Number.NaN],
    ['blockCacheBytes', null],
  ])('%s: %s is refused', (option, value) =>
    inTemporaryDirectory(async (directory) => {
      const error: unknown = await RocksdbStorageEngine.open({ directory, [option]: value }).catch((e: unknown) => e);
      if (!isStorageError(error, 'INVALID_ARGUMENT')) throw error;
      expect(error.details.argument).toBe(option);
    }),
  );
});
