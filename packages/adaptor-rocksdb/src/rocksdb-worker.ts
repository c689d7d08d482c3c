// The thread that RocksDB runs in.
import { serveBlockStore } from '@raftlog/kit/thread';
import { RocksdbBlocks } from './rocksdb-blocks.ts';
import type { RocksdbSettings } from './rocksdb-database.ts';

serveBlockStore<RocksdbSettings>((settings, context) => new RocksdbBlocks(settings, context), {
  givesBlocksAway: true,
});
