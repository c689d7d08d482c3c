/** One system call as strace printed it, whole. */
export interface TracedCall {
  readonly thread: string;
  readonly name: string;
  readonly args: string;
  /** What follows the `=`. */
  readonly outcome: string;
  /** Positions in the trace. Calls of several threads overlap: one happened before another only if it ended before that began. */
  readonly began: number;
  readonly ended: number;
}

const UNFINISHED = '<unfinished ...>';

/** Reads what `strace -f` printed, in the order in which the calls ended, and puts together those that another thread's interrupted. */
export function tracedCalls(text: string): TracedCall[] {
  const unfinished = new Map<string, { readonly text: string; readonly began: number }>();
  return text.split('\n').flatMap((line, at) => {
    const [, thread = '', rest = ''] = /^(\d+) +(.*)$/.exec(line) ?? [];
    if (rest.endsWith(UNFINISHED)) {
      unfinished.set(thread, { text: rest.slice(0, -UNFINISHED.length).trimEnd(), began: at });
      return [];
    }
    const resumed = /^<\.\.\. \w+ resumed>(.*)$/.exec(rest);
    const start = resumed === null ? undefined : unfinished.get(thread);
    const whole = start === undefined ? rest : `${start.text}${resumed?.[1] ?? ''}`;
    const [, name, args, outcome] = /^(\w+)\((.*)\) += (.*)$/.exec(whole) ?? [];
    if (name === undefined || args === undefined || outcome === undefined) return [];
    return [{ thread, name, args, outcome, began: start?.began ?? at, ended: at }];
  });
}

/** What a call returned, -1 for a failure. */
export function resultOf({ outcome }: TracedCall): number {
  return Number.parseInt(outcome, outcome.startsWith('0x') ? 16 : 10);
}

/** The text of what `strace -xx` prints in quotes or angle brackets. */
export function unescaped(text: string): string {
  return bytesOf(text).toString('utf8');
}

/** The bytes of a string that `strace -xx` printed. */
export function bytesOf(text: string): Buffer {
  return Buffer.from(text.replaceAll('\\x', ''), 'hex');
}
