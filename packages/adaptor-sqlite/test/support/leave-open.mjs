// Uses an engine and doesn't close it: the process has to end all the same.
import { SqliteStorageEngine } from '@raftlog/adaptor-sqlite';

const { logStore } = await SqliteStorageEngine.open({ directory: process.argv[2] });
await logStore.persistEntries([{ index: 1, term: 1, kind: 'command', data: Buffer.from('x') }]);
console.log(logStore.durableIndex);
