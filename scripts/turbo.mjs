// turbo with the settings it can't be given in turbo.json (no telemetry), and with a pnpm to find: it asks for one on
// the PATH, which somebody who only has npm doesn't have.
import './lib/node-version.mjs';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { isInstalled, pnpmCommand, runInteractive } from './lib/run.mjs';
import { pnpmSpec, root } from './lib/workspace.mjs';

if (!existsSync(join(root, 'node_modules', '.bin', 'turbo'))) {
  console.error(`Nothing is installed yet. Run: npx ${pnpmSpec} install`);
  process.exit(1);
}
const args = process.argv.slice(2);
const [command, commandArgs] = isInstalled('pnpm')
  ? [join(root, 'node_modules', '.bin', 'turbo'), args]
  : pnpmCommand(['exec', 'turbo', ...args]);

// A campaign runs in its package's directory; a path on its command line is meant from where the user is.
const env = { RAFTLOG_CWD: process.env.INIT_CWD ?? process.cwd() };
process.exitCode = await runInteractive(command, commandArgs, { env });
