import { LmdbStorageEngine } from '@raftlog/adaptor-lmdb';
import { rmSync } from 'node:fs';
const dir = process.argv[2]; const per = +(process.argv[3] ?? 1000), calls = +(process.argv[4] ?? 400);
rmSync(dir, { recursive: true, force: true });
const e = await LmdbStorageEngine.open({ directory: dir }); const data = Buffer.alloc(256, 3); { const fs = await import('node:fs'); const fd = fs.openSync(dir + '/blocks/data.mdb', 'r+'); const z = Buffer.alloc(1 << 20); const from = fs.fstatSync(fd).size; for (let k = 0; k < 200; k++) fs.writeSync(fd, z, 0, z.length, from + k * z.length); fs.fsyncSync(fd); fs.closeSync(fd); }
const batches = []; let i = 1; for (let c = 0; c < calls + 50; c++) { const es = []; for (let k = 0; k < per; k++, i++) es.push({ index: i, term: 1, kind: 'command', data }); batches.push(es); }
for (let c = 0; c < 50; c++) await e.logStore.persistEntries(batches[c]);
const u0 = process.cpuUsage(), t0 = performance.now(); const lat = [];
for (let c = 50; c < calls + 50; c++) { const t = performance.now(); await e.logStore.persistEntries(batches[c]); lat.push(performance.now() - t); if (process.argv[5] && c % 100 === 0) await e.logStore.purge({ index: e.logStore.lastIndex - 1000, term: 1 }); }
const u = process.cpuUsage(u0), t = performance.now() - t0; lat.sort((a, b) => a - b);
console.log(dir, per, 'per call: wall', (t / calls * 1000).toFixed(0), 'us, p10', (lat[Math.floor(calls / 10)] * 1000).toFixed(0), 'p50', (lat[calls >> 1] * 1000).toFixed(0), 'cpu user', (u.user / calls).toFixed(0), 'sys', (u.system / calls).toFixed(0));
await e.close(); rmSync(dir, { recursive: true, force: true });
