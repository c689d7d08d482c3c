// `npm test`: everything, from a bare clone, with Node and npm and nothing else. The last line counts it all.
import './lib/node-version.mjs';
import { checkExamples } from './check-examples.mjs';
import { checkPackages } from './check-packages.mjs';
import { checkSnippets } from './check-snippets.mjs';
import { checkTarballs } from './check-tarballs.mjs';
import { pnpm } from './lib/run.mjs';
import { Tally } from './lib/tally.mjs';
import { runTests } from './run-tests.mjs';

const tally = new Tally();
const started = performance.now();

const command = (title, args) =>
  tally.step(title, async () => {
    tally.result(title.toLowerCase(), await pnpm(args));
  });
const failedSince = (before) => tally.failed > before;

try {
  await command('Install', ['install', '--frozen-lockfile']);
  // Without the tools, everything below would fail for the same reason.
  if (tally.failed === 0) await checkEverything();
} catch (error) {
  tally.fail('npm test (the script itself)', error.stack ?? String(error));
} finally {
  console.log(`\nTook ${Math.round((performance.now() - started) / 1000)} s.`);
  tally.finish();
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
  await tally.step('Tests', runTests);
  await tally.step('Package checks', checkPackages);
  await tally.step('Packed packages, installed into an empty project', checkTarballs);
  await tally.step('Examples on the packed packages, outside the workspace', checkExamples);
  await tally.step('Snippets of the documentation', checkSnippets);
}
