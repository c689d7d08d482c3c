/**
 * What a storage engine really does to the disk, seen from outside: its system calls watched and failed, its files damaged. For Linux.
 *
 * @packageDocumentation
 */

export { type CrashLabCommand, crashLabMain } from './campaign/command.ts';
export { type CrashCampaignOptions, type CrashCampaignReport, runCrashCampaign } from './campaign/crash-campaign.ts';
export { replay } from './campaign/replay.ts';
export { formatViolation, readViolation, saveViolation, type Violation } from './campaign/violation.ts';
export type { Damage } from './damage/damage.ts';
export { type DamageOptions, type DamageReport, damageFiles } from './damage/damage-files.ts';
export type { Outcome, Verdict } from './damage/damage-verdict.ts';
export {
  type FailingDiskOptions,
  type FailingDiskReport,
  runOnFailingDisk,
  runOnFullDisk,
} from './faults/failing-disk.ts';
export type { CrashModel } from './states/crash-disk.ts';
export type { LabSubject } from './subject.ts';
export { countSyncs, type SyncCount, type SyncCounts, type SyncOptions } from './syncs/sync-counts.ts';
export type { SystemCall } from './syncs/system-calls.ts';
export type { TracedOperation } from './syncs/traced-operations.ts';
