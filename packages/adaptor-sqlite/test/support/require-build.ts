import { readdirSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const sources = fileURLToPath(new URL('../../src', import.meta.url));
const build = fileURLToPath(new URL('../../dist/.tsbuildinfo', import.meta.url));

/** These tests run the built package, since a worker thread has no loader for TypeScript. A build that is older than its sources would pass for them. */
export function setup(): void {
  const built = statSync(build, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  const newer = readdirSync(sources).filter((name) => statSync(`${sources}/${name}`).mtimeMs > built);
  if (newer.length > 0) throw new Error(`Build first (tsc -b): dist is older than ${newer.join(', ')}.`);
}
