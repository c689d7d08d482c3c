// Commits with LMDB as it comes: `node commit-by-hand.mjs DIRECTORY OPTIONS`. Prints what came of the second commit, and of promises that nobody holds.
import { open } from 'lmdb';

const database = open({ path: process.argv[2], encoding: 'binary', ...JSON.parse(process.argv[3]) });
process.on('unhandledRejection', () => console.log('unhandled'));
await database.batch(() => void database.put(1, Buffer.alloc(100)));
try {
  await database.batch(() => void database.put(2, Buffer.alloc(100)));
  await database.flushed;
  console.log('success');
} catch (error) {
  // The reason is in another promise.
  await error.commitError.catch(({ message }) => console.log(`failure: ${message}`));
}
await new Promise((resolve) => setTimeout(resolve, 100));
// At the end of a process LMDB syncs, and waits for ever where that has failed.
process.kill(process.pid, 'SIGKILL');
