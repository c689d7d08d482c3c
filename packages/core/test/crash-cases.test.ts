import { expect, test } from 'vitest';
import type { StorageEngineBuilder } from '../src/conformance/builder.ts';
import { faultCases } from '../src/conformance/cases/faults.ts';
import { LossyFileIo } from '../src/conformance/lossy-file-io/lossy-file-io.ts';
import { ConformanceFailure, examine, runCase } from '../src/conformance/run-case.ts';
import { type Defect, openTinyEngine } from './tiny-file-engine.ts';

const directory = '/data/tiny';

function tinyBuilder(defect?: Defect): StorageEngineBuilder {
  let disk = new LossyFileIo({ directories: ['/data'] });
  return {
    directory,
    takesFileIo: true,
    build: (options) => openTinyEngine(directory, options?.fileIo ?? disk, defect),
    cleanup: async () => {
      disk = new LossyFileIo({ directories: ['/data'] });
    },
  };
}

/** Ids of the cases that the engine fails. */
async function failures(defect?: Defect, only?: readonly string[]): Promise<string[]> {
  const subject = await examine(tinyBuilder(defect));
  const failed: string[] = [];
  for (const conformanceCase of faultCases) {
    if (conformanceCase.inapplicable?.(subject) !== undefined) continue;
    if (only !== undefined && !only.includes(conformanceCase.id)) continue;
    try {
      await runCase(subject, conformanceCase, { seed: 1 });
    } catch (error) {
      if (!(error instanceof ConformanceFailure)) throw error;
      failed.push(process.env.RAFTLOG_VERBOSE === undefined ? conformanceCase.id : error.message);
    }
  }
  return failed;
}

test('a right engine passes every case', { timeout: 120_000 }, async () => {
  expect(await failures()).toEqual([]);
});

const killers: { readonly [Name in Defect]: string } = {
  'no-datasync': 'H64-power-cut-anywhere',
  'no-datasync-of-votes': 'F49-torn-save',
  'no-directory-sync': 'A6-interrupted-creation',
  'retries-datasync': 'H62-datasync-fails',
  'swallows-errors': 'H61-write-fails',
  'no-recovery-barrier': 'G59a-served-is-on-disk',
  'replace-in-two-records': 'D34-replace-atomic-under-crash',
  'acknowledges-early': 'H64-power-cut-anywhere',
  'keeps-torn-tail': 'H64-power-cut-anywhere',
  'forgets-poison': 'H61-write-fails',
  'log-before-vote': 'B22b-hard-state-before-entries',
  'lock-leaks': 'H63-every-call-fails',
  'durable-index-early': 'H64-power-cut-among-callers',
};

test.each(Object.entries(killers))(
  'an engine with the defect %s fails %s',
  { timeout: 120_000 },
  async (defect, id) => {
    expect(await failures(defect as Defect, [id])).toHaveLength(1);
  },
);
