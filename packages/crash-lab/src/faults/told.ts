import type { Ended } from '../processes.ts';

/** What a failing run told of itself. */
export interface Told {
  readonly opened: boolean;
  readonly issued: number;
  readonly acknowledged: number;
  /** What rejected, and with which code; `undefined`: nothing did. */
  readonly rejected: string | undefined;
  /** Codes of the error and its causes. */
  readonly codes: readonly string[];
  /** What is wrong with how the engine bore it. */
  readonly problems: readonly string[];
}

/** Reads what a failing run printed. */
export function readTold({ lines, exitCode, signal, complaint }: Ended): Told {
  const after = (word: string): string[] =>
    lines.filter((line) => line.startsWith(`${word} `)).map((line) => line.slice(word.length + 1));
  const highest = (word: string): number => Math.max(0, ...after(word).map(Number));
  const problems: string[] = [];
  if (exitCode !== 0) problems.push(`the process ended with ${signal ?? exitCode}: ${complaint}`);

  const opened = lines.includes('opened');
  const [refusal] = after('refused');
  const [rejection] = after('rejected');
  const [reason] = after('failure');
  const codes = (refusal ?? reason ?? '').split('/');
  const code = refusal === undefined ? rejection?.split(' ')[1] : codes[0];
  if (code !== undefined && !tellsOfFailure(code)) problems.push(`it rejects with ${code}, not STORE_FAILED`);
  if (rejection !== undefined) {
    if (reason === undefined || !tellsOfFailure(codes[0])) problems.push(`failure gave the reason ${reason}`);
    for (const later of after('later')) {
      if (!later.includes(' STORE_FAILED')) problems.push(`after the failure ${later}`);
    }
    for (const read of after('read')) {
      if (read !== 'ok') problems.push(`after the failure a read of what is durable rejects with ${read}`);
    }
  }
  if (opened && !lines.includes('closed')) problems.push(`close did not resolve: ${after('close')}`);
  const rejected = refusal === undefined ? rejection : `open ${refusal}`;
  return { opened, issued: highest('i'), acknowledged: highest('a'), rejected, codes, problems };
}

function tellsOfFailure(code: string | undefined): boolean {
  return code === 'STORE_FAILED' || code === 'NO_SPACE';
}
