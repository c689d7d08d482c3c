import type { StorageEngineBuilder } from '../conformance/builder.ts';
import type { StorageEngine } from '../storage-engine.ts';
import { EntrySource } from './entry-source.ts';
import { type BenchmarkOptions, type BenchmarkSizes, benchmarkSizes, benchmarkTargets } from './options.ts';
import type { BenchmarkTargets } from './targets.ts';

/** What every part of the benchmark works with: the place, the sizes, the targets. */
export class Workbench {
  readonly builder: StorageEngineBuilder;
  readonly sizes: BenchmarkSizes;
  readonly targets: BenchmarkTargets;
  readonly source: EntrySource;
  readonly announce: (what: string) => void;

  constructor(builder: StorageEngineBuilder, options: BenchmarkOptions) {
    this.builder = builder;
    this.sizes = benchmarkSizes(options);
    this.targets = benchmarkTargets(options);
    this.source = new EntrySource(this.sizes.payloadBytes);
    this.announce = options.onProgress ?? (() => {});
  }

  /** Runs `work` on an engine in an empty place and leaves an empty place, whatever happens. */
  async onFreshEngine<Result>(work: (engine: StorageEngine) => Promise<Result>): Promise<Result> {
    return this.inFreshPlace(() => this.onEngine(work));
  }

  async inFreshPlace<Result>(work: () => Promise<Result>): Promise<Result> {
    await this.builder.cleanup();
    try {
      return await work();
    } finally {
      await this.builder.cleanup();
    }
  }

  /** Runs `work` on the place as it is. */
  async onEngine<Result>(work: (engine: StorageEngine) => Promise<Result>): Promise<Result> {
    const engine = await this.builder.build();
    try {
      return await work(engine);
    } finally {
      await engine.close();
    }
  }

  /** Why the engine would refuse a call of `count` entries, or `callsInFlight` such calls at once; `undefined`: it takes them. */
  refusal({ capabilities }: StorageEngine, count: number, callsInFlight = 1): string | undefined {
    const bytes = count * (this.sizes.payloadBytes + 16) * callsInFlight;
    if (bytes <= capabilities.maxPendingBytes) return undefined;
    return `${grouped(bytes)} bytes at once are beyond the engine's maxPendingBytes.`;
  }

  /** Runs `round` once to warm up, then `rounds` times, and collects what it resolves to. */
  async rounds(round: () => Promise<number>): Promise<number[]> {
    await round();
    const samples: number[] = [];
    for (let i = 0; i < this.sizes.rounds; i++) samples.push(await round());
    return samples;
  }
}

/** Milliseconds that `work` takes. */
export async function timed(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

export function perSecond(count: number, milliseconds: number): number {
  // A clock that stood still would make the rate infinite.
  return (count / Math.max(milliseconds, 0.001)) * 1000;
}

/** 10000 as "10,000". */
export function grouped(value: number): string {
  return value.toLocaleString('en-US', { maximumFractionDigits: 0 });
}

export function entriesText(count: number): string {
  return count === 1 ? '1 entry' : `${grouped(count)} entries`;
}
