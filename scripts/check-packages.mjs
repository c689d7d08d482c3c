// publint and attw: does each published package say the truth about what is in it?
import './lib/node-version.mjs';
import { build, pnpm } from './lib/run.mjs';
import { isMain, standalone } from './lib/tally.mjs';
import { publishedPackages } from './lib/workspace.mjs';

export async function checkPackages(tally) {
  for (const { path, manifest } of publishedPackages()) {
    tally.result(`${manifest.name}: publint, attw`, await pnpm(['--dir', path, 'run', 'check:package']));
  }
}

if (isMain(import.meta)) await standalone('Package checks', checkPackages, build);
