// Opens an engine with this `mapSize`: `node open-with-little-memory.mjs DIRECTORY BYTES`.
import { LmdbStorageEngine } from '@raftlog/adaptor-lmdb';

try {
  const engine = await LmdbStorageEngine.open({ directory: process.argv[2], mapSize: Number(process.argv[3]) });
  await engine.close();
  console.log('opened');
} catch (error) {
  console.log(error.code, error.message);
}
