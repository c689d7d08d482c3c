import { type ChildProcess, fork } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { BuildOptions } from '@raftlog/core/conformance';
import { memoryDirectory, removeDirectory } from '../memory-directory.ts';
import { patience } from '../patience.ts';
import { programPath } from '../processes.ts';
import { type LabEngine, STORE } from '../record/record.ts';
import { type DiskImage, writeImage } from '../states/disk-image.ts';
import type { Demand, StoredHistory } from '../states/story.ts';
import type { JudgeRequest } from './judge-request.ts';
import type { StateVerdict } from './state-verdict.ts';

const PATIENCE_SECONDS = 30;
/** What a driver leaks of each engine adds up. */
const STATES_PER_PROCESS = 400;

export interface StateToJudge {
  readonly image: DiskImage;
  readonly build: Omit<BuildOptions, 'fileIo'>;
  readonly demands: readonly Demand[];
}

/** Child processes that judge states, each one after the other, in storage that is memory. */
export class JudgePool {
  readonly #engine: LabEngine;
  readonly #scratch: string;
  readonly #judges: Judge[];
  readonly #idle: Judge[];
  readonly #waiting: ((judge: Judge) => void)[] = [];

  constructor(engine: LabEngine, size: number) {
    this.#engine = engine;
    this.#scratch = memoryDirectory();
    this.#judges = Array.from({ length: size }, (_, number) => new Judge(join(this.#scratch, String(number))));
    this.#idle = [...this.#judges];
  }

  /** What demands are about from now on. Nothing is being judged. */
  setHistories(histories: readonly StoredHistory[]): void {
    for (const judge of this.#judges) judge.setHistories(histories);
  }

  async judge(state: StateToJudge): Promise<StateVerdict> {
    const judge = this.#idle.pop() ?? (await new Promise<Judge>((resolve) => this.#waiting.push(resolve)));
    try {
      return await judge.judge(this.#engine, state);
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#idle.push(judge);
      else next(judge);
    }
  }

  close(): void {
    for (const judge of this.#judges) judge.stop();
    removeDirectory(this.#scratch);
  }
}

/** A process, and another when it dies. */
class Judge {
  readonly #directory: string;
  #histories: readonly StoredHistory[] = [];
  #process: JudgeProcess | undefined;
  #judged = 0;

  constructor(directory: string) {
    this.#directory = directory;
  }

  setHistories(histories: readonly StoredHistory[]): void {
    this.#histories = histories;
    this.#process?.tell({ type: 'histories', histories });
  }

  async judge({ module, leftOut }: LabEngine, { image, build, demands }: StateToJudge): Promise<StateVerdict> {
    rmSync(this.#directory, { recursive: true, force: true });
    mkdirSync(this.#directory, { recursive: true });
    writeImage(image, this.#directory);
    const directory = join(this.#directory, STORE);
    if (++this.#judged % STATES_PER_PROCESS === 0) this.stop();
    if (this.#process === undefined) {
      this.#process = new JudgeProcess();
      this.#process.tell({ type: 'histories', histories: this.#histories });
    }
    const { verdict, isAlive } = await this.#process.ask({
      type: 'judge',
      module,
      directory,
      build,
      demands,
      leftOut: leftOut.source,
    });
    if (!isAlive) this.stop();
    return verdict;
  }

  stop(): void {
    this.#process?.stop();
    this.#process = undefined;
  }
}

class JudgeProcess {
  readonly #child: ChildProcess;
  readonly #death: Promise<StateVerdict>;

  constructor() {
    this.#child = fork(programPath('state-judge'), [], {
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      serialization: 'advanced',
    });
    let complaint = '';
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      complaint = (complaint + text).slice(-2_000);
    });
    this.#death = new Promise((resolve) => {
      this.#child.once('close', (exitCode, signal) => {
        const kind = signal === null ? 'crashed' : 'killed';
        resolve({
          problem: { kind, detail: `the process ended with ${signal ?? exitCode}: ${complaint}` },
          found: undefined,
        });
      });
    });
  }

  tell(request: JudgeRequest): void {
    // If it is dead already, that comes out when it is asked.
    this.#child.send(request, () => {});
  }

  async ask(request: JudgeRequest): Promise<{ readonly verdict: StateVerdict; readonly isAlive: boolean }> {
    const { isOver, stop } = patience(PATIENCE_SECONDS);
    const hung = isOver.then((): StateVerdict => {
      const detail = `it took longer than ${PATIENCE_SECONDS} s`;
      return { problem: { kind: 'hung', detail }, found: undefined };
    });
    const answer = new Promise<StateVerdict>((resolve) => {
      this.#child.once('message', (verdict) => resolve(verdict as StateVerdict));
    });
    this.tell(request);
    const ended = Promise.race([this.#death, hung]).then((verdict) => ({ verdict, isAlive: false }));
    const asked = await Promise.race([answer.then((verdict) => ({ verdict, isAlive: true })), ended]);
    stop();
    return asked;
  }

  stop(): void {
    this.#child.kill('SIGKILL');
  }
}
