/**
 * What a resolved write is worth.
 *
 * - `sync`: it survives a power cut.
 * - `buffered`: entries that are only appended, by `persistEntries` or by a `write` without `truncateFrom`, survive the end of the
 *   process, and a power cut once `flush()` has resolved; all else survives a power cut when it resolves: hard state, also that of a
 *   `write`, and truncate, replaceRange and a `write` with `truncateFrom`, with their entries, purge and reset.
 * - `volatile`: it is gone with the engine. For tests, and for nodes that start from nothing.
 */
export type Durability = 'sync' | 'buffered' | 'volatile';

/** What an engine says of itself. The conformance suite checks each claim. */
export interface Capabilities {
  /** Package name of the adaptor, such as `@raftlog/adaptor-file`. */
  readonly adaptor: string;
  /** What a resolved write of this engine, as it was opened, is worth. */
  readonly durability: Durability;
  /** True: while the engine is open, a second opener of the same place is refused with `LOCKED`. */
  readonly exclusive: boolean;
  /** True: `onCorruption: 'salvage'` is offered, with `damagedRanges` and `repair`. */
  readonly salvage: boolean;
  /** Largest `data` of an entry, in bytes; beyond it `TOO_LARGE`. At least 64 MiB unless the store can't. */
  readonly maxEntryBytes: number;
  /** Bytes that may be accepted but not yet committed; beyond it `BUSY`. A call that finds nothing pending is never `BUSY`, however large. */
  readonly maxPendingBytes: number;
}
