// Reads what the runners counted. A report that isn't there, can't be read or counts nothing is a failure: a suite that
// is skipped without a trace looks just like one that passes.
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';

const vitestReport = 'test-report.json';
const nodeTestReport = 'test-report.tap';

/** So that no report of an earlier run is counted. */
export function removeReports(directory) {
  for (const name of [vitestReport, nodeTestReport]) rmSync(join(directory, name), { force: true });
}

/** `{ passed, failed, skipped: names, problems }` over all reports in a package's directory. */
export function readReports(directory) {
  const total = { passed: 0, failed: 0, skipped: [], problems: [] };
  const readers = [
    [vitestReport, readVitest],
    [nodeTestReport, readTap],
  ];
  const found = readers.filter(([name]) => existsSync(join(directory, name)));
  if (found.length === 0) total.problems.push(`It wrote no ${vitestReport} and no ${nodeTestReport}.`);
  for (const [name, read] of found) {
    try {
      const counts = read(readFileSync(join(directory, name), 'utf8'));
      if (counts.passed + counts.failed === 0) total.problems.push(`${name} holds no test that ran.`);
      total.passed += counts.passed;
      total.failed += counts.failed;
      total.skipped.push(...counts.skipped);
      total.problems.push(...counts.problems);
    } catch (error) {
      total.problems.push(`${name} can't be read: ${error.message}`);
    }
  }
  return total;
}

function readVitest(text) {
  const report = JSON.parse(text);
  const counts = { passed: 0, failed: 0, skipped: [], problems: [] };
  for (const file of report.testResults) {
    const failedBefore = counts.failed;
    for (const test of file.assertionResults) {
      if (test.status === 'passed') counts.passed++;
      else if (test.status === 'failed') counts.failed++;
      else counts.skipped.push(test.fullName);
    }
    // A file that fails as it loads, or in a hook, has no failed test to its name.
    if (file.status === 'failed' && counts.failed === failedBefore) {
      counts.problems.push(`${file.name}: ${file.message || 'failed outside its tests'}`);
    }
  }
  if (report.success !== true && counts.failed === 0 && counts.problems.length === 0) {
    counts.problems.push('vitest calls the run a failure, but no test and no file failed.');
  }
  return counts;
}

function readTap(text) {
  // What a test prints can look like a summary line; the real one is the last.
  const number = (name) => {
    const matches = [...text.matchAll(new RegExp(`^# ${name} (\\d+)$`, 'gm'))];
    if (matches.length === 0) throw new Error(`it has no "# ${name}" line, so the run didn't end`);
    return Number(matches.at(-1)[1]);
  };
  const skipped = [...text.matchAll(/^\s*ok \d+ - (.*?) # (?:SKIP|TODO)\b/gm)].map((match) => match[1]);
  return { passed: number('pass'), failed: number('fail') + number('cancelled'), skipped, problems: [] };
}
