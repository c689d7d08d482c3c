// What is published is a tarball, so that is what is tried: its contents, and an install of it into an empty project
// outside the workspace, where every entry is imported on this Node and read by a strict compiler.
import './lib/node-version.mjs';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { packedPackages, tarballDependencies, temporaryDirectory } from './lib/pack.mjs';
import { build, run } from './lib/run.mjs';
import { isMain, standalone } from './lib/tally.mjs';
import { root } from './lib/workspace.mjs';

export async function checkTarballs(tally) {
  const packed = await packedPackages();
  for (const [name, { contents, manifest }] of packed) {
    const problems = problemsOf(contents, manifest);
    if (problems.length === 0) tally.pass(`${name}: contents of the tarball`);
    else tally.fail(`${name}: contents of the tarball`, problems.join('\n'));
  }

  const project = temporaryDirectory('empty');
  const ownTypes = JSON.parse(readFileSync(join(root, 'node_modules/@types/node/package.json'), 'utf8')).version;
  writeFileSync(
    join(project, 'package.json'),
    JSON.stringify({ private: true, type: 'module', dependencies: await tarballDependencies(packed.keys()) }, null, 2),
  );
  // Without install scripts: what is tried is what is in the tarballs, and no driver is compiled a second time.
  const installed = await run('npm', ['install', '--prefer-offline', '--ignore-scripts'], { cwd: project });
  if (!tally.result('install without the optional peers', installed)) return;

  for (const { manifest } of packed.values()) {
    const optional = Object.keys(manifest.peerDependenciesMeta ?? {});
    for (const entry of entriesOf(manifest)) {
      const missing = optional.find((peer) => entry.split('/').includes(peer));
      tally.result(
        missing ? `import ${entry} without ${missing}: the error names it` : `import ${entry}`,
        missing ? await importFails(project, entry, missing) : await importWorks(project, entry),
      );
    }
  }

  // Before there is an @types/node: who only uses the contract needn't have it. `AbortSignal` is of every runtime; without
  // Node's types the DOM's describe it.
  tally.result(
    'types of @raftlog/core without @types/node',
    await compiles(project, ['@raftlog/core'], [], { lib: ['es2023', 'dom'] }),
  );

  const peers = [
    ...new Set([...packed.values()].flatMap(({ manifest }) => Object.keys(manifest.peerDependenciesMeta ?? {}))),
  ];
  const wanted = [...peers.map((peer) => `${peer}@${versionAtRoot(peer)}`), `@types/node@${ownTypes}`];
  const added = await run('npm', ['install', '--prefer-offline', '--ignore-scripts', ...wanted], { cwd: project });
  if (!tally.result(`install ${wanted.join(', ')}`, added)) return;
  const entries = [...packed.values()].flatMap(({ manifest }) => entriesOf(manifest));
  for (const entry of entries.filter((each) => peers.some((peer) => each.split('/').includes(peer)))) {
    tally.result(`import ${entry}`, await importWorks(project, entry));
  }
  tally.result('types of every entry', await compiles(project, entries, ['node'], { skipLibCheck: true }));
}

const versionAtRoot = (name) =>
  JSON.parse(readFileSync(join(root, 'node_modules', name, 'package.json'), 'utf8')).version;

const entriesOf = ({ name, exports }) =>
  Object.keys(exports)
    .filter((entry) => !entry.endsWith('.json'))
    .map((entry) => name + entry.slice(1));

const importWorks = (project, entry) =>
  run(process.execPath, ['--input-type=module', '-e', `await import(${JSON.stringify(entry)})`], {
    cwd: project,
    timeoutMs: 60_000,
  });

async function importFails(project, entry, missing) {
  const result = await importWorks(project, entry);
  return { ...result, ok: !result.ok && result.output.includes(missing) };
}

async function compiles(project, entries, types, more = {}) {
  const file = join(project, 'consumer.ts');
  writeFileSync(file, entries.map((entry, i) => `export * as e${i} from '${entry}';\n`).join(''));
  const compilerOptions = {
    target: 'es2023',
    lib: ['es2023'],
    module: 'nodenext',
    strict: true,
    exactOptionalPropertyTypes: true,
    noEmit: true,
    types,
    ...more,
  };
  writeFileSync(join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['consumer.ts'] }));
  return run(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', '.'], { cwd: project });
}

function problemsOf(contents, manifest) {
  const files = readdirSync(contents, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(contents, join(entry.parentPath ?? entry.path, entry.name)).replaceAll('\\', '/'));
  const problems = [];
  for (const wanted of ['LICENSE', 'README.md', 'package.json']) {
    if (!files.includes(wanted)) problems.push(`${wanted} is missing.`);
  }
  for (const field of ['dependencies', 'peerDependencies']) {
    for (const [name, range] of Object.entries(manifest[field] ?? {})) {
      if (/^(workspace|catalog|file|link):/.test(range))
        problems.push(`${field}.${name} is "${range}", which npm can't install.`);
    }
  }
  for (const file of files) {
    const output = /^dist\/(.+?)(\.d\.ts|\.js)(\.map)?$/.exec(file);
    if (output && !files.includes(`src/${output[1]}.ts`))
      problems.push(`${file} is stale: it has no source. Run clean and build.`);
    if (file.startsWith('dist/') && !output) problems.push(`${file} doesn't belong into the package.`);
    if (file.endsWith('.map')) {
      for (const source of JSON.parse(readFileSync(join(contents, file), 'utf8')).sources) {
        if (!existsSync(join(contents, dirname(file), source)))
          problems.push(`${file} points to ${source}, which isn't packed.`);
      }
    }
  }
  return problems;
}

if (isMain(import.meta)) await standalone('Packed packages, installed into an empty project', checkTarballs, build);
