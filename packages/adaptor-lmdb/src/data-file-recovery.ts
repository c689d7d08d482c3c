import { type FileHandle, type FileIo, StorageError } from '@raftlog/core';
import { DataFileCheck } from './data-file-check.ts';
import {
  DamagedPage,
  decodeMeta,
  META_BYTES,
  META_PAGES,
  type Meta,
  PAGE_HEADER_BYTES,
  transactionOf,
} from './data-file-format.ts';

/** Makes sure that LMDB can be let near its file. Resolves to the meta page that counts. */
export async function checkDataFile(fileIo: FileIo, path: string): Promise<Meta> {
  if ((await fileIo.kind(path)) !== 'file') throw damaged(path, 'is missing', undefined);
  // For writing: where that is not allowed it must be found out before LMDB does.
  const file = await fileIo.open(path, 'write');
  try {
    const meta = await newestMeta(file);
    await new DataFileCheck(file, await file.size(), meta).run();
    return meta;
  } catch (error) {
    if (!(error instanceof DamagedPage)) throw error;
    throw damaged(path, `is damaged at page ${error.page}: ${error.message}`, error);
  } finally {
    await file.close();
  }
}

/**
 * The recovery barrier: writes the meta page that counts once more, and syncs it. LMDB syncs the pages of a transaction before it writes the meta
 * page that makes them part of the database, so whatever a meta page refers to is on the device. The page itself may be in the page cache only, if
 * the process was killed or the device failed right then, and a mere sync would not write it a second time. Writing the same bytes harms nothing
 * wherever it is interrupted.
 */
export async function rewriteMetaPage(fileIo: FileIo, path: string, { transaction, pageSize }: Meta): Promise<void> {
  const file = await fileIo.open(path, 'write');
  try {
    const bytes = Buffer.alloc(META_BYTES);
    const offset = (transaction % META_PAGES) * pageSize;
    await file.read(bytes, offset);
    await file.write([bytes], offset);
    await file.datasync();
  } finally {
    await file.close();
  }
}

export async function syncFile(fileIo: FileIo, path: string): Promise<void> {
  const file = await fileIo.open(path, 'write');
  try {
    await file.datasync();
  } finally {
    await file.close();
  }
}

/**
 * The meta page that counts. Transaction n writes page n % 2, and is on the device before the next one begins: where the two aren't neighbours,
 * one of them is damaged, and with the other one the database might come back older than it was.
 */
async function newestMeta(file: FileHandle): Promise<Meta> {
  const first = await readMeta(file, 0, 0);
  const second = await readMeta(file, 1, first.pageSize);
  const difference = second.transaction - first.transaction;
  const isNew = first.transaction === 0 && difference === 0;
  if (second.pageSize !== first.pageSize || first.transaction % 2 !== 0 || (Math.abs(difference) !== 1 && !isNew))
    throw new DamagedPage(1, 'it does not go with the other meta page');
  const newest = difference > 0 ? second : first;
  if (!isNew) await checkRoot(file, newest);
  return newest;
}

async function readMeta(file: FileHandle, page: number, offset: number): Promise<Meta> {
  const bytes = Buffer.alloc(META_BYTES);
  const filled = await file.read(bytes, offset);
  return decodeMeta(bytes.subarray(0, filled), page);
}

/**
 * Every commit writes the header, and with it the root of the blocks, which bears its transaction. Not so in the older meta page: after a failed
 * write of a meta page LMDB puts back the transaction that was there before, but not the roots.
 */
async function checkRoot(file: FileHandle, { blocks, pageSize, transaction }: Meta): Promise<void> {
  const header = Buffer.alloc(PAGE_HEADER_BYTES);
  await file.read(header, (blocks.root ?? 0) * pageSize);
  if (transactionOf(header) !== transaction)
    throw new DamagedPage(transaction % META_PAGES, 'its transaction did not write its blocks');
}

function damaged(path: string, what: string, cause: unknown): StorageError<'CORRUPTION'> {
  return new StorageError(
    'CORRUPTION',
    `${path} ${what}. It was not opened, because LMDB trusts what it finds. Restore the directory from a backup, or rebuild this node from its peers.`,
    { path },
    cause === undefined ? undefined : { cause },
  );
}
