// Opens stores that are damaged and reads them, one after the other: LevelDB may end this process.
import { LevelStorageEngine } from '@raftlog/adaptor-level';

process.on('message', async ({ directory, last, terms }) => {
  process.send?.(await verdict(directory, last, terms));
});

/** `same`, `lost` or `returned` (an entry of another term), or how it was refused. */
async function verdict(directory, last, terms) {
  let engine;
  try {
    // Without a cache, so that all is read from the tables.
    engine = await LevelStorageEngine.open({ directory, cacheBytes: 0 });
  } catch (error) {
    return `refused ${error.code}`;
  }
  try {
    const log = engine.logStore;
    const alone = [];
    for (let index = 1; index <= last; index++) alone.push(await log.entry(index));
    for (const entries of [await log.getEntries(1, last), alone]) {
      if (entries.length !== last || entries.includes(undefined)) return 'lost';
      if (entries.some((entry, i) => entry.term !== terms[i])) return 'returned';
    }
    return 'same';
  } catch (error) {
    return `unreadable ${error.code}`;
  } finally {
    await engine.close();
  }
}
