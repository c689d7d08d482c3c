// Each example, run as somebody who copied it would: outside the workspace, on the packed packages.
import './lib/node-version.mjs';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { packInto, tarballDependencies, temporaryDirectory } from './lib/pack.mjs';
import { build, run } from './lib/run.mjs';
import { isMain, standalone } from './lib/tally.mjs';
import { removeReports } from './lib/test-reports.mjs';
import { examplePackages } from './lib/workspace.mjs';
import { countTests } from './run-tests.mjs';

export async function checkExamples(tally) {
  const examples = examplePackages();
  if (examples.length === 0) tally.fail('examples', 'No examples were found.');
  for (const example of examples) {
    const name = `${example.manifest.name} outside the workspace`;
    // Packing turns `workspace:` and `catalog:` into real versions.
    const { contents, manifest } = await packInto(temporaryDirectory('example'), example);
    // What an earlier run in the workspace left behind is no part of the example, and its report none of this run.
    rmSync(join(contents, 'dist'), { recursive: true, force: true });
    removeReports(contents);
    const ours = await tarballDependencies(Object.keys({ ...manifest.dependencies, ...manifest.devDependencies }));
    const dependencies = { ...manifest.dependencies, ...ours };
    const others = Object.entries(manifest.devDependencies ?? {}).filter(([name]) => !(name in ours));
    const changed = { ...manifest, dependencies, devDependencies: Object.fromEntries(others) };
    writeFileSync(join(contents, 'package.json'), JSON.stringify(changed, null, 2));

    const installed = await run('npm', ['install', '--prefer-offline'], { cwd: contents });
    if (!installed.ok) {
      tally.fail(`${name}: npm install`, installed.output, { time: installed.seconds });
      continue;
    }
    countTests(tally, name, contents, await run('npm', ['run', 'test:run'], { cwd: contents }));
  }
}

if (isMain(import.meta))
  await standalone('Examples on the packed packages, outside the workspace', checkExamples, build);
