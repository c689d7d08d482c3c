import { type ChildProcess, fork } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { patience } from '../patience.ts';
import { programPath } from '../processes.ts';
import type { SpecimenTask } from '../programs/specimen-writer.ts';
import { type DiskImage, writeImage } from '../states/disk-image.ts';
import { type Damage, inflict } from './damage.ts';
import type { Verdict } from './damage-verdict.ts';

const PATIENCE_SECONDS = 20;

/** Looks at one damaged copy of a store after the other through a child process, and at the next through a new one when it dies. */
export class DamagedCopies {
  readonly seen: (Damage & Verdict)[] = [];
  readonly #task: SpecimenTask;
  readonly #original: DiskImage;
  readonly #directory: string;
  #reader: Reader | undefined;

  constructor(task: SpecimenTask, original: DiskImage, directory: string) {
    this.#task = task;
    this.#original = original;
    this.#directory = directory;
  }

  async checkUndamaged(): Promise<void> {
    const verdict = await this.#ask(undefined);
    if (verdict.outcome !== 'intact') throw new Error(`The undamaged store is ${verdict.outcome}: ${verdict.detail}`);
  }

  async look(damage: Damage): Promise<void> {
    const isFresh = this.#reader === undefined;
    let verdict = await this.#ask(damage);
    if (!isFresh && this.#reader === undefined) {
      // It died of this damage, or of what the one before had left in the process: a new process tells.
      const death = verdict;
      verdict = await this.#ask(damage);
      if (verdict.outcome !== death.outcome) this.#blameLast(death);
    }
    this.seen.push({ ...damage, ...verdict });
  }

  /** Waits whether the last damage has a death to follow. */
  async settle(): Promise<void> {
    await sleep(50);
    const verdict = await this.#ask(undefined);
    if (this.#reader === undefined) this.#blameLast(verdict);
  }

  stop(): void {
    this.#reader?.stop();
    this.#reader = undefined;
  }

  #blameLast(death: Verdict): void {
    const last = this.seen.pop();
    if (last !== undefined) this.seen.push({ ...last, ...death });
  }

  /** What the process finds; if it dies there is none any more. */
  async #ask(damage: Damage | undefined): Promise<Verdict> {
    rmSync(this.#directory, { recursive: true, force: true });
    mkdirSync(this.#directory);
    writeImage(this.#original, this.#directory);
    if (damage !== undefined) await inflict(damage, this.#directory);
    this.#reader ??= new Reader(this.#task);
    const { verdict, isAlive } = await this.#reader.look();
    if (!isAlive) this.stop();
    return verdict;
  }
}

/** A process that opens the place and reads it. */
class Reader {
  readonly #process: ChildProcess;
  readonly #death: Promise<Verdict>;

  constructor(task: SpecimenTask) {
    const stdio = ['ignore', 'ignore', 'pipe', 'ipc'] as const;
    this.#process = fork(programPath('damage-reader'), [JSON.stringify(task)], { stdio: [...stdio] });
    let complaint = '';
    this.#process.stderr?.setEncoding('utf8').on('data', (text: string) => {
      complaint += text;
    });
    this.#death = new Promise((resolve) => {
      this.#process.once('close', (exitCode, signal) => {
        const detail = `the process ended with ${signal ?? exitCode}: ${complaint.slice(0, 2000)}`;
        resolve(signal === null ? { outcome: 'crashed', detail } : { outcome: 'killed', code: signal, detail });
      });
    });
  }

  async look(): Promise<{ readonly verdict: Verdict; readonly isAlive: boolean }> {
    const { isOver, stop } = patience(PATIENCE_SECONDS);
    const detail = `it took longer than ${PATIENCE_SECONDS} s`;
    const hung = isOver.then((): Verdict => ({ outcome: 'killed', code: 'HUNG', detail }));
    const answer = new Promise<Verdict>((resolve) => {
      this.#process.once('message', (verdict) => resolve(verdict as Verdict));
    });
    // If it is dead already, that comes out as its death.
    this.#process.send('look', () => {});
    const ended = Promise.race([this.#death, hung]).then((verdict) => ({ verdict, isAlive: false }));
    const looked = await Promise.race([answer.then((verdict) => ({ verdict, isAlive: true })), ended]);
    stop();
    return looked;
  }

  stop(): void {
    this.#process.kill('SIGKILL');
  }
}
