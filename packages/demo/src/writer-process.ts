/** The process that is killed: appends the input to the log from where the log ends, several callers at once. */
import { setImmediate as turnOfEventLoop } from 'node:timers/promises';
import { readInput, splitLines } from './input-lines.ts';
import type { ParentMessage, WriterMessage, WriterTask } from './messages.ts';
import { openLog } from './open-log.ts';

async function main(task: WriterTask): Promise<void> {
  const lines = splitLines(readInput(task.input));
  const engine = await openLog(task.directory);
  const { logStore, metaStore } = engine;
  await metaStore.saveHardState({ currentTerm: task.term, votedFor: 'demo' });
  send({ kind: 'ready', recovered: logStore.lastIndex });

  const start = logStore.lastIndex;
  let next = start + 1;
  // Nothing is written before the parent has seen that the log is open.
  let limit = start;
  let wake: (() => void)[] = [];
  process.on('message', ({ confirmed }: ParentMessage) => {
    limit = start + confirmed + task.window;
    const woken = wake;
    wake = [];
    for (const resume of woken) resume();
  });

  const acknowledge = acknowledger(() => engine.stats().syncs);
  const caller = async (): Promise<void> => {
    for (;;) {
      while (next > limit && next <= lines.length) await new Promise<void>((resolve) => wake.push(resolve));
      const data = lines[next - 1];
      if (data === undefined) return;
      const index = next++;
      await logStore.persistEntries([{ index, term: task.term, kind: 'command', data }]);
      acknowledge(index);
    }
  };
  await Promise.all(Array.from({ length: task.callers }, caller));
  const { syncs } = engine.stats();
  await engine.close();
  await turnOfEventLoop();
  send({ kind: 'done', syncs });
}

/** Sends what was acknowledged in one turn of the event loop as one message. */
function acknowledger(syncs: () => number): (index: number) => void {
  let indexes: number[] = [];
  return (index) => {
    indexes.push(index);
    if (indexes.length > 1) return;
    setImmediate(() => {
      send({ kind: 'acknowledged', indexes, syncs: syncs() });
      indexes = [];
    });
  };
}

function send(message: WriterMessage): void {
  process.send?.(message);
}

// The parent ends it, or is gone.
process.once('disconnect', () => process.exit());
// Ctrl-C goes to the whole group; the parent decides.
process.on('SIGINT', () => {});

try {
  const [task] = process.argv.slice(2);
  if (task === undefined) throw new Error('The demo starts this program.');
  await main(JSON.parse(task) as WriterTask);
} catch (error) {
  send({ kind: 'failed', error: error instanceof Error ? error.message : String(error) });
  process.exitCode = 1;
}
