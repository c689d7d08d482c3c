import { LossyFileIo } from '@raftlog/core/conformance';

/** How the disk may look to the next boot, and what the workload had been promised by then. */
export interface Aftermath<Promised> {
  readonly name: string;
  readonly io: LossyFileIo;
  readonly promised: Promised;
}

/**
 * Runs `workload` on a simulated disk and hands `check` what may be left after a power cut, and after a kill, at every one
 * of its calls. The workload answers with `promise` for what it has been promised so far.
 */
export async function forEachCrash<Promised>(
  start: Promised,
  workload: (io: LossyFileIo, promise: (promised: Promised) => void) => Promise<void>,
  check: (aftermath: Aftermath<Promised>) => Promise<void>,
  { io = new LossyFileIo({ directories: ['/data'] }), limit = 40 }: { io?: LossyFileIo; limit?: number } = {},
): Promise<number> {
  let promised = start;
  const moments: { readonly name: string; readonly io: LossyFileIo; readonly promised: Promised }[] = [];
  const remember = (name: string): void => {
    moments.push({ name, io: io.clone(), promised });
  };
  io.onCall = (call) => remember(`before call ${call.number}, ${call.operation} ${call.path}`);
  await workload(io, (next) => {
    promised = next;
  });
  io.onCall = undefined;
  remember('at the end');
  let count = 0;
  for (const moment of moments) {
    const { states } = moment.io.powerCutStates({ limit, seed: 7 });
    const aftermaths = [{ name: 'killed', fileIo: moment.io.clone() }, ...states];
    for (const { name, fileIo } of aftermaths) {
      count++;
      try {
        await check({ name, io: fileIo, promised: moment.promised });
      } catch (error) {
        throw new Error(`${moment.name}: ${name}`, { cause: error });
      }
    }
  }
  return count;
}
