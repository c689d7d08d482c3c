// A child process of the pool: judges one state after the other. A native crash takes it away and nothing else.
import type { CrashHistory, OpenInChild } from '@raftlog/core/conformance';
import type { JudgeRequest } from '../check/judge-request.ts';
import { judgeState, openerOf } from '../check/state-verdict.ts';
import { historyOf } from '../states/story.ts';

let histories: readonly CrashHistory[] = [];

process.on('message', async (request: JudgeRequest) => {
  if (request.type === 'histories') {
    histories = request.histories.map(historyOf);
    return;
  }
  const { module, directory, build, demands, leftOut } = request;
  const { open } = (await import(module)) as { open: OpenInChild };
  const pattern = new RegExp(leftOut);
  const verdict = await judgeState(openerOf(open, build), directory, histories, demands, (path) => pattern.test(path));
  process.send?.(verdict);
});
