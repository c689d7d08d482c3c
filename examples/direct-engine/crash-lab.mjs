// `npx raftlog-crash-lab --builder crash-lab.mjs --states 20000`, once the tests are compiled.
import { directBuilder } from './dist/test/direct-builder.js';

/** @type {import('@raftlog/crash-lab').LabSubject} */
export default {
  name: 'direct-engine',
  makeBuilder: directBuilder,
  blindSpots: [
    {
      why: 'Without a witness a journal that was cut short, or is damaged in its last frame, looks as if a crash had torn it.',
      files: /^direct\.journal$/,
      outcomes: ['lost', 'returned'],
    },
  ],
};
