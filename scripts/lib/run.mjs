// Runs other programs: quietly unless they fail, never for ever, and without leaving any behind.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { constants } from 'node:os';
import { delimiter, join } from 'node:path';
import { pnpmSpec, root } from './workspace.mjs';

const windows = process.platform === 'win32';
const running = new Set();

/** Nothing here phones home or looks for updates. */
const quietEnvironment = {
  DO_NOT_TRACK: '1',
  TURBO_TELEMETRY_DISABLED: '1',
  TURBO_NO_UPDATE_NOTIFIER: '1',
  NO_UPDATE_NOTIFIER: '1',
  npm_config_update_notifier: 'false',
  npm_config_audit: 'false',
  npm_config_fund: 'false',
};

/**
 * The environment for programs we start. What npm tells a script about *this* package is taken out: an `npm install`
 * in a temporary directory would otherwise read it as being about its own.
 */
function environment(extra = {}) {
  const env = { ...process.env, ...quietEnvironment, ...extra };
  for (const name of Object.keys(env)) {
    if (
      /^npm_(package|lifecycle|command|execpath|node_execpath|config_(local_prefix|global_prefix|prefix|init_))/.test(
        name,
      )
    ) {
      delete env[name];
    }
  }
  // Output is kept and printed later, so a program can't see for itself whether there is a terminal.
  delete env.FORCE_COLOR;
  if (process.stdout.isTTY && !env.NO_COLOR) env.FORCE_COLOR = '1';
  else env.NO_COLOR = '1';
  delete env.INIT_CWD;
  delete env.NODE_PATH;
  return env;
}

function stop(child) {
  try {
    // The whole group: a test runner that hangs has children of its own.
    if (windows) spawn('taskkill', ['/pid', String(child.pid), '/t', '/f']);
    else process.kill(-child.pid, 'SIGKILL');
  } catch {
    // It ended by itself in the meantime.
  }
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.on(signal, () => {
    for (const child of running) stop(child);
    process.exit(128 + constants.signals[signal]);
  });
}

/**
 * Runs a command to its end and keeps what it prints. Never rejects: `ok` is false for a failure, a crash, a command
 * that isn't there and one that took longer than `timeoutMs`; `output` says which.
 */
export function run(command, args, { cwd = root, env, timeoutMs = 6 * 60_000 } = {}) {
  return new Promise((resolve) => {
    const chunks = [];
    let note = '';
    const started = performance.now();
    const child = spawn(command, args, {
      cwd,
      env: environment(env),
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: !windows,
      shell: windows,
    });
    running.add(child);
    child.stdout.on('data', (chunk) => chunks.push(chunk));
    child.stderr.on('data', (chunk) => chunks.push(chunk));
    const timer = setTimeout(() => {
      note += `\nStopped: it took longer than ${Math.round(timeoutMs / 1000)} s.`;
      stop(child);
    }, timeoutMs);
    const end = (code, signal) => {
      clearTimeout(timer);
      running.delete(child);
      if (signal !== null && signal !== undefined) note += `\nEnded by ${signal}.`;
      const output = `${Buffer.concat(chunks).toString('utf8').trimEnd()}${note}`.trimStart();
      resolve({ ok: code === 0 && note === '', code, output, seconds: (performance.now() - started) / 1000 });
    };
    child.on('error', (error) => {
      note += `\nCannot run ${command}: ${error.message}`;
      end(null);
    });
    child.on('close', end);
  });
}

/** Runs a command on the user's own terminal and resolves to its exit code. The terminal sends Ctrl-C to it directly. */
export function runInteractive(command, args, { cwd = root, env = {} } = {}) {
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      cwd,
      env: { ...process.env, ...quietEnvironment, ...env },
      stdio: 'inherit',
      shell: windows && command !== process.execPath,
    });
    process.removeAllListeners('SIGINT').on('SIGINT', () => {});
    for (const signal of ['SIGTERM', 'SIGHUP']) process.removeAllListeners(signal).on(signal, () => child.kill(signal));
    child.on('error', (error) => {
      console.error(`Cannot run ${command}: ${error.message}`);
      resolve(1);
    });
    child.on('close', (code, signal) => resolve(code ?? 128 + (constants.signals[signal] ?? 0)));
  });
}

/** The pinned pnpm, which the machine needn't have: npx fetches it once and keeps it. */
export const pnpmCommand = (args) => ['npx', ['-y', pnpmSpec, ...args]];
export const pnpm = (args, options) => run(...pnpmCommand(args), options);

/** What is checked must be what the sources say, not an older build. */
export const build = () => pnpm(['exec', 'turbo', 'run', 'build', '--output-logs=errors-only']);

/** Whether a program is on the PATH. */
export function isInstalled(name) {
  const names = windows ? [`${name}.exe`, `${name}.cmd`] : [name];
  return (process.env.PATH ?? '').split(delimiter).some((dir) => dir && names.some((n) => existsSync(join(dir, n))));
}
