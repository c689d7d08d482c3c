import { ConformanceFailure, conformanceCases, examine, runCase } from '@raftlog/core/conformance';
import { expect, test } from 'vitest';
import { buildHost } from '../src/builder.ts';
import { mutants } from '../src/catalogue.ts';
import type { Host, Mutant } from '../src/mutant.ts';

/** The same every time: whether a mutant dies must not depend on luck. */
export const seed = 1;

/** Registers a test for each mutant of the host: that it fails its case as expected. That the unbroken engine passes it is in `unbroken.ts`. */
export function describeBroken(host: Host): void {
  test.each(mutants.filter((mutant) => mutant.host === host))(
    '$name fails $killedBy',
    { timeout: 120_000 },
    async (mutant) => {
      const failure = await failureOf(mutant);
      expect(failure, 'the mutant survives').toBeInstanceOf(ConformanceFailure);
      expect(failure?.message).toMatch(mutant.failsWith);
    },
  );
}

/** Runs the case that must kill the mutant; what is no failure of it, such as an engine that can't even be opened, is thrown on. */
async function failureOf(mutant: Mutant): Promise<ConformanceFailure | undefined> {
  const subject = await examine(await buildHost(mutant.host, mutant));
  const conformanceCase = conformanceCases.find(({ id }) => id === mutant.killedBy);
  if (conformanceCase === undefined) throw new Error(`The suite has no case ${mutant.killedBy}.`);
  const skipped = conformanceCase.inapplicable?.(subject);
  if (skipped !== undefined) throw new Error(`${mutant.killedBy} does not apply to ${mutant.name}: ${skipped}`);
  try {
    await runCase(subject, conformanceCase, { seed });
    return undefined;
  } catch (error) {
    if (error instanceof ConformanceFailure) return error;
    throw error;
  }
}
