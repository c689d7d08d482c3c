import { dirname, join } from 'node:path';
import { type FileHandle, type FileIo, isStorageError, type SnapshotInfo } from '@raftlog/core';
import type { BackgroundFailure } from '../directory/witness.ts';
import { errorCodeOf, toStorageError } from '../io/io-errors.ts';
import { BaseSnapshotStore, type SnapshotDescription } from './base-snapshot-store.ts';
import { describeSnapshot, readSnapshot } from './snapshot-reader.ts';
import { SnapshotWriter } from './snapshot-writer.ts';

const SUFFIX = '.snap';
const TEMPORARY_SUFFIX = '.tmp';

/** Index, term and number of the save, so that names sort from the oldest to the newest. */
const ID_PATTERN = /^\d{16}-\d{16}-(\d{16})$/;

/**
 * Snapshots as files of one directory. A save writes and syncs a temporary file, renames it and syncs the directory:
 * a snapshot is there whole or not at all. A file whose description can't be read is left out of `list`, reported, and
 * left alone; reading it by its id gives `CORRUPTION`.
 */
export class SnapshotFiles extends BaseSnapshotStore {
  readonly #directory: string;
  readonly #io: FileIo;
  readonly #onFailure: BackgroundFailure;
  readonly #readers = new Set<FileHandle>();
  #sequence: number;
  #directoryMissing: boolean;

  private constructor(
    directory: string,
    io: FileIo,
    onFailure: BackgroundFailure,
    names: readonly string[] | undefined,
  ) {
    super();
    this.#directory = directory;
    this.#io = io;
    this.#onFailure = onFailure;
    this.#directoryMissing = names === undefined;
    this.#sequence = idsOf(names ?? []).reduce((highest, id) => Math.max(highest, sequenceOf(id)), 0);
  }

  /** Removes what saves that were cut short have left. A missing directory, lost by a copy that skips empty ones, is made again by the next save. */
  static async open(
    directory: string,
    io: FileIo,
    options: { readonly onFailure: BackgroundFailure },
  ): Promise<SnapshotFiles> {
    try {
      const names = (await io.kind(directory)) === undefined ? undefined : await io.list(directory);
      for (const name of names ?? []) {
        if (name.endsWith(TEMPORARY_SUFFIX) && ID_PATTERN.test(name.slice(0, -TEMPORARY_SUFFIX.length))) {
          await io.remove(join(directory, name));
        }
      }
      // A name that a killed process renamed but did not sync is there for us, and perhaps not after a power cut: the
      // node may purge its log for the sake of what `latest` shows.
      if (names !== undefined && idsOf(names).length > 0) await io.syncDirectory(directory);
      return new SnapshotFiles(directory, io, options.onFailure, names);
    } catch (error) {
      throw toStorageError(error, 'open the snapshots', directory);
    }
  }

