import { syncBuiltinESMExports } from 'node:module';
import workerThreads, { type Worker } from 'node:worker_threads';
import { onTestFinished } from 'vitest';

/** The worker threads that are started from now on until the test ends: so that a test can end them. */
export function watchWorkers(): Worker[] {
  const started: Worker[] = [];
  const Original = workerThreads.Worker;
  class WatchedWorker extends Original {
    constructor(...parameters: ConstructorParameters<typeof Original>) {
      super(...parameters);
      started.push(this);
    }
  }
  const replace = (replacement: typeof Original): void => {
    workerThreads.Worker = replacement;
    syncBuiltinESMExports();
  };
  replace(WatchedWorker);
  onTestFinished(() => replace(Original));
  return started;
}
