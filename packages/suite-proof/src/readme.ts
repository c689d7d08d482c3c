import type { Mutant } from './mutant.ts';

/** The README of this package: the catalogue as a table. */
export function renderReadme(mutants: readonly Mutant[]): string {
  const rows = mutants.map(
    ({ name, broken, seenIn, host, killedBy }) =>
      `| \`${name}\` | ${broken}${seenIn === undefined ? '' : ` Seen in: ${seenIn}.`} | ${host} | \`${killedBy}\` |`,
  );
  return `# @raftlog/suite-proof

A test suite is worth what it catches. Here are ${mutants.length} storage engines that are broken on purpose, each in one way. For each of them
the tests run one named case of the conformance suite, and demand that it fails for the reason that is expected; for the
unbroken engine, opened the same way, the whole suite must pass.

Durability is not judged by which calls were made, but by what is left: these engines run on a simulated disk that loses,
tears and reorders what was not synced (\`LossyFileIo\`), on real files that are damaged, or in a process that is killed.

| part of a mutant | stands in for |
|---|---|
| \`engine\` | methods of an open engine |
| \`open\` | what an open does around the right one |
| \`blockStore\` | steps of \`JournalBlocks\`, a small and right block store under the kit |
| \`fileIo\` | the file system, as the engine sees it |

To add one, write it into a file of \`src/mutants\`, and run \`pnpm --filter @raftlog/suite-proof readme\` for the table below, which a
test compares with the catalogue.

| mutant | what is broken | of | killed by |
|---|---|---|---|
${rows.join('\n')}
`;
}
