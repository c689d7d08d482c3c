import { DirectoryBuilder } from '@raftlog/core/conformance';
import type { LabSubject } from '@raftlog/crash-lab';

/** The right engine that is broken. */
export type Host = 'file' | 'level' | 'lmdb' | 'sqlite' | 'rocksdb';

/** A storage engine that is broken in one way; without a defect its right twin. */
export function brokenEngine(host: Host, defect?: string): LabSubject {
  // The compiled module, whoever asks: a plain Node opens it.
  const module = new URL('../dist/open.js', import.meta.url);
  module.searchParams.set('host', host);
  if (defect !== undefined) module.searchParams.set('defect', defect);
  const open = (): Promise<never> => Promise.reject(new Error('The lab opens engines in child processes.'));
  return {
    name: `${host}${defect === undefined ? '' : `-${defect}`}`,
    makeBuilder: () => new DirectoryBuilder({ open, module }),
  };
}

export const hosts: readonly Host[] = ['file', 'level', 'lmdb', 'sqlite', 'rocksdb'];

interface BrokenEngine {
  readonly host: Host;
  readonly defect: string;
  /** What the lab says of it. */
  readonly shows: RegExp;
}

const databases = ['level', 'lmdb', 'sqlite', 'rocksdb'] as const;
const lost = /is missing|prefix of the operations|no commit although|damaged|SIG/;

/** What is broken, and on what. */
export const brokenEngines: readonly BrokenEngine[] = [
  { host: 'file', defect: 'no-fsync', shows: lost },
  { host: 'file', defect: 'fsync-before-write', shows: /is damaged|is missing/ },
  { host: 'file', defect: 'no-directory-fsync', shows: /is missing/ },
  { host: 'file', defect: 'rename-before-fsync', shows: /is damaged/ },
  { host: 'file', defect: 'hard-state-in-place', shows: /both copies of the hard state are damaged/ },
  ...databases.map((host) => ({ host, defect: 'acknowledged-before-commit', shows: lost })),
  ...databases.map((host) => ({
    host,
    defect: 'boundary-after-delete',
    shows: /Entries \d+ to \d+ are damaged or missing/,
  })),
  { host: 'level', defect: 'no-sync', shows: lost },
  { host: 'rocksdb', defect: 'no-sync', shows: lost },
  // A meta page that is on the disk before the pages that it names: data that never was, or LMDB stumbles over it.
  { host: 'lmdb', defect: 'overlapping-sync', shows: /SIG|damaged|is missing|prefix/ },
  { host: 'sqlite', defect: 'synchronous-normal', shows: lost },
];
