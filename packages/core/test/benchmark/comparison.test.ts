import { mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { describe, expect, it, vi } from 'vitest';
import { comparisonMain, type LogByHand } from '../../src/benchmark/index.ts';
import type { Entry } from '../../src/index.ts';
import { ArrayBuilder } from './array-engine.ts';
import { commandRun } from './command-run.ts';

const anything = { batch1000: 0, batch1: 0, callers64: 0, cachedRead: 0, reopenedRead: 0 };

describe('comparisonMain', () => {
  const run = commandRun();

  /** A database that keeps what it has between opens, as one on a disk does. */
  function database(change: Partial<LogByHand> = {}): (place: string) => LogByHand {
    const places = new Map<string, Entry[]>();
    return (place) => {
      const kept = places.get(place) ?? [];
      places.set(place, kept);
      return {
        persist: (entries) => void kept.push(...entries),
        range: (first, last) => kept.slice(first - 1, last),
        close: () => {},
        ...change,
      };
    };
  }

  it('names both sides of each figure and how far they are apart, and cleans up', async () => {
    const json = join(run.directory, 'rows.json');
    const disk = mkdtempSync(join(run.directory, 'disk-'));
    const code = await comparisonMain(
      { name: 'Array', makeBuilder: () => run.builder, openByHand: database(), targets: anything },
      ['--', '--rounds', '1', '--payload', '8', '--directory', disk, '--json', json],
    );
    expect(code).toBe(0);
    expect(readdirSync(disk)).toEqual([]);
    expect(run.builder.open).toBe(0);
    const { rows } = JSON.parse(readFileSync(json, 'utf8'));
    expect(rows).toHaveLength(15);
    expect(run.printed).toMatch(
      /persistEntries, 64 callers at once .*entries\/s\n {2}Array by hand .*\n {2}times as fast/,
    );
    expect(run.printed).toContain('5 of 5 targets met.');
  });

  it('misses where the database by hand is faster than is allowed', async () => {
    const slow = new ArrayBuilder({ persistMs: 1 });
    try {
      const code = await comparisonMain(
        { name: 'Array', makeBuilder: () => slow, openByHand: database(), targets: { ...anything, batch1: 1 } },
        ['--rounds', '1', '--payload', '8', '--directory', run.directory],
      );
      expect(code).toBe(1);
      expect(run.printed).toContain('4 of 5 targets met; 1 missed.');
    } finally {
      slow.dispose();
    }
  });

  it('waits for a database that answers later', async () => {
    const range = vi.fn(async () => {
      await setTimeout(1);
      return [];
    });
    const options = {
      name: 'Array',
      makeBuilder: () => run.builder,
      openByHand: database({ range }),
      targets: anything,
    };
    await expect(comparisonMain(options, ['--rounds', '1', '--directory', run.directory])).rejects.toThrow(
      'What the database by hand gave is not what was written.',
    );
    expect(range).toHaveBeenCalledOnce();
    expect(readdirSync(run.directory)).toEqual([]);
  });

  it.each([[['--rounds', 'many']], [['--payload', '-1']], [['--frobnicate']]])('refuses %j', async (argv) => {
    const options = { name: 'Array', makeBuilder: () => run.builder, openByHand: database(), targets: anything };
    expect(await comparisonMain(options, argv)).toBe(2);
    expect(run.printed).toContain('--rounds N');
    expect(run.builder.cleanups).toBe(0);
  });
});
