/** Options of `unshare` that let a program mount what only it sees. Whoever isn't root becomes it in a namespace of users. */
export function unshareFlags(): string[] {
  return process.getuid?.() === 0 ? ['--mount'] : ['--mount', '--map-root-user'];
}

/** Words that mount an empty file system in memory of so many bytes, or change the size of the one that is there. */
export function mountCommand(directory: string, bytes: number, again = false): string[] {
  return ['mount', '-t', 'tmpfs', '-o', `${again ? 'remount,' : ''}size=${bytes}`, 'raftlog-disk', directory];
}
