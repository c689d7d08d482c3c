// Opens an engine, cuts its file short, and reads: `node read-cut-file.mjs DIRECTORY`.
import { truncateSync } from 'node:fs';
import { join } from 'node:path';
import { open } from './open.mjs';

const directory = process.argv[2];
const engine = await open(directory, { cacheBytes: 0 });
truncateSync(join(directory, 'blocks', 'data.mdb'), 8192);
await engine.logStore.getEntries(1, 1).catch((error) => console.log(error.code));
console.log('survived');
