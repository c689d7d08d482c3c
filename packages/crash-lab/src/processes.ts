import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { patience } from './patience.ts';

/** How a process ended, and what it printed. */
export interface Ended {
  readonly lines: readonly string[];
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly complaint: string;
}

export interface ProcessOptions {
  /** On top of this process's own. */
  readonly env?: Readonly<Record<string, string>>;
  /** After this it is killed. Default: one minute. */
  readonly timeoutMs?: number;
}

/** Runs a program to its end and keeps what it prints. */
export function run(command: string, args: readonly string[], options: ProcessOptions = {}): Promise<Ended> {
  const { timeoutMs = 60_000 } = options;
  return new Promise((resolve, reject) => {
    // io_uring makes system calls that no trace sees.
    const env = { ...process.env, UV_USE_IO_URING: '0', ...options.env };
    // A group of its own: what strace traces lives on when strace is killed.
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], env, detached: true });
    let [output, complaint] = ['', ''];
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      complaint += text;
    });
    const { isOver, stop } = patience(Math.ceil(timeoutMs / 1_000));
    void isOver.then(() => {
      complaint += `killed after ${timeoutMs} ms`;
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
    });
    child.once('error', (error) => {
      stop();
      reject(new Error(`${command} can't be run: ${error.message}`, { cause: error }));
    });
    child.once('close', (exitCode, signal) => {
      stop();
      resolve({ lines: output.split('\n').filter((line) => line !== ''), exitCode, signal, complaint });
    });
  });
}

/** A program of this package that plain Node runs: the compiled one, whether the caller is compiled or not. */
export function programPath(program: string): string {
  return fileURLToPath(new URL(`../dist/programs/${program}.js`, import.meta.url));
}

/** Words that start it with its task. */
export function nodeCommand(program: string, task: unknown): string[] {
  return [process.execPath, programPath(program), JSON.stringify(task)];
}

export function runNode(program: string, task: unknown, options?: ProcessOptions): Promise<Ended> {
  const [node = '', ...args] = nodeCommand(program, task);
  return run(node, args, options);
}
