// `npm run demo`: from a bare clone to the demo, with Node and npm and nothing else.
import './lib/node-version.mjs';
import { join } from 'node:path';
import { pnpm, pnpmCommand, runInteractive } from './lib/run.mjs';
import { root } from './lib/workspace.mjs';

async function prepare(what, args) {
  process.stdout.write(`${what} … `);
  const result = await pnpm(args);
  console.log(result.ok ? `${result.seconds.toFixed(1)} s` : 'failed');
  if (!result.ok) {
    console.error(`\n${result.output}\n\n${what} failed. The command was: ${pnpmCommand(args).flat().join(' ')}`);
    process.exit(1);
  }
}

// Without install scripts: the demo uses no driver that has to be compiled.
await prepare('Installing', ['install', '--frozen-lockfile', '--ignore-scripts']);
await prepare('Building', ['exec', 'turbo', 'run', 'build', '--filter=@raftlog/demo']);

// Not through turbo, so that the demo has the terminal; and from where the user is, so that `--input FILE` means the
// file that the user sees. npm itself changes to the root and leaves the user's directory in INIT_CWD.
const fromNpm = process.env.npm_lifecycle_event === 'demo';
const cwd = (fromNpm && process.env.INIT_CWD) || process.cwd();
const main = join(root, 'packages', 'demo', 'dist', 'main.js');
process.exitCode = await runInteractive(process.execPath, [main, ...process.argv.slice(2)], { cwd });
