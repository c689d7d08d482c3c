import type { NodeId } from './live-tree.ts';

/** When a system call was under way: positions in the trace. */
interface Moment {
  /** As the kernel calls it, with the path below the recorded directory: for those who read a report. */
  readonly call: string;
  readonly began: number;
  readonly ended: number;
}

interface Name {
  readonly directory: NodeId;
  readonly name: string;
}

/** Bytes of a file; `zero`: a hole was punched, or zeros written by `fallocate`. */
export type DataChange = Moment & { readonly file: NodeId } & (
    | {
        readonly kind: 'write';
        readonly at: number;
        readonly bytes: Uint8Array;
        /** It went through to the device, as `O_DSYNC` and `RWF_DSYNC` make it. */
        readonly through: boolean;
      }
    | { readonly kind: 'extend'; readonly size: number }
  );

/** What a file system keeps in its journal: names, and the size that a file was cut or stretched to. */
export type NamingChange = Moment & { readonly file: NodeId } & (
    | { readonly kind: 'resize'; readonly size: number }
    | { readonly kind: 'create'; readonly to: Name; readonly isDirectory: boolean }
    | { readonly kind: 'link'; readonly to: Name }
    | { readonly kind: 'remove'; readonly from: Name }
    | { readonly kind: 'rename'; readonly from: Name; readonly to: Name }
  );

/** `dataOnly`: fdatasync, which leaves out what isn't needed to find the data again. */
export type SyncChange = Moment & { readonly kind: 'sync'; readonly file: NodeId; readonly dataOnly: boolean };

/** The workload left a mark. */
type MarkChange = Moment & { readonly kind: 'mark'; readonly text: string };

/** What a system call did to the recorded directory. */
export type Change = DataChange | NamingChange | SyncChange | MarkChange;

export function isData(change: Change): change is DataChange {
  return change.kind === 'write' || change.kind === 'extend';
}

export function isNaming(change: Change): change is NamingChange {
  return !isData(change) && change.kind !== 'sync' && change.kind !== 'mark';
}
