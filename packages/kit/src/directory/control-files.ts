import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { SNAPSHOTS_DIRECTORY } from './engine-directory.ts';
import { HARD_STATE_FILES } from './hard-state-files.ts';
import { WITNESS_FILE } from './witness.ts';

/** The files that the kit keeps in an engine's directory beside the store's own, as the builder of a conformance suite names them. */
export function controlFiles(directory: string): {
  readonly hardState: readonly [string, string];
  readonly witness: readonly string[];
  snapshots(): Promise<string[]>;
} {
  const [first, second] = HARD_STATE_FILES;
  const snapshots = join(directory, SNAPSHOTS_DIRECTORY);
  return {
    hardState: [join(directory, first), join(directory, second)],
    witness: [join(directory, WITNESS_FILE)],
    snapshots: async () => (await readdir(snapshots)).sort().map((name) => join(snapshots, name)),
  };
}
