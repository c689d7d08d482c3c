import type { HardState, IndexRange, LogId } from './entry.ts';

/** The typed facts that come with each error code. A code, once published, keeps its meaning and its details. */
export interface StorageErrorDetails {
  /** The first index of a batch is not the next one, or a batch has a gap or an overlap inside. Nothing was written. */
  NON_CONTIGUOUS: { readonly expectedIndex: number; readonly actualIndex: number };
  /** A term is lower than the one before it, in the log or in the hard state. Nothing was written. */
  TERM_REGRESSION: { readonly lastTerm: number; readonly actualTerm: number };
  /** The index lies at or below the purge boundary: it belongs to a snapshot now. */
  PURGED: { readonly index: number; readonly firstIndex: number };
  /** A stream was overtaken by a truncation: what it still had to deliver was cut off. */
  TRUNCATED: { readonly index: number; readonly lastIndex: number };
  /** The index lies past the end of the log, or there is no such snapshot. */
  NOT_FOUND: { readonly index: number; readonly lastIndex: number } | { readonly snapshotId: string };
  /** The log holds another term at this index: the caller speaks of another history. Nothing was written. */
  LOG_ID_MISMATCH: { readonly expected: LogId; readonly actual: LogId };
  /** A vote was to be changed or withdrawn within its term. Nothing was written. */
  VOTE_CONFLICT: { readonly accepted: HardState; readonly refused: HardState };
  /** An argument is outside its range or of the wrong type. Nothing was written. */
  INVALID_ARGUMENT: { readonly argument: string; readonly received: string };
  /** The entry is larger than the engine's limit. Nothing was written. */
  TOO_LARGE: { readonly bytes: number; readonly limit: number };
  /** Too many bytes are accepted but not yet durable. Not accepted: try again when an earlier call has resolved. */
  BUSY: { readonly pendingBytes: number; readonly limit: number };
  /** The engine was closed, or is closing. */
  CLOSED: Record<never, never>;
  /** Another engine has the place open, in this process or in another one. */
  LOCKED: { readonly path: string };
  /**
   * The store failed: a write or a sync, now or earlier, or a read, or something about a snapshot. Only `StorageEngine.failure` says that the
   * engine has poisoned itself and takes no more writes: reopen it then to see what is durable.
   */
  STORE_FAILED: { readonly operation: string };
  /** What is stored was damaged. Nothing was changed. `lostRange` is the part of the log that can't be read. */
  CORRUPTION: { readonly path?: string; readonly offset?: number; readonly lostRange?: IndexRange };
  /** The directory or file belongs to something else. Nothing was changed. */
  FOREIGN_DIRECTORY: { readonly path: string; readonly found: string };
  /** The directory was written in a format that this version doesn't know. Nothing was changed. */
  UNSUPPORTED_FORMAT: { readonly path: string; readonly found: number; readonly supported: readonly number[] };
  /** The engine doesn't offer this. */
  UNSUPPORTED: { readonly feature: string };
  /** The device is full, or a quota or size limit of the store is reached. */
  NO_SPACE: { readonly path?: string };
  /** The operating system refuses the access: rights, or a read-only file system. */
  PERMISSION_DENIED: { readonly path?: string };
  /** The caller's `AbortSignal` fired. */
  ABORTED: Record<never, never>;
}

/** Stable name of a kind of failure; what programs match on. */
export type StorageErrorCode = keyof StorageErrorDetails;

// Registered, not unique: two copies of this package in one process must recognise each other's errors, which
// `instanceof` does not (an application and its adaptor may well bring a copy each).
const brand: symbol = Symbol.for('raftlog.StorageError');

/**
 * The one error of Raftlog. `code` says what happened, `details` has the facts, `cause` the error underneath,
 * and the message ends with what to do.
 *
 * @example
 * ```ts
 * try {
 *   await engine.logStore.persistEntries(entries);
 * } catch (error) {
 *   if (isStorageError(error, 'NON_CONTIGUOUS')) await catchUpFrom(error.details.expectedIndex);
 *   else throw error;
 * }
 * ```
 */
export class StorageError<Code extends StorageErrorCode = StorageErrorCode> extends Error {
  override readonly name: string = 'StorageError';
  readonly code: Code;
  readonly details: StorageErrorDetails[Code];

  constructor(code: Code, message: string, details: StorageErrorDetails[Code], options?: { readonly cause?: unknown }) {
    super(message, options);
    this.code = code;
    this.details = details;
    Object.defineProperty(this, brand, { value: true });
  }
}

/** Any {@link StorageError}, as a union that narrows on `code`. */
export type AnyStorageError = { [Code in StorageErrorCode]: StorageError<Code> }[StorageErrorCode];

/** True if `value` is a {@link StorageError}, of any copy of this package. */
export function isStorageError(value: unknown): value is AnyStorageError;
/** True if `value` is a {@link StorageError} with this code; narrows `details`. */
export function isStorageError<Code extends StorageErrorCode>(value: unknown, code: Code): value is StorageError<Code>;
export function isStorageError(value: unknown, code?: StorageErrorCode): boolean {
  if (typeof value !== 'object' || value === null || !(brand in value)) return false;
  return code === undefined || (value as AnyStorageError).code === code;
}
