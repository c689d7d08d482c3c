/** A change of one key; without a value it is removed. */
export interface KeyChange {
  readonly key: Uint8Array;
  readonly value?: Uint8Array;
}

/** As much of a database as a log needs: bytes in the order of their keys. */
export interface OrderedKeys {
  open(directory: string): Promise<void>;
  /** All of it or nothing. On the disk when it resolves, if it `syncs`. */
  write(changes: readonly KeyChange[], syncs: boolean): Promise<void>;
  get(key: Uint8Array): Promise<Uint8Array | undefined>;
  /** From `first` on, before `end`. */
  list(first: Uint8Array, end: Uint8Array): Promise<{ readonly key: Uint8Array; readonly value: Uint8Array }[]>;
  close(): Promise<void>;
}
