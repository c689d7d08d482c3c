import { mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { benchmarkMain } from '../../src/benchmark/index.ts';
import { commandRun } from './command-run.ts';

describe('benchmarkMain', () => {
  const run = commandRun();

  it('prints the table, writes the JSON and answers by the targets', async () => {
    const json = join(run.directory, 'results.json');
    const disk = mkdtempSync(join(run.directory, 'disk-'));
    let place = '';
    const makeBuilder = (given: string) => {
      place = given;
      return run.builder;
    };
    const sizes = ['--', '--rounds', '1', '--log-entries', '1_000'];
    const code = await benchmarkMain(makeBuilder, [...sizes, '--directory', disk, '--json', json]);
    expect(place.startsWith(disk)).toBe(true);
    expect(readdirSync(disk)).toEqual([]);
    const report = JSON.parse(readFileSync(json, 'utf8'));
    expect(report.sizes).toMatchObject({ rounds: 1, logEntries: 1_000 });
    expect(code).toBe(report.pass ? 0 : 1);
    expect(run.printed).toContain('reopen of 1,000 entries');
    expect(run.printed).toMatch(/targets met/);
  });

  it.each([[['--rounds', 'many']], [['--rounds', '0']], [['--batch', '']], [['--frobnicate']], [['stray']]])(
    'refuses %j and says how it is used',
    async (argv) => {
      expect(await benchmarkMain(() => run.builder, argv)).toBe(2);
      expect(run.printed).toContain('--log-entries N');
      expect(run.builder.cleanups).toBe(0);
    },
  );

  it('says what it needs where memory can not be measured', async () => {
    await expect(benchmarkMain(() => run.builder, ['--memory', '--entries', '10'])).rejects.toThrow('no child process');
  });
});
