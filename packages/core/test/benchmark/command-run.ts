import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, vi } from 'vitest';
import { ArrayBuilder } from './array-engine.ts';

/** What the tests of a command have at hand, made anew for each. */
export interface CommandRun {
  builder: ArrayBuilder;
  /** Empty at first. */
  directory: string;
  /** What the command has printed. */
  printed: string;
}

/** Sets up each test of the `describe` that it is called in. */
export function commandRun(): CommandRun {
  const run = {} as CommandRun;
  beforeEach(() => {
    run.builder = new ArrayBuilder();
    run.directory = mkdtempSync(join(tmpdir(), 'raftlog-command-'));
    run.printed = '';
    for (const method of ['log', 'error'] as const) {
      vi.spyOn(console, method).mockImplementation((text: string) => {
        run.printed += `${text}\n`;
      });
    }
  });
  afterEach(() => {
    vi.restoreAllMocks();
    run.builder.dispose();
    rmSync(run.directory, { recursive: true, force: true });
  });
  return run;
}
