/** Why a core throws. A code, once published, keeps its meaning. */
export type RaftErrorCode =
  /** An option is out of range, or contradicts another one or the log. */
  | 'INVALID_OPTION'
  /** An argument of an input is wrong, such as the id of a write that was never handed out. Nothing has changed. */
  | 'INVALID_ARGUMENT'
  /** A message that no core sends: damaged, forged, or of another version. Nothing has changed; drop it. */
  | 'MALFORMED_MESSAGE'
  /** The bytes of a configuration entry or snapshot can't be read. */
  | 'MALFORMED_CONFIGURATION'
  /** What Raft promises doesn't hold: this log has lost what it acknowledged, or two servers share an id. The server must stop. */
  | 'INVARIANT_VIOLATED';

// Registered, not unique: two copies of this package in one process must recognise each other's errors.
const brand: symbol = Symbol.for('raftlog.RaftError');

/** The one error of this package. `code` says what happened; the message ends with what to do. */
export class RaftError extends Error {
  override readonly name: string = 'RaftError';
  readonly code: RaftErrorCode;

  constructor(code: RaftErrorCode, message: string, options?: { readonly cause?: unknown }) {
    super(message, options);
    this.code = code;
    Object.defineProperty(this, brand, { value: true });
  }
}

/** True if `value` is a {@link RaftError}, of any copy of this package; with this code, if one is given. */
export function isRaftError(value: unknown, code?: RaftErrorCode): value is RaftError {
  if (typeof value !== 'object' || value === null || !(brand in value)) return false;
  return code === undefined || (value as RaftError).code === code;
}
