import { mkdtemp, readFile, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { type Ended, nodeCommand, type ProcessOptions, run } from '../processes.ts';
import { parseTrace, type SystemCall, TRACED_CALLS } from './system-calls.ts';

export interface TraceOptions extends ProcessOptions {
  /** As in strace's `-e inject=`. */
  readonly inject?: string;
  /** Only calls on these paths are traced, counted and made to fail. Default: all. */
  readonly only?: readonly string[];
}

/** Runs a program of this package under strace, which tells what it did to the files of `directory`. */
export async function traceNode(
  program: string,
  task: unknown,
  directory: string,
  { inject, only = [], ...options }: TraceOptions = {},
): Promise<Ended & { readonly calls: readonly SystemCall[] }> {
  const scratch = await mkdtemp(join(tmpdir(), 'raftlog-trace-'));
  const output = join(scratch, 'trace');
  try {
    // The filter in the kernel makes that only the calls of interest stop the program: it runs at nearly its own speed.
    const flags = ['-f', '-y', '--seccomp-bpf', '-o', output, '-e', `trace=${TRACED_CALLS.join()}`];
    if (inject !== undefined) flags.push('-e', `inject=${inject}`);
    for (const path of only) flags.push('-P', path);
    const ended = await run('strace', [...flags, ...nodeCommand(program, task)], options);
    // strace prints real paths; the directory itself may never have been made.
    const real = join(await realpath(dirname(directory)), basename(directory));
    const trace = await readFile(output, 'utf8').catch((cause: unknown) => {
      throw new Error(`strace can't trace: ${ended.complaint}`, { cause });
    });
    return { ...ended, calls: parseTrace(trace, real) };
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}
