// RocksDB used by hand in the obvious way: one key per entry, one synced batch per call.
import { RocksLevel } from '@nxtedition/rocksdb';

const KINDS = ['noop', 'command', 'config'];

/** @returns {Promise<import('@raftlog/core/benchmark').LogByHand>} */
export async function openByHand(directory) {
  const db = new RocksLevel(directory, { keyEncoding: 'buffer', valueEncoding: 'buffer' });
  await db.open();
  return {
    persist: (entries) =>
      db.batch(
        entries.map((entry) => ({ type: 'put', key: keyOf(entry.index), value: encode(entry) })),
        { sync: true },
      ),
    range: async (first, last) => {
      const found = await db.iterator({ gte: keyOf(first), lte: keyOf(last) }).all();
      return found.map(([key, value]) => decode(key, value));
    },
    close: () => db.close(),
  };
}

function keyOf(index) {
  const key = Buffer.alloc(8);
  key.writeBigUInt64BE(BigInt(index));
  return key;
}

function encode({ term, kind, data }) {
  const value = Buffer.alloc(9 + data.byteLength);
  value.writeBigUInt64BE(BigInt(term));
  value[8] = KINDS.indexOf(kind);
  value.set(data, 9);
  return value;
}

function decode(key, value) {
  return {
    index: Number(key.readBigUInt64BE()),
    term: Number(value.readBigUInt64BE()),
    kind: KINDS[value[8]],
    data: value.subarray(9),
  };
}
