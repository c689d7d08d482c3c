import type { StorageEngine } from '../storage-engine.ts';
import type { BuildOptions, StorageEngineBuilder } from './builder.ts';
import type { CaseContext, ConformanceCase, ConformanceSubject } from './case.ts';
import { refuseInOwnChild } from './own-child.ts';

/** What may be said about the run of one case. */
export interface RunCaseOptions {
  readonly seed: number;
  /** Multiplies every time limit, for slow stores. Default: 1. */
  readonly timeoutFactor?: number;
}

/** A case that failed: the message names case, seed and what was wrong; `cause` is the error that the case threw. */
export class ConformanceFailure extends Error {
  override readonly name: string = 'ConformanceFailure';
  readonly caseId: string;
  readonly seed: number;

  constructor(conformanceCase: ConformanceCase, seed: number, cause: unknown) {
    const message = cause instanceof Error ? cause.message : String(cause);
    super(`${conformanceCase.id}: ${message} [${conformanceCase.title}; seed ${seed}]`, { cause });
    this.caseId = conformanceCase.id;
    this.seed = seed;
  }
}

const defaultTimeoutMs = 30_000;
const closeTimeoutMs = 10_000;

/** Opens a new place once, to learn what the engine declares of itself, and empties it again. */
export async function examine(builder: StorageEngineBuilder): Promise<ConformanceSubject> {
  refuseInOwnChild();
  await builder.cleanup();
  const engine = await builder.build();
  const capabilities = { ...engine.capabilities };
  await engine.close();
  await builder.cleanup();
  return { builder, capabilities };
}

/**
 * Runs one case on an empty place, and leaves an empty one. Rejects with {@link ConformanceFailure} if the case throws or takes too
 * long, if an engine that it opened can't be closed, or if the place can't be emptied.
 */
export async function runCase(
  subject: ConformanceSubject,
  conformanceCase: ConformanceCase,
  options: RunCaseOptions,
): Promise<void> {
  const factor = options.timeoutFactor ?? 1;
  const place = new Place(subject, options.seed, factor);
  const failures: unknown[] = [];
  const attempt = async (what: string, timeoutMs: number, action: () => Promise<void>): Promise<void> => {
    try {
      await withTimeout(action, timeoutMs * factor, what);
    } catch (error) {
      failures.push(error);
    }
  };
  await attempt('the case', conformanceCase.timeoutMs ?? defaultTimeoutMs, () => conformanceCase.run(place));
  await attempt('the end of the case', closeTimeoutMs, () => place.end());
  await attempt('cleanup() of the builder', closeTimeoutMs, () => subject.builder.cleanup());
  // What comes after the first failure most likely follows from it.
  if (failures.length > 0) throw new ConformanceFailure(conformanceCase, options.seed, failures[0]);
}

class Place implements CaseContext {
  readonly builder: StorageEngineBuilder;
  readonly capabilities: StorageEngine['capabilities'];
  readonly seed: number;
  readonly timeoutFactor: number;
  readonly #open = new Set<StorageEngine>();
  readonly #atEnd: (() => Promise<void> | void)[] = [];
  #ended = false;

  constructor(subject: ConformanceSubject, seed: number, timeoutFactor: number) {
    this.builder = subject.builder;
    this.capabilities = subject.capabilities;
    this.seed = seed;
    this.timeoutFactor = timeoutFactor;
  }

  async open(options: BuildOptions & { readonly keepOpen?: boolean } = {}): Promise<StorageEngine> {
    const { keepOpen = false, ...buildOptions } = options;
    this.#checkOptions(buildOptions);
    if (!keepOpen) await this.#closeAll();
    const engine = await this.builder.build(buildOptions);
    // A case that ran out of time goes on in the background; what it opens then would block the next one's place.
    if (this.#ended) {
      await engine.close();
      throw new Error('The case has ended already.');
    }
    this.#open.add(engine);
    this.#lastOptions.set(engine, buildOptions);
    return engine;
  }

  async andAfterReopen(engine: StorageEngine, check: (engine: StorageEngine) => Promise<void>): Promise<StorageEngine> {
    await check(engine);
    if (this.capabilities.durability === 'volatile') return engine;
    const options = this.#lastOptions.get(engine);
    await engine.close();
    this.#open.delete(engine);
    const reopened = await this.open({ ...options, keepOpen: true });
    try {
      await check(reopened);
    } catch (error) {
      throw new Error(`after a clean reopen: ${error instanceof Error ? error.message : error}`, { cause: error });
    }
    return reopened;
  }

  onEnd(cleanup: () => Promise<void> | void): void {
    this.#atEnd.push(cleanup);
  }

  async end(): Promise<void> {
    this.#ended = true;
    const failures: unknown[] = [];
    for (const cleanup of this.#atEnd.reverse()) {
      try {
        await cleanup();
      } catch (error) {
        failures.push(error);
      }
    }
    await this.#closeAll();
    if (failures.length > 0) throw failures[0];
  }

  readonly #lastOptions = new WeakMap<StorageEngine, BuildOptions>();

  async #closeAll(): Promise<void> {
    const engines = [...this.#open];
    this.#open.clear();
    const results = await Promise.allSettled(engines.map((engine) => engine.close()));
    for (const result of results) if (result.status === 'rejected') throw result.reason;
  }

  // A case that asks for more than was offered would blame the adaptor for the suite's mistake.
  #checkOptions(options: BuildOptions): void {
    if (options.durability === 'buffered' && this.builder.offersBuffered !== true) {
      throw new Error('The case asks for durability "buffered", which the builder does not offer.');
    }
    if (options.onCorruption === 'salvage' && !this.capabilities.salvage) {
      throw new Error('The case asks for salvage, which the engine does not declare.');
    }
    if (options.fileIo !== undefined && this.builder.takesFileIo !== true) {
      throw new Error('The case gives a FileIo, which the builder does not take.');
    }
  }
}

async function withTimeout(action: () => Promise<void>, timeoutMs: number, what: string): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} did not end within ${timeoutMs} ms`)), timeoutMs);
  });
  try {
    await Promise.race([action(), timeout]);
  } finally {
    clearTimeout(timer);
  }
}
