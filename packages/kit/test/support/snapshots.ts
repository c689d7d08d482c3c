import type { FileIo } from '@raftlog/core';
import { LossyFileIo } from '@raftlog/core/conformance';
import { SnapshotFiles } from '../../src/snapshots/snapshot-files.ts';

export const directory: string = '/data/snapshots';
export const newDisk = (): LossyFileIo => new LossyFileIo({ directories: [directory] });
export const id = (index: number, term = 1) => ({ lastIncluded: { index, term } });

/** The snapshots on `io`; what goes wrong in the background is added to `failures`. */
export async function open(io: FileIo, where: string = directory, failures: unknown[] = []): Promise<SnapshotFiles> {
  return SnapshotFiles.open(where, io, { onFailure: (_, error) => failures.push(error) });
}

export async function* source(...chunks: Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* chunks;
}

export async function contentOf(chunks: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const found: Uint8Array[] = [];
  for await (const chunk of chunks) found.push(chunk);
  return Buffer.concat(found);
}

export function bytes(length: number, seed = 1): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (i * 31 + (i >> 8) * 7 + seed) & 255);
}
