import { randomFillSync } from 'node:crypto';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Entry, type LogStore, RocksdbStorageEngine } from '@raftlog/adaptor-rocksdb';
import { expect, test } from 'vitest';
import { inTemporaryDirectory, SMALL } from './support/blocks.ts';

const MIB = 1024 * 1024;

async function append(log: LogStore, bytes: number): Promise<void> {
  for (let written = 0; written < bytes; written += 100 * 1024) {
    const first = log.lastIndex + 1;
    // Random, or the database would compress it away.
    const entry = (_: unknown, at: number): Entry => ({
      index: first + at,
      term: 1,
      kind: 'command',
      data: randomFillSync(new Uint8Array(1024)),
    });
    await log.persistEntries(Array.from({ length: 100 }, entry));
  }
}

/** What the database's files take up on the device, the space that was reserved for them included. */
async function allocatedBytes(directory: string): Promise<number> {
  const names = await readdir(directory);
  // Some may be gone before they are looked at.
  const sizes = await Promise.all(
    names.map((name) =>
      stat(join(directory, name)).then(
        ({ blocks }) => blocks * 512,
        () => 0,
      ),
    ),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}

test('what is purged goes back to the file system as the log goes on', () =>
  inTemporaryDirectory(async (directory) => {
    const engine = await RocksdbStorageEngine.open({ directory, writeBufferBytes: SMALL.writeBufferBytes });
    const log = engine.logStore;
    const blocks = join(directory, 'blocks');
    await append(log, 32 * MIB);
    expect(await allocatedBytes(blocks)).toBeGreaterThan(32 * MIB);
    let buffers = 0;
    do {
      await log.purge({ index: log.lastIndex - 500, term: 1 });
      await append(log, SMALL.writeBufferBytes);
      buffers++;
      // It is done in the background, and takes the time it takes.
      await sleep(100);
    } while ((await allocatedBytes(blocks)) > 12 * MIB && buffers < 50);
    expect(await allocatedBytes(blocks)).toBeLessThan(16 * MIB);
    expect(await log.getEntries(1, log.lastIndex)).toHaveLength(log.lastIndex - log.firstIndex + 1);
    await engine.close();
  }));
