/** The first argument of the writer process, as JSON. */
export interface WriterTask {
  readonly directory: string;
  readonly input: string;
  /** The Raft term of this run: one more than that of the run before, as after an election. */
  readonly term: number;
  readonly callers: number;
  /** How many lines the writer may be ahead of what the parent has confirmed. */
  readonly window: number;
}

/** What the writer process says. */
export type WriterMessage =
  | { readonly kind: 'ready'; readonly recovered: number }
  /** These lines are durable. `syncs` counts those of this process up to now. */
  | { readonly kind: 'acknowledged'; readonly indexes: readonly number[]; readonly syncs: number }
  | { readonly kind: 'done'; readonly syncs: number }
  | { readonly kind: 'failed'; readonly error: string };

/** What the parent says: it has seen the acknowledgement of so many lines since the start of the process. */
export interface ParentMessage {
  readonly confirmed: number;
}
