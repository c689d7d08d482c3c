import { openByHand } from './bench/by-hand.mjs';
import { rmSync, mkdirSync } from 'node:fs';
const dir = process.argv[2]; const per = +(process.argv[3] ?? 1000), calls = +(process.argv[4] ?? 400);
rmSync(dir, { recursive: true, force: true }); mkdirSync(dir);
const e = openByHand(dir); const data = Buffer.alloc(256, 3);
const batches = []; let i = 1; for (let c = 0; c < calls + 50; c++) { const es = []; for (let k = 0; k < per; k++, i++) es.push({ index: i, term: 1, kind: 'command', data }); batches.push(es); }
for (let c = 0; c < 50; c++) await e.persist(batches[c]);
const u0 = process.cpuUsage(), t0 = performance.now(); const lat = [];
for (let c = 50; c < calls + 50; c++) { const t = performance.now(); await e.persist(batches[c]); lat.push(performance.now() - t); }
const u = process.cpuUsage(u0), t = performance.now() - t0; lat.sort((a, b) => a - b);
console.log('HAND', per, 'per call: wall', (t / calls * 1000).toFixed(0), 'us, p10', (lat[Math.floor(calls / 10)] * 1000).toFixed(0), 'p50', (lat[calls >> 1] * 1000).toFixed(0), 'cpu user', (u.user / calls).toFixed(0), 'sys', (u.system / calls).toFixed(0));
await e.close(); rmSync(dir, { recursive: true, force: true });
