import type { Entry, HardState } from '../../entry.ts';
import type { StorageEngine } from '../../storage-engine.ts';
import {
  applyToEngine,
  applyToModel,
  cloneModel,
  createModel,
  differenceBetween,
  differenceOfEntries,
  type LogModel,
  type LogOperation,
  modelEntry,
  modelLastIndex,
} from '../model.ts';

/** What had been issued and acknowledged when the crash came: the oracle's measure of what must be there. */
export interface CrashMoment {
  /** Number of operations that were issued. */
  readonly issued: number;
  /** The log shows at least what this many operations made of it. */
  readonly logFloor: number;
  /** The hard state is at least what this many operations made of it. */
  readonly hardStateFloor: number;
  /** What the engine declared to survive; `undefined` if it could not be asked. */
  readonly durable: DurableEnd | undefined;
}

/** `durableIndex`, and which entry that names. */
interface DurableEnd {
  readonly index: number;
  /** The entry of the accepted log at this index: a later call may have put another one there than the disk has. None at the boundary. */
  readonly entry: Entry | undefined;
}

/**
 * What was asked of an engine, what it acknowledged, and hence what may be found after a crash: every acknowledged operation,
 * and of the rest a prefix in the order of the calls. The hard state may be ahead of the log, never behind.
 */
export class CrashHistory {
  readonly #base: LogModel;
  readonly #buffered: boolean;
  readonly #operations: LogOperation[] = [];
  /** For each operation: does its acknowledgement promise that the log is durable up to it? */
  readonly #promisesLog: boolean[] = [];
  #current: LogModel;
  #logFloor = 0;
  #hardStateFloor = 0;
  /** True while a call is being made and has not returned its promise: what the engine declares then is half old, half new. */
  #calling = false;

  /** `base`: what was there before. `buffered`: what was only appended is promised after a flush, not before. */
  constructor(base: LogModel = createModel(), options: { readonly buffered?: boolean } = {}) {
    this.#base = cloneModel(base);
    this.#current = cloneModel(base);
    this.#buffered = options.buffered === true;
  }

  /** The state after everything that was issued. */
  get current(): LogModel {
    return this.#current;
  }

  get issued(): number {
    return this.#operations.length;
  }

  /** Takes note of a call that is about to be made; the answer names it for {@link acknowledge}. */
  issue(operation: LogOperation): number {
    const before = { boundary: this.#current.boundary, last: modelLastIndex(this.#current) };
    const refusals = applyToModel(this.#current, operation);
    if (refusals.length > 0) throw new Error(`The case issues an operation that is refused: ${refusals.join()}`);
    this.#operations.push(operation);
    const moved = before.boundary !== this.#current.boundary;
    const drops = dropsFrom(operation);
    const adds = entriesOf(operation) > 0;
    // A call that changes nothing may be answered before the ones before it are durable. Buffering is for what only appends.
    const promises = moved || (drops === undefined ? adds && !this.#buffered : adds || drops <= before.last);
    this.#promisesLog.push(promises || operation.type === 'flush');
    return this.#operations.length;
  }

  acknowledge(number: number): void {
    const operation = this.#operations[number - 1];
    if (operation === undefined) throw new Error(`There is no operation ${number}.`);
    const { type } = operation;
    const savesHardState =
      type === 'write' ? operation.batch.hardState !== undefined : type === 'hardState' || type === 'flush';
    if (savesHardState) this.#hardStateFloor = Math.max(this.#hardStateFloor, number);
    if (this.#promisesLog[number - 1] === true) this.#logFloor = Math.max(this.#logFloor, number);
  }

  /** Issues the operation and makes the call; resolves to the code with which it was refused, if it was. */
  async call(engine: StorageEngine, operation: LogOperation): Promise<string | undefined> {
    const number = this.issue(operation);
    this.#calling = true;
    const outcome = applyToEngine(engine, operation);
    this.#calling = false;
    const code = await outcome;
    if (code === undefined) this.acknowledge(number);
    return code;
  }

  /** The moment now; `engine`, if it is open, is asked what it declares to be durable. */
  moment(engine?: StorageEngine): CrashMoment {
    return {
      issued: this.#operations.length,
      logFloor: this.#logFloor,
      hardStateFloor: this.#hardStateFloor,
      durable: engine === undefined || this.#calling ? undefined : this.#durableEnd(engine),
    };
  }

  #durableEnd({ logStore: { durableIndex } }: StorageEngine): DurableEnd {
    return { index: durableIndex, entry: modelEntry(this.#current, durableIndex) };
  }

  /** Says in words what is wrong with what was found after a crash at `moment`; `undefined`: nothing. */
  judge(found: LogModel, moment: CrashMoment): string | undefined {
    if (moment.durable !== undefined) {
      const { index, entry } = moment.durable;
      if (modelLastIndex(found) < index)
        return `durableIndex was ${index}, but the log ends at ${modelLastIndex(found)}`;
      // Below the boundary that was found there is nothing to compare.
      const there = modelEntry(found, index);
      const difference = entry === undefined || there === undefined ? undefined : differenceOfEntries(there, entry);
      if (difference !== undefined) return `durableIndex was ${index}, but ${difference}`;
    }
    const model = cloneModel(this.#base);
    const hardStates: (HardState | undefined)[] = [model.hardState];
    const differences: string[] = [];
    const matches: number[] = [];
    for (let number = 0; number <= moment.issued; number++) {
      const operation = this.#operations[number - 1];
      if (operation !== undefined) applyToModel(model, operation);
      if (number > 0) hardStates.push(model.hardState);
      if (number < moment.logFloor) continue;
      const difference = differenceBetween({ ...found, hardState: undefined }, { ...model, hardState: undefined });
      if (difference === undefined) matches.push(number);
      else differences.push(difference);
    }
    const acknowledged = `${moment.logFloor} of ${moment.issued} operations are acknowledged in the log`;
    if (matches.length === 0) {
      return `the log is none that a prefix of the operations leaves (${acknowledged}): ${differences[0]}`;
    }
    const earliest = Math.max(matches[0] ?? 0, moment.hardStateFloor);
    for (let number = earliest; number <= moment.issued; number++) {
      if (sameHardState(hardStates[number], found.hardState)) return undefined;
    }
    const show = (state: HardState | undefined): string => (state === undefined ? 'none' : JSON.stringify(state));
    return `the hard state is ${show(found.hardState)}, but at least ${show(hardStates[earliest])} was durable`;
  }
}

function entriesOf(operation: LogOperation): number {
  if (operation.type === 'append' || operation.type === 'replace') return operation.entries.length;
  return operation.type === 'write' ? (operation.batch.entries?.length ?? 0) : 0;
}

function dropsFrom(operation: LogOperation): number | undefined {
  if (operation.type === 'truncate' || operation.type === 'replace') return operation.fromIndex;
  if (operation.type === 'reset') return 0;
  return operation.type === 'write' ? operation.batch.truncateFrom : undefined;
}

function sameHardState(a: HardState | undefined, b: HardState | undefined): boolean {
  return a?.currentTerm === b?.currentTerm && a?.votedFor === b?.votedFor;
}
