import type { Entry } from '@raftlog/core';
import type { StateMachine } from '@raftlog/node';

/** One number, to which commands add. */
export class Counter implements StateMachine {
  readonly lastApplied = 0;
  #value = 0;

  apply(commands: readonly Entry[]): readonly Uint8Array[] {
    return commands.map(({ data }) => {
      this.#value += decode(data);
      return encode(this.#value);
    });
  }

  async *snapshot(value: number = this.#value): AsyncGenerator<Uint8Array, void, undefined> {
    yield encode(value);
  }

  async restore(snapshot: AsyncIterable<Uint8Array>): Promise<void> {
    let text = '';
    for await (const chunk of snapshot) text += Buffer.from(chunk).toString();
    this.#value = Number(text);
  }

  query(): Uint8Array {
    return encode(this.#value);
  }
}

export function encode(value: number): Uint8Array {
  return Buffer.from(String(value));
}

export function decode(bytes: Uint8Array): number {
  return Number(Buffer.from(bytes).toString());
}
