// A store in a thread, as an adaptor has it: blocks in a Map; some keys make it misbehave.
import { workerData } from 'node:worker_threads';
import { StorageError } from '@raftlog/core';
import { serveBlockStore } from '@raftlog/kit/thread';

const makeStore = (settings, context) => {
  const blocks = new Map();
  let header;
  context.failure.addEventListener('abort', () => context.backgroundFailure('told of the failure', new Error('stop')));
  return {
    async open() {
      if (settings.refuse) {
        const cause = Object.assign(new Error('bad page'), { code: 'SQLITE_CORRUPT' });
        throw new StorageError('CORRUPTION', 'damaged', { path: context.directory }, { cause });
      }
      return { header: undefined, lastIndex: undefined, discardedBytes: settings.discardedBytes };
    },
    async commit(commit) {
      const key = commit.put[0]?.key;
      if (key === settings.exitAt) process.exit(3);
      if (key === settings.throwAt) throw Object.assign(new Error('disk full'), { code: 'ENOSPC' });
      for (const known of blocks.keys()) {
        if (known >= commit.removeFrom || known <= commit.removeThrough) blocks.delete(known);
      }
      for (const { key, bytes } of commit.put) blocks.set(key, bytes.slice());
      header = commit.header.slice();
    },
    async readBlocks(first, last) {
      if (first === settings.headerAt) return [{ key: first, bytes: header }];
      return [...blocks]
        .filter(([key]) => key >= first && key <= last)
        .sort(([a], [b]) => a - b)
        .map(([key, bytes]) => ({ key, bytes: settings.copies ? bytes.slice() : bytes }));
    },
    async close() {
      if (settings.closeFails) throw new Error('will not close');
    },
  };
};

serveBlockStore(makeStore, { givesBlocksAway: workerData.settings.copies === true });
