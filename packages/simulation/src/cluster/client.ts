import type { Random } from '@raftlog/core/conformance';
import {
  type CallOptions,
  type Consistency,
  decodeKeyValueResult,
  encodeKeyValueQuery,
  isNodeError,
  KeyValueClient,
  type KeyValueResult,
  mayBeCommitted,
  type RaftNode,
  type RetriedWrite,
} from '@raftlog/node';
import type { Violations } from '../invariants/violation.ts';
import type { History, Operation } from '../linearizability/history.ts';
import type { KeyValueInput, KeyValueOutput } from '../linearizability/key-value-model.ts';
import type { VirtualTime } from '../time/virtual-time.ts';
import { leadersAmong } from './leaders.ts';
import type { Machine } from './machine.ts';

/** What a {@link Client} is made of. */
export interface ClientParts {
  readonly name: string;
  readonly time: VirtualTime;
  readonly random: Random;
  readonly machines: () => readonly Machine[];
  readonly history: History<KeyValueInput, KeyValueOutput>;
  readonly violations: Violations;
  readonly keys: number;
  readonly thinkTime: number;
  /** How long it waits for an answer before it asks another node. */
  readonly patience: number;
  readonly tell: (what: string) => void;
}

type Write = Exclude<KeyValueInput, { readonly kind: 'get' }>;
type Attempt<Answer> = { readonly answer: Answer } | { readonly error: unknown };

const MAX_ATTEMPTS = 6;
/** How often a client looks whether the process that it asked is still there, in milliseconds. */
const GONE_AFTER = 20;
const NO_ANSWER = new Error('The process is gone.');

/** Reads and writes, one operation after the other; a write whose outcome it doesn't learn it repeats in its session. */
export class Client {
  readonly #parts: ClientParts;
  #session: KeyValueClient | undefined;
  #preferred: Machine | undefined;
  #writes = 0;
  #isStopped = false;

  constructor(parts: ClientParts) {
    this.#parts = parts;
  }

  async run(): Promise<void> {
    const { time, random, thinkTime } = this.#parts;
    while (!this.#isStopped) {
      await time.wait(random.next() * 2 * thinkTime);
      if (this.#isStopped) return;
      if (random.chance(0.45)) await this.#read();
      else await this.#write(this.#randomWrite());
    }
  }

  /** It begins nothing more, and repeats nothing more. */
  stop(): void {
    this.#isStopped = true;
  }

  /** One write, until it is stopped. */
  async writeOnce(): Promise<void> {
    for (let isWritten = false; !isWritten && !this.#isStopped; ) {
      const operation = await this.#write({ kind: 'put', key: 'k1', value: this.#nextValue() });
      isWritten = operation?.returnedAt !== undefined;
      if (operation === undefined) await this.#parts.time.wait(5);
    }
  }

  #nextValue(): string {
    return `${this.#parts.name}.${++this.#writes}`;
  }

