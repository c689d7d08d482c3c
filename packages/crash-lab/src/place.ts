import { relative } from 'node:path';
import type { ChildProcessOpener, StorageEngineBuilder } from '@raftlog/core/conformance';

/** Anything that opens an engine in a directory and names a child process opener. */
export type MakeBuilder = () => StorageEngineBuilder | Promise<StorageEngineBuilder>;

/** Where a builder's engine lies, and how a child process opens it. */
export function placeOf(builder: StorageEngineBuilder): {
  readonly child: ChildProcessOpener;
  readonly directory: string;
} {
  const { child, directory } = builder;
  if (child === undefined || directory === undefined) {
    throw new Error('The builder names no directory or no child process opener: there is nothing to watch.');
  }
  return { child, directory };
}

/** Whether durability hangs on a file, named below the engine's directory. On the witness it doesn't: it is written whenever. */
export function countedFiles(builder: StorageEngineBuilder, ignore: RegExp | undefined): (path: string) => boolean {
  const { directory } = placeOf(builder);
  const witness = new Set((builder.files?.witness ?? []).map((path) => relative(directory, path)));
  return (path) => !witness.has(path) && ignore?.test(path) !== true;
}
