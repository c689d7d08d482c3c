import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { benchmarkMain } from '../../src/benchmark/index.ts';
import { ArrayBuilder } from './array-engine.ts';

describe('benchmarkMain', () => {
  let builder: ArrayBuilder;
  let directory: string;
  let printed: string;

  beforeEach(() => {
    builder = new ArrayBuilder();
    directory = mkdtempSync(join(tmpdir(), 'raftlog-benchmark-main-'));
    printed = '';
    for (const method of ['log', 'error'] as const) {
      vi.spyOn(console, method).mockImplementation((text: string) => {
        printed += `${text}\n`;
      });
    }
  });

  afterEach(() => {
    vi.restoreAllMocks();
    builder.dispose();
    rmSync(directory, { recursive: true, force: true });
  });

  it('prints the table, writes the JSON and answers by the targets', async () => {
    const json = join(directory, 'results.json');
    const disk = mkdtempSync(join(directory, 'disk-'));
    let place = '';
    const makeBuilder = (given: string) => {
      place = given;
      return builder;
    };
    const sizes = ['--', '--rounds', '1', '--log-entries', '1_000'];
    const code = await benchmarkMain(makeBuilder, [...sizes, '--directory', disk, '--json', json]);
    expect(place.startsWith(disk)).toBe(true);
    expect(readdirSync(disk)).toEqual([]);
    const report = JSON.parse(readFileSync(json, 'utf8'));
    expect(report.sizes).toMatchObject({ rounds: 1, logEntries: 1_000 });
    expect(code).toBe(report.pass ? 0 : 1);
    expect(printed).toContain('reopen of 1,000 entries');
    expect(printed).toMatch(/targets met/);
  });

  it.each([[['--rounds', 'many']], [['--rounds', '0']], [['--batch', '']], [['--frobnicate']], [['stray']]])(
    'refuses %j and says how it is used',
    async (argv) => {
      expect(await benchmarkMain(() => builder, argv)).toBe(2);
      expect(printed).toContain('--log-entries N');
      expect(builder.cleanups).toBe(0);
    },
  );

  it('says what it needs where memory can not be measured', async () => {
    await expect(benchmarkMain(() => builder, ['--memory', '--entries', '10'])).rejects.toThrow('no child process');
  });
});
