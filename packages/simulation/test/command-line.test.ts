import { expect, test } from 'vitest';
import { brokenNamed } from '../src/broken/all-broken.ts';
import { parseCommandLine } from '../src/command-line.ts';

test('everything can be chosen', () => {
  const args =
    '--seeds 5 --seed 42 --nodes 4 --engine file --events 3,7 --duration 900 --broken x --trace --twice'.split(' ');
  expect(parseCommandLine(args)).toEqual({
    seeds: 5,
    firstSeed: 42,
    plan: { nodes: 4, engine: 'file' },
    events: [3, 7],
    duration: 900,
    broken: 'x',
    trace: true,
    twice: true,
  });
});

test('by default the seed decides, and nothing is left out', () => {
  const options = parseCommandLine([]);
  expect(options).toMatchObject({
    seeds: 100,
    plan: { nodes: undefined, engine: undefined },
    events: undefined,
    duration: undefined,
  });
  expect(options.firstSeed).toBeGreaterThan(0);
  expect(parseCommandLine(['--events', 'none']).events).toEqual([]);
});

test('what makes no sense is refused with a sentence', () => {
  expect(() => parseCommandLine(['--seeds', 'many'])).toThrow('--seeds must be a whole number, 1 or more, not "many"');
  expect(() => parseCommandLine(['--nodes', '0'])).toThrow('--nodes');
  expect(() => parseCommandLine(['--engine', 'tape'])).toThrow('--engine must be memory or file');
  expect(() => parseCommandLine(['--sedes', '4'])).toThrow('--sedes');
  expect(() => brokenNamed('nothing')).toThrow('Nothing broken is called "nothing"');
});
