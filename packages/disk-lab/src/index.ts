/**
 * What a storage engine really does to the disk, seen from outside: its system calls watched and failed, its files damaged. For Linux.
 *
 * @packageDocumentation
 */
export type { Damage } from './damage.ts';
export { type DamageOptions, type DamageReport, damageFiles } from './damage-files.ts';
export type { Outcome, Verdict } from './damage-verdict.ts';
export { type DescribeFailingDiskOptions, describeFailingDisk } from './describe-failing-disk.ts';
export { describeSyncs } from './describe-syncs.ts';
export { describeOnOwnDisk, describeUnderStrace } from './describe-where-possible.ts';
export { type FailingDiskOptions, type FailingDiskReport, runOnFailingDisk, runOnFullDisk } from './failing-disk.ts';
export { countSyncs, type SyncCount, type SyncCounts, type SyncOptions } from './sync-counts.ts';
export type { SystemCall } from './system-calls.ts';
export type { TracedOperation } from './traced-operations.ts';
