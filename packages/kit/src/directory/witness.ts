import { dirname, join } from 'node:path';
import type { FileHandle, FileIo, LogId } from '@raftlog/core';
import { SEALED_BLOCK_BYTES, sealBlock, unsealBlock } from '../format/sealed-block.ts';
import { errorCodeOf, toStorageError } from '../io/io-errors.ts';

/** A commit that was durable. */
export interface WitnessRecord {
  readonly sequence: number;
  /** The end of the log after that commit. */
  readonly lastLogId: LogId | undefined;
}

/** Reports a failure that costs no data. */
export type BackgroundFailure = (operation: string, error: unknown) => void;

/** Name of the file below the engine's directory. */
export const WITNESS_FILE = 'witness';

const MAGIC = 'RLWITNES';
const FORMAT_VERSION = 1;
const SLOTS = 2;
const INTERVAL_MS = 1000;

/** What was read when the file was opened. */
interface Found {
  readonly file: FileHandle | undefined;
  readonly recorded: WitnessRecord | undefined;
  readonly damaged: boolean;
  readonly nextSlot: number;
}

/**
 * Remembers, apart from the log, the newest commit that is known to be durable: a log that comes back shorter was
 * damaged, not torn. Some stores drop a damaged tail in silence; this tells. It is written in the background at most
 * once a second, two slots in turn, so that a torn write leaves the other one.
 */
export class Witness {
  /** What the file said when it was opened; `undefined`: nothing, or nothing that can be read. */
  readonly recorded: WitnessRecord | undefined;
  /** True: a slot can't be read or the file is missing. After a power cut that is a torn write; it is mended with the next one. */
  readonly damaged: boolean;
  readonly #path: string;
  readonly #io: FileIo;
  readonly #onFailure: BackgroundFailure;
  #file: FileHandle | undefined;
  #nextSlot: number;
  #newest: WitnessRecord | undefined;
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> = Promise.resolve();
  #stopped = false;

  private constructor(path: string, io: FileIo, found: Found, onFailure: BackgroundFailure) {
    this.#path = path;
    this.#io = io;
    this.#onFailure = onFailure;
    this.#file = found.file;
    this.#nextSlot = found.nextSlot;
    this.recorded = found.recorded;
    this.damaged = found.damaged;
  }

  /** Makes the file, which knows of no commit. Its name is durable when the directory is synced. */
  static async create(directory: string, io: FileIo, onFailure: BackgroundFailure): Promise<Witness> {
    const path = join(directory, WITNESS_FILE);
    let file: FileHandle | undefined;
    try {
      file = await io.open(path, 'create-new', { syncWrites: true });
      await file.write(
        Array.from({ length: SLOTS }, () => encode({ sequence: 0, lastLogId: undefined })),
        0,
      );
      return new Witness(path, io, { file, recorded: undefined, damaged: false, nextSlot: 0 }, onFailure);
    } catch (error) {
      await file?.close();
      throw toStorageError(error, 'create the witness', path);
    }
  }

  /** Reads the file and changes nothing. Damage is not fatal: it is told by `damaged`. */
  static async open(directory: string, io: FileIo, onFailure: BackgroundFailure): Promise<Witness> {
    const path = join(directory, WITNESS_FILE);
    let file: FileHandle | undefined;
    try {
      file = await io.open(path, 'write', { syncWrites: true });
      return new Witness(path, io, await readSlots(file), onFailure);
    } catch (error) {
      await file?.close();
      if (errorCodeOf(error) !== 'ENOENT') throw toStorageError(error, 'open the witness', path);
      return new Witness(path, io, { file: undefined, recorded: undefined, damaged: true, nextSlot: 0 }, onFailure);
    }
  }

  /** Remembers a commit that is durable; written within a second. Never waits and never throws. */
  note(sequence: number, lastLogId: LogId | undefined): void {
    if (this.#stopped) return;
    this.#newest = { sequence, lastLogId };
    if (this.#timer !== undefined) return;
    // Always after the interval, not at once when idle: a lone append would otherwise wait for the sync of its witness.
    this.#timer = setTimeout(() => this.#writeNewest(), INTERVAL_MS);
    this.#timer.unref();
  }

  /** Waits for a write under way, writes the last note if `write`, and frees the file. */
  async close(write: boolean): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (write) this.#writeNewest();
    else this.#newest = undefined;
    this.#stopped = true;
    await this.#writing;
    await this.#file?.close().catch((error: unknown) => this.#onFailure('close the witness', error));
    this.#file = undefined;
  }

  #writeNewest(): void {
    this.#timer = undefined;
    this.#writing = this.#writing.then(async () => {
      const record = this.#newest;
      if (record === undefined) return;
      this.#newest = undefined;
      try {
        await this.#write(record);
      } catch (error) {
        // Not tried again: what a failed sync left in the page cache is not on the disk, and reads as if it were.
        this.#stopped = true;
        this.#newest = undefined;
        clearTimeout(this.#timer);
        this.#onFailure('write the witness', toStorageError(error, 'write the witness', this.#path));
      }
    });
  }

  async #write(record: WitnessRecord): Promise<void> {
    const bytes = encode(record);
    if (this.#file === undefined) {
      this.#file = await this.#io.open(this.#path, 'create', { syncWrites: true });
      await this.#file.write([bytes, bytes], 0);
      await this.#io.syncDirectory(dirname(this.#path));
      return;
    }
    await this.#file.write([bytes], this.#nextSlot * SEALED_BLOCK_BYTES);
    this.#nextSlot = (this.#nextSlot + 1) % SLOTS;
  }
}

async function readSlots(file: FileHandle): Promise<Found> {
  let newest: WitnessRecord | undefined;
  let newestSlot = SLOTS - 1;
  let damaged = false;
  for (let slot = 0; slot < SLOTS; slot++) {
    const record = await readSlot(file, slot);
    if (record === undefined) damaged = true;
    else if (newest === undefined || record.sequence > newest.sequence) [newest, newestSlot] = [record, slot];
  }
  const recorded = newest === undefined || newest.sequence === 0 ? undefined : newest;
  return { file, recorded, damaged, nextSlot: (newestSlot + 1) % SLOTS };
}

async function readSlot(file: FileHandle, slot: number): Promise<WitnessRecord | undefined> {
  const bytes = new Uint8Array(SEALED_BLOCK_BYTES);
  try {
    await file.read(bytes, slot * SEALED_BLOCK_BYTES);
  } catch (error) {
    if (errorCodeOf(error) === 'EIO') return undefined;
    throw error;
  }
  const block = unsealBlock(MAGIC, bytes);
  return block === undefined || block.version !== FORMAT_VERSION ? undefined : decode(block.fields);
}

// Fields: sequence (8), index (8), term (8) of the end of the log, index 0 for none. Little-endian.
function encode({ sequence, lastLogId }: WitnessRecord): Uint8Array {
  return sealBlock(MAGIC, FORMAT_VERSION, (fields) => {
    fields.setBigUint64(0, BigInt(sequence), true);
    fields.setBigUint64(8, BigInt(lastLogId?.index ?? 0), true);
    fields.setBigUint64(16, BigInt(lastLogId?.term ?? 0), true);
  });
}

function decode(fields: DataView): WitnessRecord {
  const sequence = Number(fields.getBigUint64(0, true));
  const index = Number(fields.getBigUint64(8, true));
  const term = Number(fields.getBigUint64(16, true));
  return { sequence, lastLogId: index === 0 ? undefined : { index, term } };
}
