import { join } from 'node:path';
import type { FileIo } from '@raftlog/core';
import { DIRECTORY } from './store.ts';

export function segment(id: number): string {
  return join(DIRECTORY, `${String(id).padStart(10, '0')}.log`);
}

export async function readAll(fileIo: FileIo, path: string): Promise<Uint8Array> {
  const handle = await fileIo.open(path, 'read');
  try {
    const bytes = new Uint8Array(await handle.size());
    await handle.read(bytes, 0);
    return bytes;
  } finally {
    await handle.close();
  }
}

/** Replaces a file's contents, on the disk. */
export async function writeAll(fileIo: FileIo, path: string, bytes: Uint8Array): Promise<void> {
  const handle = await fileIo.open(path, 'create');
  try {
    await handle.truncate(0);
    await handle.write([bytes], 0);
    await handle.datasync();
    await fileIo.syncDirectory(DIRECTORY);
  } finally {
    await handle.close();
  }
}

/** Turns bytes over. */
export async function damage(fileIo: FileIo, path: string, offset: number, length = 1): Promise<void> {
  const bytes = await readAll(fileIo, path);
  for (let at = offset; at < offset + length; at++) bytes[at] = (bytes[at] ?? 0) ^ 0xff;
  await writeAll(fileIo, path, bytes);
}

/** Every file of the store with its bytes. */
export async function image(fileIo: FileIo): Promise<Record<string, string>> {
  const names = (await fileIo.list(DIRECTORY)).sort();
  const contents = await Promise.all(names.map((name) => readAll(fileIo, join(DIRECTORY, name))));
  return Object.fromEntries(names.map((name, at) => [name, Buffer.from(contents[at] ?? []).toString('latin1')]));
}
