import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import type { TrialResult } from '../trial/task.ts';
import type { AppendWorkload } from '../workloads/workload.ts';

/** What a peer's program is told. */
export interface PeerTask {
  readonly directory: string;
  readonly seconds: number;
}

/** Runs a trial of a peer, which is a process as well: it appends from one goroutine, because its store takes one call at a time. */
export async function runPeer(
  binary: string,
  { directory, seconds }: PeerTask,
  { batch, payload }: AppendWorkload,
): Promise<TrialResult> {
  const child = spawn(binary, { stdio: ['pipe', 'pipe', 'pipe'] });
  const stop = (): void => void child.kill('SIGKILL');
  // Before the directory it works in is removed.
  process.prependOnceListener('exit', stop);
  const ended = new Promise<string>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => resolve(signal ?? `code ${code}`));
  });
  // Where it ends before it has read its task, `ended` tells more.
  child.stdin.on('error', () => {});
  child.stdin.end(`${JSON.stringify({ directory, seconds, batch, payload })}\n`);
  try {
    const [how, output, complaints] = await Promise.all([ended, text(child.stdout), text(child.stderr)]);
    if (how !== 'code 0') throw new Error(`The program ended with ${how}\n${complaints.trim()}`);
    return { figures: figuresOf(output) };
  } finally {
    process.off('exit', stop);
  }
}

function figuresOf(output: string): Record<string, number> {
  const parsed: unknown = JSON.parse(output);
  const figures: Record<string, number> = {};
  for (const [name, value] of Object.entries(parsed ?? {})) if (typeof value === 'number') figures[name] = value;
  if (figures.entriesPerSecond === undefined) throw new Error(`The program gave no figures: ${output}`);
  return figures;
}
