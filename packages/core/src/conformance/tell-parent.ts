import { writeSync } from 'node:fs';

const RETRY_MS = 1;

/**
 * Writes a line to the standard output, and returns when the pipe has all of it: for a child process that may be killed at any moment, and whose parent
 * must know how far it got.
 */
export function tellParent(line: string): void {
  let rest = Buffer.from(`${line}\n`);
  while (rest.length > 0) {
    try {
      rest = rest.subarray(writeSync(1, rest));
    } catch (error) {
      // The pipe is full, and doesn't block once something has touched process.stdout: Node does, for an engine with a worker thread.
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, RETRY_MS);
    }
  }
}
