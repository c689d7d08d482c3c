import { conformanceCases } from '@raftlog/core/conformance';
import { expect, test } from 'vitest';
import { mutants } from '../src/catalogue.ts';
import { renderReadme } from '../src/readme.ts';

test('no two mutants have the same name', () => {
  const names = mutants.map(({ name }) => name);
  expect(names).toEqual([...new Set(names)]);
});

test('each mutant is to be killed by a case of the suite', () => {
  const ids = conformanceCases.map(({ id }) => id);
  for (const { name, killedBy } of mutants) expect(ids, name).toContain(killedBy);
});

// `pnpm readme` writes it.
test('the README shows the catalogue as it is', async () => {
  await expect(renderReadme(mutants)).toMatchFileSnapshot('../README.md');
});