  #randomWrite(): Write {
    const { random, history } = this.#parts;
    const key = this.#randomKey();
    const kind = random.pick(['put', 'put', 'put', 'compare-and-set', 'delete'] as const);
    if (kind === 'delete') return { kind, key };
    const value = this.#nextValue();
    if (kind === 'put') return { kind, key, value };
    const earlier = history.operations.findLast(({ input }) => input.key === key && 'value' in input)?.input;
    return { kind, key, expected: earlier !== undefined && 'value' in earlier ? earlier.value : undefined, value };
  }

  #randomKey(): string {
    return `k${this.#parts.random.integer(1, this.#parts.keys)}`;
  }

  /** `undefined`: there was no session to do it in. */
  async #write(input: Write): Promise<Operation<KeyValueInput, KeyValueOutput> | undefined> {
    const { history, name, tell } = this.#parts;
    const session = await this.#openSession();
    if (session === undefined) return undefined;
    const operation = history.call(name, input);
    const result = await this.#writeIn(session, input);
    const output = result === 'refused' || result === 'open' ? undefined : outputOf(result);
    if (output !== undefined) history.returned(operation, output);
    else if (result === 'refused') history.refused(operation);
    // A write that stays open would be made again with every later one.
    else this.#session = undefined;
    tell(`${name} ${input.kind} ${input.key} ${output === undefined ? String(result) : JSON.stringify(output)}`);
    return operation;
  }

  /** `refused`: it had no effect and never will. `open`: nobody knows. */
  async #writeIn(session: KeyValueClient, input: Write): Promise<KeyValueResult | 'refused' | 'open'> {
    const { time, random, name, tell } = this.#parts;
    let mayHaveEffect = false;
    for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt++) {
      const outcome = await this.#ask('write', (node, options) => {
        session.use(node);
        return mayHaveEffect ? session.retry(options).then(lastResult) : writeWith(session, input, options);
      });
      if (outcome !== undefined && 'answer' in outcome && outcome.answer !== undefined) return outcome.answer;
      if (outcome !== undefined && 'error' in outcome) {
        tell(`${name} attempt ${attempt} fails: ${describeError(outcome.error)}`);
        mayHaveEffect ||= mayBeCommitted(outcome.error);
      }
      if (this.#isStopped) break;
      await time.wait(random.next() * 20);
    }
    return mayHaveEffect ? 'open' : 'refused';
  }

  async #openSession(): Promise<KeyValueClient | undefined> {
    if (this.#session !== undefined) return this.#session;
    const opened = await this.#ask('write', (node, options) => KeyValueClient.open(node, options));
    if (opened !== undefined && 'answer' in opened) this.#session = opened.answer;
    return this.#session;
  }

  async #read(): Promise<void> {
    const { random, history, name, tell } = this.#parts;
    const consistency = random.pick(['linearizable', 'linearizable', 'lease', 'lease', 'local'] as const);
    const key = this.#randomKey();
    const operation = history.call(name, { kind: 'get', key });
    const outcome = await this.#ask('read', (node, { signal }) =>
      node.read(encodeKeyValueQuery(key), { consistency, ...(signal && { signal }) }),
    );
    const isAnswered = outcome !== undefined && 'answer' in outcome;
    const output = isAnswered ? outputOf(decodeKeyValueResult(outcome.answer)) : undefined;
    tell(`${name} ${consistency} read ${key} ${JSON.stringify(output)}`);
    if (output === undefined || consistency === 'local') history.refused(operation);
    else history.returned(operation, output);
    if (output?.value !== undefined) this.#checkWritten(key, output.value, consistency);
  }

  #checkWritten(key: string, value: string, consistency: Consistency): void {
    const isWritten = this.#parts.history.operations.some(
      ({ input }) => input.key === key && 'value' in input && input.value === value,
    );
    if (isWritten) return;
    this.#parts.violations.report(
      'read-validity',
      `A ${consistency} read of ${key} gave ${value}, which nobody has written.`,
    );
  }

  /** Asks one node; `undefined` if none could be reached. */
  async #ask<Answer>(
    kind: 'read' | 'write',
    call: (node: RaftNode, options: CallOptions) => Promise<Answer>,
  ): Promise<Attempt<Answer> | undefined> {
    const { time, patience } = this.#parts;
    const machine = this.#choose(kind);
    if (machine === undefined) return undefined;
    const outcome = await new Promise<Attempt<Answer> | undefined>((resolve) => {
      const abort = new AbortController();
      let asked: RaftNode | undefined;
      let cancel = time.schedule(patience, () => giveUp());
      let isSettled = false;
      const settle = (attempt: Attempt<Answer> | undefined): void => {
        isSettled = true;
        cancel();
        resolve(attempt);
      };
      const giveUp = (): void => {
        // What hasn't begun by now never will. Where the process is gone, nobody answers any more; where it is paused, it will.
        if (asked === undefined || machine.node !== asked) {
          settle(asked && { error: NO_ANSWER });
          return;
        }
        machine.clock.whenAwake(() => abort.abort());
        cancel = time.schedule(GONE_AFTER, giveUp);
      };
      machine.clock.whenCallable(() => {
        if (machine.node === undefined || isSettled) return;
        asked = machine.node;
        call(asked, { signal: abort.signal }).then(
          (answer) => settle({ answer }),
          (error: unknown) => settle({ error }),
        );
      });
    });
    this.#preferred = outcome !== undefined && 'answer' in outcome ? machine : undefined;
    return outcome;
  }

  #choose(kind: 'read' | 'write'): Machine | undefined {
    const { random, machines } = this.#parts;
    const running = machines().filter(({ node }) => node !== undefined);
    if (running.length === 0) return undefined;
    const rivals = leadersAmong(running);
    // Where two believe that they lead, what the newer one has written must not be missing from what the older one reads.
    if (rivals.length > 1 && random.chance(0.5)) return kind === 'read' ? rivals[0] : rivals.at(-1);
    if (this.#preferred !== undefined && running.includes(this.#preferred) && random.chance(0.8))
      return this.#preferred;
    return random.pick(running);
  }
}

async function writeWith(session: KeyValueClient, input: Write, options: CallOptions): Promise<KeyValueResult> {
  switch (input.kind) {
    case 'put':
      return { kind: 'value', value: await session.put(input.key, bytesOf(input.value), options) };
    case 'delete':
      return { kind: 'value', value: await session.delete(input.key, options) };
    case 'compare-and-set': {
      const { key, expected, value } = input;
      const held = expected === undefined ? undefined : bytesOf(expected);
      return { kind: 'compared', ...(await session.compareAndSet(key, held, bytesOf(value), options)) };
    }
  }
}

/** `undefined`: it says nothing of what became of the operation. */
function outputOf(result: KeyValueResult): KeyValueOutput | undefined {
  if (result.kind === 'value') return { value: textOf(result.value) };
  if (result.kind === 'compared') return { swapped: result.isSet, value: textOf(result.value) };
  return undefined;
}

function bytesOf(text: string): Uint8Array {
  return Buffer.from(text);
}

function textOf(bytes: Uint8Array | undefined): string | undefined {
  return bytes && Buffer.from(bytes).toString();
}

function describeError(error: unknown): string {
  if (!isNodeError(error)) return String(error);
  return 'outcome' in error.details ? `${error.code} ${error.details.outcome}` : error.code;
}

/** The client has one write open at most. */
function lastResult(writes: readonly RetriedWrite[]): KeyValueResult | undefined {
  const last = writes.at(-1);
  if (last !== undefined && 'error' in last) throw last.error;
  return last?.result;
}
