import { accessSync } from 'node:fs';
import { FileStorageEngine } from '@raftlog/adaptor-file';

/** Shows up in the trace. */
function mark() {
  try {
    accessSync('/raftlog-mark');
  } catch {
    // There is no such file: only the call counts.
  }
}

const engine = await FileStorageEngine.open({ directory: process.argv[2] ?? '' });
const entry = (index) => ({ index, term: 1, kind: 'command', data: Buffer.alloc(100) });
mark();
await engine.logStore.persistEntries([entry(1)]);
mark();
await engine.logStore.persistEntries([entry(2)]);
mark();
await engine.close();
