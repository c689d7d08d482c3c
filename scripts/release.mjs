// Publishes what the changesets have versioned. From a clean build, so that nothing stale is in a tarball, and only if
// everything passes. Nor from turbo's cache.
import './lib/node-version.mjs';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { pnpmCommand, runInteractive } from './lib/run.mjs';
import { workspacePackages } from './lib/workspace.mjs';

for (const { path } of workspacePackages()) rmSync(join(path, 'dist'), { recursive: true, force: true });

const steps = [
  [process.execPath, ['scripts/test.mjs'], { RAFTLOG_CI: 'full', TURBO_FORCE: 'true' }],
  [...pnpmCommand(['exec', 'changeset', 'publish']), {}],
];
for (const [command, args, env] of steps) {
  const code = await runInteractive(command, args, { env });
  if (code !== 0) process.exit(code);
}
