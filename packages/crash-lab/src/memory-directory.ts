import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A new directory, in storage that is memory where there is some: what is judged there never has to reach a disk. */
export function memoryDirectory(): string {
  try {
    return mkdtempSync('/dev/shm/raftlog-crash-lab-');
  } catch {
    return mkdtempSync(join(tmpdir(), 'raftlog-crash-lab-'));
  }
}

export function removeDirectory(directory: string): void {
  rmSync(directory, { recursive: true, force: true });
}
