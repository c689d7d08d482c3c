import { join } from 'node:path';

/** Highest segment id there can be: ids are 32-bit numbers and are never used twice. */
export const MAX_SEGMENT_ID: number = 2 ** 32 - 1;

/** The live name of a segment, such as `0000000042.log`: padded, so that a listing is in order. */
export function segmentPath(directory: string, id: number): string {
  return join(directory, `${String(id).padStart(10, '0')}.log`);
}

/** The id that a live name stands for; `undefined` for any other name. */
export function segmentIdOf(name: string): number | undefined {
  return /^\d{10}\.log$/.test(name) ? Number.parseInt(name, 10) : undefined;
}

/** A segment in the making. Never read: what a crash leaves is removed. */
export function temporaryPath(directory: string, id: number): string {
  return join(directory, `${String(id).padStart(10, '0')}.tmp`);
}

export function isTemporary(name: string): boolean {
  return /^\d{10}\.tmp$/.test(name);
}
