import { createRandom } from '@raftlog/core/conformance';
import { describe, expect, test, vi } from 'vitest';
import { MachineClock } from '../src/time/machine-clock.ts';
import { VirtualGlobals } from '../src/time/virtual-globals.ts';
import { VirtualTime } from '../src/time/virtual-time.ts';

function runAll(time: VirtualTime): void {
  while (time.nextAt < Number.POSITIVE_INFINITY) time.advance();
}

describe('virtual time', () => {
  test('events come in the order of their time', () => {
    const time = new VirtualTime(createRandom(1));
    const random = createRandom(2);
    const seen: number[] = [];
    for (let i = 0; i < 500; i++) time.schedule(random.next() * 100, () => seen.push(time.now));
    runAll(time);
    expect(seen).toHaveLength(500);
    expect(seen).toEqual(seen.toSorted((a, b) => a - b));
  });

  test('events of one instant come in an order that the seed decides', () => {
    const orderOf = (seed: number): string => {
      const time = new VirtualTime(createRandom(seed));
      let order = '';
      for (const name of 'abcdefgh') time.schedule(5, () => (order += name));
      runAll(time);
      return order;
    };
    expect(orderOf(1)).toBe(orderOf(1));
    expect(new Set([1, 2, 3, 4, 5].map(orderOf)).size).toBeGreaterThan(1);
  });

  test("what is cancelled doesn't happen", () => {
    const time = new VirtualTime(createRandom(1));
    const run = vi.fn();
    time.schedule(1, run)();
    expect(time.advance()).toBe(false);
    expect(run).not.toHaveBeenCalled();
  });
});

describe('the clock of a machine', () => {
  const process = (clock: MachineClock, isAlive = () => true) =>
    clock.clockOf({
      isAlive,
      whenAwake: (run) => clock.whenAwake(run),
      whenReceivable: (run) => clock.whenReceivable(run),
    });

  test('runs at its own speed, and its timers with it', () => {
    const time = new VirtualTime(createRandom(1));
    const clock = new MachineClock(time, 1000, 2, () => {});
    const fired: number[] = [];
    process(clock).setTimer(100, () => fired.push(time.now));
    runAll(time);
    expect(fired).toEqual([50]);
    expect(clock.now()).toBe(1100);
    clock.setRate(1);
    time.schedule(10, () => {});
    runAll(time);
    expect(clock.now()).toBe(1110);
  });

  test('a pause holds timers back until its end, while the clock goes on', () => {
    const time = new VirtualTime(createRandom(1));
    const clock = new MachineClock(time, 0, 1, () => {});
    const fired: number[] = [];
    clock.pause(100, 'anything');
    process(clock).setTimer(10, () => fired.push(clock.now()));
    runAll(time);
    expect(fired).toEqual([100]);
  });

  test.each([
    ['calls', 'call'],
    ['messages', 'message'],
  ] as const)('after a pause %s may come before timers that were due long ago', (first, expected) => {
    for (let seed = 1; seed <= 20; seed++) {
      const time = new VirtualTime(createRandom(seed));
      const clock = new MachineClock(time, 0, 1, () => {});
      const order: string[] = [];
      clock.pause(100, first);
      process(clock).setTimer(1, () => order.push('timer'));
      time.schedule(40, () => clock.whenReceivable(() => order.push('message')));
      time.schedule(50, () => clock.whenCallable(() => order.push('call')));
      runAll(time);
      expect(order[0]).toBe(expected);
      expect(order).toHaveLength(3);
    }
  });

  test('the timers of a dead process never fire', () => {
    const time = new VirtualTime(createRandom(1));
    const clock = new MachineClock(time, 0, 1, () => {});
    const run = vi.fn();
    let isAlive = true;
    process(clock, () => isAlive).setTimer(10, run);
    isAlive = false;
    runAll(time);
    expect(run).not.toHaveBeenCalled();
  });
});

test('while a run lasts, timers and immediates of the process belong to the virtual time', async () => {
  const time = new VirtualTime(createRandom(1));
  const globals = new VirtualGlobals(time);
  const real = { setTimeout: globalThis.setTimeout, now: performance.now };
  const seen: string[] = [];
  globals.install();
  try {
    setTimeout(() => seen.push(`timeout at ${performance.now()}`), 250).unref();
    clearTimeout(setTimeout(() => seen.push('cleared'), 1));
    void (async () => {
      await new Promise(setImmediate);
      await new Promise(setImmediate);
      seen.push('two immediates');
    })();
    await globals.settle();
    expect(seen).toEqual(['two immediates']);
    runAll(time);
    expect(seen).toEqual(['two immediates', 'timeout at 250']);
  } finally {
    globals.restore();
  }
  expect({ setTimeout: globalThis.setTimeout, now: performance.now }).toEqual(real);
});
