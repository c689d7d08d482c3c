import { expect, test } from 'vitest';
import { runOnFailingDisk, runOnFullDisk } from '../src/index.ts';
import { describeFailingDisk, describeOnOwnDisk, describeUnderStrace } from '../src/vitest.ts';
import { tinyBuilder } from './support/tiny-builder.ts';

describeFailingDisk('an engine that keeps its promises', () => tinyBuilder(), { runs: 4 });
describeFailingDisk('an engine that is known to swallow errors', () => tinyBuilder('swallows-sync'), {
  runs: 4,
  swallows: true,
});

describeUnderStrace('failures that are borne badly', () => {
  test.each([
    ['forgets-poison', 'after the failure flush resolved'],
    ['writes-after-failure', 'after the failure write log'],
    ['fails-to-close', 'close did not resolve: Error'],
    ['wrong-code', 'it rejects with BUSY, not STORE_FAILED'],
    ['kills-itself', 'the process ended with SIGSEGV'],
    ['loses-acknowledged', 'opened on a disk that works'],
  ])('%s', async (defect, problem) => {
    const { met, problems } = await runOnFailingDisk(() => tinyBuilder(defect), 'sync-fails', 20, 1);
    expect(met).toBe(true);
    expect(problems.join('\n')).toContain(problem);
  });

  test('a swallowed error is told with the call that met it', async () => {
    const { rejected, swallowed } = await runOnFailingDisk(() => tinyBuilder('swallows-sync'), 'sync-fails', 9, 1);
    expect(rejected).toBeUndefined();
    expect(swallowed[0]).toMatch(/^[a-zA-Z]+ \d+: fdatasync log$/);
  });

  test('an error that is reported as one of the background is not swallowed', async () => {
    const { met, swallowed } = await runOnFailingDisk(() => tinyBuilder('reports'), 'sync-fails', 9, 1);
    expect({ met, swallowed }).toEqual({ met: true, swallowed: [] });
  });

  test('a process that ends as it is known to is no problem', async () => {
    const options = { mayEndWith: ['SIGSEGV'] } as const;
    const report = await runOnFailingDisk(() => tinyBuilder('kills-itself'), 'sync-fails', 20, 1, options);
    expect(report).toMatchObject({ met: true, problems: [] });
  });

  test('a sync that fails while the store is made', async () => {
    const report = await runOnFailingDisk(() => tinyBuilder(), 'sync-fails', 1, 1);
    expect(report).toMatchObject({ met: true, rejected: expect.stringContaining('open STORE_FAILED'), problems: [] });
  });
});

describeOnOwnDisk('full disks that are borne badly', () => {
  test('an error that does not tell', async () => {
    const { problems } = await runOnFullDisk(() => tinyBuilder('hides-full-disk'), 1);
    expect(problems).toEqual([expect.stringContaining("doesn't tell by NO_SPACE")]);
  });

  test('an engine that loses', async () => {
    const { problems } = await runOnFullDisk(() => tinyBuilder('loses-acknowledged'), 1);
    expect(problems.join('\n')).toContain('opened when the disk had room again');
  });
});
