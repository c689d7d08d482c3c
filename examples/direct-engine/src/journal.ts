import { randomBytes } from 'node:crypto';
import { type Entry, encodedEntryBytes, type FileHandle, type FileIo, StorageError } from '@raftlog/core';
import { moveIntoPlace, readWholeFile, writeTemporary } from './files.ts';
import {
  decodeFrame,
  decodeHeader,
  encodeFrame,
  encodeHeader,
  findFrame,
  formatVersion,
  headerBytes,
  type JournalHeader,
} from './journal-format.ts';
import { type LogChange, LogState } from './log-state.ts';

// A rewritten journal holds the log in frames of about this size.
const rewriteFrameBytes = 1024 * 1024;

export interface JournalOptions {
  /** The journal is rewritten when it is larger than this and more than twice as large as what it still says. */
  readonly compactAboveBytes: number;
  /** A rewrite that failed before it touched the journal. Costs space, no data. */
  readonly onRewriteFailure: (error: unknown) => void;
}

/**
 * The log on disk: one file that holds one checksummed frame per change and grows at its end.
 *
 * Every frame is synced before the next one is written. Hence at most the last frame can be torn, and an intact frame
 * behind a bad one is proof of damage.
 */
export class Journal {
  readonly #io: FileIo;
  readonly #path: string;
  readonly #options: JournalOptions;
  /** What the file says: a change is in it when its frame is durable. */
  readonly state: LogState;
  #handle: FileHandle | undefined;
  #salt: Uint8Array = new Uint8Array();
  #size = 0;
  #sizeAtFailedRewrite = 0;

  private constructor(io: FileIo, path: string, options: JournalOptions, state: LogState) {
    this.#io = io;
    this.#path = path;
    this.#options = options;
    this.state = state;
  }

  /** A journal of an empty log. There is no file before {@link rewrite}. */
  static create(io: FileIo, path: string, options: JournalOptions): Journal {
    return new Journal(io, path, options, new LogState());
  }

  /** Reads the journal and changes nothing. Call {@link rewrite} before using it. */
  static async load(io: FileIo, path: string, options: JournalOptions): Promise<Journal> {
    return new Journal(io, path, options, replay(await readWholeFile(io, path), path));
  }

  /**
   * Puts a new file in place of the old one.
   *
   * At every open, for three reasons at once: a torn tail is gone for good, with no stale byte behind the new end; what
   * was purged gives its space back; and what a killed process or a failed sync left in the page cache alone is on the
   * disk before anybody is told of it. (Syncing the old file again would not do that: after a failed sync the kernel
   * takes its pages for written.)
   */
  async rewrite(): Promise<void> {
    await this.#install(await this.#writeAnew());
  }

