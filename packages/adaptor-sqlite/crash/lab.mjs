// `pnpm crash-lab --adaptor sqlite --states 20000 --seed 1`
import { DirectoryBuilder } from '@raftlog/core/conformance';
import { controlFiles } from '@raftlog/kit';
import { open } from '../test/support/open.mjs';

const module = new URL('../test/support/open.mjs', import.meta.url);

/** @type {import('@raftlog/crash-lab').LabSubject} */
export default {
  name: 'sqlite',
  makeBuilder: () => new DirectoryBuilder({ open, module, files: controlFiles, offersBuffered: true }),
  knownFaults: [
    {
      why: 'SQLite passes over a failed sync of a directory; on ext4 the next sync of the file itself keeps its name.',
      problem: /fsync blocks(, which had failed, was tried again( by the open)?)?$/,
    },
    {
      why: 'What SQLite copies when the database that was just made is closed fails in silence; the recovery barrier of the same open writes all of it anew, and syncs that.',
      problem:
        /(acknowledged although it failed: open: fsync blocks\/blocks\.db(-wal)?|fsync blocks\/blocks\.db(-wal)?, which had failed, was tried again by the open)$/,
    },
  ],
};
