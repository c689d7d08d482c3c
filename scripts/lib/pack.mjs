// Packs the published packages as they would be published, once per run.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { pnpm, run } from './run.mjs';
import { publishedPackages } from './workspace.mjs';

/** A temporary directory outside the workspace, so that nothing is found in a node_modules further up. */
export function temporaryDirectory(purpose) {
  const directory = mkdtempSync(join(tmpdir(), `raftlog-${purpose}-`));
  process.on('exit', () => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

async function mustRun(result, what) {
  const { ok, output } = await result;
  if (!ok) throw new Error(`${what} failed:\n${output}`);
}

/** Packs one package into `destination` and unpacks it again: `{ tarball, contents, manifest }`. */
export async function packInto(destination, { path, manifest: { name } }) {
  const own = mkdtempSync(join(destination, `${basename(path)}-`));
  await mustRun(pnpm(['--dir', path, 'pack', '--pack-destination', own]), `Packing ${name}`);
  const [file] = readdirSync(own).filter((entry) => entry.endsWith('.tgz'));
  if (!file) throw new Error(`Packing ${name} made no tarball.`);
  await mustRun(run('tar', ['-xzf', file], { cwd: own }), `Unpacking ${file}`);
  const contents = join(own, 'package');
  const manifest = JSON.parse(readFileSync(join(contents, 'package.json'), 'utf8'));
  return { tarball: join(own, file), contents, manifest };
}

let packed;

/** All published packages, by name. */
export function packedPackages() {
  packed ??= (async () => {
    const destination = temporaryDirectory('packed');
    const byName = new Map();
    for (const each of publishedPackages()) byName.set(each.manifest.name, await packInto(destination, each));
    return byName;
  })();
  return packed;
}

/** Tarballs of the named packages and of all that these need of ours, as dependencies for a package.json. */
export async function tarballDependencies(names) {
  const all = await packedPackages();
  const chosen = {};
  const visit = (name) => {
    if (!all.has(name) || chosen[name]) return;
    const { tarball, manifest } = all.get(name);
    chosen[name] = `file:${tarball}`;
    for (const other of Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies })) visit(other);
  };
  for (const name of names) visit(name);
  return chosen;
}
