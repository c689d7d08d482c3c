import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { type Implementation, SHIPPED } from '../cluster/implementation.ts';

/** One change of the compiled code of the core or the node. */
export interface Patch {
  readonly package: 'raft' | 'node';
  /** Without its extension. */
  readonly file: string;
  /** Occurs once, or the code has changed and the patch has to as well. */
  readonly find: string;
  readonly replace: string;
}

const { resolve } = createRequire(import.meta.url);

// Below node_modules, where test runners and linters leave it alone.
const PLACE = join(fileURLToPath(new URL('..', import.meta.url)), '..', 'node_modules', '.broken');

/** Loads copies of the core and the node, with these changes: what is shipped has no hooks to be broken by. */
export async function loadPatched(name: string, patches: readonly Patch[]): Promise<Implementation> {
  await mkdir(PLACE, { recursive: true });
  const directory = await mkdtemp(join(PLACE, 'copy-'));
  try {
    const raft = await copyPackage('raft', directory, patches, new Map());
    const node = await copyPackage('node', directory, patches, new Map([['@raftlog/raft', raft]]));
    const { NodeBuilder, KeyValueStateMachine }: Pick<Implementation, 'NodeBuilder' | 'KeyValueStateMachine'> =
      await import(node);
    return { ...SHIPPED, name, NodeBuilder, KeyValueStateMachine };
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** The answer: the URL of the copy's entry. */
async function copyPackage(
  name: Patch['package'],
  directory: string,
  patches: readonly Patch[],
  replacements: ReadonlyMap<string, string>,
): Promise<string> {
  const source = dirname(resolve(`@raftlog/${name}`));
  const target = join(directory, name);
  await mkdir(target);
  const own = patches.filter((patch) => patch.package === name);
  const names = (await readdir(source, { recursive: true })).filter((file) => file.endsWith('.js'));
  for (const patch of own) {
    if (!names.includes(`${patch.file}.js`))
      throw new Error(`@raftlog/${name} has no ${patch.file}: change the patch.`);
  }
  for (const file of names) {
    const text = await readFile(join(source, file), 'utf8');
    await mkdir(dirname(join(target, file)), { recursive: true });
    const patched = own.filter((patch) => `${patch.file}.js` === file).reduce(applyPatch, text);
    await writeFile(join(target, file), withAbsoluteImports(patched, replacements));
  }
  return pathToFileURL(join(target, 'index.js')).href;
}

function applyPatch(text: string, { file, find, replace }: Patch): string {
  const [before, after, ...more] = text.split(find);
  if (before === undefined || after === undefined || more.length > 0) {
    throw new Error(`"${find}" is not found once in ${file}: the code has changed, change the patch.`);
  }
  return `${before}${replace}${after}`;
}

/** The copy lies elsewhere, so what it imports from other packages is named by its place. */
function withAbsoluteImports(text: string, replacements: ReadonlyMap<string, string>): string {
  return text.replace(/from (["'])(@raftlog\/[^"']+)\1/g, (_whole, _quote, name: string) => {
    const place = replacements.get(name) ?? pathToFileURL(resolve(name)).href;
    return `from ${JSON.stringify(place)}`;
  });
}
