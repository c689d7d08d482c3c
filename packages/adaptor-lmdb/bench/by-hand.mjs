// LMDB as an application without an adaptor would use it: one key per entry, one transaction per call, durable when it resolves.
import { open } from 'lmdb';

const KINDS = ['noop', 'command', 'config'];

/** @type {(directory: string) => import('@raftlog/core/benchmark').LogByHand} */
export function openByHand(path) {
  // The promises of LMDB's default mode resolve when a commit is visible, and also when its last write has failed.
  const database = open({ path, encoding: 'binary', overlappingSync: false });
  return {
    persist: (entries) =>
      database.transaction(() => {
        for (const entry of entries) void database.put(entry.index, encode(entry));
      }),
    range: (first, last) => {
      const found = [];
      for (const { key, value } of database.getRange({ start: first, end: last + 1 })) found.push(decode(key, value));
      return found;
    },
    close: () => database.close(),
  };
}

function encode({ term, kind, data }) {
  const value = Buffer.alloc(9 + data.byteLength);
  value.writeBigUInt64BE(BigInt(term));
  value[8] = KINDS.indexOf(kind);
  value.set(data, 9);
  return value;
}

function decode(index, value) {
  return { index, term: Number(value.readBigUInt64BE()), kind: KINDS[value[8]], data: value.subarray(9) };
}
