import { type FileIo, isStorageError } from '@raftlog/core';
import type { Commit } from '@raftlog/kit';
import { JournalBlocks } from '../journal-blocks.ts';
import type { Mutant } from '../mutant.ts';
import { override, overrideFiles, overrideLog, overrideMeta } from '../override.ts';
import { LOSS } from './verdicts.ts';

/** Broken in what a failed write or sync leads to. */
export const faultMutants: readonly Mutant[] = [
  {
    name: 'write-error-swallowed',
    broken: 'A write that fails is reported as a success.',
    seenIn: 'lmdb with `overlappingSync`, where a failed write of the meta page is',
    host: 'journal',
    mutation: {
      blockStore: (context) =>
        new (class extends JournalBlocks {
          override async commit(commit: Commit): Promise<void> {
            await super.commit(commit).catch(() => {});
          }
        })(context),
    },
    killedBy: 'H61-write-fails',
    failsWith: /append on a disk that answers every write with ENOSPC/,
  },
  {
    name: 'sync-retried',
    broken: 'A sync that fails is tried again and then succeeds, without the pages that the kernel has dropped.',
    seenIn: 'PostgreSQL until 2018 ("fsyncgate")',
    host: 'journal',
    mutation: {
      fileIo: (io) =>
        overrideFiles(io, /journal|spare/, (file) => ({
          datasync: () => file.datasync().catch(() => file.datasync()),
        })),
    },
    killedBy: 'H62-datasync-fails',
    failsWith: new RegExp(`${LOSS.source}|no failed sync of append was ever reported`),
  },
  {
    name: 'directory-sync-retried',
    broken:
      'A sync of a directory that fails is tried again and then succeeds, without the names that the kernel has dropped.',
    host: 'journal',
    mutation: {
      fileIo: (io) =>
        override(io, { syncDirectory: (path) => io.syncDirectory(path).catch(() => io.syncDirectory(path)) }),
    },
    killedBy: 'H63-every-call-fails',
    failsWith: LOSS,
  },
  {
    name: 'poison-forgotten',
    broken: 'Only the write that failed is rejected; the next ones are taken as if nothing had happened.',
    host: 'journal',
    mutation: {
      engine: (engine) =>
        overrideLog(engine, (log) => ({
          persistEntries: (entries) => (engine.failure.aborted ? Promise.resolve() : log.persistEntries(entries)),
        })),
    },
    killedBy: 'H61-write-fails',
    failsWith: /persistEntries after a failure was to be refused with STORE_FAILED, but it succeeded/,
  },
  {
    name: 'poison-of-the-log-only',
    broken: 'When the log has failed, votes are still taken: the node votes for terms whose entries it can not store.',
    host: 'journal',
    mutation: {
      engine: (engine) =>
        overrideMeta(engine, (meta) => ({
          saveHardState: (state) => (engine.failure.aborted ? Promise.resolve() : meta.saveHardState(state)),
        })),
    },
    killedBy: 'H61-write-fails',
    failsWith: /saveHardState after a failure was to be refused with STORE_FAILED, but it succeeded/,
  },
  {
    name: 'failure-never-fires',
    broken: 'A poisoned engine tells nobody: the node goes on as a leader that stores nothing.',
    host: 'journal',
    mutation: { engine: (engine) => override(engine, { failure: new AbortController().signal }) },
    killedBy: 'H61-write-fails',
    failsWith: /`failure` has fired/,
  },
  {
    name: 'snapshot-failure-poisons',
    broken: 'A snapshot that can not be saved ends the engine, although nothing is lost.',
    host: 'journal',
    mutation: {
      engine: (engine) => {
        const controller = new AbortController();
        const { snapshotStore } = engine;
        return override(engine, {
          failure: controller.signal,
          snapshotStore: override(snapshotStore, {
            save: (...save) =>
              snapshotStore.save(...save).catch((error: unknown) => {
                controller.abort(error);
                throw error;
              }),
          }),
        });
      },
    },
    killedBy: 'H61a-snapshot-failure',
    failsWith: /the engine is poisoned although only saving a snapshot/,
  },
  {
    name: 'snapshot-sync-failure-poisons',
    broken:
      'A snapshot that can not be saved for another reason than a full disk ends the engine, as a failed write of the log does.',
    host: 'journal',
    mutation: {
      engine: (engine) => {
        const controller = new AbortController();
        const { snapshotStore } = engine;
        return override(engine, {
          failure: AbortSignal.any([controller.signal, engine.failure]),
          snapshotStore: override(snapshotStore, {
            save: (...save) =>
              snapshotStore.save(...save).catch((error: unknown) => {
                if (isStorageError(error, 'STORE_FAILED')) controller.abort(error);
                throw error;
              }),
          }),
        });
      },
    },
    killedBy: 'H61a-snapshot-failure',
    failsWith: /the engine is poisoned although only saving a snapshot/,
  },
  {
    name: 'footer-failure-poisons',
    broken: 'When the footer of a full segment can not be written nothing else is, although nobody needs it.',
    host: 'file',
    mutation: { fileIo: failsWithAnyWrite },
    killedBy: 'H61a-failure-behind-a-success',
    failsWith: /an append was refused, although call \d+ \(write .*\) failed behind an earlier one that succeeded/,
  },
  {
    name: 'witness-failure-poisons',
    broken: 'When the witness can not be written nothing else is, although the log needs no witness.',
    host: 'file',
    mutation: { fileIo: failsWithWitness },
    killedBy: 'H61b-witness-failure',
    failsWith: /an append although the witness was due and failed/,
  },
  {
    name: 'poisoned-engine-keeps-its-lock',
    broken: '`close()` of a poisoned engine frees nothing: the place can not be opened again by this process.',
    host: 'journal',
    mutation: {
      engine: (engine) =>
        override(engine, { close: async () => (engine.failure.aborted ? undefined : engine.close()) }),
    },
    killedBy: 'H61-write-fails',
    failsWith: /the place can’t be opened: .* is open in another engine/,
  },
  {
    name: 'failed-open-keeps-its-lock',
    broken: 'An open that fails does not free the lock that it took.',
    host: 'journal',
    mutation: {
      fileIo(io) {
        let failed = false;
        return override(io, {
          async lock(path) {
            const lock = await io.lock(path);
            return lock && { release: async () => (failed ? undefined : lock.release()) };
          },
          async open(...file) {
            return io.open(...file).catch((error: unknown) => {
              failed = true;
              throw error;
            });
          },
        });
      },
    },
    killedBy: 'H63-every-call-fails',
    failsWith: /the place can’t be opened: .* is open in another engine/,
  },
];

/** A disk on which no segment of the log is written once a write of the witness has failed. */
function failsWithWitness(io: FileIo): FileIo {
  let failure: unknown;
  return overrideFiles(io, /witness|blocks/, (file, path) => ({
    async write(chunks, position) {
      if (failure !== undefined) throw failure;
      await file.write(chunks, position).catch((error: unknown) => {
        if (path.endsWith('witness')) failure = error;
        throw error;
      });
    },
  }));
}

/** A disk on which no segment is written once a write of one has failed, whoever was told of that. */
function failsWithAnyWrite(io: FileIo): FileIo {
  let failure: unknown;
  return overrideFiles(io, /blocks/, (file) => ({
    async write(chunks, position) {
      if (failure !== undefined) throw failure;
      await file.write(chunks, position).catch((error: unknown) => {
        failure = error;
        throw error;
      });
    },
  }));
}
