/** A call that is awaited only later: if it rejects before that, it fails the case there, and not the process at once. */
export function awaitedLater<Value>(promise: Promise<Value>): Promise<Value> {
  promise.catch(() => {});
  return promise;
}
