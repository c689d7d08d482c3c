import { describe, expect, test } from 'vitest';
import {
  type ConformanceCase,
  conformanceCases,
  equivalenceCase,
  formatReport,
  runAllTests,
  runEquivalence,
  StorageEngineTestSuite,
  SUITE_LEVEL,
} from '../src/conformance/index.ts';
import { examine, runCase } from '../src/conformance/run-case.ts';
import { describeStorageEngine } from '../src/conformance/vitest.ts';
import { brokenEngines } from './broken-engines.ts';
import { ReferenceBuilder, ReferenceEngine } from './reference-engine.ts';

const syncBuilder = () => new ReferenceBuilder((place) => new ReferenceEngine('sync', place));

describeStorageEngine('the reference engine', () => new ReferenceBuilder(), {
  level: 1,
  additionalCases: [equivalenceCase('the persistent one', syncBuilder)],
});

describe('a broken engine fails the case that is there for it', () => {
  test.for(brokenEngines)('$what: $killedBy', async ({ killedBy, make }) => {
    const subject = await examine(new ReferenceBuilder(make));
    const failure = await runCase(subject, caseOf(killedBy), { seed: 1 }).catch((error: Error) => error);
    expect(failure?.message).toMatch(new RegExp(`^${killedBy}: `));
  });

  test('and random operations find what was not thought of', async () => {
    const offByOne = brokenEngines[0];
    const subject = await examine(new ReferenceBuilder(offByOne?.make));
    const run = runCase(subject, caseOf('J71-random-operations'), { seed: 7 });
    await expect(run).rejects.toThrow(/purge[\s\S]*\(shrunk \d+ times\)[\s\S]*seed 7\]$/);
  });

  test('and is not equivalent to a right one', async () => {
    const wrong = new ReferenceBuilder(brokenEngines[0]?.make);
    await expect(runEquivalence(syncBuilder(), wrong, { seed: 3 })).rejects.toThrow(/\(purge\), seed 3: getters/);
    await runEquivalence(syncBuilder(), syncBuilder(), { seed: 3 });
  });
});

describe('the report', () => {
  test('holds a persistent engine without a child opener to have one, and says all it left out', async () => {
    const report = await StorageEngineTestSuite.runAllTests(syncBuilder(), { level: 1, seed: 42 });
    const failed = report.results.filter(({ status }) => status === 'failed');
    expect(failed.map(({ id }) => id)).toEqual(['J74-child-opener']);
    expect(report).toMatchObject({ adaptor: 'reference-sync', level: 1, suiteLevel: SUITE_LEVEL, seed: 42, failed: 1 });
    expect(report.passed + report.failed + report.skipped).toBe(conformanceCases.length);
    const skipped = report.results.filter(({ status }) => status === 'skipped');
    expect(skipped.length).toBeGreaterThan(0);
    for (const { reason } of skipped) expect(reason).toMatch(/\w/);
    const text = formatReport(report);
    expect(text).toContain('✗ J74-child-opener');
    expect(text).toContain('FAILED J74-child-opener: the builder has no "child"');
    expect(text).toMatch(/- A4-second-opener: .*\(skipped: the engine takes no lock\)/);
    expect(text).toMatch(/\d+ passed, 1 failed, \d+ skipped in [\d.]+ s\n/);
    expect(text).toMatch(/durability under power cuts: not tried \(no FileIo\).*\n$/);
  });

  test('names a case above the pinned level as skipped, and refuses a level that it does not know', async () => {
    const later = { ...probe(async () => {}), id: 'Z1-later', level: 2 };
    const { results } = await runAllTests(new ReferenceBuilder(), { level: 1, additionalCases: [later] });
    expect(results.at(-1)).toMatchObject({ status: 'skipped', reason: 'mandatory from level 2; pinned to 1' });
    for (const level of [0, 2, 1.5, Number.NaN]) {
      await expect(runAllTests(new ReferenceBuilder(), { level })).rejects.toThrow(/levels 1 to 1/);
    }
  });

  test('gives the same seed to every case, and each result as it comes', async () => {
    const seeds: number[] = [];
    const ids: string[] = [];
    const { results } = await runAllTests(new ReferenceBuilder(), {
      seed: 99,
      additionalCases: [probe(async ({ seed }) => void seeds.push(seed))],
      onResult: ({ id }) => ids.push(id),
    });
    expect(seeds).toEqual([99]);
    expect(ids).toEqual(results.map(({ id }) => id));
  });
});

