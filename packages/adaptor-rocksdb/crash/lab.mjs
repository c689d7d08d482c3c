// `pnpm crash-lab --adaptor rocksdb --states 20000 --seed 1`
import { DirectoryBuilder } from '@raftlog/core/conformance';
import { controlFiles } from '@raftlog/kit';
import { open } from '../test/support/open.mjs';

const module = new URL('../test/support/open.mjs', import.meta.url);

/** @type {import('@raftlog/crash-lab').LabSubject} */
export default {
  name: 'rocksdb',
  harmlessFailures: /(^|\/)LOG$/,
  makeBuilder: () => new DirectoryBuilder({ open, module, files: controlFiles, offersBuffered: true }),
};
