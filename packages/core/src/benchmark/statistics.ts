export interface Summary {
  readonly median: number;
  readonly low: number;
  readonly high: number;
}

/** Median and range of at least one finite number: a figure that could not be measured must not look like a result. */
export function summarize(samples: readonly number[]): Summary {
  const sorted = [...samples].sort((a, b) => a - b);
  const low = sorted.at(0);
  const high = sorted.at(-1);
  const middle = sorted.at(Math.floor(sorted.length / 2));
  const below = sorted.at(Math.floor((sorted.length - 1) / 2));
  if (low === undefined || high === undefined || middle === undefined || below === undefined) {
    throw new RangeError('No samples were taken.');
  }
  if (!samples.every(Number.isFinite)) throw new RangeError(`A sample is not a number: ${samples.join(', ')}`);
  return { median: (middle + below) / 2, low, high };
}
