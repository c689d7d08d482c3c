import {
  applyToModel,
  type BuildOptions,
  cloneModel,
  createRandom,
  type LogModel,
  type LogOperation,
  randomOperation,
} from '@raftlog/core/conformance';

/** What a recorded process does. */
export interface Workload {
  readonly build: Omit<BuildOptions, 'fileIo'>;
  readonly operations: readonly LogOperation[];
  /** Calls that are under way at once. */
  readonly callers: number;
  /** After so many operations the engine is closed and opened again. */
  readonly reopenAfter: number | undefined;
  /** Before so many operations the process rests, so that work in the background, and a witness, get their turn. */
  readonly restBefore: number | undefined;
  /** The engine is closed at the end. */
  readonly closes: boolean;
}

/** What the recorded process is told, in a file of `node:v8`. */
export interface WorkloadTask extends Workload {
  readonly module: string;
  readonly place: string;
  /** What has to be there after the open. */
  readonly base: LogModel;
}

export interface WorkloadChoice {
  readonly seed: number;
  readonly operations: number;
  readonly offersBuffered: boolean;
}

/** The workload that follows from the seed: small and large entries, one caller and several, with a reopen, a rest and a close or without. */
export function chooseWorkload(base: LogModel, { seed, operations: count, offersBuffered }: WorkloadChoice): Workload {
  const random = createRandom(seed);
  // Large enough to fill segments, write buffers and write-ahead logs a few times over; small enough for many commits in one of them.
  const sizes = random.chance(0.35) ? { maxEntries: 4, maxBytes: 6_000 } : { maxEntries: 4, maxBytes: 300 };
  const buffered = offersBuffered && random.chance(0.25);
  const [callers, reopens, rests, closes] = [
    random.chance(0.5) ? 1 : random.integer(2, 6),
    random.chance(0.4),
    random.chance(0.3),
    random.chance(0.6),
  ];
  const model = cloneModel(base);
  const operations = Array.from({ length: count }, () => {
    const operation = randomOperation(model, random, sizes);
    applyToModel(model, operation);
    return operation;
  });
  return {
    build: { small: true, ...(buffered ? { durability: 'buffered' as const } : {}) },
    operations,
    callers,
    reopenAfter: reopens ? Math.ceil(count / 2) : undefined,
    restBefore: rests ? Math.ceil((count * 3) / 4) : undefined,
    closes,
  };
}
