import type { Entry } from '@raftlog/core';
import { describe, expect, test } from 'vitest';
import {
  decodeKeyValueCommand,
  decodeKeyValueResult,
  encodeKeyValueCommand,
  encodeKeyValueQuery,
  KeyValueClient,
  type KeyValueCommand,
  type KeyValueNode,
  type KeyValueOptions,
  type KeyValueResult,
  KeyValueStateMachine,
  mayBeCommitted,
  NodeError,
} from '../src/index.ts';
import { TestCluster } from './support/test-cluster.ts';

const bytes = (text: string): Uint8Array => Buffer.from(text);

/** A state machine with a log of its own. */
class Machine {
  readonly machine: KeyValueStateMachine;
  #index = 0;

  constructor(options: KeyValueOptions = {}) {
    this.machine = new KeyValueStateMachine(options);
  }

  run(command: KeyValueCommand): KeyValueResult {
    const entry: Entry = { index: ++this.#index, term: 1, kind: 'command', data: encodeKeyValueCommand(command) };
    return decodeKeyValueResult(this.machine.apply([entry])[0]!);
  }

  register(): number {
    const result = this.run({ op: 'register' });
    if (result.kind !== 'registered') throw new Error(result.kind);
    return result.session;
  }

  get(key: string): string | undefined {
    const result = decodeKeyValueResult(this.machine.query(encodeKeyValueQuery(key)));
    return result.kind === 'value' && result.value !== undefined ? Buffer.from(result.value).toString() : undefined;
  }
}

describe('commands', () => {
  const commands: readonly KeyValueCommand[] = [
    { op: 'register' },
    { op: 'get', key: 'ключ' },
    { op: 'put', key: '', value: bytes('') },
    { op: 'delete', key: 'x', mark: { session: 2 ** 50, sequence: 7, firstOpen: 3 } },
    { op: 'compare-and-set', key: 'x', expected: undefined, value: bytes('1') },
    { op: 'compare-and-set', key: 'x', expected: bytes(''), value: undefined },
  ];

  test.each(commands)('%o comes out as it went in, and is told from what is cut off or goes on', (command) => {
    const encoded = encodeKeyValueCommand(command);
    expect(plain(decodeKeyValueCommand(encoded))).toEqual(plain(command));
    for (let length = 0; length < encoded.length; length++)
      expect(decodeKeyValueCommand(encoded.subarray(0, length))).toBeUndefined();
    expect(decodeKeyValueCommand(Buffer.concat([encoded, Buffer.from([0])]))).toBeUndefined();
  });

  test('what is no command changes nothing, and stops nobody', () => {
    const { machine } = new Machine();
    const [result] = machine.apply([{ index: 1, term: 1, kind: 'command', data: bytes('nonsense') }]);
    expect(decodeKeyValueResult(result!)).toEqual({ kind: 'malformed' });
  });

  test('put, delete and compare-and-set tell what was there', () => {
    const store = new Machine();
    expect(store.run({ op: 'put', key: 'x', value: bytes('1') })).toEqual({ kind: 'value', value: undefined });
    expect(plain(store.run({ op: 'put', key: 'x', value: bytes('2') }))).toEqual({ kind: 'value', value: '1' });
    const missed = store.run({ op: 'compare-and-set', key: 'x', expected: bytes('1'), value: bytes('3') });
    expect(plain(missed)).toEqual({ kind: 'compared', isSet: false, value: '2' });
    const met = store.run({ op: 'compare-and-set', key: 'x', expected: bytes('2'), value: bytes('3') });
    expect(plain(met)).toEqual({ kind: 'compared', isSet: true, value: '3' });
    expect(plain(store.run({ op: 'delete', key: 'x' }))).toEqual({ kind: 'value', value: '3' });
    expect(store.get('x')).toBeUndefined();
  });
});

describe('sessions', () => {
  test('a command that comes again is answered as before, and has no effect', () => {
    const store = new Machine();
    const mark = { session: store.register(), sequence: 1, firstOpen: 1 };
    const first = store.run({ op: 'compare-and-set', key: 'x', expected: undefined, value: bytes('1'), mark });
    store.run({ op: 'delete', key: 'x' });
    const again = store.run({ op: 'compare-and-set', key: 'x', expected: undefined, value: bytes('1'), mark });
    expect(again).toEqual(first);
    expect(store.get('x')).toBeUndefined();
  });

  test('a result that the client has is forgotten, and its command refused', () => {
    const store = new Machine();
    const session = store.register();
    store.run({ op: 'put', key: 'x', value: bytes('1'), mark: { session, sequence: 1, firstOpen: 1 } });
    store.run({ op: 'put', key: 'x', value: bytes('2'), mark: { session, sequence: 2, firstOpen: 2 } });
    const late = store.run({ op: 'put', key: 'x', value: bytes('1'), mark: { session, sequence: 1, firstOpen: 1 } });
    expect(late).toEqual({ kind: 'stale' });
    expect(store.get('x')).toBe('2');
  });

  test('the session used longest ago goes first, and what it proposes again has no effect', () => {
    const store = new Machine({ maxSessions: 2 });
    const [a, b] = [store.register(), store.register()];
    const put = (session: number, sequence: number): KeyValueResult =>
      store.run({ op: 'put', key: String(session), value: bytes('1'), mark: { session, sequence, firstOpen: 1 } });
    put(b, 1);
    put(a, 1);
    store.register();
    expect(put(b, 1)).toEqual({ kind: 'session-expired' });
    expect(put(a, 2).kind).toBe('value');
  });

  test('no session holds results without end', () => {
    const store = new Machine();
    const session = store.register();
    const get = (sequence: number): KeyValueResult =>
      store.run({ op: 'get', key: 'x', mark: { session, sequence, firstOpen: 1 } });
    for (let sequence = 1; sequence <= 1_024; sequence++) expect(get(sequence).kind).toBe('value');
    expect(get(1_025)).toEqual({ kind: 'too-many-open' });
  });
});

describe('snapshots', () => {
  test('hold the state as of the call, sessions and their order included, whatever is applied meanwhile', async () => {
    const store = new Machine({ maxSessions: 2 });
    const [a, b] = [store.register(), store.register()];
    for (let index = 0; index < 3_000; index++)
      store.run({ op: 'put', key: `k${index}`, value: bytes('v'.repeat(40)) });
    const mark = { session: a, sequence: 1, firstOpen: 1 };
    store.run({ op: 'put', key: 'x', value: bytes('1'), mark });
    const snapshot = store.machine.snapshot();
    store.run({ op: 'put', key: 'x', value: bytes('2') });
    store.run({ op: 'put', key: 'new', value: bytes('2') });

    const copy = new Machine({ maxSessions: 2 });
    await copy.machine.restore(inPieces(await collect(snapshot), 1_000));
    expect([copy.get('x'), copy.get('k2999'), copy.get('new')]).toEqual(['1', 'v'.repeat(40), undefined]);
    copy.run({ op: 'put', key: 'x', value: bytes('3') });
    expect(plain(copy.run({ op: 'put', key: 'x', value: bytes('1'), mark }))).toEqual({
      kind: 'value',
      value: undefined,
    });
    expect(copy.get('x')).toBe('3');
    for (let index = 0; index < 4_000; index++) copy.run({ op: 'get', key: 'x' });
    copy.register();
    // b was used longest ago, there as here.
    expect(copy.run({ op: 'get', key: 'x', mark: { session: b, sequence: 1, firstOpen: 1 } }).kind).toBe(
      'session-expired',
    );
  });

  test('that end early are refused, and leave the state as it was', async () => {
    const store = new Machine();
    store.run({ op: 'put', key: 'x', value: bytes('1') });
    const whole = await collect(store.machine.snapshot());
    const other = new Machine();
    other.run({ op: 'put', key: 'y', value: bytes('2') });
    for (let length = 0; length < whole.length; length++) {
      await expect(other.machine.restore(inPieces(whole.subarray(0, length), 7))).rejects.toThrow();
    }
    expect([other.get('x'), other.get('y')]).toEqual([undefined, '2']);
  });
});

test('a write whose fate is unknown takes effect once when it is made again', async () => {
  const cluster = await TestCluster.started(3);
  const leader = await cluster.leader();
  const client = await cluster.clock.settle(KeyValueClient.open(leader));
  await cluster.clock.settle(client.put('n', bytes('0')));
  // The answer of every other write is lost on its way back, after it was committed.
  let calls = 0;
  const lossy: KeyValueNode = {
    propose: async (command, options) => {
      const result = await leader.propose(command, options);
      if (++calls % 2 === 1) throw new NodeError('LEADERSHIP_LOST', 'The answer was lost.', { leader: undefined });
      return result;
    },
    read: (query, options) => leader.read(query, options),
  };
  client.use(lossy);
  for (let value = 0; value < 10; value++) {
    const write = client.compareAndSet('n', bytes(String(value)), bytes(String(value + 1)));
    await cluster.clock.settle(write).catch((error: unknown) => expect(mayBeCommitted(error)).toBe(true));
    for (const again of await cluster.clock.settle(client.retry())) {
      // The answer may be lost once more: then it stays open for the next time.
      if ('error' in again) expect(mayBeCommitted(again.error)).toBe(true);
      else expect(again.result).toMatchObject({ kind: 'compared', isSet: true });
    }
  }
  expect(Buffer.from((await cluster.clock.settle(client.get('n'))) ?? []).toString()).toBe('10');
});

test('a write is made again only when its call has rejected: until then both may be open', async () => {
  const { machine } = new Machine();
  const fates: { readonly command: Uint8Array; readonly lose: (code: 'PROPOSAL_DROPPED' | 'TIMED_OUT') => void }[] = [];
  let index = 0;
  const commit = (command: Uint8Array): Uint8Array =>
    machine.apply([{ index: ++index, term: 1, kind: 'command', data: command }])[0] ?? new Uint8Array();
  const node: KeyValueNode = {
    propose: (command) =>
      index === 0
        ? Promise.resolve(commit(command))
        : new Promise((_, reject) => {
            const errors = {
              PROPOSAL_DROPPED: new NodeError('PROPOSAL_DROPPED', 'dropped', { index: 2, term: 1 }),
              TIMED_OUT: new NodeError('TIMED_OUT', 'late', { milliseconds: 1, outcome: 'unknown' }),
            };
            fates.push({ command, lose: (code) => reject(errors[code]) });
          }),
    read: async (query) => machine.query(query),
  };
  const client = await KeyValueClient.open(node);
  const put = client.put('x', bytes('1'));
  expect(await client.retry()).toEqual([]);
  expect(fates).toHaveLength(1);

  fates[0]?.lose('TIMED_OUT');
  await expect(put).rejects.toMatchObject({ code: 'TIMED_OUT' });
  const retried = client.retry();
  commit(fates[1]?.command ?? new Uint8Array());
  fates[1]?.lose('PROPOSAL_DROPPED');
  // That this proposal has no effect says nothing of the first one.
  expect(await retried).toMatchObject([{ error: { code: 'PROPOSAL_DROPPED' } }]);
  void client.retry();
  expect(fates).toHaveLength(3);
});

/** Bytes as text: a Buffer and a Uint8Array of the same bytes are the same here. */
function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value).toString();
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, plain(part)]));
}

async function collect(stream: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
}

async function* inPieces(whole: Uint8Array, size: number): AsyncGenerator<Uint8Array, void, undefined> {
  for (let from = 0; from < whole.length; from += size) yield whole.subarray(from, from + size);
}
