import type Database from 'better-sqlite3';

/** What a checkpoint came to: `busy` is 1 if somebody was in the way, `log` the number of frames in the WAL. */
export interface CheckpointResult {
  readonly busy: number;
  readonly log: number;
}

/** `NOOP` only counts the frames. Before SQLite 3.51 it is taken for `PASSIVE`: right as well, but slow. */
export function checkpoint(database: Database.Database, mode: 'NOOP' | 'PASSIVE' | 'TRUNCATE'): CheckpointResult {
  const [row] = database.pragma(`wal_checkpoint(${mode})`) as CheckpointResult[];
  return row ?? { busy: 0, log: 0 };
}

export function numberOf(database: Database.Database, pragma: string): number {
  return Number(database.pragma(pragma, { simple: true }));
}
