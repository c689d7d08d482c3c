/** What an object does when its operations come one after the other. States are compared by `===`. */
export interface SequentialModel<State, Input, Output> {
  readonly initial: State;
  /** What the operation concerns: operations on different parts don't influence each other, so each part is checked alone. */
  partOf(input: Input): string;
  /** The state after the operation; `undefined` if it can't have had this output. An output that is `undefined` is not known: any is possible. */
  step(state: State, input: Input, output: Output | undefined): { readonly state: State } | undefined;
  /** True: with an unknown output it can be left out, since it changes nothing. */
  isRead(input: Input): boolean;
  describe(input: Input, output: Output | undefined): string;
}
