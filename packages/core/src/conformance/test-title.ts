import type { ConformanceCase } from './case.ts';

/** The name under which a runner shows a case; that of a skipped one says why. */
export function testTitle(conformanceCase: ConformanceCase, skip: string | undefined): string {
  const title = `${conformanceCase.id}: ${conformanceCase.title}`;
  return skip === undefined ? title : `${title} (skipped: ${skip})`;
}
