import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
// The built one: it starts a plain `node`, which can't run TypeScript everywhere.
import { measureMemory, runMemoryTests } from '../../dist/benchmark/index.js';

describe('measureMemory', () => {
  let directory: string;
  const module = new URL('./fixtures/hoarder.mjs', import.meta.url);

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'raftlog-memory-test-'));
  });

  afterEach(() => rmSync(directory, { recursive: true, force: true }));

  it('sees what an engine keeps while it writes, and that a new process has let go of it', async () => {
    const child = { module, place: join(directory, 'log') };
    const phases = new Set<string>();
    const { write, read } = await measureMemory(child, {
      entries: 150_000,
      batchSize: 1_000,
      payloadBytes: 1_000,
      onProgress: (phase) => phases.add(phase),
    });
    // 150,000 x 1,000 bytes are 143 MiB.
    expect(write.overIdleMiB).toBeGreaterThan(140);
    expect(read.overIdleMiB).toBeLessThan(write.overIdleMiB / 2);
    expect(write.overIdleMiB).toBeCloseTo(write.peakMiB - write.idleMiB);
    expect(write.idleMiB).toBeGreaterThan(5);
  }, 60_000);

  it('misses the target for an engine that keeps its log in memory, in whatever batches', async () => {
    const builder = {
      child: { module, place: join(directory, 'log') },
      build: () => Promise.reject(new Error('not used')),
      cleanup: async () => rmSync(join(directory, 'log'), { force: true }),
      offersBuffered: true,
    };
    const rows = await runMemoryTests(builder, { entries: 100_001, batchSizes: [1_000, 1], payloadBytes: 1_000 });
    expect(rows.map(({ name, pass }) => [name, pass])).toEqual([
      ['100,001 entries, 1,000 per commit: memory over idle, written', false],
      ['100,001 entries, 1,000 per commit: memory over idle, reopened and read', true],
      ['100,001 entries, 1,000 per commit: rate', undefined],
      ['100,001 entries, 1 per commit: memory over idle, written', false],
      ['100,001 entries, 1 per commit: memory over idle, reopened and read', true],
      ['100,001 entries, 1 per commit: rate', undefined],
    ]);
  }, 60_000);

  it('reports what went wrong in the process', async () => {
    const wrong = measureMemory(
      { module, place: join(directory, 'log') },
      { entries: 10, batchSize: 1, payloadBytes: 5 },
    );
    await expect(wrong).rejects.toThrow('Entry 1 came back as index 1 with 1000 bytes');
    const missing = { module: new URL('./fixtures/not-there.mjs', import.meta.url), place: directory };
    await expect(measureMemory(missing, { entries: 10, batchSize: 1 })).rejects.toThrow('not-there.mjs');
  });
});
