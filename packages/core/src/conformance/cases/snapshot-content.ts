import type { SnapshotInfo, SnapshotStore } from '../../snapshot-store.ts';
import type { StorageEngine } from '../../storage-engine.ts';
import { createTestData } from '../entries.ts';

/** What the cases put into a snapshot of this size. */
export function snapshotContent(size: number): Uint8Array {
  return createTestData(size, 77);
}

/** The bytes as a source gives them. The buffer that was delivered is overwritten when the next one is asked for. */
export async function* inChunks(bytes: Uint8Array, chunkBytes: number): AsyncGenerator<Uint8Array> {
  for (let start = 0; start < bytes.length; start += chunkBytes) {
    const chunk = bytes.slice(start, start + chunkBytes);
    yield chunk;
    chunk.fill(0);
  }
}

export function saveSnapshot(engine: StorageEngine, index: number, size: number): Promise<SnapshotInfo> {
  return engine.snapshotStore.save({ lastIncluded: { index, term: 1 } }, inChunks(snapshotContent(size), 30_000));
}

export async function contentOf(store: SnapshotStore, id: string): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const part of store.open(id)) parts.push(part.slice());
  return Buffer.concat(parts);
}
