import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type SqliteOptions, SqliteStorageEngine } from '@raftlog/adaptor-sqlite';
import { onTestFinished } from 'vitest';

/** An engine's directory for one test, which doesn't exist yet. */
export class Place {
  readonly directory: string = join(mkdtempSync(join(tmpdir(), 'raftlog-sqlite-')), 'store');

  constructor() {
    onTestFinished(() => rmSync(join(this.directory, '..'), { recursive: true, force: true }));
  }

  get database(): string {
    return join(this.directory, 'blocks', 'blocks.db');
  }

  get wal(): string {
    return `${this.database}-wal`;
  }

  get databaseBytes(): number {
    return statSync(this.database).size;
  }

  open(options: Partial<SqliteOptions> = {}): ReturnType<typeof SqliteStorageEngine.open> {
    return SqliteStorageEngine.open({ directory: this.directory, ...options });
  }

  async writeAndKill(commits: number, batch: number, options: Partial<SqliteOptions> = {}): Promise<void> {
    await writeAndKill(this.directory, commits, batch, options);
  }

  /** Without what it was witnessed to hold: as if the commits were less than a second old. */
  forgetWitness(): void {
    rmSync(join(this.directory, 'witness'));
  }

  /** Turns the database into something else. */
  damageDatabase(): void {
    writeFileSync(this.database, 'something else '.repeat(1000));
  }

  /** What is in each file, in short. Not of SQLite's shared memory, which is made anew by whoever opens the database, nor of the lock. */
  contents(): Map<string, string> {
    const names = readdirSync(this.directory, { recursive: true, encoding: 'utf8' }).sort();
    const files = names.filter((name) => !/-shm$|\.lock$/.test(name) && statSync(join(this.directory, name)).isFile());
    const digest = (name: string): string =>
      createHash('sha256')
        .update(readFileSync(join(this.directory, name)))
        .digest('hex');
    return new Map(files.map((name) => [name, digest(name)]));
  }

  copyOf(): Place {
    const copy = new Place();
    cpSync(this.directory, copy.directory, { recursive: true });
    return copy;
  }
}

/** Lets a process write `commits` commits of `batch` entries each and be killed, so that they stay in the WAL. */
export async function writeAndKill(
  directory: string,
  commits: number,
  batch: number,
  options: Partial<SqliteOptions> = {},
): Promise<void> {
  const script = fileURLToPath(new URL('./write-and-die.mjs', import.meta.url));
  const task = JSON.stringify({ directory, commits, batch, options });
  const child = spawn(process.execPath, [script, task], { stdio: 'inherit' });
  const [, signal] = await once(child, 'exit');
  if (signal !== 'SIGKILL') throw new Error('The writer failed.');
}
