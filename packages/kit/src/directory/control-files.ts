import { join } from 'node:path';
import { HARD_STATE_FILES } from './hard-state-files.ts';
import { WITNESS_FILE } from './witness.ts';

/** The files that the kit keeps in an engine's directory beside the store's own, as the builder of a conformance suite names them. */
export function controlFiles(directory: string): {
  readonly hardState: readonly [string, string];
  readonly witness: readonly string[];
} {
  const [first, second] = HARD_STATE_FILES;
  return { hardState: [join(directory, first), join(directory, second)], witness: [join(directory, WITNESS_FILE)] };
}
