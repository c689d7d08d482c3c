import { dirname } from 'node:path';
import { type FileIo, StorageError } from '@raftlog/core';
import { crc32 } from '@raftlog/kit';

/** The content of a file that {@link replaceChecked} wrote; `undefined` if there is none. */
export async function readChecked(io: FileIo, path: string): Promise<Buffer | undefined> {
  if ((await io.kind(path)) === undefined) return undefined;
  const file = await io.open(path, 'read');
  try {
    const bytes = Buffer.alloc(await file.size());
    await file.read(bytes, 0);
    const content = bytes.subarray(4);
    if (bytes.byteLength < 4 || bytes.readUInt32LE(0) !== crc32(content)) throw damaged(path);
    return content;
  } finally {
    await file.close();
  }
}

/** Replaces the file, durably: after a crash it holds the old content or the new one. */
export async function replaceChecked(io: FileIo, path: string, content: Uint8Array): Promise<void> {
  const checksum = Buffer.alloc(4);
  checksum.writeUInt32LE(crc32(content));
  const file = await io.open(`${path}.new`, 'create');
  try {
    await file.truncate(0);
    await file.write([checksum, content], 0);
    await file.datasync();
  } finally {
    await file.close();
  }
  await io.rename(`${path}.new`, path);
  await io.syncDirectory(dirname(path));
}

export function damaged(path: string): StorageError<'CORRUPTION'> {
  return new StorageError('CORRUPTION', `${path} is missing or damaged. Restore it from a backup.`, { path });
}
