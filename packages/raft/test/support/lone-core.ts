import type { Entry } from '@raftlog/core';
import {
  type Configuration,
  initialConfiguration,
  LogDescriber,
  type Message,
  RaftCore,
  type RaftOptions,
  type Ready,
} from '../../src/index.ts';

interface Setup extends Partial<Omit<RaftOptions, 'log'>> {
  readonly voters?: readonly string[];
  readonly configuration?: Configuration;
  /** Terms of the entries in its log. */
  readonly terms?: readonly number[];
  readonly currentTerm?: number;
}

type WithoutReceiver<M> = M extends Message ? Omit<M, 'to'> : never;

/** One core, to be spoken to message by message. Its id is `a`, the others are `b` and `c`. */
export class LoneCore {
  readonly core: RaftCore;
  #lastWrite = 0;

  constructor({
    voters = ['a', 'b', 'c'],
    configuration,
    terms = [],
    currentTerm = terms.at(-1) ?? 0,
    ...options
  }: Setup = {}) {
    const describer = new LogDescriber(undefined, configuration ?? initialConfiguration(voters));
    for (const [position, term] of terms.entries()) describer.add(entry(position + 1, term));
    this.core = new RaftCore({
      id: 'a',
      hardState: currentTerm === 0 ? undefined : { currentTerm, votedFor: undefined },
      randomInt: () => 0,
      ...options,
      log: describer.describe(),
    });
  }

  /** Hands in a message to `a` and takes what comes of it. */
  step(message: WithoutReceiver<Message>): Ready {
    this.core.step({ ...message, to: 'a' });
    return this.ready();
  }

  ready(): Ready {
    const ready = this.core.ready();
    this.#lastWrite = ready.write?.id ?? this.#lastWrite;
    return ready;
  }

  tick(count: number): Ready {
    for (let tick = 1; tick < count; tick++) {
      this.core.tick();
      this.ready();
    }
    this.core.tick();
    return this.ready();
  }

  /** Makes it leader with the vote of `b`, all of it durable, and gives what it does first. */
  lead(): Ready {
    this.tick(this.core.status().term === 0 ? 1 : 10);
    this.core.campaign();
    const { term } = this.core.status();
    this.ready();
    this.core.step({ type: 'vote-response', from: 'b', to: 'a', term: term + 1, preVote: true, granted: true });
    this.storeAll();
    this.core.step({ type: 'vote-response', from: 'b', to: 'a', term: term + 1, preVote: false, granted: true });
    return this.ready();
  }

  /** Everything written so far is durable. */
  storeAll(): Ready {
    this.ready();
    this.core.stored(this.#lastWrite);
    return this.ready();
  }
}

export function entry(index: number, term: number, data = ''): Entry {
  return { index, term, kind: 'command', data: Buffer.from(data) };
}

/** The messages of one kind, whatever they wait for. */
export function messagesOf<Type extends Message['type']>(ready: Ready, type: Type): Extract<Message, { type: Type }>[] {
  const all = [...ready.messages, ...ready.messagesAfter.map(({ message }) => message)];
  return all.filter((message): message is Extract<Message, { type: Type }> => message.type === type);
}
