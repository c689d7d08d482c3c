import { release, totalmem, type } from 'node:os';
import { benchmarkEnvironment } from '@raftlog/core/benchmark';
import { goVersion } from './peers/go-peers.ts';
import { fileSystemOf } from './place.ts';

/** Where figures come from. */
export interface Machine {
  readonly date: string;
  readonly cores: number;
  readonly cpu: string;
  readonly memoryGiB: number;
  readonly kernel: string;
  readonly fileSystem: string;
  readonly node: string;
  /** `undefined`: there is none, or nobody asked for it. */
  readonly go: string | undefined;
}

export async function describeMachine(directory: string, withGo: boolean): Promise<Machine> {
  const { node, cpu, cpus, platform } = benchmarkEnvironment();
  return {
    date: new Date().toISOString().slice(0, 10),
    cores: cpus,
    cpu,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    kernel: `${type()} ${release()}, ${platform}`,
    fileSystem: fileSystemOf(directory),
    node,
    go: withGo ? /go\d\S*/.exec((await goVersion()) ?? '')?.[0] : undefined,
  };
}

/** How often everything was measured: it has to stand beside every figure. */
export function runsText(runs: number): string {
  return runs === 1
    ? 'One run, each trial in a process of its own.'
    : `Medians of ${runs} runs, each trial in a process of its own.`;
}

export function machineText({ date, cores, cpu, memoryGiB, kernel, fileSystem, node, go }: Machine): string {
  const versions = `Node ${node}${go === undefined ? '' : `, ${go}`}`;
  return `${cores} cores of ${cpu}, ${memoryGiB} GiB, ${kernel}, ${fileSystem}, ${versions}, ${date}`;
}
