// `pnpm crash-lab --adaptor file --states 20000 --seed 1`: the crash lab, with the adaptors of this tree known by their names.
import './lib/node-version.mjs';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from './lib/run.mjs';
import { root, workspacePackages } from './lib/workspace.mjs';

const adaptors = workspacePackages()
  .map(({ dir, path }) => ({ name: /adaptor-(\w+)$/.exec(dir)?.[1], module: join(path, 'crash', 'lab.mjs') }))
  .filter(({ name, module }) => name !== undefined && existsSync(module));

function adaptorModule(name) {
  const adaptor = adaptors.find((one) => one.name === name);
  if (adaptor) return pathToFileURL(adaptor.module);
  throw new RangeError(`There is no adaptor ${name}: choose from ${adaptors.map((one) => one.name).join(', ')}.`);
}

const argv = process.argv.slice(2);
const built = await build();
if (built.ok) {
  const { crashLabMain } = await import(pathToFileURL(join(root, 'packages', 'crash-lab', 'dist', 'index.js')).href);
  process.exitCode = await crashLabMain(argv, { command: 'pnpm crash-lab', adaptorModule });
} else {
  process.stderr.write(built.output);
  process.exitCode = 1;
}
