// SQLite as an application without an adaptor would use it: a row per entry, a transaction per call, synced.
import { join } from 'node:path';
import Database from 'better-sqlite3';

const KINDS = ['noop', 'command', 'config'];

/** @type {(directory: string) => import('@raftlog/core/benchmark').LogByHand} */
export function openByHand(directory) {
  const database = new Database(join(directory, 'log.db'));
  database.pragma('journal_mode = WAL');
  database.pragma('synchronous = FULL');
  database.exec(
    'CREATE TABLE IF NOT EXISTS entries ("index" INTEGER PRIMARY KEY, term INTEGER NOT NULL, kind INTEGER NOT NULL, data BLOB NOT NULL)',
  );
  const insert = database.prepare('INSERT INTO entries ("index", term, kind, data) VALUES (?, ?, ?, ?)');
  const select = database.prepare(
    'SELECT "index", term, kind, data FROM entries WHERE "index" BETWEEN ? AND ? ORDER BY "index"',
  );
  const insertAll = database.transaction((entries) => {
    for (const { index, term, kind, data } of entries) insert.run(index, term, KINDS.indexOf(kind), data);
  });
  return {
    persist: (entries) => insertAll(entries),
    range: (first, last) => {
      const rows = select.all(first, last);
      for (const row of rows) row.kind = KINDS[row.kind];
      return rows;
    },
    close: () => {
      database.close();
    },
  };
}
