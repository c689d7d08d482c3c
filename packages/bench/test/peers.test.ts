import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { PEER_NAMES } from '../src/contenders/names.ts';
import { buildPeers } from '../src/peers/go-peers.ts';
import { runPeer } from '../src/peers/run-peer.ts';
import { appendOf } from '../src/run/shapes.ts';

afterEach(() => {
  vi.unstubAllEnvs();
});

const programs = await buildPeers(() => {});

for (const name of PEER_NAMES) {
  const program = programs.get(name);
  const binary = program !== undefined && 'binary' in program ? program.binary : undefined;
  const why = program !== undefined && 'missing' in program ? ` (${program.missing})` : '';

  test.skipIf(binary === undefined)(`${name} appends and gives its figures${why}`, async () => {
    const directory = mkdtempSync(join(tmpdir(), 'raftlog-bench-test-'));
    try {
      const { figures } = await runPeer(binary ?? '', { directory, seconds: 0.05 }, appendOf(10, 1, 64));
      expect(Object.keys(figures).sort()).toEqual(['calls', 'entriesPerSecond', 'maxMs', 'p50Ms', 'p999Ms', 'p99Ms']);
      expect(figures.entriesPerSecond).toBeGreaterThan(0);
      expect(figures.calls).toBeGreaterThan(0);
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  });

  test.skipIf(binary === undefined)(`${name} that fails says why${why}`, async () => {
    const run = runPeer(binary ?? '', { directory: '/dev/null/nowhere', seconds: 0.05 }, appendOf(10, 1, 64));
    await expect(run).rejects.toThrow(/The program ended with code 1\n.*not a directory/);
  });
}

test('without Go, peers are left out with the names of the packages', async () => {
  vi.stubEnv('PATH', '/nowhere');
  const left = await buildPeers(() => {});
  expect([...left.keys()]).toEqual([...PEER_NAMES]);
  for (const name of PEER_NAMES) {
    expect(left.get(name)).toEqual({ missing: expect.stringContaining(`${name} is left out: it needs golang-go`) });
  }
});
