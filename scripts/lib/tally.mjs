// Counts everything that passes and fails, and says it so that it can be read: short on success, whole on failure.
import { realpathSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const color = process.stdout.isTTY && !process.env.NO_COLOR;
const paint = (code, text) => (color ? `\u001b[${code}m${text}\u001b[0m` : text);

/** CI wants everything: what a developer's machine may leave out is a failure there. */
export const nothingLeftOut =
  process.env.RAFTLOG_CI === 'full' || ![undefined, '', '0', 'false'].includes(process.env.CI);

const indent = (text) => text.replace(/^(?=.)/gm, '    ');
const wrap = (text) => text.replace(/(.{80,116}) /g, '$1\n      ');
const seconds = (value) => (value === undefined ? '' : paint(2, `  ${value.toFixed(1)} s`));

export class Tally {
  passed = 0;
  failed = 0;
  #failures = [];
  #leftOut = [];
  #skipped = [];

  heading(text) {
    console.log(`\n${paint(1, `== ${text}`)}`);
  }

  /** `count` checks passed; `details` and `time` go on the line. */
  pass(name, { count = 1, details = '', time } = {}) {
    this.passed += count;
    console.log(`  ${paint(32, 'ok')}    ${name}${details && `  ${details}`}${seconds(time)}`);
  }

  /** `count` checks failed; `output` is printed whole, because what is cut is always the part one needs. */
  fail(name, output, { count = 1, time } = {}) {
    this.failed += count;
    this.#failures.push(name);
    console.log(`  ${paint(31, 'FAIL')}  ${name}${seconds(time)}`);
    if (output) console.log(indent(output));
  }

  /** For a check that is one command. */
  result(name, { ok, output, seconds: time }) {
    if (ok) this.pass(name, { time });
    else this.fail(name, output || 'It printed nothing.', { time });
    return ok;
  }

  /** Something wasn't tried. Where nothing may be left out, that is a failure. */
  leaveOut(name, why, { allowed = !nothingLeftOut } = {}) {
    if (allowed) this.#leftOut.push(`${name}: ${why}`);
    else this.fail(name, `Left out, which CI doesn't allow: ${why}`);
  }

  /** Tests that say themselves that they don't apply: that is right in CI too, but never without a trace. */
  skipped(name, tests) {
    if (tests.length > 0) this.#skipped.push(`${name}, ${tests.length}: ${tests.join('; ')}`);
  }

  /** A crash of a step is a failure of that step and of nothing else. */
  async step(title, body) {
    this.heading(title);
    try {
      await body(this);
    } catch (error) {
      this.fail(`${title} (the step itself)`, error instanceof Error ? (error.stack ?? error.message) : String(error));
    }
  }

  /** Prints what was left out, what failed, and the one line that counts; sets the exit code. */
  finish() {
    this.#list('Skipped by name', this.#skipped);
    this.#list('Left out', this.#leftOut);
    this.#list('Failed', this.#failures);
    // Having checked nothing is no success.
    if (this.passed + this.failed === 0) this.failed = 1;
    process.exitCode = this.failed === 0 ? 0 : 1;
    console.log(`\n${this.passed} passed, ${this.failed} failed`);
  }

  #list(title, lines) {
    if (lines.length === 0) return;
    this.heading(title);
    for (const line of lines) console.log(`  ${wrap(line)}`);
  }
}

/** Whether a script is what Node was started with. */
export const isMain = (meta) => realpathSync(process.argv[1]) === fileURLToPath(meta.url);

/** Lets a script that holds one concern also run by itself; `before` is what the others would have done by then. */
export async function standalone(title, body, before) {
  const tally = new Tally();
  if (before) await tally.step('Build', async () => tally.result('build', await before()));
  if (tally.failed === 0) await tally.step(title, body);
  tally.finish();
}
