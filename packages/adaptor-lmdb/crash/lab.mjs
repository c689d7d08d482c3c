// `pnpm crash-lab --adaptor lmdb --states 20000 --seed 1`
import { DirectoryBuilder } from '@raftlog/core/conformance';
import { controlFiles } from '@raftlog/kit';
import { open } from '../test/support/open.mjs';

const module = new URL('../test/support/open.mjs', import.meta.url);

/** @type {import('@raftlog/crash-lab').LabSubject} */
export default {
  name: 'lmdb',
  // lmdb-js describes a write that failed in a buffer that is too small: the README says so.
  mayEndWith: ['SIGABRT', 'SIGSEGV'],
  makeBuilder: () => new DirectoryBuilder({ open, module, files: controlFiles }),
};
