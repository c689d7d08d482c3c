import fc from 'fast-check';
import { expect, test } from 'vitest';
import { quorumValue } from '../src/configuration.ts';
import {
  type Configuration,
  decodeConfiguration,
  encodeConfiguration,
  initialConfiguration,
  isRaftError,
} from '../src/index.ts';
import { Votes } from '../src/votes.ts';

const ids = fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f', 'g'), { minLength: 1, maxLength: 7 });

test('encoding keeps all of a configuration', () => {
  fc.assert(
    fc.property(ids, ids, fc.boolean(), (voters, outgoing, autoLeave) => {
      const configuration: Configuration = { voters, outgoing, learners: ['x', 'ÿ'], autoLeave };
      expect(decodeConfiguration(encodeConfiguration(configuration))).toEqual(configuration);
    }),
  );
});

test.each([
  'not json',
  '[]',
  'null',
  '{"version":2,"voters":["a"],"outgoing":[],"learners":[],"autoLeave":false}',
  '{"version":1,"voters":[],"outgoing":[],"learners":[],"autoLeave":false}',
  '{"version":1,"voters":["a","a"],"outgoing":[],"learners":[],"autoLeave":false}',
  '{"version":1,"voters":["a"],"outgoing":[],"learners":["a"],"autoLeave":false}',
  '{"version":1,"voters":["a",""],"outgoing":[],"learners":[],"autoLeave":false}',
  '{"version":1,"voters":["a",1],"outgoing":[],"learners":[],"autoLeave":false}',
  '{"version":1,"voters":["a"],"outgoing":[],"learners":[]}',
])('what is no configuration is refused: %s', (json) => {
  expect(() => decodeConfiguration(Buffer.from(json))).toThrow(
    expect.objectContaining({ code: 'MALFORMED_CONFIGURATION' }),
  );
});

test('a new cluster names every server once', () => {
  expect(initialConfiguration(['b', 'a'], ['c'])).toEqual({
    voters: ['a', 'b'],
    outgoing: [],
    learners: ['c'],
    autoLeave: false,
  });
  for (const [voters, learners] of [
    [[], []],
    [['a', 'a'], []],
    [['a'], ['a']],
  ] as const) {
    let error: unknown;
    try {
      initialConfiguration(voters, learners);
    } catch (thrown) {
      error = thrown;
    }
    expect(isRaftError(error, 'INVALID_ARGUMENT')).toBe(true);
    expect(isRaftError(error, 'INVALID_OPTION')).toBe(false);
  }
});

test('what a quorum has reached, a majority of each half has', () => {
  fc.assert(
    fc.property(
      ids,
      fc.option(ids),
      fc.array(fc.nat(9), { minLength: 7, maxLength: 7 }),
      (voters, outgoing, values) => {
        const configuration = { voters, outgoing: outgoing ?? [], learners: [], autoLeave: false };
        const value = (id: string) => values['abcdefg'.indexOf(id)] ?? 0;
        const reached = quorumValue(configuration, value);
        const halves = [voters, ...(outgoing === null ? [] : [outgoing])];
        const isReached = (limit: number) =>
          halves.every((half) => half.filter((id) => value(id) >= limit).length * 2 > half.length);
        expect(isReached(reached)).toBe(true);
        expect(isReached(reached + 1)).toBe(false);
      },
    ),
  );
});

test('an election is won or lost when no answer that is open can change it', () => {
  fc.assert(
    fc.property(
      ids,
      fc.option(ids),
      fc.array(fc.constantFrom(true, false, undefined), { minLength: 7, maxLength: 7 }),
      (voters, outgoing, answers) => {
        const configuration = { voters, outgoing: outgoing ?? [], learners: [], autoLeave: false };
        const outcomes = new Set<string>();
        for (const rest of [true, false]) {
          const votes = new Votes();
          for (const [position, answer] of answers.entries()) votes.record('abcdefg'.charAt(position), answer ?? rest);
          outcomes.add(votes.outcome(configuration));
        }
        const votes = new Votes();
        for (const [position, answer] of answers.entries())
          if (answer !== undefined) votes.record('abcdefg'.charAt(position), answer);
        const [only] = outcomes;
        expect(votes.outcome(configuration)).toBe(outcomes.size === 1 ? only : 'open');
      },
    ),
  );
});

test('a grant stands, whatever else its voter says: a refusal may be one of an earlier campaign', () => {
  const votes = new Votes();
  votes.record('a', false);
  expect(votes.outcome(initialConfiguration(['a']))).toBe('lost');
  votes.record('a', true);
  votes.record('a', false);
  expect(votes.outcome(initialConfiguration(['a']))).toBe('won');
});
