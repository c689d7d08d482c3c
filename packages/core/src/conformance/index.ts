/**
 * The conformance suite: what a storage engine must do, as cases that any runner can run.
 *
 * @packageDocumentation
 */
export {
  assertDurableIndex,
  assertHardState,
  assertLog,
  assertLogId,
  assertMatchesModel,
  assertSameEntries,
  assertSameEntry,
  collect,
  rejectsWith,
} from './assertions.ts';
export type { BuildOptions, ChildProcessOpener, LogFiles, OpenInChild, StorageEngineBuilder } from './builder.ts';
export type { CaseContext, ConformanceArea, ConformanceCase, ConformanceSubject } from './case.ts';
export { CrashHistory, type CrashMoment } from './cases/crash-history.ts';
export { randomOperation, type WorkloadOptions } from './cases/crash-workload.ts';
export { conformanceCases } from './cases/index.ts';
export { goOnAfterCrash, judgeAfterCrash } from './cases/judge-after-crash.ts';
export {
  type KillCampaignOptions,
  type KillCampaignReport,
  killCampaignMain,
  runKillCampaign,
} from './cases/kill-campaign.ts';
export { DirectoryBuilder, type DirectoryBuilderOptions } from './directory-builder.ts';
export { createTestData, createTestEntries, createTestEntry, type TestEntryOptions } from './entries.ts';
export { type EquivalenceOptions, equivalenceCase, runEquivalence } from './equivalence.ts';
export { formatReport } from './format-report.ts';
export type { FaultCode, FaultOptions, FileCall, FileOperation } from './lossy-file-io/injected-faults.ts';
export {
  LossyFileIo,
  type LossyFileIoOptions,
  type PowerCutState,
  type PowerCutStates,
} from './lossy-file-io/lossy-file-io.ts';
export type { PowerCutMode } from './lossy-file-io/power-cut.ts';
export {
  applyToEngine,
  applyToModel,
  cloneModel,
  createModel,
  differenceBetween,
  differenceOfEntries,
  faultsOf,
  type LogModel,
  type LogOperation,
  modelEntry,
  modelFirstIndex,
  modelLastIndex,
  modelLastLogId,
  modelRange,
  modelTermAt,
  type Operation,
  observe,
} from './model.ts';
export { createRandom, defaultSeed, type Random } from './random.ts';
export { chooseOperation, type OperationChoice } from './random-operation.ts';
export { ConformanceFailure, examine, type RunCaseOptions, runCase } from './run-case.ts';
export {
  type CaseResult,
  type PlannedCase,
  planCases,
  runAllTests,
  StorageEngineTestSuite,
  SUITE_LEVEL,
  type SuiteOptions,
  type SuiteReport,
} from './suite.ts';
export { tellParent } from './tell-parent.ts';
