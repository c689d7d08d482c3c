import type { SnapshotInfo, SnapshotMeta, SnapshotStore } from '@raftlog/core';
import { StorageError } from '@raftlog/core';
import type { EngineTiming } from './observed-engine.ts';

/** A snapshot that a crash leaves. */
export interface KeptSnapshot {
  readonly meta: SnapshotMeta;
  readonly bytes: Uint8Array;
}

/** Snapshots of a store that forgets them at its end, noted in a list that doesn't. */
export class KeptSnapshots implements SnapshotStore {
  readonly #inner: SnapshotStore;
  readonly #kept: KeptSnapshot[];
  readonly #timing: EngineTiming;
  readonly #isFull: () => boolean;

  constructor(inner: SnapshotStore, kept: KeptSnapshot[], timing: EngineTiming, isFull: () => boolean) {
    this.#inner = inner;
    this.#kept = kept;
    this.#timing = timing;
    this.#isFull = isFull;
  }

  async save(
    meta: SnapshotMeta,
    source: AsyncIterable<Uint8Array>,
    options?: { readonly signal?: AbortSignal },
  ): Promise<SnapshotInfo> {
    if (this.#isFull()) throw new StorageError('NO_SPACE', 'The simulated disk is full. Wait until it is not.', {});
    const chunks: Uint8Array[] = [];
    const info = await this.#timing.read(this.#inner.save(meta, noting(source, chunks), options));
    const kept = { meta: { ...meta, lastIncluded: { ...meta.lastIncluded } }, bytes: Buffer.concat(chunks) };
    this.#kept.push(kept);
    return info;
  }

  latest(): Promise<SnapshotInfo | undefined> {
    return this.#timing.read(this.#inner.latest());
  }

  list(): Promise<SnapshotInfo[]> {
    return this.#timing.read(this.#inner.list());
  }

  open(id: string, options?: { readonly signal?: AbortSignal }): AsyncIterable<Uint8Array> {
    return this.#inner.open(id, options);
  }

  async remove(id: string): Promise<void> {
    await this.#timing.read(this.#inner.remove(id));
    await this.#forgetMissing();
  }

  async retain(count: number): Promise<void> {
    await this.#timing.read(this.#inner.retain(count));
    await this.#forgetMissing();
  }

  async #forgetMissing(): Promise<void> {
    const left = new Set((await this.#inner.list()).map(({ lastIncluded }) => lastIncluded.index));
    for (const kept of this.#kept.splice(0)) if (left.has(kept.meta.lastIncluded.index)) this.#kept.push(kept);
  }
}

async function* noting(source: AsyncIterable<Uint8Array>, chunks: Uint8Array[]): AsyncGenerator<Uint8Array, void> {
  for await (const chunk of source) {
    chunks.push(chunk.slice());
    yield chunk;
  }
}
