import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { ParentMessage, WriterMessage, WriterTask } from './messages.ts';

const script = fileURLToPath(new URL('./writer-process.js', import.meta.url));

export interface RunOptions {
  readonly task: WriterTask;
  /** The lines that were acknowledged in earlier runs; this run adds its own. */
  readonly acknowledged: Set<number>;
  /** Kill the process once so many lines are acknowledged, fewer than there are; `undefined`: let it end. */
  readonly killAt: number | undefined;
  readonly onProgress: () => void;
}

export interface RunResult {
  /** As the process last reported. */
  readonly syncs: number;
  /** From the moment at which the log was open. */
  readonly seconds: number;
}

/** Runs one writer process until it ends or is killed, and until every acknowledgement that it sent is counted. */
export function runWriter({ task, acknowledged, killAt, onProgress }: RunOptions): Promise<RunResult> {
  return new Promise((resolve, reject) => {
    const child = fork(script, [JSON.stringify(task)], { execArgv: [] });
    const stop = (): void => void child.kill('SIGKILL');
    // Before whatever else happens at the exit, such as removing the directory that the child writes to.
    process.prependOnceListener('exit', stop);
    let readyAt: number | undefined;
    let syncs = 0;
    let confirmed = 0;
    let outcome: 'running' | 'done' | 'killed' | { readonly error: string } = 'running';

    const killWhenDue = (): void => {
      if (outcome !== 'running' || killAt === undefined || acknowledged.size < killAt) return;
      outcome = 'killed';
      stop();
    };
    child.on('message', (message: WriterMessage) => {
      switch (message.kind) {
        case 'ready':
          readyAt = performance.now();
          if (message.recovered < acknowledged.size) {
            outcome = { error: `it found ${message.recovered} entries where ${acknowledged.size} were acknowledged` };
            break;
          }
          // What the log was opened with is as good as acknowledged: it must not be lost from now on.
          for (let index = 1; index <= message.recovered; index++) acknowledged.add(index);
          break;
        case 'acknowledged':
          syncs = message.syncs;
          confirmed += message.indexes.length;
          for (const index of message.indexes) acknowledged.add(index);
          onProgress();
          break;
        case 'done':
          syncs = message.syncs;
          if (outcome === 'running') outcome = 'done';
          break;
        case 'failed':
          outcome = { error: message.error };
          break;
      }
      killWhenDue();
      if (outcome === 'running') child.send({ confirmed } satisfies ParentMessage, () => {});
      else if (outcome !== 'killed' && child.connected) child.disconnect();
    });
    child.once('error', reject);

    // The channel holds acknowledgements that were sent before the kill: the run is over when both have ended.
    let open = 2;
    const end = (): void => {
      open--;
      if (open > 0) return;
      process.off('exit', stop);
      const { exitCode, signalCode } = child;
      if (typeof outcome === 'object') reject(new Error(`The writer process failed: ${outcome.error}`));
      else if (outcome === 'killed' ? signalCode !== 'SIGKILL' : outcome !== 'done' || exitCode !== 0) {
        reject(new Error(`The writer process ended by itself (${signalCode ?? `code ${exitCode}`}).`));
      } else {
        const seconds = readyAt === undefined ? 0 : (performance.now() - readyAt) / 1000;
        resolve({ syncs, seconds });
      }
    };
    child.once('exit', end);
    child.once('disconnect', end);
  });
}
