import { closeSync, fdatasync, fdatasyncSync, openSync, rmSync, statSync, write, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { LogStore } from '../log-store.ts';
import type { StorageEngine } from '../storage-engine.ts';
import { row, type SectionResult } from './row.ts';
import { grouped, perSecond, timed, type Workbench } from './workbench.ts';

const batchSize = 1_000;
/** Short turns, so that a disturbance of the machine meets both. */
const batchesPerTurn = 20;
const turnsPerRound = 5;
const quietMs = 20;
const fileBytes = 64 << 20;
/** Written and purged before anything is timed: an engine that uses its files again does so by then. */
const settlingBytes = 192 << 20;
const keptEntries = 20_000;

const writeAsync = promisify(write);
const fdatasyncAsync = promisify(fdatasync);

/**
 * The engine against the disk: batches of 1,000, one call at a time, against a bare `fs.write` and `fs.fdatasync` of the same data in
 * a file that is preallocated and prewritten, on the same file system, turn and turn about so that both meet the same noise.
 *
 * The engine is in the state that it is in for most of its life: purged as it goes, between the turns, so that it too can write where the
 * file system has allocated already. What a file that still grows costs shows in the rows of `persistEntries`.
 */
export async function measureDiskRatio(bench: Workbench): Promise<SectionResult> {
  const name = `batches of ${grouped(batchSize)} against bare write + fdatasync`;
  bench.announce(name);
  return bench.onFreshEngine(async (engine) => {
    const place = baselinePlace(bench, engine);
    if ('reason' in place) return { rows: [], leftOut: [{ name, reason: place.reason }] };
    // Always the same objects, as the other side always writes the same bytes: thousands made ahead would be the engine's to collect.
    const batch = bench.source.reusableBatch(batchSize);
    const file = new BaselineFile(place.path, batchSize * bench.sizes.payloadBytes);
    try {
      const disk: number[] = [];
      const ratios: number[] = [];
      const rates = await bench.rounds(async () => {
        const log = engine.logStore;
        const count = batchSize * batchesPerTurn * turnsPerRound;
        let engineMs = 0;
        let bareMs = 0;
        if (log.lastIndex === 0) {
          await settle(bench, log);
          for (const entry of batch) entry.index += log.lastIndex - batchSize;
        }
        for (let turn = 0; turn < turnsPerRound; turn++) {
          engineMs += await timed(async () => {
            for (let i = 0; i < batchesPerTurn; i++) {
              for (const entry of batch) entry.index += batchSize;
              await log.persistEntries(batch);
            }
          });
          // Has a row of its own, and what it sets going in the background is to disturb neither side.
          await purgeBehind(log);
          await setTimeout(quietMs);
          bareMs += await timed(() => file.writeBatches(batchesPerTurn));
        }
        disk.push(perSecond(count, bareMs));
        ratios.push(bareMs / engineMs);
        return perSecond(count, engineMs);
      });
      // The first round warmed up both.
      return {
        rows: [
          row(`bare write + fdatasync of ${grouped(batchSize)} at a time`, 'entries/s', disk.slice(1)),
          row('the engine, in turn with it', 'entries/s', rates),
          row(name, 'ratio', ratios.slice(1), bench.targets.diskRatio),
        ],
        leftOut: [],
      };
    } finally {
      file.remove();
    }
  });
}

async function settle(bench: Workbench, log: LogStore): Promise<void> {
  const entries = Math.min(settlingBytes / bench.sizes.payloadBytes, bench.sizes.logEntries);
  const rounds = Math.ceil(entries / (batchSize * batchesPerTurn));
  for (let round = 0; round < rounds; round++) {
    for (const batch of bench.source.batches(log.lastIndex + 1, batchSize, batchesPerTurn))
      await log.persistEntries(batch);
    await purgeBehind(log);
  }
}

async function purgeBehind(log: LogStore): Promise<void> {
  const index = log.lastIndex - keptEntries;
  // All entries of the source have term 1.
  if (index >= log.firstIndex) await log.purge({ index, term: 1 });
}

function baselinePlace(bench: Workbench, engine: StorageEngine): { path: string } | { reason: string } {
  const { directory } = bench.builder;
  const { durability } = engine.capabilities;
  if (durability !== 'sync') return { reason: `The engine was opened ${durability}.` };
  const refusal = bench.refusal(engine, batchSize);
  if (refusal !== undefined) return { reason: refusal };
  if (directory === undefined) return { reason: 'The builder names no directory.' };
  if (bench.sizes.payloadBytes === 0) return { reason: 'Entries without data leave nothing to write.' };
  const parent = dirname(directory);
  // Beside the engine's directory, which is not ours to put files in.
  if (statSync(parent).dev !== statSync(directory).dev) {
    return { reason: `${parent} is on another file system than ${directory}.` };
  }
  return { path: join(parent, `raftlog-disk-baseline-${process.pid}`) };
}

/** A file of one size, written over and over. */
class BaselineFile {
  readonly #path: string;
  readonly #fd: number;
  readonly #data: Uint8Array;
  #offset = 0;

  constructor(path: string, batchBytes: number) {
    this.#path = path;
    this.#data = new Uint8Array(batchBytes).fill(0xa5);
    this.#fd = openSync(path, 'wx');
    try {
      for (let offset = 0; offset < Math.max(fileBytes, batchBytes); offset += batchBytes) {
        writeWhole(this.#fd, this.#data, offset);
      }
      fdatasyncSync(this.#fd);
    } catch (error) {
      this.remove();
      throw error;
    }
  }

  async writeBatches(count: number): Promise<void> {
    for (let i = 0; i < count; i++) {
      if (this.#offset + this.#data.byteLength > fileBytes) this.#offset = 0;
      const { bytesWritten } = await writeAsync(this.#fd, this.#data, 0, this.#data.byteLength, this.#offset);
      if (bytesWritten !== this.#data.byteLength)
        throw new Error(`Only ${bytesWritten} of ${this.#data.byteLength} bytes were written.`);
      await fdatasyncAsync(this.#fd);
      this.#offset += this.#data.byteLength;
    }
  }

  remove(): void {
    closeSync(this.#fd);
    rmSync(this.#path, { force: true });
  }
}

function writeWhole(fd: number, data: Uint8Array, position: number): void {
  const written = writeSync(fd, data, 0, data.byteLength, position);
  if (written !== data.byteLength) throw new Error(`Only ${written} of ${data.byteLength} bytes were written.`);
}
