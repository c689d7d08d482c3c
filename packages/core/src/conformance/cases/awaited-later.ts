/** A call that is awaited only later: if it rejects before that, it fails the case there, and not the process at once. */
export function awaitedLater<Value>(promise: Promise<Value>): Promise<Value> {
  promise.catch(() => {});
  return promise;
}

/** True if it settles in the turn in which it was made: nothing that takes time, such as a disk, lies between. */
export async function settlesAtOnce(promise: Promise<unknown>): Promise<boolean> {
  let settled = false;
  const note = (): void => {
    settled = true;
  };
  promise.then(note, note);
  // Only microtasks run meanwhile, more than any chain of `await` has.
  for (let turn = 0; turn < 1000 && !settled; turn++) await undefined;
  return settled;
}

/** Fails with `what` if the promise takes longer than what hangs could be taken for. */
export async function soon<Value>(promise: Promise<Value>, what: string): Promise<Value> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`it is not true within 5 s that ${what}`)), 5000);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
