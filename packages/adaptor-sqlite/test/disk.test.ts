import { describeFailingDisk, describeSyncs } from '@raftlog/disk-lab';
import { sqliteBuilder } from './support/sqlite-builder.ts';

// SQLite keeps the index of its WAL in shared memory, whose file nobody needs after a crash: it is made anew.
describeSyncs('the SQLite adaptor', () => sqliteBuilder());
describeFailingDisk('the SQLite adaptor', () => sqliteBuilder());
