import { join } from 'node:path';
import { DirectoryBuilder } from '@raftlog/core/conformance';

/** A builder of the tiny engine, which has this defect in child processes; the lab opens it nowhere else. */
export function tinyBuilder(defect?: string): DirectoryBuilder {
  const module = new URL('../fixtures/tiny-engine.mjs', import.meta.url);
  if (defect !== undefined) module.searchParams.set('defect', defect);
  return new DirectoryBuilder({
    open: () => Promise.reject(new Error('The lab opens engines in child processes.')),
    module,
    offersBuffered: true,
    files: (directory) => ({ witness: [join(directory, 'witness')] }),
  });
}
