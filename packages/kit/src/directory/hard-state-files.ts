import { join } from 'node:path';
import { type FileHandle, type FileIo, type HardState, StorageError } from '@raftlog/core';
import { SEALED_BLOCK_BYTES, type SealedBlock, sealBlock, unsealBlock } from '../format/sealed-block.ts';
import { errorCodeOf, toStorageError } from '../io/io-errors.ts';

/** A hard state and the number of its save: 1 for the first, one more for each further. */
export interface SavedHardState {
  readonly sequence: number;
  readonly state: HardState;
}

/** Where an engine keeps its hard state. Calls of `save` never overlap. */
export interface HardStateStorage {
  /** What was saved last; `undefined` before the first save. */
  readonly current: SavedHardState | undefined;
  /** Durable when it resolves. After a rejection `current` is what it was, and nothing more may be saved. */
  save(state: HardState): Promise<void>;
  close(): Promise<void>;
}

/** Names of the two copies below the engine's directory. */
export const HARD_STATE_FILES = ['hardstate.a', 'hardstate.b'] as const;

const MAGIC = 'RLHARDST';
const FORMAT_VERSION = 1;
const MAX_VOTE_BYTES = 1024;

/** One copy as it was read: `saved` is `null` in a record that holds no state yet. */
interface Copy {
  readonly sequence: number;
  readonly saved: SavedHardState | null;
  readonly bytes: Uint8Array;
}

/**
 * The hard state in two files of one block each. A save writes and syncs the first, then the second, and resolves
 * after both: an acknowledged vote survives the loss of either copy, which copies written in turn would not give.
 */
export class HardStateFiles implements HardStateStorage {
  /** Path of a copy that was found damaged; `settle` writes it anew. */
  readonly healed: string | undefined;
  readonly #directory: string;
  readonly #files: readonly FileHandle[];
  #sequence: number;
  #current: SavedHardState | undefined;
  #failed: unknown;
  /** What `settle` has to write, and into which copy first. */
  #unsettled: { readonly bytes: Uint8Array; readonly order: readonly number[] } | undefined;

  private constructor(directory: string, files: readonly FileHandle[], newest: Copy, healed: string | undefined) {
    this.#directory = directory;
    this.#files = files;
    this.#sequence = newest.sequence;
    this.#current = newest.saved ?? undefined;
    this.healed = healed;
  }

  /** Makes both files, without a state. Their names are durable when the directory is synced. */
  static async create(directory: string, io: FileIo): Promise<HardStateFiles> {
    const bytes = encode(0, undefined);
    const files: FileHandle[] = [];
    try {
      for (const path of pathsIn(directory)) {
        const file = await io.open(path, 'create-new', { syncWrites: true });
        files.push(file);
        await file.write([bytes], 0);
      }
      return new HardStateFiles(directory, files, { sequence: 0, saved: null, bytes }, undefined);
    } catch (error) {
      await closeAll(files);
      throw toStorageError(error, 'create the hard state', directory);
    }
  }

  /**
   * Reads the newest intact copy and writes nothing: an engine that is refused for another reason stays as it was. Call
   * `settle` before anything is served. Rejects with `CORRUPTION` where a file is missing or both are damaged, and with
   * `UNSUPPORTED_FORMAT`.
   */
  static async open(directory: string, io: FileIo): Promise<HardStateFiles> {
    const files: FileHandle[] = [];
    try {
      const copies: (Copy | undefined)[] = [];
      const paths = pathsIn(directory);
      for (const path of paths) {
        const file = await openCopy(path, io);
        files.push(file);
        copies.push(await readCopy(path, file));
      }
      const newest = newestOf(copies, directory);
      const damaged = copies.indexOf(undefined);
      const opened = new HardStateFiles(directory, files, newest, damaged < 0 ? undefined : paths[damaged]);
      opened.#unsettled = { bytes: newest.bytes, order: copies[0] === newest ? [0, 1] : [1, 0] };
      return opened;
    } catch (error) {
      await closeAll(files);
      throw toStorageError(error, 'open the hard state', directory);
    }
  }

  get current(): SavedHardState | undefined {
    return this.#current;
  }

