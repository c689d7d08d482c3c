import { channel } from 'node:diagnostics_channel';

/** Published on `raftlog:commit` after each commit of the store. */
interface CommitEvent {
  readonly adaptor: string;
  readonly sequence: number;
  readonly entries: number;
  /** Bytes of the blocks as handed to the store. */
  readonly bytes: number;
  readonly milliseconds: number;
}

/** Published on `raftlog:sync` after each save of the hard state and each sync of a buffered store. */
interface SyncEvent {
  readonly adaptor: string;
  readonly what: 'hard-state' | 'log';
  readonly milliseconds: number;
}

/** Published on `raftlog:read` after each read of the store; what the cache answers is not counted. */
interface ReadEvent {
  readonly adaptor: string;
  readonly first: number;
  readonly last: number;
  readonly blocks: number;
  readonly milliseconds: number;
}

/** Published on `raftlog:purge` when the store was told to drop what lies at or below `through`. */
interface PurgeEvent {
  readonly adaptor: string;
  readonly through: number;
}

/** Published on `raftlog:recovery` when an engine has opened. */
interface RecoveryEvent {
  readonly adaptor: string;
  readonly firstIndex: number;
  readonly lastIndex: number;
  /** Bytes of a torn, never acknowledged tail that were cut off. */
  readonly discardedBytes: number;
  /** What was mended or missing without loss, such as one damaged copy of the hard state. */
  readonly notices: readonly string[];
  readonly milliseconds: number;
}

/** Published on `raftlog:poison` once, when an engine takes no more writes. */
interface PoisonEvent {
  readonly adaptor: string;
  readonly error: unknown;
}

/** Published on `raftlog:background-failure`: something failed that costs no data. */
interface BackgroundFailureEvent {
  readonly adaptor: string;
  readonly operation: string;
  readonly error: unknown;
}

/** The events by name of their channel, without its prefix `raftlog:`. */
export interface DiagnosticsEvents {
  readonly commit: CommitEvent;
  readonly sync: SyncEvent;
  readonly read: ReadEvent;
  readonly purge: PurgeEvent;
  readonly recovery: RecoveryEvent;
  readonly poison: PoisonEvent;
  readonly 'background-failure': BackgroundFailureEvent;
}

type EventName = keyof DiagnosticsEvents;

const NAMES: readonly EventName[] = ['commit', 'sync', 'read', 'purge', 'recovery', 'poison', 'background-failure'];
const channels = Object.fromEntries(NAMES.map((name) => [name, channel(`raftlog:${name}`)])) as Record<
  EventName,
  ReturnType<typeof channel>
>;

/** Says what one engine does, to those who listen; costs nothing when nobody does. */
export class Diagnostics {
  readonly adaptor: string;

  constructor(adaptor: string) {
    this.adaptor = adaptor;
  }

  /** Time now if somebody listens for `name`, to be given to `publish`; otherwise `undefined`. */
  start(name: EventName): number | undefined {
    return channels[name].hasSubscribers ? performance.now() : undefined;
  }

  /** `started` as from `start`: `undefined` publishes nothing. */
  publish<Name extends EventName>(
    name: Name,
    started: number | undefined,
    event: Omit<DiagnosticsEvents[Name], 'adaptor' | 'milliseconds'>,
  ): void {
    if (started === undefined) return;
    channels[name].publish({ adaptor: this.adaptor, ...event, milliseconds: performance.now() - started });
  }
}