describe('one run of one case', () => {
  test('closes every engine, runs what was registered, and empties the place, whatever happens', async () => {
    const events: string[] = [];
    const builder = new ReferenceBuilder(() => {
      const engine = new ReferenceEngine();
      const close = engine.close.bind(engine);
      engine.close = () => {
        events.push('close');
        return close();
      };
      return engine;
    });
    const cleanup = builder.cleanup.bind(builder);
    builder.cleanup = () => {
      events.push('cleanup');
      return cleanup();
    };
    const subject = await examine(builder);
    events.length = 0;
    const failing = probe(async (context) => {
      context.onEnd(() => void events.push('first registered'));
      context.onEnd(() => void events.push('last registered'));
      await context.open();
      await context.open({ keepOpen: true });
      throw new Error('it is broken');
    });
    await expect(runCase(subject, failing, { seed: 5 })).rejects.toThrow('P1-probe: it is broken [a probe; seed 5]');
    expect(events).toEqual(['last registered', 'first registered', 'close', 'close', 'cleanup']);
  });

  test('ends in time, and keeps a late case from opening the place again', async () => {
    const subject = await examine(new ReferenceBuilder());
    const { promise: late, resolve: goOn } = deferred();
    let afterwards: Promise<unknown> = Promise.resolve();
    const hanging = probe((context) => {
      afterwards = late.then(() => context.open());
      return afterwards.then(() => {});
    });
    const run = runCase(subject, { ...hanging, timeoutMs: 50 }, { seed: 1 });
    await expect(run).rejects.toThrow('the case did not end within 50 ms');
    goOn(undefined);
    await expect(afterwards).rejects.toThrow('The case has ended already.');
  });

  test('fails a case whose engine can not be closed', async () => {
    const builder = new ReferenceBuilder(() =>
      Object.assign(new ReferenceEngine(), { close: () => Promise.reject(new Error('it will not close')) }),
    );
    const subject = { builder, capabilities: new ReferenceEngine().capabilities };
    const run = runCase(
      subject,
      probe(async (context) => void (await context.open())),
      { seed: 1 },
    );
    await expect(run).rejects.toThrow('it will not close');
  });

  test('never asks a builder for what it does not offer', async () => {
    const subject = await examine(new ReferenceBuilder());
    const asking = probe(async (context) => void (await context.open({ durability: 'buffered' })));
    await expect(runCase(subject, asking, { seed: 1 })).rejects.toThrow(/does not offer/);
  });

  test('asks a buffered engine only for the mode that it has', async () => {
    const subject = await examine(new ReferenceBuilder((place) => new ReferenceEngine('buffered', place)));
    const modes: (string | undefined)[] = [];
    const { builder } = subject;
    const build = builder.build.bind(builder);
    builder.build = (options) => {
      modes.push(options?.durability);
      return build(options);
    };
    await runCase(subject, caseOf('J74-modes'), { seed: 1 });
    expect(modes).toEqual([undefined]);
  });

  test('leaves out what no memory could hold', async () => {
    const { builder, capabilities } = await examine(new ReferenceBuilder());
    const unlimited = { builder, capabilities: { ...capabilities, maxPendingBytes: Number.MAX_SAFE_INTEGER } };
    expect(caseOf('B22a-busy').inapplicable?.(unlimited)).toMatch(/too much memory/);
  });

  test('is content with no few random runs, and says how to get more', async () => {
    const builder = syncBuilder();
    const build = builder.build.bind(builder);
    builder.build = async () => {
      await new Promise((resolve) => setTimeout(resolve, 30));
      return build();
    };
    const run = runCase(await examine(builder), caseOf('J71-random-operations'), { seed: 1, timeoutFactor: 0.01 });
    await expect(run).rejects.toThrow(/only \d of 40 runs within 0.2 s.*give a timeoutFactor/);
  });

  test('takes a builder of a volatile engine that has a directory for a contradiction', async () => {
    const builder = Object.assign(new ReferenceBuilder(), { directory: '/nowhere' });
    const run = runCase(await examine(builder), caseOf('J74-builder'), { seed: 1 });
    await expect(run).rejects.toThrow(/volatile, but the builder has "directory"/);
  });
});

test('every case has an id of its own, which begins with its place in the list', () => {
  const ids = conformanceCases.map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
  for (const id of ids) expect(id).toMatch(/^[A-J]\d{1,2}[ab]?-[a-z0-9-]+$/);
});

function caseOf(id: string): ConformanceCase {
  const found = conformanceCases.find((each) => each.id === id);
  if (found === undefined) throw new Error(`There is no case ${id}.`);
  return found;
}

function probe(run: ConformanceCase['run']): ConformanceCase {
  return { id: 'P1-probe', area: 'model', title: 'a probe', level: 1, run };
}

function deferred(): { promise: Promise<unknown>; resolve: (value: unknown) => void } {
  let resolve: (value: unknown) => void = () => {};
  const promise = new Promise<unknown>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}
