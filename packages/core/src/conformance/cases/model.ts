import assert from 'node:assert/strict';
import type { StorageEngine } from '../../storage-engine.ts';
import { assertLogId, assertMatchesModel } from '../assertions.ts';
import type { CaseContext, ConformanceCase } from '../case.ts';
import {
  applyToEngine,
  applyToModel,
  createModel,
  type LogModel,
  modelFirstIndex,
  modelLastIndex,
  modelLastLogId,
  type Operation,
} from '../model.ts';
import { chooseOperation, type OperationChoice } from '../random-operation.ts';
import { claimCases } from './claims.ts';
import { defineCases } from './define-cases.ts';

const define = defineCases('model');

const leastRuns = 10;

/** J 71 and 74. J 72 needs a second adaptor: see equivalence.ts. */
export const modelCases: readonly ConformanceCase[] = [
  define(
    'J71-random-operations',
    'random operations, awaited or not, with reopens, give what a plain array gives',
    async (context) => {
      const fc = await import('fast-check').catch((cause: unknown) => {
        throw new Error('fast-check is missing, which this case needs: npm i -D fast-check', { cause });
      });
      const fraction = fc.integer({ min: 0, max: 999 }).map((value) => value / 1000);
      const step = fc.record({
        kind: fraction,
        a: fraction,
        b: fraction,
        fault: fraction,
        // Not awaited in two thirds of the cases: queues, caches and group commit have something to get wrong.
        wait: fc.integer({ min: 0, max: 2 }).map((value) => value === 0),
      });
      const property = fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 60 }), (steps) =>
        play(context, steps),
      );
      const limitMs = 20_000 * context.timeoutFactor;
      const result = await fc.check(property, {
        seed: context.seed | 0,
        numRuns: 40,
        interruptAfterTimeLimit: limitMs,
      });
      if (!result.failed) {
        // Few runs find little: a slow engine needs more time for as much proof.
        const enough = result.numRuns >= leastRuns;
        assert.ok(
          enough,
          `only ${result.numRuns} of 40 runs within ${limitMs / 1000} s, and ${leastRuns} at least are needed: give a timeoutFactor`,
        );
        return;
      }
      const [steps] = result.counterexample ?? [[]];
      const error = result.errorInstance;
      throw new Error(
        `${error instanceof Error ? error.message : error}\nafter ${describeSteps(steps).join('\n  then ')}\n(shrunk ${result.numShrinks} times)`,
        { cause: error },
      );
    },
    { timeoutMs: 90_000 },
  ),
  ...claimCases,
];

type Step = OperationChoice & { readonly wait: boolean };

async function play(context: CaseContext, steps: readonly Step[]): Promise<void> {
  const persistent = context.capabilities.durability !== 'volatile';
  const model = createModel();
  // Each run starts from nothing; open() closes what the last one left open.
  let engine = await context.open({ small: true });
  await engine.close();
  await context.builder.cleanup();
  engine = await context.open({ small: true });
  let pending: Promise<void>[] = [];
  const settle = async () => {
    const outcomes = await Promise.allSettled(pending);
    pending = [];
    for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
  };
  try {
    for (const step of steps) {
      const operation = chooseOperation(model, step);
      if (operation.type === 'reopen') {
        await settle();
        if (persistent) engine = await context.open({ small: true });
      } else {
        const codes = applyToModel(model, operation);
        pending.push(
          applyToEngine(engine, operation).then((code) => {
            const right = code === undefined ? codes.length === 0 : codes.includes(code);
            const expected = codes.length === 0 ? 'accepted' : `refused with ${codes.join(' or ')}`;
            assert.ok(right, `${describeOperation(operation)} was to be ${expected}, but was ${code ?? 'accepted'}`);
          }),
        );
        assertAccepted(engine, model, operation);
      }
      if (step.wait || operation.type === 'reopen') {
        await settle();
        await assertMatchesModel(engine, model);
      }
    }
    await settle();
    await context.andAfterReopen(engine, (opened) => assertMatchesModel(opened, model));
  } finally {
    await Promise.allSettled(pending);
  }
}

/** What a call did must show in the getters at once, before anything is awaited. */
function assertAccepted(engine: StorageEngine, model: LogModel, operation: Operation): void {
  const after = `right after the call of ${describeOperation(operation)}`;
  const { firstIndex, lastIndex, lastLogId, purgeBoundary, durableIndex } = engine.logStore;
  assert.equal(firstIndex, modelFirstIndex(model), `firstIndex ${after}`);
  assert.equal(lastIndex, modelLastIndex(model), `lastIndex ${after}`);
  assertLogId(lastLogId, modelLastLogId(model), `lastLogId ${after}`);
  assertLogId(purgeBoundary, model.boundary, `purgeBoundary ${after}`);
  assert.ok(durableIndex <= lastIndex, `durableIndex ${durableIndex} is above lastIndex ${lastIndex} ${after}`);
}

function describeSteps(steps: readonly Step[]): string[] {
  const model = createModel();
  return steps.map((step) => {
    const operation = chooseOperation(model, step);
    applyToModel(model, operation);
    return `${describeOperation(operation)}${step.wait ? ', awaited' : ''}`;
  });
}

function describeOperation(operation: Operation): string {
  return JSON.stringify(operation, (key, value) => {
    if (key === 'data') return undefined;
    if (key !== 'entries' || value.length === 0) return value;
    const [first, last] = [value[0], value.at(-1)];
    return `${value.length} entries, ${first.index}/${first.term} to ${last.index}/${last.term}`;
  });
}
