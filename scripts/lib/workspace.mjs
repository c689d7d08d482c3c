// What the scripts know about the tree: where it is, which packages it has, which pnpm it wants.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../..', import.meta.url)).replace(/[\\/]$/, '');

const readJson = (file) => JSON.parse(readFileSync(file, 'utf8'));

/** "pnpm@10.34.9": the hash is for corepack, npx has no use for it. */
export const pnpmSpec = readJson(join(root, 'package.json')).packageManager.replace(/\+.*$/, '');

/** All packages and examples, in a fixed order: `{ dir, path, manifest, published, example }`. */
export function workspacePackages() {
  return ['packages', 'examples'].flatMap((group) => {
    const parent = join(root, group);
    if (!existsSync(parent)) return [];
    return readdirSync(parent)
      .sort()
      .filter((name) => existsSync(join(parent, name, 'package.json')))
      .map((name) => {
        const path = join(parent, name);
        const manifest = readJson(join(path, 'package.json'));
        return { dir: `${group}/${name}`, path, manifest, published: !manifest.private, example: group === 'examples' };
      });
  });
}

export const publishedPackages = () => workspacePackages().filter((p) => p.published);
export const examplePackages = () => workspacePackages().filter((p) => p.example);
