/** One process on a machine. */
export interface ProcessLife {
  /** False once it has crashed or ended: nothing runs in it any more. */
  isAlive(): boolean;
  /** Runs `run` now or, while the machine is paused, when that is over. */
  whenAwake(run: () => void): void;
  /** The same for a message. */
  whenReceivable(run: () => void): void;
}
