import { join } from 'node:path';
import { type FileIo, StorageError } from '@raftlog/core';
import { crc32 } from '../format/checksum.ts';

/** Says what a directory is. Its presence under this name means that the directory was made whole. */
export const MARKER_FILE = 'raftlog.json';

/** The marker of a directory that is being made: whatever lies beside it was never acknowledged. */
export const CREATING_FILE = 'raftlog.creating';

const FORMAT_NAME = 'raftlog';
const FORMAT_VERSION = 1;
const MAX_MARKER_BYTES = 64 * 1024;

/** What the marker says. */
export interface DirectoryMarker {
  /** Package name of the adaptor that made the directory. */
  readonly adaptor: string;
  /** UUID of the store, made with it. */
  readonly storeId: string;
  /** Reserved for directories that hold several Raft groups. */
  readonly groupId: string | null;
}

/** The bytes of a marker: one line of JSON, for people to read too. */
export function encodeMarker({ adaptor, storeId, groupId }: DirectoryMarker): Uint8Array {
  const marker = { format: FORMAT_NAME, version: FORMAT_VERSION, adaptor, storeId, groupId };
  return Buffer.from(`${JSON.stringify({ ...marker, checksum: checksumOf({ adaptor, storeId, groupId }) })}\n`, 'utf8');
}

/** Reads the marker in the file `name` of `directory`. Rejects with `CORRUPTION` or `UNSUPPORTED_FORMAT`, or Node's error where there is no such file. */
export async function readMarker(directory: string, name: string, io: FileIo): Promise<DirectoryMarker> {
  const path = join(directory, name);
  const fields = parse(await readText(path, io));
  // Before the checksum: another version may compute it differently.
  if (fields.format === FORMAT_NAME && isOtherVersion(fields.version)) {
    throw new StorageError(
      'UNSUPPORTED_FORMAT',
      `${directory} has format version ${fields.version}, this release reads ${FORMAT_VERSION}. Open it with the release that wrote it, or a newer one.`,
      { path, found: fields.version, supported: [FORMAT_VERSION] },
    );
  }
  const { adaptor, storeId, groupId } = fields;
  if (
    fields.format === FORMAT_NAME &&
    typeof adaptor === 'string' &&
    typeof storeId === 'string' &&
    (groupId === null || typeof groupId === 'string') &&
    fields.checksum === checksumOf({ adaptor, storeId, groupId })
  ) {
    return { adaptor, storeId, groupId };
  }
  throw new StorageError(
    'CORRUPTION',
    `the marker of the store is damaged: ${path}. Restore it from a backup of this directory.`,
    { path },
  );
}

function isOtherVersion(version: unknown): version is number {
  return Number.isSafeInteger(version) && version !== FORMAT_VERSION;
}

// Over the values, not the text: a marker that went through an editor or a formatter still says the same.
function checksumOf({ adaptor, storeId, groupId }: DirectoryMarker): string {
  const values = JSON.stringify([FORMAT_NAME, FORMAT_VERSION, adaptor, storeId, groupId]);
  return crc32(Buffer.from(values, 'utf8')).toString(16).padStart(8, '0');
}

function parse(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? { ...value } : {};
  } catch {
    return {};
  }
}

async function readText(path: string, io: FileIo): Promise<string> {
  const file = await io.open(path, 'read');
  try {
    const bytes = new Uint8Array(Math.min(await file.size(), MAX_MARKER_BYTES));
    const length = await file.read(bytes, 0);
    return Buffer.from(bytes.buffer, 0, length).toString('utf8');
  } finally {
    await file.close();
  }
}
