import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { ChildProcessOpener } from '../conformance/builder.ts';
import { childEnvironment } from '../conformance/own-child.ts';
import { checkCount } from './options.ts';

/** What {@link measureMemory} writes. */
export interface MemoryOptions {
  readonly entries: number;
  /** Entries per commit; each call is awaited before the next one is made. */
  readonly batchSize: number;
  /** Default: 256. */
  readonly payloadBytes?: number | undefined;
  /** Only where the builder offers it. Default: the adaptor's own. */
  readonly durability?: 'sync' | 'buffered';
  readonly onProgress?: (phase: MemoryPhase, done: number) => void;
}

/** `write`: the log is written and closed. `read`: it is opened again and read from end to end. */
export type MemoryPhase = 'write' | 'read';

/** Resident memory of one process over one phase: its own, and beside it that of the files it has mapped. */
export interface PhaseMemory {
  /** Of the process with the adaptor's modules loaded and nothing opened. */
  readonly idleMiB: number;
  /** The highest from then on, until the engine is closed. */
  readonly peakMiB: number;
  /** `peakMiB - idleMiB`: the engine, its caches, and what the running program makes V8 keep. */
  readonly overIdleMiB: number;
  /** Pages of files that the engine mapped, at most: the page cache's, which the kernel takes back when it needs them. Linux only, otherwise 0 and a part of the peak. */
  readonly mappedMiB: number;
  readonly seconds: number;
}

export interface MemoryResult {
  readonly write: PhaseMemory;
  readonly read: PhaseMemory;
}

/** What the measuring process is told, as JSON. */
export interface MemoryTask {
  readonly module: string;
  readonly place: string;
  readonly phase: MemoryPhase;
  readonly entries: number;
  readonly batchSize: number;
  readonly payloadBytes: number;
  readonly durability?: 'sync' | 'buffered';
}

export type MemoryMessage = { readonly done: number } | { readonly memory: PhaseMemory } | { readonly error: string };

/**
 * Writes a log of `entries` into the empty place of `child`, then opens and reads it, each in a fresh process of plain `node` with no flags
 * and no forced collection, and resolves to the resident memory of both, sampled every 20 ms.
 */
export async function measureMemory(child: ChildProcessOpener, options: MemoryOptions): Promise<MemoryResult> {
  const task = {
    module: child.module.href,
    place: child.place,
    entries: checkCount('entries', options.entries),
    batchSize: checkCount('batchSize', options.batchSize),
    payloadBytes: checkCount('payloadBytes', options.payloadBytes ?? 256, 0),
    ...(options.durability === undefined ? {} : { durability: options.durability }),
  };
  const phase = (name: MemoryPhase): Promise<PhaseMemory> =>
    runPhase({ ...task, phase: name }, (done) => options.onProgress?.(name, done));
  return { write: await phase('write'), read: await phase('read') };
}

function runPhase(task: MemoryTask, onProgress: (done: number) => void): Promise<PhaseMemory> {
  const script = fileURLToPath(new URL('./memory-process.js', import.meta.url));
  return new Promise((resolve, reject) => {
    let memory: PhaseMemory | undefined;
    let error: string | undefined;
    const child = fork(script, [JSON.stringify(task)], { execArgv: [], env: childEnvironment() });
    // Nothing is left behind when the measuring program is told to stop.
    const stop = (): void => void child.kill('SIGKILL');
    process.once('exit', stop);
    child.on('message', (message: MemoryMessage) => {
      if ('memory' in message) memory = message.memory;
      else if ('error' in message) error = message.error;
      else onProgress(message.done);
    });
    child.on('error', reject);
    child.on('close', (code, signal) => {
      process.off('exit', stop);
      if (code === 0 && memory !== undefined) resolve(memory);
      else reject(new Error(`The ${task.phase} process ended with ${error ?? signal ?? `code ${code}`}`));
    });
  });
}
