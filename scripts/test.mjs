// `npm test`: everything, from a bare clone, with Node and npm and nothing else. The last line counts it all.
import './lib/node-version.mjs';
import { checkExamples } from './check-examples.mjs';
import { checkPackages } from './check-packages.mjs';
import { checkSnippets } from './check-snippets.mjs';
import { checkTarballs } from './check-tarballs.mjs';
import { pnpm } from './lib/run.mjs';
import { Tally } from './lib/tally.mjs';
import { runTests } from './run-tests.mjs';

const packagesWithSqlite = ['@raftlog/adaptor-sqlite', '@raftlog/all-adaptors', '@raftlog/bench'];

const tally = new Tally();
const started = performance.now();
const leftOutPackages = [];

const command = (title, args) =>
  tally.step(title, async () => {
    tally.result(title.toLowerCase(), await pnpm(args));
  });
const failedSince = (before) => tally.failed > before;

try {
  await install();
  // Without the tools, everything below would fail for the same reason.
  if (tally.failed === 0) await checkEverything();
} catch (error) {
  tally.fail('npm test (the script itself)', error.stack ?? String(error));
} finally {
  console.log(`\nTook ${Math.round((performance.now() - started) / 1000)} s.`);
  tally.finish();
}

/** better-sqlite3 is compiled as it is installed. Where that fails, everything else is installed without it, and what needs it is left out. */
async function install() {
  await tally.step('Install', async () => {
    const whole = await pnpm(['install', '--frozen-lockfile']);
    if (whole.ok || !whole.output.includes('better-sqlite3')) {
      tally.result('install', whole);
      return;
    }
    console.log(whole.output);
    tally.leaveOut(
      packagesWithSqlite.join(', '),
      'better-sqlite3 could not be compiled (apt-get install g++ make python3)',
    );
    leftOutPackages.push(...packagesWithSqlite);
    tally.result('install, nothing compiled', await pnpm(['install', '--frozen-lockfile', '--ignore-scripts']));
  });
}

async function checkEverything() {
  await command('Lint', ['exec', 'biome', 'check', '--error-on-warnings', '--max-diagnostics=200', '.']);
  await command('Knip', ['exec', 'knip']);

  const beforeBuild = tally.failed;
  await command('Build', [
    'exec',
    'turbo',
    'run',
    'build',
    '--continue=dependencies-successful',
    '--output-logs=errors-only',
  ]);
  if (failedSince(beforeBuild)) {
    // What would be tested is an older build or none.
    for (const rest of ['type-check', 'tests', 'package checks', 'tarballs', 'examples outside', 'snippets']) {
      tally.leaveOut(rest, 'the build failed', { allowed: true });
    }
    return;
  }

  await command('Type-check', ['exec', 'turbo', 'run', 'typecheck', '--continue', '--output-logs=errors-only']);
  await tally.step('Tests', (each) => runTests(each, leftOutPackages));
  await tally.step('Package checks', checkPackages);
  await tally.step('Packed packages, installed into an empty project', checkTarballs);
  await tally.step('Examples on the packed packages, outside the workspace', checkExamples);
  await tally.step('Snippets of the documentation', checkSnippets);
}
