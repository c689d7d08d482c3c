/**
 * What a block store in a thread of its own needs there. A part of the kit by itself, because each thread loads its modules anew, at each open.
 *
 * @packageDocumentation
 */

export { decodeBlockKey, encodeBlockKey } from '../format/block-key.ts';
export { type LogFileEnd, type RecordEnds, readLogFile } from '../format/log-file.ts';
export { type ServeOptions, serveBlockStore } from './serve-block-store.ts';
