import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { type FileHandle, type FileIo, type HardState, StorageError } from '@raftlog/core';
import { maxVoteBytes } from './arguments.ts';
import { readWholeFile } from './files.ts';

// record   checksum u32 of the rest, sequence f64, saved u8, term f64, length of the vote u16 (0: none), vote (1,024)
// Always as long as this, so that a save overwrites in place and never changes the size of the file.
const recordBytes = 23 + maxVoteBytes;

export const hardStateNames: readonly [string, string] = ['direct.hard-state-a', 'direct.hard-state-b'];

interface HardStateRecord {
  /** 0: the store is being made; the journal may not be there yet. */
  readonly sequence: number;
  readonly state: HardState | undefined;
}

/**
 * The hard state in two files that say the same. A save writes and syncs the first, then the second. Whatever a crash
 * does to the one that is being written, the other is whole; and once a save has resolved, either may be damaged without
 * bringing back an older vote.
 */
export class HardStatePair {
  readonly #paths: readonly [string, string];
  readonly #io: FileIo;
  readonly #found: readonly [HardStateRecord | undefined, HardStateRecord | undefined];
  #newest: HardStateRecord;
  #handles: readonly FileHandle[] = [];

  private constructor(
    io: FileIo,
    paths: readonly [string, string],
    found: readonly [HardStateRecord | undefined, HardStateRecord | undefined],
    newest: HardStateRecord,
  ) {
    this.#io = io;
    this.#paths = paths;
    this.#found = found;
    this.#newest = newest;
  }

  /** The last state that was saved. */
  get state(): HardState | undefined {
    return this.#newest.state;
  }

  /** Makes both files, over what an interrupted creation left. */
  static async create(io: FileIo, directory: string): Promise<void> {
    for (const name of hardStateNames) {
      const handle = await io.open(join(directory, name), 'create');
      try {
        await handle.truncate(recordBytes);
        await handle.write([encode({ sequence: 0, state: undefined })], 0);
        await handle.datasync();
      } finally {
        await handle.close();
      }
    }
  }

  /** True if a store was complete here once: then it is not made anew over what is left of it. */
  static async wasComplete(io: FileIo, directory: string): Promise<boolean> {
    for (const name of hardStateNames) {
      const path = join(directory, name);
      if ((await io.kind(path)) === undefined) continue;
      const record = decode(await readWholeFile(io, path));
      if (record && record.sequence > 0) return true;
    }
    return false;
  }

  /** Reads both files and changes nothing. Call {@link recover} before using them. */
  static async load(io: FileIo, directory: string): Promise<HardStatePair> {
    const read = async (path: string): Promise<HardStateRecord | undefined> => {
      if ((await io.kind(path)) === undefined) throw damaged(path, `${path} is missing.`);
      return decode(await readWholeFile(io, path));
    };
    const paths = [join(directory, hardStateNames[0]), join(directory, hardStateNames[1])] as const;
    const found = [await read(paths[0]), await read(paths[1])] as const;
    const [a, b] = found;
    const newest = a && b ? (b.sequence > a.sequence ? b : a) : (a ?? b);
    // Never "no vote": a node that forgets its vote can vote twice in one term.
    if (!newest) throw damaged(paths[0], 'Both copies of the hard state are damaged.');
    return new HardStatePair(io, paths, found, newest);
  }

  /**
   * Brings both copies to the newest state, and onto the disk: what was read may have been in the page cache only.
   *
   * A copy is rewritten only while the other one is known to be durable. The second copy is not touched before the first
   * is synced, so if the two differ, the second is durable at the older state and the first goes first; if they are
   * equal, the first is durable.
   */
  async recover(): Promise<void> {
    const handles: FileHandle[] = [];
    this.#handles = handles;
    for (const path of this.#paths) handles.push(await this.#io.open(path, 'write'));
    const [a, b] = this.#found;
    const firstIsDurable = a !== undefined && a.sequence === b?.sequence;
    await this.#write(this.#newest, firstIsDurable ? handles.slice(1) : handles);
    if (this.#newest.sequence === 0) await this.#write({ ...this.#newest, sequence: 1 }, handles);
  }

  async save(state: HardState): Promise<void> {
    await this.#write({ sequence: this.#newest.sequence + 1, state }, this.#handles);
  }

  async close(): Promise<void> {
    const handles = this.#handles;
    this.#handles = [];
    for (const handle of handles) await handle.close();
  }

  async #write(record: HardStateRecord, handles: readonly FileHandle[]): Promise<void> {
    for (const handle of handles) {
      await handle.write([encode(record)], 0);
      await handle.datasync();
    }
    this.#newest = record;
  }
}

function encode({ sequence, state }: HardStateRecord): Buffer {
  const record = Buffer.alloc(recordBytes);
  record.writeDoubleLE(sequence, 4);
  record.writeUInt8(state ? 1 : 0, 12);
  record.writeDoubleLE(state?.currentTerm ?? 0, 13);
  record.writeUInt16LE(record.write(state?.votedFor ?? '', 23), 21);
  record.writeUInt32LE(crc32(record.subarray(4)), 0);
  return record;
}

function decode(record: Buffer): HardStateRecord | undefined {
  if (record.byteLength !== recordBytes || crc32(record.subarray(4)) !== record.readUInt32LE(0)) return undefined;
  const sequence = record.readDoubleLE(4);
  if (record.readUInt8(12) === 0) return { sequence, state: undefined };
  const vote = record.toString('utf8', 23, 23 + record.readUInt16LE(21));
  return { sequence, state: { currentTerm: record.readDoubleLE(13), votedFor: vote === '' ? undefined : vote } };
}

function damaged(path: string, what: string): StorageError<'CORRUPTION'> {
  const message = `${what} Nothing was changed. Restore the directory, or remove the node and let it join anew.`;
  return new StorageError('CORRUPTION', message, { path });
}
