// Commits entries one by one until one is rejected: `node commit-until-failure.mjs DIRECTORY`. Prints how many were acknowledged, and what can be read then.
import { open } from './open.mjs';

const engine = await open(process.argv[2], { cacheBytes: 0 });
const log = engine.logStore;
let acknowledged = 0;
try {
  for (let index = 1; index <= 20; index++) {
    await log.persistEntries([{ index, term: 1, kind: 'command', data: Buffer.alloc(3000, index) }]);
    acknowledged = index;
  }
} catch (error) {
  console.log(error.code);
}
const read = await log.getEntries(1, acknowledged);
await engine.close();
console.log(acknowledged, read.length);
