import type { Broken } from './broken.ts';
import { brokenCores } from './broken-cores.ts';
import { brokenNodes } from './broken-nodes.ts';
import { brokenStorages } from './broken-storage.ts';

export const allBroken: readonly Broken[] = [...brokenStorages, ...brokenCores, ...brokenNodes];

/** Throws where there is none of this name. */
export function brokenNamed(name: string): Broken {
  const broken = allBroken.find((candidate) => candidate.name === name);
  if (broken === undefined) {
    throw new RangeError(
      `Nothing broken is called "${name}". There are: ${allBroken.map((one) => one.name).join('; ')}.`,
    );
  }
  return broken;
}