  protected override async write(
    description: SnapshotDescription,
    content: AsyncIterable<Uint8Array>,
    signal: AbortSignal,
  ): Promise<SnapshotInfo> {
    const { lastIncluded, context } = description;
    const sequence = ++this.#sequence;
    const id = [lastIncluded.index, lastIncluded.term, sequence]
      .map((part) => String(part).padStart(16, '0'))
      .join('-');
    const temporary = join(this.#directory, id + TEMPORARY_SUFFIX);
    await this.#makeDirectoryIfMissing();
    try {
      const size = await this.#writeFile(temporary, { ...description, sequence }, content);
      signal.throwIfAborted();
      await this.#attempt('save a snapshot', temporary, () => this.#io.rename(temporary, this.#pathOf(id)));
      await this.#syncNewName(id);
      return { id, lastIncluded, context, size };
    } catch (error) {
      await this.#discard(temporary);
      throw error;
    }
  }

  protected override async newest(most: number): Promise<SnapshotInfo[]> {
    const found: SnapshotInfo[] = [];
    for (const id of await this.#ids()) {
      if (found.length >= most) break;
      const info = await this.#describe(id);
      if (info !== undefined) found.push(info);
    }
    return found;
  }

  protected override async read(id: string, signal: AbortSignal): Promise<AsyncIterable<Uint8Array> | undefined> {
    const file = await this.#openFile(id);
    if (file === undefined) return undefined;
    this.#readers.add(file);
    const close = (): Promise<void> => this.#closeReader(file);
    signal.addEventListener('abort', close);
    const path = this.#pathOf(id);
    return (async function* chunks(): AsyncGenerator<Uint8Array, void, undefined> {
      try {
        yield* readSnapshot(file, path);
      } finally {
        signal.removeEventListener('abort', close);
        await close();
      }
    })();
  }

  protected override async erase(id: string): Promise<boolean> {
    if (!ID_PATTERN.test(id) || !(await this.#unlink(id))) return false;
    await this.#attempt('remove a snapshot', this.#pathOf(id), () => this.#io.syncDirectory(this.#directory));
    return true;
  }

  protected override async eraseOlder(oldest: SnapshotInfo): Promise<void> {
    const ids = (await this.#ids()).filter((id) => id < oldest.id);
    for (const id of ids) await this.#unlink(id);
    if (ids.length === 0) return;
    await this.#attempt('remove snapshots', this.#directory, () => this.#io.syncDirectory(this.#directory));
  }

  protected override async free(): Promise<void> {
    await Promise.allSettled([...this.#readers].map((file) => this.#closeReader(file)));
  }

  async #closeReader(file: FileHandle): Promise<void> {
    this.#readers.delete(file);
    await file.close().catch((error: unknown) => this.#onFailure('close a snapshot', error));
  }

  async #describe(id: string): Promise<SnapshotInfo | undefined> {
    // Undefined if it was removed since the directory was read.
    const file = await this.#openFile(id);
    if (file === undefined) return undefined;
    const path = this.#pathOf(id);
    try {
      const { lastIncluded, context, size } = await describeSnapshot(file, path);
      return { id, lastIncluded, context, size };
    } catch (error) {
      if (!isStorageError(error, 'CORRUPTION') && !isStorageError(error, 'UNSUPPORTED_FORMAT')) {
        throw toStorageError(error, 'read a snapshot', path);
      }
      this.#onFailure('read the description of a snapshot', error);
      return undefined;
    } finally {
      await file.close();
    }
  }

  async #openFile(id: string): Promise<FileHandle | undefined> {
    if (!ID_PATTERN.test(id)) return undefined;
    const path = this.#pathOf(id);
    try {
      return await this.#io.open(path, 'read');
    } catch (error) {
      if (errorCodeOf(error) === 'ENOENT') return undefined;
      throw toStorageError(error, 'open a snapshot', path);
    }
  }

  /** Newest first. */
  async #ids(): Promise<string[]> {
    if (this.#directoryMissing) return [];
    const names = await this.#attempt('list the snapshots', this.#directory, () => this.#io.list(this.#directory));
    return idsOf(names).sort().reverse();
  }

  async #writeFile(
    path: string,
    description: SnapshotDescription & { readonly sequence: number },
    content: AsyncIterable<Uint8Array>,
  ): Promise<number> {
    // Only the file's errors are the store's: those of the content belong to the caller and pass as they are.
    const attempt = <T>(work: () => Promise<T>): Promise<T> => this.#attempt('save a snapshot', path, work);
    const file = await attempt(() => this.#io.open(path, 'create-new'));
    try {
      const writer = new SnapshotWriter(file, description);
      for await (const bytes of content) await attempt(() => writer.add(bytes));
      return await attempt(() => writer.end());
    } finally {
      await attempt(() => file.close());
    }
  }

  async #syncNewName(id: string): Promise<void> {
    const path = this.#pathOf(id);
    try {
      await this.#attempt('save a snapshot', path, () => this.#io.syncDirectory(this.#directory));
    } catch (error) {
      // Visible, yet perhaps gone after a power cut, when the log behind it may have been purged already.
      await this.#discard(path);
      throw error;
    }
  }

  async #discard(path: string): Promise<void> {
    try {
      await this.#io.remove(path);
    } catch (error) {
      if (errorCodeOf(error) === 'ENOENT') return;
      this.#onFailure('remove an unfinished snapshot', toStorageError(error, 'remove an unfinished snapshot', path));
    }
  }

  /** False if it was not there. */
  async #unlink(id: string): Promise<boolean> {
    const path = this.#pathOf(id);
    try {
      await this.#io.remove(path);
      return true;
    } catch (error) {
      if (errorCodeOf(error) === 'ENOENT') return false;
      throw toStorageError(error, 'remove a snapshot', path);
    }
  }

  async #makeDirectoryIfMissing(): Promise<void> {
    if (!this.#directoryMissing) return;
    await this.#attempt('make the directory of the snapshots', this.#directory, async () => {
      await this.#io.makeDirectory(this.#directory);
      await this.#io.syncDirectory(dirname(this.#directory));
    });
    this.#directoryMissing = false;
  }

  async #attempt<T>(operation: string, path: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw toStorageError(error, operation, path);
    }
  }

  #pathOf(id: string): string {
    return join(this.#directory, id + SUFFIX);
  }
}

function idsOf(names: readonly string[]): string[] {
  return names
    .filter((name) => name.endsWith(SUFFIX))
    .map((name) => name.slice(0, -SUFFIX.length))
    .filter((id) => ID_PATTERN.test(id));
}

function sequenceOf(id: string): number {
  return Number(ID_PATTERN.exec(id)?.[1]);
}
