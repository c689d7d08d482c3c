/** What is traced of an engine, in this order. */
export const TRACED_OPERATIONS = [
  'open',
  'persistEntries',
  'flush',
  'saveHardState',
  'write',
  'replaceRange',
  'truncate',
  'purge',
  'read',
  'saveSnapshot',
  'reset',
  'close',
  'reopen',
] as const;

export type TracedOperation = (typeof TRACED_OPERATIONS)[number];
