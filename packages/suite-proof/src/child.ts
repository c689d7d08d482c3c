import type { OpenInChild } from '@raftlog/core/conformance';
import type { ChildPlace } from './builder.ts';
import { mutants } from './catalogue.ts';
import { openEngine } from './open-engine.ts';

/** Opens the same engine as the parent, with the same mutation. */
export const open: OpenInChild = (place, options) => {
  const { directory, host, mutant: name } = JSON.parse(place) as ChildPlace;
  const mutant = name === undefined ? undefined : mutants.find((other) => other.name === name);
  if (name !== undefined && mutant === undefined) throw new Error(`There is no mutant ${name}.`);
  return openEngine(host, mutant?.mutation ?? {}, directory, options);
};
