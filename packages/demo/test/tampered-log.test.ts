import {
  appendFileSync,
  cpSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FileStorageEngine } from '@raftlog/adaptor-file';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
// The built ones: they start a plain `node`.
import { runDemo } from '../dist/demo.js';
import { type Comparison, compareLog, faults } from '../src/compare-log.ts';

const bytes = (text: string): Uint8Array => Buffer.from(text);
const lines = ['one\n', 'two\n', '\n', 'four\n', 'five'].map(bytes);

let work: string;
let directory: string;

beforeEach(() => {
  work = mkdtempSync(join(tmpdir(), 'raftlog-demo-tampered-'));
  directory = join(work, 'log');
});

afterEach(() => rmSync(work, { recursive: true, force: true }));

/** What the comparison says of a log that holds `written`, when the first `acknowledged` lines were. */
async function compare(written: readonly Uint8Array[], acknowledged: number): Promise<Comparison> {
  const engine = await FileStorageEngine.open({ directory });
  try {
    const entries = written.map((data, i) => ({ index: i + 1, term: 1, kind: 'command' as const, data }));
    await engine.logStore.persistEntries(entries);
    return await compareLog(engine.logStore, lines, new Set(Array.from({ length: acknowledged }, (_, i) => i + 1)));
  } finally {
    await engine.close();
  }
}

describe('compareLog', () => {
  it('finds nothing in a log that equals the input', async () => {
    const comparison = await compare(lines, 5);
    expect(comparison).toMatchObject({ recovered: 5, lost: [], different: [], extra: [] });
    expect(faults(comparison)).toEqual([]);
  });

  it('takes a log that is longer than what was acknowledged, and no shorter one', async () => {
    expect(faults(await compare(lines.slice(0, 4), 3))).toEqual([]);
    expect(await compareShorter()).toMatchObject({ recovered: 3, lost: [4, 5], different: [] });
  });

  async function compareShorter(): Promise<Comparison> {
    directory = join(work, 'shorter');
    return compare(lines.slice(0, 3), 5);
  }

  it('finds a changed line, acknowledged or not', async () => {
    const changed = lines.with(1, bytes('twO\n'));
    expect(await compare(changed, 5)).toMatchObject({ lost: [2], different: [2] });
    directory = join(work, 'unacknowledged');
    expect(await compare(changed, 1)).toMatchObject({ lost: [], different: [2] });
  });

  it('finds lines that changed places', async () => {
    const swapped = lines.with(0, bytes('two\n')).with(1, bytes('one\n'));
    const comparison = await compare(swapped, 5);
    expect(comparison).toMatchObject({ lost: [1, 2], different: [1, 2] });
    expect(comparison.sha256).not.toBe((await compareInOrder()).sha256);
  });

  async function compareInOrder(): Promise<Comparison> {
    directory = join(work, 'in-order');
    return compare(lines, 5);
  }

  it('finds a line that was never in the input', async () => {
    const comparison = await compare([...lines, bytes('six\n')], 5);
    expect(comparison).toMatchObject({ recovered: 6, lost: [], extra: [6] });
    expect(faults(comparison)).toEqual(['1 never written: 6']);
  });

  it('finds a line that is in the log twice', async () => {
    const doubled = [...lines.slice(0, 2), bytes('two\n'), ...lines.slice(2)];
    expect(await compare(doubled, 5)).toMatchObject({ recovered: 6, lost: [3, 4, 5], extra: [6] });
  });
});

describe('runDemo, when the log is tampered with between two runs', () => {
  /** Runs the demo, with `tamper` called after the first kill and after the second. */
  function run(tamper: (kill: number) => void): Promise<unknown> {
    const input = join(work, 'lines');
    writeFileSync(input, Array.from({ length: 600 }, (_, i) => `line ${i}\n`).join(''));
    const progress = {
      update: () => {},
      line: (text: string) => {
        const kill = /^kill (\d)/.exec(text)?.[1];
        if (kill !== undefined) tamper(Number(kill));
      },
      stop: () => {},
    };
    return runDemo({ input, kills: 2, seed: 1, keep: false, help: false }, work, progress);
  }

  it('runs through if nothing is done', async () => {
    await expect(run(() => {})).resolves.toMatchObject({ faults: [], acknowledged: 600 });
  });

  it('does not mind that somebody writes to the input meanwhile', async () => {
    const appended = run(() => appendFileSync(join(work, 'lines'), 'one more\n'));
    await expect(appended).resolves.toMatchObject({ faults: [], acknowledged: 600 });
  });

  it('notices that acknowledged entries are gone', async () => {
    const older = join(work, 'older');
    const wrong = run((kill) => {
      if (kill === 1) cpSync(directory, older, { recursive: true });
      else {
        rmSync(directory, { recursive: true });
        cpSync(older, directory, { recursive: true });
      }
    });
    await expect(wrong).rejects.toThrow(/it found \d+ entries where \d+ were acknowledged/);
  });

  it('notices damage', async () => {
    const wrong = run((kill) => {
      if (kill === 2) damageEveryCopyOf(bytes('line 2'));
    });
    await expect(wrong).rejects.toThrow(/damage|corrupt|checksum/i);
  });

  function damageEveryCopyOf(text: Uint8Array): void {
    for (const name of readdirSync(directory, { recursive: true })) {
      const path = join(directory, String(name));
      if (!statSync(path).isFile()) continue;
      const content = readFileSync(path);
      for (let at = content.indexOf(text); at !== -1; at = content.indexOf(text, at + 1)) content[at] = 0x4c;
      writeFileSync(path, content);
    }
  }
});
