import { join } from 'node:path';
import { type FileHandle, StorageError } from '@raftlog/core';
import type { Block, BlockStore, BlockStoreContext, Commit, OpenedBlocks } from '@raftlog/kit';
import { decodeRecord, encodeRecord, type JournalRecord, type RecordBody } from './journal-record.ts';

const SPARE = 'spare';
// Small, so that files are recycled within a case.
const REWRITE_BYTES = 8 * 1024;

/** The file that is written now. */
interface Journal {
  readonly file: FileHandle;
  readonly generation: number;
  end: number;
}

/**
 * A right block store, in steps that a mutant replaces one by one: blocks in a map, and a journal with a record for each commit. A
 * journal that has grown is followed by one that begins with the whole state; its file is kept as a spare and written over.
 */
export class JournalBlocks implements BlockStore {
  protected readonly context: BlockStoreContext;
  protected readonly blocks: Map<number, Uint8Array> = new Map();
  protected header: Uint8Array | undefined;
  #journal: Journal | undefined;
  #spare = false;
  #generations: readonly number[] = [];

  constructor(context: BlockStoreContext) {
    this.context = context;
  }

  async open(): Promise<OpenedBlocks> {
    const names = await this.context.fileIo.list(this.context.directory);
    this.#spare = names.includes(SPARE);
    this.#generations = names.flatMap((name) => /^journal\.(\d+)$/.exec(name)?.[1] ?? []).map(Number);
    const newest = Math.max(0, ...this.#generations);
    if (newest > 0) await this.#load(newest);
    else if (!this.context.create) throw damaged(this.context.directory);
    const lastIndex = this.blocks.size === 0 ? undefined : Math.max(...this.blocks.keys());
    return { header: this.header, lastIndex };
  }

  async settle(): Promise<void> {
    await this.secure();
    for (const older of this.#generations) {
      if (older !== this.journal.generation) await this.context.fileIo.remove(this.pathOf(older)).catch(ignoreMissing);
    }
  }

  async commit(commit: Commit): Promise<void> {
    await this.append(commit);
    if (!this.context.buffered) await this.syncCommit(commit);
    this.apply(commit);
    if (this.hasGrown()) await this.rewrite();
  }

  async readBlocks(first: number, last: number, maxBytes: number): Promise<Block[]> {
    const found: Block[] = [];
    let bytes = 0;
    for (const key of [...this.blocks.keys()].sort((a, b) => a - b)) {
      if (key < first) continue;
      const block = this.blocks.get(key) ?? new Uint8Array();
      found.push({ key, bytes: block });
      bytes += block.length;
      if (key >= last || bytes >= maxBytes) break;
    }
    return found;
  }

  sync(): Promise<void> {
    return this.journal.file.datasync();
  }

  async close(): Promise<void> {
    await this.#journal?.file.close();
  }

  /** What was recovered is written anew before it is served. */
  protected secure(): Promise<void> {
    return this.rewrite();
  }

  /** Writes a record behind the last one. */
  protected async append(body: RecordBody): Promise<void> {
    const record = encodeRecord(this.journal.generation, body);
    await this.journal.file.write([record], this.journal.end);
    this.journal.end += record.length;
  }

  protected syncCommit(_commit: Commit): Promise<void> {
    return this.journal.file.datasync();
  }

  protected syncNames(): Promise<void> {
    return this.context.fileIo.syncDirectory(this.context.directory);
  }

  protected apply({ removeFrom = Number.POSITIVE_INFINITY, removeThrough = 0, put, header }: RecordBody): void {
    for (const key of this.blocks.keys()) if (key >= removeFrom || key <= removeThrough) this.blocks.delete(key);
    for (const { key, bytes } of put) this.blocks.set(key, bytes);
    this.header = header;
  }

  /** Whether a record continues the journal of this generation. */
  protected belongs(record: JournalRecord, generation: number): boolean {
    return record.generation === generation;
  }

  /** Whether most of the journal speaks of what is gone. */
  protected hasGrown(): boolean {
    let bytes = 0;
    for (const block of this.blocks.values()) bytes += block.length;
    return this.journal.end > Math.max(REWRITE_BYTES, 3 * bytes);
  }

  /** Begins the next journal with the whole state, in the spare file if there is one. */
  protected async rewrite(): Promise<void> {
    const { fileIo, directory } = this.context;
    const old = this.#journal;
    const generation = (old?.generation ?? 0) + 1;
    const spare = join(directory, SPARE);
    const file = await fileIo.open(spare, this.#spare ? 'write' : 'create');
    this.#journal = { file, generation, end: 0 };
    await old?.file.close();
    const put = [...this.blocks].map(([key, bytes]) => ({ key, bytes }));
    await this.append({ put, header: this.header });
    await file.datasync();
    await fileIo.rename(spare, this.pathOf(generation));
    await this.syncNames();
    if (old !== undefined) await fileIo.rename(this.pathOf(old.generation), spare);
    this.#spare = old !== undefined;
  }

  protected get journal(): Journal {
    if (this.#journal === undefined) throw new Error('The journal is not open.');
    return this.#journal;
  }

  protected pathOf(generation: number): string {
    return join(this.context.directory, `journal.${generation}`);
  }

  async #load(generation: number): Promise<void> {
    const path = this.pathOf(generation);
    const file = await this.context.fileIo.open(path, 'write');
    const bytes = Buffer.alloc(await file.size());
    await file.read(bytes, 0);
    this.#journal = { file, generation, end: 0 };
    for (;;) {
      const record = decodeRecord(bytes, this.#journal.end);
      if (record === undefined || !this.belongs(record, generation)) break;
      this.apply(record.body);
      this.#journal.end = record.end;
    }
    if (this.#journal.end === 0) throw damaged(path);
  }
}

function damaged(path: string): StorageError<'CORRUPTION'> {
  return new StorageError('CORRUPTION', `The journal is damaged or missing: ${path}.`, { path });
}

function ignoreMissing(error: unknown): void {
  if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
}
