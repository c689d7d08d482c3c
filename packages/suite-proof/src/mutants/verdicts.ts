/** What the cases on simulated disks say of a log that has lost something, or that a crash has mixed up. */
export const LOSS: RegExp =
  /the log is none that a prefix of the operations leaves|durableIndex was|after the first is gone|the place can’t be opened/;
