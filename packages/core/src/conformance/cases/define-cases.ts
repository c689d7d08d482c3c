import type { CaseContext, ConformanceArea, ConformanceCase, ConformanceSubject } from '../case.ts';

/** Makes one case of an area; level 1 unless told otherwise. */
export type DefineCase = (
  id: string,
  title: string,
  run: (context: CaseContext) => Promise<void>,
  extra?: Partial<Pick<ConformanceCase, 'inapplicable' | 'timeoutMs' | 'level'>>,
) => ConformanceCase;

/** How the cases of one area are written. */
export function defineCases(area: ConformanceArea): DefineCase {
  return (id, title, run, extra = {}) => ({ id, area, title, level: 1, run, ...extra });
}

/** For `inapplicable`: the case is about what outlives the engine. */
export function unlessVolatile({ capabilities }: ConformanceSubject): string | undefined {
  return capabilities.durability === 'volatile' ? 'a volatile engine keeps nothing' : undefined;
}

/** For `inapplicable`: the case looks at the engine's files. */
export function ifDirectory(subject: ConformanceSubject): string | undefined {
  if (subject.builder.directory !== undefined) return undefined;
  return unlessVolatile(subject) ?? 'the builder names no directory';
}

/** For `inapplicable`: the case needs a second process. That a persistent engine has none fails J74-child-opener. */
export function ifChild(subject: ConformanceSubject): string | undefined {
  if (subject.builder.child !== undefined) return undefined;
  return unlessVolatile(subject) ?? 'the builder names no child opener, see J74-child-opener';
}
