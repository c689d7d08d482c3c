import type { NodeId } from './live-tree.ts';
import { resultOf, type TracedCall } from './trace-lines.ts';

/** An open file, which several descriptors may share. */
export interface OpenFile {
  readonly node: NodeId;
  readonly appends: boolean;
  readonly through: boolean;
  position: number;
}

/** Which process each thread of a trace belongs to: a process has descriptors of its own. */
export function processesOf(calls: readonly TracedCall[]): (thread: string) => string {
  const parents = new Map<string, string>();
  for (const call of calls) {
    if (!/^clone3?$/.test(call.name) || !call.args.includes('CLONE_THREAD')) continue;
    const child = resultOf(call);
    if (child > 0) parents.set(String(child), call.thread);
  }
  const processOf = (thread: string): string => {
    const parent = parents.get(thread);
    return parent === undefined ? thread : processOf(parent);
  };
  return processOf;
}

/** The descriptors of all processes that are open on recorded files. */
export class Descriptors {
  readonly #open = new Map<string, OpenFile>();

  get(process: string, fd: number): OpenFile | undefined {
    return this.#open.get(`${process}/${fd}`);
  }

  set(process: string, fd: number, file: OpenFile | undefined): void {
    if (file === undefined) this.#open.delete(`${process}/${fd}`);
    else this.#open.set(`${process}/${fd}`, file);
  }
}
