import type { Machine } from './machine.ts';

/** Those that lead, as far as they know; the one in the lowest term first. */
export function leadersAmong(machines: readonly Machine[]): readonly Machine[] {
  const found: { readonly machine: Machine; readonly term: number }[] = [];
  for (const machine of machines) {
    const status = machine.node?.status();
    if (status?.isRunning === true && status.role === 'leader') found.push({ machine, term: status.term });
  }
  return found.sort((a, b) => a.term - b.term).map(({ machine }) => machine);
}
