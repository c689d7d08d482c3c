// Runs `test:run` of every package and example, two at a time, and counts what their reports say.
import './lib/node-version.mjs';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isInstalled, pnpm } from './lib/run.mjs';
import { isMain, nothingLeftOut, standalone } from './lib/tally.mjs';
import { readReports, removeReports } from './lib/test-reports.mjs';
import { workspacePackages } from './lib/workspace.mjs';

const atOnce = 2;
const debianPackages = { unshare: 'util-linux' };
/** Catches what hangs. The longest takes two minutes where nothing else runs. */
const hangsAfterMs = 20 * 60_000;

export async function runTests(tally, leftOut = []) {
  const waiting = workspacePackages().filter(({ manifest }) => !leftOut.includes(manifest.name));
  if (waiting.length === 0) tally.fail('tests', 'No packages were found.');
  const worker = async () => {
    for (let next = waiting.shift(); next; next = waiting.shift()) await testPackage(tally, next);
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
}

async function testPackage(tally, { path, manifest }) {
  leaveOutTiers(tally, manifest.name, join(path, 'test', 'tools.json'));
  removeReports(path);
  // For the scripts of the packages; CI systems that only set CI mean the same.
  const env = nothingLeftOut ? { RAFTLOG_CI: 'full' } : {};
  const result = await pnpm(['--dir', path, 'run', 'test:run'], { env, timeoutMs: hangsAfterMs });
  countTests(tally, manifest.name, path, result);
}

/** Adds one run of a test script to the tally: its tests, and one failure for each way in which the run itself failed. */
export function countTests(tally, name, directory, result) {
  const { passed, failed, skipped, problems } = readReports(directory);
  if (!result.ok && failed === 0 && problems.length === 0) {
    problems.push('All tests passed, but the run ended with an error.');
  }
  const bad = failed + problems.length;
  const details = skipped.length > 0 ? `, ${skipped.length} skipped` : '';
  if (bad === 0) {
    tally.pass(`${name}: ${passed} passed${details}`, { count: passed, time: result.seconds });
  } else {
    tally.passed += passed;
    const output = [result.output, ...problems].filter(Boolean).join('\n');
    tally.fail(`${name}: ${passed} passed, ${bad} failed${details}`, output, {
      count: bad,
      time: result.seconds,
    });
  }
  tally.skipped(name, skipped);
}

/** A package names the tools that some of its tests need, and what is lost without them, in test/tools.json. */
function leaveOutTiers(tally, name, file) {
  if (!existsSync(file)) return;
  for (const [tool, tier] of Object.entries(JSON.parse(readFileSync(file, 'utf8')))) {
    if (isInstalled(tool)) continue;
    tally.leaveOut(`${name}, ${tier}`, `needs ${tool} (apt-get install ${debianPackages[tool] ?? tool})`);
  }
}

if (isMain(import.meta)) await standalone('Tests', runTests);
