import type { StorageEngine } from '../../storage-engine.ts';
import { createTestEntries } from '../entries.ts';
import { differenceBetween, type LogModel, modelLastIndex, modelLastLogId, observe } from '../model.ts';
import type { CrashHistory } from './crash-history.ts';

/**
 * Opens an engine after a crash, compares what it holds with the history, and with what `judgeMore` knows, appends, closes, and looks once
 * more. Rejects with what is wrong; resolves to what lies there now.
 */
export async function judgeAfterCrash(
  open: () => Promise<StorageEngine>,
  history: CrashHistory,
  judgeMore: (engine: StorageEngine) => Promise<void> = async () => {},
): Promise<LogModel> {
  const engine = await open();
  let model: LogModel;
  try {
    model = await observe(engine);
    const verdict = history.judge(model, history.moment());
    if (verdict !== undefined) throw new Error(verdict);
    await judgeMore(engine);
    model = await goOnAfterCrash(engine, model);
  } finally {
    await engine.close();
  }
  const reopened = await open();
  try {
    const difference = differenceBetween(await observe(reopened), model);
    if (difference !== undefined) throw new Error(`after going on and a clean reopen: ${difference}`);
  } finally {
    await reopened.close();
  }
  return model;
}

/** Appends to what an engine was found to hold, and votes in a later term, durably. Resolves to what it holds then; `found` stays as it is. */
export async function goOnAfterCrash(engine: StorageEngine, found: LogModel): Promise<LogModel> {
  const last = modelLastIndex(found);
  const term = Math.max(modelLastLogId(found)?.term ?? 1, found.hardState?.currentTerm ?? 1) + 1;
  const next = createTestEntries(last + 1, last + 2, term);
  const hardState = { currentTerm: term, votedFor: 'node-1' };
  await engine.write({ hardState, entries: next });
  await engine.logStore.flush();
  return { ...found, entries: [...found.entries, ...next], hardState };
}
