import { ByteReader, ByteWriter } from './bytes.ts';
import type { ClientSession } from './client-sessions.ts';

/*
 * A snapshot is a row of records, each with its length before it: what it is, pairs, sessions in their order, and the end, which tells a whole
 * one from one that was cut off.
 */

const FORMAT = 'raftlog-key-value 1';
const CHUNK_BYTES = 64 * 1024;

const RECORD = { format: 0, pair: 1, session: 2, end: 3 } as const;

/** The state of a key-value store. */
export interface KeyValueState {
  readonly pairs: Iterable<readonly [string, Uint8Array]>;
  readonly sessions: readonly ClientSession[];
}

/** The bytes of a state, which must not change meanwhile, in chunks. */
export async function* writeState({ pairs, sessions }: KeyValueState): AsyncGenerator<Uint8Array, void, undefined> {
  const out = new ByteWriter();
  const record = new ByteWriter();
  let records = 0;
  const put = (fill: (writer: ByteWriter) => void): boolean => {
    fill(record);
    out.bytes(record.take());
    records++;
    return out.length >= CHUNK_BYTES;
  };
  put((writer) => writer.byte(RECORD.format).text(FORMAT));
  for (const [key, value] of pairs) {
    if (put((writer) => writer.byte(RECORD.pair).text(key).bytes(value))) yield out.take();
  }
  for (const session of sessions) {
    if (put((writer) => writeSession(writer, session))) yield out.take();
  }
  put((writer) => writer.byte(RECORD.end).number(records));
  yield out.take();
}

function writeSession(writer: ByteWriter, { id, firstOpen, results }: ClientSession): void {
  writer.byte(RECORD.session).number(id).number(firstOpen).number(results.size);
  for (const [sequence, result] of results) writer.number(sequence).bytes(result);
}

/** Reads what {@link writeState} wrote, into `pair` and `session`. Throws if it ends early or is something else. */
export async function readState(
  chunks: AsyncIterable<Uint8Array>,
  into: { readonly pair: (key: string, value: Uint8Array) => void; readonly session: (session: ClientSession) => void },
): Promise<void> {
  let records = 0;
  let isWhole = false;
  for await (const bytes of recordsOf(chunks)) {
    const reader = new ByteReader(bytes);
    const kind = reader.byte();
    if (isWhole || (records === 0 && (kind !== RECORD.format || reader.text() !== FORMAT))) throw malformed();
    if (kind === RECORD.pair) into.pair(reader.text(), reader.bytes());
    else if (kind === RECORD.session) into.session(readSession(reader));
    else if (kind === RECORD.end) isWhole = reader.number() === records;
    records++;
  }
  if (!isWhole) throw malformed();
}

function readSession(reader: ByteReader): ClientSession {
  const session: ClientSession = { id: reader.number(), firstOpen: reader.number(), results: new Map() };
  for (let left = reader.number(); left > 0; left--) session.results.set(reader.number(), reader.bytes());
  return session;
}

/** The records, however the chunks are cut. */
async function* recordsOf(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of chunks) {
    rest = Buffer.concat([rest, chunk]);
    while (rest.length >= 4) {
      const end = 4 + rest.readUInt32BE(0);
      if (rest.length < end) break;
      yield rest.subarray(4, end);
      rest = rest.subarray(end);
    }
  }
  if (rest.length > 0) throw malformed();
}

function malformed(): Error {
  return new Error('The snapshot is none of a KeyValueStateMachine, or its end is missing. Take it from another node.');
}
