/**
 * Storage engines that are broken on purpose: the proof that the conformance suite catches what it claims to catch.
 *
 * @packageDocumentation
 */
export { buildHost } from './builder.ts';
export { mutants } from './catalogue.ts';
export type { Host, Mutant, Mutation } from './mutant.ts';
