/** The process that {@link measureMemory} measures: does one phase and sends what it saw. */
import { setTimeout } from 'node:timers/promises';
import type { OpenInChild } from '../conformance/builder.ts';
import type { LogStore } from '../log-store.ts';
import { EntrySource } from './entry-source.ts';
import type { MemoryMessage, MemoryTask, PhaseMemory } from './memory.ts';
import { ResidentMemory } from './resident-memory.ts';

const progressEveryMs = 200;
/** Few: each leaves the memory it was read into to the garbage collector, which is in no hurry however short the log. */
const randomReads = 100;

async function main(): Promise<PhaseMemory> {
  const task = readTask(process.argv[2]);
  const { open } = (await import(task.module)) as { readonly open: OpenInChild };
  const source = new EntrySource(task.payloadBytes);
  // Loading the modules is over when this has passed.
  await setTimeout(300);
  const memory = new ResidentMemory();
  const start = performance.now();
  const engine = await open(task.place, task.durability === undefined ? {} : { durability: task.durability });
  try {
    if (task.phase === 'write') await write(engine.logStore, source, task);
    else await read(engine.logStore, task);
  } finally {
    await engine.close();
  }
  return { ...memory.end(), seconds: (performance.now() - start) / 1000 };
}

async function write(log: LogStore, source: EntrySource, task: MemoryTask): Promise<void> {
  const batch = source.reusableBatch(task.batchSize);
  const progress = progressSender();
  for (let done = 0; done < task.entries; ) {
    const size = Math.min(task.batchSize, task.entries - done);
    for (let i = 0; i < size; i++) {
      const entry = batch[i];
      if (entry !== undefined) entry.index = done + i + 1;
    }
    await log.persistEntries(size === task.batchSize ? batch : batch.slice(0, size));
    done += size;
    progress(done);
  }
  await log.flush();
}

async function read(log: LogStore, task: MemoryTask): Promise<void> {
  const progress = progressSender();
  let expected = 1;
  for await (const entry of log.entries()) {
    if (entry.index !== expected || entry.data.byteLength !== task.payloadBytes) {
      throw new Error(`Entry ${expected} came back as index ${entry.index} with ${entry.data.byteLength} bytes.`);
    }
    expected++;
    progress(entry.index);
  }
  if (expected !== task.entries + 1)
    throw new Error(`${task.entries} entries were written, ${expected - 1} came back.`);
  for (let i = 0; i < randomReads; i++) {
    const index = 1 + ((i * 104_729) % task.entries);
    const entry = await log.entry(index);
    if (entry?.index !== index) throw new Error(`entry(${index}) gave ${entry?.index}.`);
  }
}

function progressSender(): (done: number) => void {
  let next = performance.now() + progressEveryMs;
  return (done) => {
    const now = performance.now();
    if (now < next) return;
    next = now + progressEveryMs;
    send({ done });
  };
}

function readTask(text: string | undefined): MemoryTask {
  if (text === undefined) throw new Error('This program is started by measureMemory.');
  return JSON.parse(text) as MemoryTask;
}

function send(message: MemoryMessage): void {
  process.send?.(message);
}

try {
  send({ memory: await main() });
} catch (error) {
  send({ error: error instanceof Error ? (error.stack ?? error.message) : String(error) });
  process.exitCode = 1;
}
process.disconnect?.();
