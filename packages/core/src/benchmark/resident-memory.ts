import { readFileSync } from 'node:fs';
import type { PhaseMemory } from './memory.ts';

const sampleEveryMs = 20;

/** Watches the resident memory of this process from the moment at which it is made, which counts as idle. */
export class ResidentMemory {
  readonly #idle: number = process.memoryUsage.rss();
  readonly #timer: NodeJS.Timeout;
  #peak: number = this.#idle;

  constructor() {
    // A process whose work has failed is not kept alive by being watched.
    this.#timer = setInterval(() => this.sample(), sampleEveryMs).unref();
  }

  sample(): void {
    this.#peak = Math.max(this.#peak, process.memoryUsage.rss());
  }

  end(): Omit<PhaseMemory, 'seconds'> {
    clearInterval(this.#timer);
    this.sample();
    const peak = Math.max(this.#peak, highWaterMark());
    return { idleMiB: toMiB(this.#idle), peakMiB: toMiB(peak), overIdleMiB: toMiB(peak - this.#idle) };
  }
}

/** The kernel's own record of the peak since the program was started, in bytes; 0 where there is none. */
function highWaterMark(): number {
  if (process.platform !== 'linux') return 0;
  // Not `resourceUsage().maxRSS`: that one is inherited from the parent when it is larger.
  const kibibytes = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1];
  return kibibytes === undefined ? 0 : Number(kibibytes) * 1024;
}

function toMiB(bytes: number): number {
  return bytes / 2 ** 20;
}
