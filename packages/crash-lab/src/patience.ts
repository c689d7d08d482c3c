/**
 * Resolves after so many seconds of this process, counted one by one: while the whole machine, or all processes, are stopped, nobody hangs, and a single
 * timer would have run out when they go on.
 */
export function patience(seconds: number): { readonly isOver: Promise<void>; stop(): void } {
  let timer: NodeJS.Timeout | undefined;
  let passed = 0;
  const isOver = new Promise<void>((resolve) => {
    timer = setInterval(() => {
      if (++passed === seconds) resolve();
    }, 1_000);
  });
  return { isOver, stop: () => clearInterval(timer) };
}
