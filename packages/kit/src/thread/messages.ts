import { isStorageError, StorageError, type StorageErrorCode } from '@raftlog/core';
import type { BlockStoreContext, OpenedBlocks } from '../block-store.ts';

/** What the thread is started with. */
export interface ThreadData {
  /** The adaptor's own; cloned. */
  readonly settings: unknown;
  readonly context: Pick<BlockStoreContext, 'directory' | 'create' | 'buffered' | 'salvage' | 'witnessedSequence'>;
}

/** Blocks side by side in one piece of memory: block `i` has key `keys[i]` and ends in front of `ends[i]`. */
interface PackedBlocks {
  readonly keys: readonly number[];
  readonly ends: readonly number[];
}

/** A commit, its bytes in memory that both threads see: the header first, then the blocks. */
export interface PackedCommit extends PackedBlocks {
  readonly sequence: number;
  readonly removeFrom: number | undefined;
  readonly removeThrough: number | undefined;
  readonly memory: SharedArrayBuffer;
  readonly headerEnd: number;
}

/** Blocks that were read; their memory moves to the other thread: one piece, or each block its own. */
export type FoundBlocks =
  | (PackedBlocks & { readonly bytes: Uint8Array<ArrayBuffer> })
  | { readonly keys: readonly number[]; readonly pieces: readonly Uint8Array<ArrayBuffer>[] };

/** The calls of a `BlockStore`, one after the other; `failure` has no answer. */
export type ThreadRequest =
  | { readonly call: 'open' | 'settle' | 'sync' | 'close' | 'failure' }
  | { readonly call: 'commit'; readonly commit: PackedCommit }
  | { readonly call: 'readBlocks'; readonly first: number; readonly last: number; readonly maxBytes: number };

export type ThreadReply =
  | { readonly answer: OpenedBlocks | FoundBlocks | undefined }
  | { readonly error: SentError }
  /** Not an answer: a failure that costs no data. */
  | { readonly background: { readonly operation: string; readonly error: SentError } };

/** An error between threads: structured clone would drop its code. */
export interface SentError {
  readonly message: string;
  readonly code: string | undefined;
  /** Of a `StorageError`. */
  readonly details: object | undefined;
  readonly cause: SentError | undefined;
}

export function sendError(error: unknown): SentError {
  if (!(error instanceof Error))
    return { message: String(error), code: undefined, details: undefined, cause: undefined };
  return {
    message: error.message,
    code: 'code' in error ? String(error.code) : undefined,
    details: isStorageError(error) ? error.details : undefined,
    cause: error.cause === undefined ? undefined : sendError(error.cause),
  };
}

export function receiveError({ message, code, details, cause }: SentError): Error {
  const options = cause === undefined ? undefined : { cause: receiveError(cause) };
  if (details === undefined) return Object.assign(new Error(message, options), code === undefined ? {} : { code });
  return new StorageError(code as StorageErrorCode, message, details as StorageError['details'], options);
}
