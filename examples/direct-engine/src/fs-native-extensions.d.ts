declare module 'fs-native-extensions' {
  /** Asks for an exclusive lock on the whole file; false if another descriptor has it. */
  export function tryLock(fd: number): boolean;
}