  /** Makes what was read durable in both copies. */
  async settle(): Promise<void> {
    if (this.#unsettled === undefined) return;
    const { bytes, order } = this.#unsettled;
    try {
      // The newest copy may be in the page cache only, from a process that was killed or a sync that failed. It is
      // written again, with the same bytes so that a torn write does no harm, and only when it is durable is the other
      // copy touched: until then that is the one that is on the disk.
      for (const index of order) await this.#files[index]?.write([bytes], 0);
    } catch (error) {
      throw toStorageError(error, 'open the hard state', this.#directory);
    }
    this.#unsettled = undefined;
  }

  async save(state: HardState): Promise<void> {
    if (this.#failed !== undefined) throw toStorageError(this.#failed, 'save the hard state', this.#directory);
    const saved = { sequence: this.#sequence + 1, state: { currentTerm: state.currentTerm, votedFor: state.votedFor } };
    const bytes = encode(saved.sequence, saved.state);
    try {
      // One after the other: were both torn by one power cut, no vote would be left. Between the two writes the first
      // copy is the newest; a power cut there leaves a state that nobody acknowledged, which is as good as the old one.
      for (const file of this.#files) await file.write([bytes], 0);
    } catch (error) {
      this.#failed = error;
      throw toStorageError(error, 'save the hard state', this.#directory);
    }
    this.#sequence = saved.sequence;
    this.#current = saved;
  }

  /** Writes nothing. */
  async close(): Promise<void> {
    await closeAll(this.#files);
  }
}

function pathsIn(directory: string): [string, string] {
  return [join(directory, HARD_STATE_FILES[0]), join(directory, HARD_STATE_FILES[1])];
}

async function openCopy(path: string, io: FileIo): Promise<FileHandle> {
  try {
    return await io.open(path, 'write', { syncWrites: true });
  } catch (error) {
    if (errorCodeOf(error) !== 'ENOENT') throw error;
    throw new StorageError(
      'CORRUPTION',
      `a copy of the hard state is missing: ${path}. The node may have voted: restore the file, or remove the node from the cluster and start it anew in an empty directory.`,
      { path },
      { cause: error },
    );
  }
}

async function readCopy(path: string, file: FileHandle): Promise<Copy | undefined> {
  const bytes = new Uint8Array(SEALED_BLOCK_BYTES);
  try {
    if ((await file.read(bytes, 0)) < SEALED_BLOCK_BYTES) return undefined;
  } catch (error) {
    // A bad sector is damage like any other: the second copy is there for it.
    if (errorCodeOf(error) === 'EIO') return undefined;
    throw error;
  }
  const block = unsealBlock(MAGIC, bytes);
  if (block === undefined) return undefined;
  if (block.version !== FORMAT_VERSION) {
    throw new StorageError(
      'UNSUPPORTED_FORMAT',
      `${path} has format version ${block.version}, this release reads ${FORMAT_VERSION}. Open it with the release that wrote it, or a newer one.`,
      { path, found: block.version, supported: [FORMAT_VERSION] },
    );
  }
  return decode(block, bytes);
}

function newestOf(copies: readonly (Copy | undefined)[], directory: string): Copy {
  const [a, b] = copies;
  // Two states under one number can't come from this code: one of them is a file of another store.
  const disagree = a !== undefined && b !== undefined && a.sequence === b.sequence && !sameBytes(a.bytes, b.bytes);
  const newest = a === undefined || (b !== undefined && b.sequence > a.sequence) ? b : a;
  if (newest !== undefined && !disagree) return newest;
  const [path] = pathsIn(directory);
  const found = disagree
    ? 'the two copies of the hard state contradict each other'
    : 'both copies of the hard state are damaged';
  throw new StorageError(
    'CORRUPTION',
    `${found}: ${path} and ${HARD_STATE_FILES[1]}. The node may have voted: restore one of them, or remove the node from the cluster and start it anew in an empty directory.`,
    { path },
  );
}

// Fields: sequence (8), term (8), flags (2: 1 state, 2 vote), length of the vote (2), vote. Little-endian.
function encode(sequence: number, state: HardState | undefined): Uint8Array {
  const vote = Buffer.from(state?.votedFor ?? '', 'utf8');
  if (vote.byteLength > MAX_VOTE_BYTES) throw new RangeError(`a vote of ${vote.byteLength} bytes does not fit`);
  return sealBlock(MAGIC, FORMAT_VERSION, (fields) => {
    fields.setBigUint64(0, BigInt(sequence), true);
    fields.setBigUint64(8, BigInt(state?.currentTerm ?? 0), true);
    fields.setUint16(16, (state === undefined ? 0 : 1) | (state?.votedFor === undefined ? 0 : 2), true);
    fields.setUint16(18, vote.byteLength, true);
    new Uint8Array(fields.buffer, fields.byteOffset + 20, vote.byteLength).set(vote);
  });
}

function decode({ fields }: SealedBlock, bytes: Uint8Array): Copy {
  const sequence = Number(fields.getBigUint64(0, true));
  const flags = fields.getUint16(16, true);
  const vote = Buffer.from(fields.buffer, fields.byteOffset + 20, Math.min(fields.getUint16(18, true), MAX_VOTE_BYTES));
  const votedFor = (flags & 2) === 0 ? undefined : vote.toString('utf8');
  const state = { currentTerm: Number(fields.getBigUint64(8, true)), votedFor };
  return { sequence, saved: (flags & 1) === 0 ? null : { sequence, state }, bytes };
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}

async function closeAll(files: readonly FileHandle[]): Promise<void> {
  await Promise.allSettled(files.map((file) => file.close()));
}
