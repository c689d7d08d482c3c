import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const main = fileURLToPath(new URL('../dist/main.js', import.meta.url));

let work: string;
let temporary: string;

beforeEach(() => {
  work = mkdtempSync(join(tmpdir(), 'raftlog-demo-test-'));
  temporary = join(work, 'tmp');
  mkdirSync(temporary);
});

afterEach(() => rmSync(work, { recursive: true, force: true }));

interface Ended {
  readonly code: number | null;
  readonly output: string;
}

function start(args: readonly string[]): ChildProcessWithoutNullStreams {
  return spawn(process.execPath, [main, ...args], { env: { ...process.env, TMPDIR: temporary } });
}

function end(child: ChildProcessWithoutNullStreams): Promise<Ended> {
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += chunk));
  return new Promise((resolve) => child.on('close', (code) => resolve({ code, output })));
}

const demo = (...args: string[]): Promise<Ended> => end(start(args));

function inputFile(content: string | Uint8Array): string {
  const path = join(work, 'input');
  writeFileSync(path, content);
  return path;
}

/** The table at the end, as an object. */
function table(output: string): Record<string, string> {
  return Object.fromEntries([...output.matchAll(/^ {2}(\S.*?) {2,}(\S.*)$/gm)].map(([, name, value]) => [name, value]));
}

describe('the demo', () => {
  const everyByte = Uint8Array.from({ length: 1_024 }, (_, i) => (i * 7) % 256);
  it.each([
    ['one line', 'only one\n', 1],
    ['no line feed at all', 'only one', 1],
    ['no line feed at the end', 'a\nb\nc', 3],
    ['empty lines and CRLF', 'a\r\n\r\n\n\nb\r\n', 5],
    ['every byte, and no text', everyByte, 5],
    ['lines that are all the same', 'same\n'.repeat(500), 500],
  ])(
    'persists and proves %s',
    async (_name, content, entries) => {
      const { code, output } = await demo('--input', inputFile(content), '--kills', '2');
      expect(output).toContain('Every acknowledged line is there');
      expect(code).toBe(0);
      const found = table(output);
      expect(found).toMatchObject({ entries: String(entries), kills: '2', acknowledged: String(entries), lost: '0' });
      expect(found['SHA-256, log']).toBe(found['SHA-256, input']);
      expect(found['SHA-256, log']).toMatch(/^[0-9a-f]{64}$/);
      expect(Number(found.fsyncs)).toBeGreaterThan(0);
      expect(output.match(/^kill \d of 2: SIGKILL with .*, recovered .*, lost 0$/gm)).toHaveLength(2);
      expect(readdirSync(temporary)).toEqual([]);
    },
    60_000,
  );

  it('kills in the middle of the work, and each time nothing that was acknowledged is gone', async () => {
    const lines = 3_000;
    const input = inputFile(Array.from({ length: lines }, (_, i) => `line ${i + 1}\n`).join(''));
    const { code, output } = await demo('--input', input, '--kills', '4', '--seed', '7');
    expect(code, output).toBe(0);
    const kills = [
      ...output.matchAll(/^kill \d of 4: SIGKILL with ([\d,]+) acknowledged, recovered ([\d,]+), lost 0$/gm),
    ];
    const numbers = kills.map((match) => match.slice(1, 3).map((text) => Number(text.replace(',', ''))));
    expect(numbers).toHaveLength(4);
    for (const [i, [acknowledged = Number.NaN, recovered = Number.NaN]] of numbers.entries()) {
      expect(recovered).toBeGreaterThanOrEqual(acknowledged);
      expect(recovered).toBeLessThan(lines);
      expect(acknowledged).toBeGreaterThanOrEqual((i * lines) / 4);
    }
  }, 60_000);

  it('gives the space back', async () => {
    const input = inputFile(`${'x'.repeat(4_000)}\n`.repeat(1_000));
    const { code, output } = await demo('--input', input, '--kills', '1');
    expect(code, output).toBe(0);
    const size = (name: string) => {
      const [, number = '', unit] = /^([\d,.]+) (KiB|MiB)$/.exec(table(output)[name] ?? '') ?? [];
      return Number(number.replace(',', '')) * (unit === 'MiB' ? 1_024 : 1);
    };
    expect(size('disk, full log')).toBeGreaterThan(3_900);
    expect(size('disk, purged')).toBeLessThan(size('disk, full log') / 2);
  }, 60_000);

  it('works without any kill, and keeps the log if told to', async () => {
    const { code, output } = await demo('--input', inputFile('a\nb\n'), '--kills', '0', '--keep');
    expect(code, output).toBe(0);
    const [kept] = readdirSync(temporary);
    expect(output).toContain(`The log is kept in ${join(temporary, String(kept), 'log')}`);
    expect(readdirSync(join(temporary, String(kept), 'log')).length).toBeGreaterThan(0);
  });

  it('has a default input of thousands of lines', async () => {
    const { code, output } = await demo();
    expect(code, output).toBe(0);
    expect(output).toMatch(/pnpm-lock\.yaml: \d,\d{3} lines/);
  }, 60_000);

  it.each([
    ['an empty file', () => inputFile(''), 'is empty'],
    ['a missing file', () => join(work, 'nothing'), 'does not exist'],
    ['a directory', () => work, 'is a directory'],
    ['a path through a file', () => join(inputFile('a'), 'x'), "can't be read"],
  ])('refuses %s', async (_name, path, message) => {
    const { code, output } = await demo('--input', path());
    expect(output.trim()).toMatch(message);
    expect(output.trim().split('\n')).toHaveLength(1);
    expect(code).toBe(2);
    expect(readdirSync(temporary)).toEqual([]);
  });

  it.each([
    [['--kills', 'x']],
    [['--kills', '-1']],
    [['--seed', '1.5']],
    [['--frobnicate']],
    [['stray']],
    [['--input', '']],
  ])('refuses %j and says how it is used', async (args) => {
    const { code, output } = await demo(...args);
    expect(code).toBe(2);
    expect(output).toContain('--input FILE');
  });

  it('leaves nothing behind after Ctrl-C', async () => {
    const child = start(['--input', inputFile('some line\n'.repeat(200_000)), '--kills', '1']);
    const ended = end(child);
    // From now on it is at work.
    while (readdirSync(temporary).length === 0) await setTimeout(5);
    await setTimeout(500);
    child.kill('SIGINT');
    expect((await ended).code).toBe(130);
    await setTimeout(300);
    expect(readdirSync(temporary)).toEqual([]);
  }, 60_000);
});
