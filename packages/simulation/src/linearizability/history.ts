/** One call of one client, as a {@link History} records it. Positions order all calls and returns of a run, also those of one virtual instant. */
export interface Operation<Input, Output> {
  readonly client: string;
  readonly input: Input;
  readonly calledAt: number;
  /** `undefined`: the client doesn't know what became of it. It may have taken effect at any moment since, or may do so later, or never. */
  returnedAt: number | undefined;
  output: Output | undefined;
}

/** What the clients of a run asked and were answered. */
export class History<Input, Output> {
  readonly operations: Operation<Input, Output>[] = [];
  #position = 0;

  call(client: string, input: Input): Operation<Input, Output> {
    const operation = { client, input, calledAt: this.#position++, returnedAt: undefined, output: undefined };
    this.operations.push(operation);
    return operation;
  }

  returned(operation: Operation<Input, Output>, output: Output): void {
    operation.returnedAt = this.#position++;
    operation.output = output;
  }

  /** It is known to have had no effect, ever: it was refused. */
  refused(operation: Operation<Input, Output>): void {
    this.operations.splice(this.operations.lastIndexOf(operation), 1);
  }
}
