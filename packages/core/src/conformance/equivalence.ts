import assert from 'node:assert/strict';
import type { StorageEngine } from '../storage-engine.ts';
import type { StorageEngineBuilder } from './builder.ts';
import type { ConformanceCase } from './case.ts';
import {
  applyToEngine,
  applyToModel,
  createModel,
  differenceBetween,
  faultsOf,
  type Operation,
  observe,
} from './model.ts';
import { createRandom, defaultSeed } from './random.ts';
import { chooseOperation } from './random-operation.ts';

/** Options of {@link runEquivalence}. */
export interface EquivalenceOptions {
  /** Default: `RAFTLOG_SEED` from the environment, or a new seed. */
  readonly seed?: number;
  /** How many operations. Default: 400. */
  readonly operations?: number;
}

/**
 * Makes the same random calls to the engines of two builders, on empty places, and rejects at the first difference: in
 * what a call resolved or rejected to, in the getters, or in what is stored. Clean reopens are among the operations if both engines are persistent.
 */
export async function runEquivalence(
  builderA: StorageEngineBuilder,
  builderB: StorageEngineBuilder,
  options: EquivalenceOptions = {},
): Promise<void> {
  const { seed = defaultSeed(), operations = 400 } = options;
  const random = createRandom(seed);
  const model = createModel();
  await Promise.all([builderA.cleanup(), builderB.cleanup()]);
  const places = [await Place.open(builderA), await Place.open(builderB)] as const;
  const [a, b] = places;
  try {
    const persistent = places.every(({ engine }) => engine.capabilities.durability !== 'volatile');
    for (let step = 1; step <= operations; step++) {
      const choice = { kind: random.next(), a: random.next(), b: random.next(), fault: random.next() };
      const operation = chooseOperation(model, choice);
      if (operation.type === 'reopen' && !persistent) continue;
      const faults = faultsOf(model, operation);
      applyToModel(model, operation);
      const where = `operation ${step} (${operation.type}), seed ${seed}`;
      const [codeA, codeB] = [await a.apply(operation), await b.apply(operation)];
      // An operation that is wrong in several ways may be refused for any of them.
      const bothRight = faults.length > 1 && [codeA, codeB].every((code) => faults.some((fault) => fault === code));
      if (!bothRight)
        assert.equal(codeA ?? 'accepted', codeB ?? 'accepted', `${where}: outcome of ${a.name} and ${b.name}`);
      assert.deepEqual(a.getters(), b.getters(), `${where}: getters of ${a.name} and ${b.name}`);
      if (step % 20 === 0 || step === operations) {
        const difference = differenceBetween(await observe(a.engine), await observe(b.engine));
        assert.equal(difference, undefined, `${where}: ${a.name} compared with ${b.name}`);
      }
    }
  } finally {
    await Promise.all(places.map((place) => place.engine.close()));
    await Promise.all([builderA.cleanup(), builderB.cleanup()]);
  }
}

/**
 * J 72 as a case, for `additionalCases`: the engine under test and the one of another adaptor give the same answers to the same calls.
 */
export function equivalenceCase(
  name: string,
  makeOther: () => StorageEngineBuilder | Promise<StorageEngineBuilder>,
): ConformanceCase {
  return {
    id: `J72-same-as-${name}`,
    area: 'model',
    title: `the same operations give the same values and the same error codes as ${name}`,
    level: 1,
    timeoutMs: 60_000,
    run: async ({ builder, seed }) => runEquivalence(builder, await makeOther(), { seed }),
  };
}

class Place {
  engine: StorageEngine;
  readonly #builder: StorageEngineBuilder;

  private constructor(builder: StorageEngineBuilder, engine: StorageEngine) {
    this.#builder = builder;
    this.engine = engine;
  }

  static async open(builder: StorageEngineBuilder): Promise<Place> {
    return new Place(builder, await builder.build({ small: true }));
  }

  get name(): string {
    return this.engine.capabilities.adaptor;
  }

  async apply(operation: Operation): Promise<string | undefined> {
    if (operation.type !== 'reopen') return applyToEngine(this.engine, operation);
    await this.engine.close();
    this.engine = await this.#builder.build({ small: true });
    return undefined;
  }

  getters(): unknown {
    const { firstIndex, lastIndex, lastLogId, purgeBoundary } = this.engine.logStore;
    return { firstIndex, lastIndex, lastLogId: { ...lastLogId }, purgeBoundary: { ...purgeBoundary } };
  }
}
