import type { Entry } from '@raftlog/core';

/** The entries with each term raised to that of the one before. */
export function lifted(entries: readonly Entry[], before = 0): Entry[] {
  let term = before;
  return entries.map((entry) => {
    term = Math.max(term, entry.term);
    return { ...entry, term };
  });
}
