/**
 * What adaptors test themselves with, as vitest's tests.
 *
 * @packageDocumentation
 */
export { describeCrashLab } from './campaign/describe-crash-lab.ts';
export { describeOnOwnDisk, describeUnderStrace } from './describe-where-possible.ts';
export { type DescribeFailingDiskOptions, describeFailingDisk } from './faults/describe-failing-disk.ts';
export { describeSyncs } from './syncs/describe-syncs.ts';
