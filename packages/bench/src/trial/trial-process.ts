/** The process of one trial: does what it is told and sends what it has measured. */
import { runWorkload } from './run-workload.ts';
import type { TrialMessage, TrialTask } from './task.ts';

function readTask(text: string | undefined): TrialTask {
  if (text === undefined) throw new Error('This program is started by runTrial.');
  return JSON.parse(text) as TrialTask;
}

function send(message: TrialMessage): void {
  process.send?.(message);
}

// Whatever this process has started in turn is ended by handlers of `exit`, which a signal alone doesn't reach.
process.once('SIGTERM', () => process.exit(143)).once('SIGINT', () => process.exit(130));
// The one that asked is gone: nobody wants the answer.
process.once('disconnect', () => process.exit(1));

try {
  send({ result: await runWorkload(readTask(process.argv[2]), (progress) => send({ progress })) });
} catch (error) {
  send({ error: error instanceof Error ? (error.stack ?? error.message) : String(error) });
  process.exitCode = 1;
}
process.removeAllListeners('disconnect');
process.disconnect?.();
