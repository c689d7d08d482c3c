import { readFileSync } from 'node:fs';
import type { PhaseMemory } from './memory.ts';

const sampleEveryMs = 20;

/** Resident bytes: the process's own, and of files that it has mapped. */
interface Resident {
  readonly own: number;
  readonly mapped: number;
}

/** Watches the resident memory of this process from the moment at which it is made, which counts as idle. */
export class ResidentMemory {
  readonly #idle: Resident = resident();
  readonly #timer: NodeJS.Timeout;
  #peak: Resident = this.#idle;

  constructor() {
    // A process whose work has failed is not kept alive by being watched.
    this.#timer = setInterval(() => this.sample(), sampleEveryMs).unref();
  }

  sample(): void {
    const now = resident();
    this.#peak = { own: Math.max(this.#peak.own, now.own), mapped: Math.max(this.#peak.mapped, now.mapped) };
  }

  end(): Omit<PhaseMemory, 'seconds'> {
    clearInterval(this.#timer);
    this.sample();
    return {
      idleMiB: toMiB(this.#idle.own),
      peakMiB: toMiB(this.#peak.own),
      overIdleMiB: toMiB(this.#peak.own - this.#idle.own),
      mappedMiB: toMiB(this.#peak.mapped - this.#idle.mapped),
    };
  }
}

/** Pages of mapped files are the page cache's: the kernel takes them back when it needs them, so they are told apart where it tells them apart. */
function resident(): Resident {
  if (process.platform !== 'linux') return { own: process.memoryUsage.rss(), mapped: 0 };
  const status = readFileSync('/proc/self/status', 'utf8');
  const bytesOf = (field: string): number =>
    Number(new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1] ?? 0) * 1024;
  return { own: bytesOf('RssAnon') + bytesOf('RssShmem'), mapped: bytesOf('RssFile') };
}

function toMiB(bytes: number): number {
  return bytes / 2 ** 20;
}
