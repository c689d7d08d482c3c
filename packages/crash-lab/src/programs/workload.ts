// Runs under strace: makes the calls of a workload, and leaves marks before each and after each acknowledgement.
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { deserialize } from 'node:v8';
import type { StorageEngine } from '@raftlog/core';
import { applyToEngine, differenceBetween, type OpenInChild, observe } from '@raftlog/core/conformance';
import type { Workload, WorkloadTask } from '../record/workload.ts';
import { mark } from '../syncs/mark.ts';

await run(deserialize(readFileSync(process.argv[2] ?? '')) as WorkloadTask);

async function run(task: WorkloadTask): Promise<void> {
  const { open } = (await import(task.module)) as { open: OpenInChild };
  let engine = await open(task.place, task.build);
  mark('opened');
  const difference = differenceBetween(await observe(engine), task.base);
  if (difference !== undefined)
    throw new Error(`The recorded process found something else than the one before: ${difference}`);
  const half = task.reopenAfter ?? task.operations.length;
  await makeCalls(engine, task, 0, half);
  if (task.reopenAfter !== undefined) {
    await engine.close();
    engine = await open(task.place, task.build);
    await makeCalls(engine, task, half, task.operations.length);
  }
  if (task.closes) await engine.close();
  mark('ended');
  // Not by a return: what an engine does when it is garbage is not part of the workload.
  process.exit(0);
}

async function makeCalls(engine: StorageEngine, task: Workload, from: number, to: number): Promise<void> {
  let next = from;
  let rest: Promise<void> | undefined;
  const call = async (): Promise<void> => {
    for (;;) {
      // All callers rest: the operations are right in this order only.
      if (next + 1 === task.restBefore) {
        rest ??= sleep(1_100);
        await rest;
      }
      const operation = task.operations[next];
      if (operation === undefined || next >= to) return;
      const number = ++next;
      mark(`i ${number}`);
      const code = await applyToEngine(engine, operation);
      if (code !== undefined) throw new Error(`Operation ${number}, ${operation.type}, was refused with ${code}.`);
      mark(`a ${number}`);
    }
  };
  await Promise.all(Array.from({ length: task.callers }, call));
}
