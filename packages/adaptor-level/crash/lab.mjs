// `pnpm crash-lab --adaptor level --states 20000 --seed 1`
import { DirectoryBuilder } from '@raftlog/core/conformance';
import { controlFiles } from '@raftlog/kit';
import { open } from '../test/support/open.mjs';

const module = new URL('../test/support/open.mjs', import.meta.url);

/** @type {import('@raftlog/crash-lab').LabSubject} */
export default {
  name: 'level',
  harmlessFailures: /(^|\/)LOG$/,
  makeBuilder: () => new DirectoryBuilder({ open, module, files: controlFiles }),
  blindSpots: [
    {
      why: 'LevelDB believes what a damaged table says about where a key ends and what was deleted.',
      files: /^blocks\/\d+\.ldb$/,
      outcomes: ['killed', 'returned'],
    },
  ],
};
