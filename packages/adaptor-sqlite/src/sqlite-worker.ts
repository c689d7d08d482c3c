/** The thread that the database works in, since its calls block. */
import { serveBlockStore } from '@raftlog/kit/thread';
import type { SqliteSettings } from './open-database.ts';
import { SqliteBlocks } from './sqlite-blocks.ts';

serveBlockStore((settings: SqliteSettings, context) => new SqliteBlocks(settings, context), { givesBlocksAway: true });
