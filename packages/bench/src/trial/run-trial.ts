import { fork } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import type { TrialMessage, TrialResult, TrialTask } from './task.ts';

/** Runs one trial in a fresh process of plain `node`; rejects if it measured nothing. */
export async function runTrial(task: TrialTask, onProgress: (text: string) => void): Promise<TrialResult> {
  // Compiled, whether this module is or not: the process is plain `node`.
  const script = fileURLToPath(new URL('../../dist/trial/trial-process.js', import.meta.url));
  const child = fork(script, [JSON.stringify(task)], { execArgv: [], stdio: ['ignore', 'ignore', 'pipe', 'ipc'] });
  // Nothing is left behind when the benchmark is told to stop.
  const stop = (): void => void child.kill('SIGTERM');
  // Before the directory it works in is removed.
  process.prependOnceListener('exit', stop);
  const complaints = child.stderr === null ? Promise.resolve('') : text(child.stderr);
  let result: TrialResult | undefined;
  let error: string | undefined;
  child.on('message', (message: TrialMessage) => {
    if ('result' in message) result = message.result;
    else if ('error' in message) error = message.error;
    else onProgress(message.progress);
  });
  const ended = await new Promise<string>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => resolve(signal ?? `code ${code}`));
  }).finally(() => process.off('exit', stop));
  if (result !== undefined && ended === 'code 0') return result;
  const said = (await complaints).trim();
  throw new Error(`The trial ended with ${error ?? ended}${said === '' ? '' : `\n${said}`}`);
}
