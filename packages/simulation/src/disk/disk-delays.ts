import type { Random } from '@raftlog/core/conformance';
import type { ProcessLife } from '../time/process-life.ts';
import type { VirtualTime } from '../time/virtual-time.ts';
import type { DiskSpeed } from './machine-disk.ts';

/** How long the calls of one disk take. What a dead process has asked for never comes back to it. */
export class DiskDelays {
  readonly #time: VirtualTime;
  readonly #random: Random;
  readonly #speed: DiskSpeed;
  slowness = 1;

  constructor(time: VirtualTime, random: Random, speed: DiskSpeed) {
    this.#time = time;
    this.#random = random;
    this.#speed = speed;
  }

  get now(): number {
    return this.#time.now;
  }

  get write(): number {
    const { minWrite, maxWrite } = this.#speed;
    return (minWrite + this.#random.next() * (maxWrite - minWrite)) * this.slowness;
  }

  get read(): number {
    const { readDelay, maxRead } = this.#speed;
    return this.#random.chance(readDelay) ? this.#random.next() * maxRead * this.slowness : 0;
  }

  /** Resolves in `milliseconds`; never, if the process has died by then. */
  wait(milliseconds: number, life: ProcessLife): Promise<void> {
    return new Promise((resolve) => {
      this.#time.schedule(milliseconds, () => {
        life.whenAwake(() => {
          if (life.isAlive()) resolve();
        });
      });
    });
  }

  /** Gives out what `answer` gives, a little later. */
  async delayRead<Result>(answer: Promise<Result>, life: ProcessLife): Promise<Result> {
    const delay = this.read;
    const [outcome] = await Promise.allSettled([answer]);
    if (delay > 0) await this.wait(delay, life);
    if (outcome.status === 'rejected') throw outcome.reason;
    return outcome.value;
  }
}
