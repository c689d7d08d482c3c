/** Which operations have been given a place, and the object's state: all that the rest of a search depends on (Lowe 2017). */
export class SeenConfigurations<State> {
  readonly #words: Uint32Array;
  readonly #keys: Uint32Array;
  readonly #stateNumbers = new Map<State, number>();
  readonly #seen = new Map<number, { readonly state: State; readonly words: Uint32Array }[]>();
  /** Of the set alone: changes with each operation in constant time (Zobrist 1970). */
  #hash = 0;

  constructor(operations: number) {
    this.#words = new Uint32Array(Math.ceil(operations / 32));
    this.#keys = Uint32Array.from({ length: operations }, (_, number) => scatter(number + 1));
  }

  /** Puts the operation into the set, or takes it out again. */
  toggle(operation: number): void {
    const word = operation >>> 5;
    this.#words[word] = (this.#words[word] ?? 0) ^ (1 << (operation & 31));
    this.#hash ^= this.#keys[operation] ?? 0;
  }

  /** True the first time that the set as it is goes with this state. Exact: equal hashes are not taken for equal sets. */
  addWith(state: State): boolean {
    let stateNumber = this.#stateNumbers.get(state);
    if (stateNumber === undefined) {
      stateNumber = this.#stateNumbers.size + 1;
      this.#stateNumbers.set(state, stateNumber);
    }
    const hash = this.#hash ^ scatter(stateNumber ^ 0x5bd1e995);
    const found = this.#seen.get(hash);
    if (found?.some((other) => other.state === state && this.#equals(other.words))) return false;
    const configuration = { state, words: this.#words.slice() };
    if (found === undefined) this.#seen.set(hash, [configuration]);
    else found.push(configuration);
    return true;
  }

  #equals(other: Uint32Array): boolean {
    for (let word = 0; word < other.length; word++) if (other[word] !== this.#words[word]) return false;
    return true;
  }
}

/** The finaliser of MurmurHash3: every bit of the number changes about half of the bits of the answer. */
function scatter(number: number): number {
  let mixed = Math.imul(number ^ (number >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return mixed ^ (mixed >>> 16);
}
