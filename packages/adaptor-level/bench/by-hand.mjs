// LevelDB as one would use it without Raftlog: a key for each entry, a synced batch for each call.
import { ClassicLevel } from 'classic-level';

const KINDS = ['noop', 'command', 'config'];

/** @type {import('@raftlog/core/benchmark').ComparisonOptions['openByHand']} */
export async function openByHand(directory) {
  const database = new ClassicLevel(directory, { keyEncoding: 'buffer', valueEncoding: 'buffer' });
  await database.open();
  return {
    persist(entries) {
      const puts = entries.map((entry) => ({ type: 'put', key: keyOf(entry.index), value: encode(entry) }));
      return database.batch(puts, { sync: true });
    },
    async range(first, last) {
      const found = await database.iterator({ gte: keyOf(first), lte: keyOf(last) }).all();
      return found.map(([key, value]) => decode(key, value));
    },
    close: () => database.close(),
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
