import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { LogFiles, StorageEngineBuilder } from '@raftlog/core/conformance';
import { controlFiles } from '@raftlog/kit';
import type { Host, Mutant } from './mutant.ts';
import { openEngine } from './open-engine.ts';

/** What the child process is told: which engine, and where. */
export interface ChildPlace {
  readonly directory: string;
  readonly host: Host;
  /** Name of the mutant; none for an unbroken engine. */
  readonly mutant?: string;
}

/** Builds the unbroken engine, or with `mutant` the broken one. `cleanup` removes all that it made. */
export async function buildHost(host: Host, mutant?: Mutant): Promise<StorageEngineBuilder> {
  const mutation = mutant?.mutation ?? {};
  if (host === 'memory')
    return { build: (options) => openEngine(host, mutation, '', options), cleanup: async () => {} };
  const parent = await mkdtemp(join(tmpdir(), 'raftlog-suite-proof-'));
  const directory = join(parent, 'node');
  const place: ChildPlace = { directory, host, ...(mutant === undefined ? {} : { mutant: mutant.name }) };
  return {
    directory,
    takesFileIo: true,
    offersBuffered: true,
    child: { module: new URL('../dist/child.js', import.meta.url), place: JSON.stringify(place) },
    // The journal's format is checked by nothing but the kit: only that of the file adaptor claims to stand damage.
    files: host === 'file' ? filesBelow(directory) : { snapshots: controlFiles(directory).snapshots },
    build: (options) => openEngine(host, mutation, directory, options),
    cleanup: () => rm(parent, { recursive: true, force: true }),
  };
}

function filesBelow(directory: string): LogFiles {
  const blocks = join(directory, 'blocks');
  return {
    log: async () =>
      (await readdir(blocks))
        .filter((name) => name.endsWith('.log'))
        .sort()
        .map((name) => join(blocks, name)),
    ...controlFiles(directory),
  };
}
