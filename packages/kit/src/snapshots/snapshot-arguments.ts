import { type LogId, type SnapshotMeta, StorageError } from '@raftlog/core';
import { invalidArgument } from '../argument.ts';
import { checkLogId } from '../log/validate.ts';

/** Largest `context` of a snapshot. */
export const MAX_CONTEXT_BYTES: number = 1024 * 1024;

/** A snapshot's description, checked and copied. Throws `INVALID_ARGUMENT` or `TOO_LARGE`. */
export function checkSnapshotMeta(meta: SnapshotMeta): { readonly lastIncluded: LogId; readonly context: Uint8Array } {
  if (typeof meta !== 'object' || meta === null) throw invalidArgument('meta', meta, 'an object with lastIncluded');
  checkLogId('meta.lastIncluded', meta.lastIncluded);
  const { index, term } = meta.lastIncluded;
  const { context = new Uint8Array(0) }: { readonly context?: unknown } = meta;
  if (!(context instanceof Uint8Array)) throw invalidArgument('meta.context', context, 'a Uint8Array');
  if (context.byteLength > MAX_CONTEXT_BYTES) {
    throw new StorageError(
      'TOO_LARGE',
      `The context of a snapshot has ${context.byteLength} bytes, at most ${MAX_CONTEXT_BYTES} are kept. Put large data into the content.`,
      { bytes: context.byteLength, limit: MAX_CONTEXT_BYTES },
    );
  }
  return { lastIncluded: { index, term }, context: new Uint8Array(context) };
}

/** Throws `INVALID_ARGUMENT` unless `count`, the argument of `retain`, is a safe integer from 1 on. */
export function checkSnapshotCount(count: number): void {
  if (!Number.isSafeInteger(count) || count < 1) throw invalidArgument('count', count, 'a safe integer from 1 on');
}

/** Throws `INVALID_ARGUMENT` unless `id` is a string. */
export function checkSnapshotId(id: string): void {
  if (typeof id !== 'string') throw invalidArgument('id', id, 'the id of a snapshot');
}

/** What a store answers for an id that it doesn't have. */
export function snapshotNotFound(id: string): StorageError<'NOT_FOUND'> {
  return new StorageError('NOT_FOUND', `There is no snapshot ${id}. Ask list() for those that are there.`, {
    snapshotId: id,
  });
}

/**
 * The chunks of a snapshot's content. Throws what `source` throws; `INVALID_ARGUMENT` for what is no bytes; and the
 * reason of `signal` as soon as it fires, even while the source hangs.
 */
export async function* readSnapshotSource(
  source: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, void, undefined> {
  const given: unknown = source;
  if (typeof given !== 'object' || given === null || !(Symbol.asyncIterator in given)) {
    throw invalidArgument('source', given, 'an async iterable of Uint8Array');
  }
  const iterator = source[Symbol.asyncIterator]();
  let ended = false;
  try {
    for (;;) {
      // It may have fired while the store was busy with the last chunk, when nobody listened.
      signal.throwIfAborted();
      const next = await nextUnlessAborted(iterator, signal);
      if (next.done === true) {
        ended = true;
        return;
      }
      if (!(next.value instanceof Uint8Array))
        throw invalidArgument('source', next.value, 'an async iterable of Uint8Array');
      yield next.value;
    }
  } finally {
    // Not awaited: a source that hangs, the reason why it was aborted, would never answer.
    if (!ended) Promise.resolve(iterator.return?.()).catch(() => undefined);
  }
}

// The listener goes with each chunk. Racing every chunk against one promise of the signal would keep all of them alive
// until the signal fires.
function nextUnlessAborted(
  iterator: AsyncIterator<Uint8Array>,
  signal: AbortSignal,
): Promise<IteratorResult<Uint8Array, unknown>> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    iterator
      .next()
      .then(resolve, reject)
      .finally(() => signal.removeEventListener('abort', onAbort));
  });
}
