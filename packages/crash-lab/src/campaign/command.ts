import { mkdirSync, writeFileSync } from 'node:fs';
import { relative } from 'node:path';
import { type DamageCampaignReport, runDamageCampaign } from '../damage/every-damage.ts';
import { type FaultCampaignReport, runFaultCampaign } from '../faults/every-fault.ts';
import { type LabSubject, loadSubject } from '../subject.ts';
import { type AdaptorModule, type LabArguments, labArguments, USAGE } from './arguments.ts';
import { type CrashCampaignReport, runCrashCampaign } from './crash-campaign.ts';
import { Progress } from './progress.ts';
import { replay } from './replay.ts';
import { formatTable, reportAsJson, type SubjectReport, violationsOf } from './report.ts';
import { formatViolation, readViolation, saveViolation } from './violation.ts';

export interface CrashLabCommand {
  /** What the user types, for the commands that a report names. Default: `npx raftlog-crash-lab`. */
  readonly command?: string;
  /** Makes `--adaptor NAME` known. */
  readonly adaptorModule?: AdaptorModule;
}

/**
 * The lab as a command: `--builder module.mjs --states 20000 --seed 1`. Resolves to the exit code: 1 for a violation, 2 for arguments that make
 * no sense.
 */
export async function crashLabMain(argv: readonly string[], options: CrashLabCommand = {}): Promise<number> {
  let args: LabArguments;
  try {
    args = labArguments(argv, options.adaptorModule);
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : error}\n\n${USAGE}\n`);
    return 2;
  }
  if (args.help) {
    process.stdout.write(`${USAGE}\n`);
    return 0;
  }
  const started = performance.now();
  const subjects = await Promise.all(
    args.subjects.map(async ({ module, words }) => ({ subject: await loadSubject(module), words })),
  );
  const [first] = subjects;
  if (args.replay !== undefined && first !== undefined) return replayFile(first.subject, args.replay);
  const reports: SubjectReport[] = [];
  for (const { subject, words } of subjects) {
    reports.push(await tryOut(subject, args, `${options.command ?? 'npx raftlog-crash-lab'} ${words}`));
    if (args.json !== undefined) writeFileSync(args.json, `${JSON.stringify(reportAsJson(args, reports), null, 2)}\n`);
  }
  const seconds = ((performance.now() - started) / 1000).toFixed(0);
  process.stdout.write(`\n${formatTable(reports)}\n${seconds} s, seed ${args.seed}, model ${args.model}\n`);
  return reports.some((report) => violationsOf(report) > 0) ? 1 : 0;
}

async function tryOut(subject: LabSubject, args: LabArguments, command: string): Promise<SubjectReport> {
  const started = performance.now();
  const progress = new Progress();
  const { name } = subject;
  const report: Writable<SubjectReport> = { name, seconds: 0 };
  for (const part of args.parts) {
    if (part === 'states') report.states = await crash(subject, args, progress, command);
    if (part === 'faults') report.faults = await fail(subject, args, progress);
    if (part === 'damage') report.damage = await damage(subject, args, progress);
  }
  progress.clear();
  report.seconds = (performance.now() - started) / 1000;
  return report;
}

type Writable<Type> = { -readonly [Key in keyof Type]: Type[Key] };

async function crash(
  subject: LabSubject,
  { states, model, operations, seed, processes, violations: directory }: LabArguments,
  progress: Progress,
  command: string,
): Promise<CrashCampaignReport> {
  const show = (report: CrashCampaignReport): void =>
    progress.show(
      `${subject.name}: crash states`,
      report.states,
      states,
      `${report.recordings} recordings, violations: ${report.violations.length}`,
    );
  const report = await runCrashCampaign(subject, { states, model, operations, seed, processes, onProgress: show });
  progress.clear();
  const { violations } = report;
  if (violations.length > 0) mkdirSync(directory, { recursive: true });
  for (const [number, violation] of violations.entries()) {
    const path = saveViolation(violation, directory, number + 1);
    process.stdout.write(`\n${formatViolation(violation, `${command} --replay ${relative('.', path)}`)}\n`);
  }
  return report;
}

async function fail(
  subject: LabSubject,
  { seed, processes }: LabArguments,
  progress: Progress,
): Promise<FaultCampaignReport> {
  const onProgress = ({ tried, problems }: FaultCampaignReport, of: number): void =>
    progress.show(`${subject.name}: faults`, tried, of, `violations: ${problems.length}`);
  const report = await runFaultCampaign(subject, { seed, processes, onProgress });
  progress.clear();
  for (const problem of report.problems) process.stdout.write(`\n${subject.name}: ${problem}\n`);
  return report;
}

async function damage(
  subject: LabSubject,
  { seed, processes, flips }: LabArguments,
  progress: Progress,
): Promise<DamageCampaignReport> {
  const onProgress = ({ damages, violations }: DamageCampaignReport, of: number): void =>
    progress.show(`${subject.name}: damages`, damages, of, `violations: ${violations.length}`);
  const report = await runDamageCampaign(subject, { seed, processes, flips, onProgress });
  progress.clear();
  for (const violation of report.violations) process.stdout.write(`\n${subject.name}: ${violation}\n`);
  return report;
}

async function replayFile(subject: LabSubject, path: string): Promise<number> {
  const violation = readViolation(path);
  const { problem } = await replay(subject, violation);
  if (problem === undefined) {
    process.stdout.write('The engine makes of this state what it must.\n');
    return 0;
  }
  process.stdout.write(`${formatViolation({ ...violation, problem }, '')}\n`);
  return 1;
}
