// Writes some commits, each awaited, and kills its own process.
import { SqliteStorageEngine } from '@raftlog/adaptor-sqlite';

const { directory, commits, batch, options } = JSON.parse(process.argv[2]);
const { logStore } = await SqliteStorageEngine.open({ directory, ...options });
for (let commit = 0; commit < commits; commit++) {
  const first = logStore.lastIndex + 1;
  const entries = Array.from({ length: batch }, (_, position) => {
    const index = first + position;
    return { index, term: 1, kind: 'command', data: Buffer.alloc(256, `entry ${index} `) };
  });
  await logStore.persistEntries(entries);
}
process.kill(process.pid, 'SIGKILL');
