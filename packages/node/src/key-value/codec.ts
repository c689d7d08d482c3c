import { ByteReader, ByteWriter } from './bytes.ts';

/** What can be done with a key. A value is any bytes. */
export type KeyValueOperation =
  | { readonly op: 'get'; readonly key: string }
  | { readonly op: 'put'; readonly key: string; readonly value: Uint8Array }
  | { readonly op: 'delete'; readonly key: string }
  /** Sets the key to `value` if it holds `expected`; `undefined` stands for a key that isn't there. */
  | {
      readonly op: 'compare-and-set';
      readonly key: string;
      readonly expected: Uint8Array | undefined;
      readonly value: Uint8Array | undefined;
    };

/** Tells a proposal that is made again from a new one (thesis, section 6.3). */
export interface SessionMark {
  /** As `register` has given it. */
  readonly session: number;
  /** Counts the session's commands up from 1. A command that is proposed again keeps its number. */
  readonly sequence: number;
  /** The client has the results of all commands below this one: they need not be kept any more. */
  readonly firstOpen: number;
}

/** A command of {@link KeyValueStateMachine}. */
export type KeyValueCommand =
  /** Opens a client session. */
  | { readonly op: 'register' }
  /** Without a mark a command that is proposed twice takes effect twice. */
  | (KeyValueOperation & { readonly mark?: SessionMark });

/** What became of a command. */
export type KeyValueResult =
  | { readonly kind: 'registered'; readonly session: number }
  /** Of `get` what the key holds, of `put` and `delete` what it held before. */
  | { readonly kind: 'value'; readonly value: Uint8Array | undefined }
  /** `value` is what the key holds now. */
  | { readonly kind: 'compared'; readonly isSet: boolean; readonly value: Uint8Array | undefined }
  /** The session is not known any more, so it can't be told whether the command took effect before. It did not now. */
  | { readonly kind: 'session-expired' }
  /** The client had said that it has this result. The command has no effect now. */
  | { readonly kind: 'stale' }
  /** The session has too many results open. The command has no effect. */
  | { readonly kind: 'too-many-open' }
  /** The bytes are no command. */
  | { readonly kind: 'malformed' };

const OPERATIONS = ['register', 'get', 'put', 'delete', 'compare-and-set'] as const;
const RESULTS = ['registered', 'value', 'compared', 'session-expired', 'stale', 'too-many-open', 'malformed'] as const;

/** The bytes of a command, for `RaftNode.propose`. */
export function encodeKeyValueCommand(command: KeyValueCommand): Uint8Array {
  const writer = new ByteWriter().byte(OPERATIONS.indexOf(command.op));
  if (command.op === 'register') return writer.take();
  const { mark } = command;
  if (mark === undefined) writer.byte(0);
  else writer.byte(1).number(mark.session).number(mark.sequence).number(mark.firstOpen);
  writer.text(command.key);
  if (command.op === 'put') writer.bytes(command.value);
  if (command.op === 'compare-and-set') writer.optional(command.expected).optional(command.value);
  return writer.take();
}

/** Reads what {@link encodeKeyValueCommand} wrote; `undefined` if it was something else. */
export function decodeKeyValueCommand(bytes: Uint8Array): KeyValueCommand | undefined {
  return decode(bytes, (reader) => {
    const op = OPERATIONS[reader.byte()];
    if (op === undefined || op === 'register') return op && { op };
    const mark = reader.byte() === 0 ? undefined : readMark(reader);
    const key = reader.text();
    return { ...readOperation(reader, op, key), ...(mark && { mark }) };
  });
}

function readMark(reader: ByteReader): SessionMark {
  return { session: reader.number(), sequence: reader.number(), firstOpen: reader.number() };
}

function readOperation(reader: ByteReader, op: KeyValueOperation['op'], key: string): KeyValueOperation {
  if (op === 'put') return { op, key, value: reader.bytes() };
  if (op === 'compare-and-set') return { op, key, expected: reader.optional(), value: reader.optional() };
  return { op, key };
}

/** The bytes of a read, for `RaftNode.read`. Its answer is a result of kind `value`. */
export function encodeKeyValueQuery(key: string): Uint8Array {
  return encodeKeyValueCommand({ op: 'get', key });
}

export function encodeKeyValueResult(result: KeyValueResult): Uint8Array {
  const writer = new ByteWriter().byte(RESULTS.indexOf(result.kind));
  if (result.kind === 'registered') writer.number(result.session);
  if (result.kind === 'value') writer.optional(result.value);
  if (result.kind === 'compared') writer.byte(result.isSet ? 1 : 0).optional(result.value);
  return writer.take();
}

/** Reads what `propose` and `read` have answered. Throws a `TypeError` for anything else. */
export function decodeKeyValueResult(bytes: Uint8Array): KeyValueResult {
  const result = decode(bytes, readResult);
  if (result === undefined) throw new TypeError('These bytes are no result of a KeyValueStateMachine.');
  return result;
}

function readResult(reader: ByteReader): KeyValueResult | undefined {
  const kind = RESULTS[reader.byte()];
  if (kind === 'registered') return { kind, session: reader.number() };
  if (kind === 'value') return { kind, value: reader.optional() };
  if (kind === 'compared') return { kind, isSet: reader.byte() === 1, value: reader.optional() };
  return kind && { kind };
}

function decode<Value>(bytes: Uint8Array, read: (reader: ByteReader) => Value | undefined): Value | undefined {
  try {
    const reader = new ByteReader(bytes);
    const value = read(reader);
    return reader.isAtEnd ? value : undefined;
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}
