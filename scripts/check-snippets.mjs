// Code in the documentation is code: every ```ts block is type-checked with the strict settings of the packages, and
// those marked ```ts run are run. A block marked ```ts continue belongs to the module of the block before it.
import './lib/node-version.mjs';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { build, run } from './lib/run.mjs';
import { isMain, standalone } from './lib/tally.mjs';
import { root, workspacePackages } from './lib/workspace.mjs';

// Inside the workspace, so that vitest and @types/node are found as a package would find them; ignored by git.
const directory = join(root, '.snippets');

export async function checkSnippets(tally) {
  const snippets = documents().flatMap((file) => extract(file, readFileSync(join(root, file), 'utf8'), tally));
  if (snippets.length === 0) {
    tally.fail('snippets', 'No document holds a single ts block.');
    return;
  }
  writePackage(snippets);

  const compiler = join(root, 'node_modules/typescript/bin/tsc');
  const compiled = await run(process.execPath, [compiler, '-p', '.', '--pretty', 'false'], { cwd: directory });
  const errors = errorsByModule(compiled.output);
  if (!compiled.ok && errors.size === 0) tally.fail('type-check of the snippets', compiled.output);

  for (const snippet of snippets) {
    const wrong = errors.get(snippet.module);
    // A module stands at the lines of its document, so a compiler's message gives the line in the document.
    if (wrong) tally.fail(`${snippet.name}: type-check`, wrong.join('\n').replaceAll(snippet.module, snippet.file));
    else tally.pass(`${snippet.name}: type-check`);
    if (snippet.run && !wrong) tally.result(`${snippet.name}: run`, await runSnippet(snippet));
  }
}

function documents() {
  const markdown = (dir) =>
    existsSync(join(root, dir))
      ? readdirSync(join(root, dir))
          .filter((name) => name.endsWith('.md'))
          .map((name) => (dir === '.' ? name : `${dir}/${name}`))
      : [];
  const top = markdown('.').filter((name) => ['README.md', 'CONTRIBUTING.md'].includes(name));
  const readmes = workspacePackages().flatMap(({ dir }) => markdown(dir).filter((name) => name.endsWith('/README.md')));
  return [...top, ...readmes, ...markdown('docs')];
}

/** The modules of one document. Reports fences that never end and marks that mean nothing: both would hide code. */
function extract(file, text, tally) {
  const modules = [];
  let fence;
  text.split(/\r?\n/).forEach((line, index) => {
    const match = /^(\s*)(`{3,})\s*(.*?)\s*$/.exec(line);
    if (!fence) {
      if (!match) return;
      const [language = '', ...marks] = match[3].split(/\s+/);
      fence = { ticks: match[2], indent: match[1].length, ts: language === 'ts', marks, at: index + 1, lines: [] };
      return;
    }
    if (match && match[3] === '' && match[2].length >= fence.ticks.length) {
      if (fence.ts) addBlock(fence);
      fence = undefined;
      return;
    }
    fence.lines.push(line.slice(Math.min(fence.indent, line.length - line.trimStart().length)));
  });
  if (fence) tally.fail(`${file}:${fence.at}`, 'This code block never ends.');
  return modules;

  function addBlock({ marks, at, lines }) {
    const unknown = marks.filter((mark) => mark !== 'run' && mark !== 'continue');
    if (unknown.length > 0)
      tally.fail(`${file}:${at}`, `Unknown after ts: ${unknown.join(' ')}. There is "run" and "continue".`);
    let target = modules.at(-1);
    if (!marks.includes('continue')) {
      const module = `${file.replaceAll(/[^\w.-]/g, '_').replace(/\.md$/, '')}_${at}.ts`;
      target = { file, module, name: `${file}:${at}`, run: false, lines: [] };
      modules.push(target);
    } else if (!target) {
      tally.fail(`${file}:${at}`, 'It continues a block, but there is none before it.');
      return;
    }
    while (target.lines.length < at) target.lines.push('');
    target.lines.push(...lines);
    target.run ||= marks.includes('run');
  }
}

function writePackage(snippets) {
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory);
  for (const { path, manifest, example } of workspacePackages()) {
    if (example) continue;
    const link = join(directory, 'node_modules', manifest.name);
    mkdirSync(dirname(link), { recursive: true });
    symlinkSync(path, link, 'junction');
  }
  for (const { module, lines } of snippets) writeFileSync(join(directory, module), `${lines.join('\n')}\n`);
  writeFileSync(join(directory, 'package.json'), '{ "private": true, "type": "module" }\n');
  // As strict as the packages, but what belongs to building a library is off, and an example may declare a name only to show it.
  const compilerOptions = {
    composite: false,
    incremental: false,
    declaration: false,
    declarationMap: false,
    isolatedDeclarations: false,
    noUnusedLocals: false,
    noUnusedParameters: false,
    moduleDetection: 'force',
    rootDir: '.',
    outDir: 'out',
  };
  const config = { extends: '../tsconfig.base.json', compilerOptions, include: ['*.ts'] };
  writeFileSync(join(directory, 'tsconfig.json'), JSON.stringify(config, null, 2));
}

/** The compiler's messages, each with the lines that belong to it, by module. */
function errorsByModule(output) {
  const errors = new Map();
  let current;
  for (const line of output.split('\n')) {
    const start = /^([^\s(]+\.ts)\(\d+,\d+\): error /.exec(line);
    if (start) {
      current = errors.get(start[1]) ?? [];
      errors.set(start[1], current);
    }
    current?.push(line);
  }
  return errors;
}

/** In a directory of its own, so that a snippet may say `./data`. */
async function runSnippet({ module }) {
  const cwd = mkdtempSync(join(tmpdir(), 'raftlog-snippet-'));
  try {
    const file = join(directory, 'out', module.replace(/\.ts$/, '.js'));
    return await run(process.execPath, ['--enable-source-maps', file], { cwd, timeoutMs: 60_000 });
  } finally {
    rmSync(cwd, { recursive: true, force: true });
  }
}

if (isMain(import.meta)) await standalone('Snippets of the documentation', checkSnippets, build);
