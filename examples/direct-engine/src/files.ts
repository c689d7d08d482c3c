import { dirname } from 'node:path';
import type { FileHandle, FileIo } from '@raftlog/core';

export async function readWholeFile(io: FileIo, path: string): Promise<Buffer> {
  const handle = await io.open(path, 'read');
  try {
    const bytes = Buffer.alloc(await handle.size());
    const length = await handle.read(bytes, 0);
    return bytes.subarray(0, length);
  } finally {
    await handle.close();
  }
}

/** Name under which a file is written before it takes its place; what is found under it was never finished. */
export function temporaryName(path: string): string {
  return `${path}.tmp`;
}

/** Writes a file beside `path`, durably. Nobody sees it before {@link moveIntoPlace}. */
export async function writeTemporary(
  io: FileIo,
  path: string,
  fill: (handle: FileHandle) => Promise<void>,
): Promise<void> {
  const temporary = temporaryName(path);
  if ((await io.kind(temporary)) !== undefined) await io.remove(temporary);
  const handle = await io.open(temporary, 'create-new');
  try {
    await fill(handle);
    await handle.datasync();
  } finally {
    await handle.close();
  }
}

/** Lets the file that {@link writeTemporary} wrote replace `path`: after a crash the old one or the new one. */
export async function moveIntoPlace(io: FileIo, path: string): Promise<void> {
  await io.rename(temporaryName(path), path);
  await io.syncDirectory(dirname(path));
}

/** Makes a directory and what is missing above it, durably. */
export async function makeDirectories(io: FileIo, path: string): Promise<void> {
  if ((await io.kind(path)) !== undefined) return;
  const parent = dirname(path);
  await makeDirectories(io, parent);
  await io.makeDirectory(path);
  await io.syncDirectory(parent);
}
