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

/** A source that gives one chunk and then nothing more, for ever. `hangs` resolves when it is asked for what it hasn't got. */
export function hangingSource(): { readonly chunks: AsyncIterable<Uint8Array>; readonly hangs: Promise<void> } {
  let note: () => void = () => {};
  const hangs = new Promise<void>((resolve) => {
    note = resolve;
  });
  const chunks = (async function* () {
    yield snapshotContent(200_000);
    note();
    await new Promise(() => {});
  })();
  return { chunks, hangs };
}

export function saveSnapshot(engine: StorageEngine, index: number, size: number): Promise<SnapshotInfo> {
  return engine.snapshotStore.save({ lastIncluded: { index, term: 1 } }, inChunks(snapshotContent(size), 30_000));
}

/** Size, hence content, of the snapshot with this number that a process saves which is to be killed. */
export function killedSnapshotBytes(number: number): number {
  return 1 + ((number * 7919) % 90_000);
}

export async function contentOf(store: SnapshotStore, id: string): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const part of store.open(id)) parts.push(part.slice());
  return Buffer.concat(parts);
}
