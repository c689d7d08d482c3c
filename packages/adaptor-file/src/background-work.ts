/**
 * Jobs that run one after the other beside the append path. One queue for all that is done to old segments: a footer must never be
 * written into a file that is being made the spare of a new segment.
 */
export class BackgroundWork {
  readonly #engineFailure: AbortSignal;
  readonly #failed: (operation: string, error: unknown) => void;
  #tail: Promise<void> = Promise.resolve();
  #stopped = false;

  constructor(engineFailure: AbortSignal, failed: (operation: string, error: unknown) => void) {
    this.#engineFailure = engineFailure;
    this.#failed = failed;
  }

  /** Runs `job` when those before it are done, unless the engine has failed by then; a failure of its own is reported and costs nothing else. */
  enqueue(operation: string, job: () => Promise<void>): void {
    this.#tail = this.#tail.then(async () => {
      if (this.#stopped || this.#engineFailure.aborted) return;
      try {
        await job();
      } catch (error) {
        this.#failed(operation, error);
      }
    });
  }

  /** As `enqueue`, for a job that somebody waits for. */
  run(job: () => Promise<void>): Promise<void> {
    const done = this.#tail.then(job);
    this.#tail = done.catch(() => {});
    return done;
  }

  /** Waits for the job that runs and drops the others. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#tail;
  }
}
