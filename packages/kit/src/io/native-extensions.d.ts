declare module 'fs-native-extensions' {
  /** Takes an exclusive lock on the file behind `fd`; false if another descriptor, of this process or another, has it. */
  export function tryLock(fd: number): boolean;
}
