/**
 * Whole Raft clusters on a virtual clock.
 *
 * @packageDocumentation
 */
export { type Implementation, SHIPPED } from './cluster/implementation.ts';
export { generatePlan } from './plan/generate-plan.ts';
export { type RunResult, runPlan } from './run/run-plan.ts';
