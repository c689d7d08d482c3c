import type { SnapshotInfo } from '@raftlog/core';
import { BaseSnapshotStore, type SnapshotDescription } from '@raftlog/kit';

/** Content is delivered in chunks of this size: small source chunks are not kept one by one. */
const CHUNK_BYTES = 256 * 1024;

interface Saved {
  readonly info: SnapshotInfo;
  readonly chunks: readonly Uint8Array[];
}

/** Snapshots in a map. */
export class MemorySnapshots extends BaseSnapshotStore {
  readonly #saved = new Map<string, Saved>();
  #sequence = 0;

  protected override async write(
    { lastIncluded, context }: SnapshotDescription,
    content: AsyncIterable<Uint8Array>,
  ): Promise<SnapshotInfo> {
    const id = String(++this.#sequence);
    const chunks = await collect(content);
    const size = chunks.reduce((sum, chunk) => sum + chunk.byteLength, 0);
    const info: SnapshotInfo = { id, lastIncluded, context, size };
    this.#saved.set(info.id, { info, chunks });
    return copyOf(info);
  }

  protected override async newest(most: number): Promise<SnapshotInfo[]> {
    return [...this.#saved.values()]
      .map(({ info }) => copyOf(info))
      .sort(newestFirst)
      .slice(0, most);
  }

  protected override async read(id: string): Promise<AsyncIterable<Uint8Array> | undefined> {
    const saved = this.#saved.get(id);
    return saved === undefined ? undefined : deliver(saved.chunks);
  }

  protected override async erase(id: string): Promise<boolean> {
    return this.#saved.delete(id);
  }

  protected override async eraseOlder(oldest: SnapshotInfo): Promise<void> {
    // By order, not by place in a list: `oldest` may have been removed meanwhile.
    for (const { info } of this.#saved.values()) {
      if (newestFirst(oldest, info) < 0) this.#saved.delete(info.id);
    }
  }

  protected override async free(): Promise<void> {
    this.#saved.clear();
  }
}

/** Among snapshots of the same state the one saved last comes first: ids count up. */
function newestFirst(a: SnapshotInfo, b: SnapshotInfo): number {
  return (
    b.lastIncluded.index - a.lastIncluded.index ||
    b.lastIncluded.term - a.lastIncluded.term ||
    Number(b.id) - Number(a.id)
  );
}

async function collect(content: AsyncIterable<Uint8Array>): Promise<Uint8Array[]> {
  const chunks: Uint8Array[] = [];
  let chunk = new Uint8Array(CHUNK_BYTES);
  let filled = 0;
  for await (const bytes of content) {
    for (let from = 0; from < bytes.byteLength; ) {
      const part = bytes.subarray(from, from + CHUNK_BYTES - filled);
      chunk.set(part, filled);
      filled += part.byteLength;
      from += part.byteLength;
      if (filled < CHUNK_BYTES) continue;
      chunks.push(chunk);
      chunk = new Uint8Array(CHUNK_BYTES);
      filled = 0;
    }
  }
  if (filled > 0) chunks.push(chunk.slice(0, filled));
  return chunks;
}

// Copies: whoever changes what was delivered must not change what the next reader gets.
async function* deliver(chunks: readonly Uint8Array[]): AsyncGenerator<Uint8Array, void, undefined> {
  for (const chunk of chunks) yield chunk.slice();
}

function copyOf(info: SnapshotInfo): SnapshotInfo {
  return { ...info, lastIncluded: { ...info.lastIncluded }, context: info.context.slice() };
}