  /** Durable when it resolves. */
  async append(change: LogChange): Promise<void> {
    const frame = encodeFrame(change, this.#salt, this.#size);
    const handle = this.#opened();
    await handle.write([frame], this.#size);
    await handle.datasync();
    this.#size += frame.byteLength;
    this.state.apply(change);
    await this.#giveBackSpace();
  }

  /**
   * Says that nothing follows. Of the last frame nobody can tell a tear from damage; with this one behind it, damage to
   * any other shows.
   */
  async end(): Promise<void> {
    const handle = this.#opened();
    await handle.write([encodeFrame({ type: 'end' }, this.#salt, this.#size)], this.#size);
    await handle.datasync();
  }

  async close(): Promise<void> {
    const handle = this.#handle;
    this.#handle = undefined;
    await handle?.close();
  }

  async #giveBackSpace(): Promise<void> {
    if (this.#size <= Math.max(this.#options.compactAboveBytes, 2 * this.state.bytes, 2 * this.#sizeAtFailedRewrite)) {
      return;
    }
    let file: { salt: Uint8Array; size: number };
    try {
      file = await this.#writeAnew();
    } catch (error) {
      this.#sizeAtFailedRewrite = this.#size;
      this.#options.onRewriteFailure(error);
      return;
    }
    // From here on it is open which of the two files a power cut would leave: a failure has to poison.
    await this.#install(file);
    this.#sizeAtFailedRewrite = 0;
  }

  async #writeAnew(): Promise<{ salt: Uint8Array; size: number }> {
    const salt = randomBytes(8);
    let size = headerBytes;
    await writeTemporary(this.#io, this.#path, async (handle) => {
      for (const change of changesThatMake(this.state)) {
        const frame = encodeFrame(change, salt, size);
        await handle.write([frame], size);
        size += frame.byteLength;
      }
      await handle.write([encodeHeader({ version: formatVersion, salt, wholeBytes: size })], 0);
    });
    return { salt, size };
  }

  async #install(file: { salt: Uint8Array; size: number }): Promise<void> {
    await this.close();
    await moveIntoPlace(this.#io, this.#path);
    this.#handle = await this.#io.open(this.#path, 'write');
    this.#salt = file.salt;
    this.#size = file.size;
  }

  #opened(): FileHandle {
    if (!this.#handle) throw new Error('The journal is not open.');
    return this.#handle;
  }
}

function replay(bytes: Buffer, path: string): LogState {
  const header = decodeHeader(bytes);
  if (!header) throw corruption(path, 0, 'The header of the journal is damaged.');
  if (header.version !== formatVersion) {
    const message = `The journal has format ${header.version}, this version reads ${formatVersion}. Use a newer version.`;
    throw new StorageError('UNSUPPORTED_FORMAT', message, { path, found: header.version, supported: [formatVersion] });
  }
  const state = new LogState();
  let offset = headerBytes;
  while (offset < bytes.byteLength) {
    const frame = decodeFrame(bytes, offset, header.salt);
    if (!frame) {
      refuseUnlessTorn(bytes, offset, header, state, path);
      return state;
    }
    if (frame.record.type !== 'end') {
      if (!follows(frame.record, state)) throw corruption(path, offset, 'A change does not fit the one before it.');
      state.apply(frame.record);
    }
    offset = frame.end;
  }
  if (offset < header.wholeBytes) throw corruption(path, offset, 'The end of the journal is missing.');
  return state;
}

/** A torn frame is the last one, and was written after the file had got its name. All else was synced once, and is damaged now. */
function refuseUnlessTorn(bytes: Buffer, offset: number, header: JournalHeader, state: LogState, path: string): void {
  const next = findFrame(bytes, offset + 1, header.salt);
  if (!next && offset >= header.wholeBytes) return;
  const first = state.lastIndex + 1;
  const lost = next?.type === 'replace' && next.from > first ? { first, last: next.from - 1 } : undefined;
  throw corruption(path, offset, 'A frame of the journal is damaged.', lost);
}

function follows(change: LogChange, state: LogState): boolean {
  if (change.type === 'replace') return change.from >= state.firstIndex && change.from <= state.lastIndex + 1;
  return change.type === 'reset' || change.through.index >= state.firstIndex;
}

function corruption(
  path: string,
  offset: number,
  what: string,
  lostRange?: { first: number; last: number },
): StorageError {
  const message = `${what} Nothing was changed. Restore the directory, or remove the node and let it join anew.`;
  return new StorageError('CORRUPTION', message, { path, offset, ...(lostRange && { lostRange }) });
}

/** The shortest history that leads to this log. */
function* changesThatMake(state: LogState): Generator<LogChange> {
  if (state.boundary) yield { type: 'reset', boundary: state.boundary };
  let entries: Entry[] = [];
  let bytes = 0;
  for (let index = state.firstIndex; index <= state.lastIndex; index++) {
    const entry = state.entry(index);
    if (!entry) return;
    entries.push(entry);
    bytes += encodedEntryBytes(entry);
    if (bytes < rewriteFrameBytes && index < state.lastIndex) continue;
    yield { type: 'replace', from: entries[0]?.index ?? index, entries };
    entries = [];
    bytes = 0;
  }
}
