import {
  createTestEntries,
  type LogModel,
  type LogOperation,
  modelLastIndex,
  modelLastLogId,
  type Random,
  randomOperation,
} from '@raftlog/core/conformance';

/**
 * What the disk does from some moment on. `sync-fails`: fsync, fdatasync and msync return EIO. `device-fails`: so do pwrite64 and
 * pwritev, with which most engines write. `disk-full`: the file system has no space left.
 */
export type DiskFault = 'sync-fails' | 'device-fails' | 'disk-full';

/** What an operation of a run that fills the disk writes, on average and roughly. */
export const BYTES_PER_OPERATION = 40_000;

/** The next operation of a run that ends in this fault; a right engine accepts it. */
export function nextOperation(fault: DiskFault, model: LogModel, random: Random): LogOperation {
  return fault === 'disk-full' ? appendOrVote(model, random) : randomOperation(model, random);
}

/** Nothing that gives space back. */
function appendOrVote(model: LogModel, random: Random): LogOperation {
  const currentTerm = model.hardState?.currentTerm ?? 0;
  if (currentTerm === 0 || random.chance(0.1)) {
    return { type: 'hardState', state: { currentTerm: currentTerm + 1, votedFor: `node-${random.integer(1, 5)}` } };
  }
  const first = modelLastIndex(model) + 1;
  const term = Math.max(currentTerm, modelLastLogId(model)?.term ?? 1);
  const bytes = random.integer(0, 40_000);
  return { type: 'append', entries: createTestEntries(first, first + random.integer(0, 3), term, { bytes }) };
}
