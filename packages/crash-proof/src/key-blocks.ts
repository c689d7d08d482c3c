import { setTimeout as sleep } from 'node:timers/promises';
import type { Block, BlockStore, Commit, OpenedBlocks } from '@raftlog/kit';
import { decodeBlockKey, encodeBlockKey } from '@raftlog/kit';
import type { KeyChange, OrderedKeys } from './databases/ordered-keys.ts';

/**
 * What is broken.
 *
 * - `no-sync`: nothing is synced
 * - `acknowledged-before-commit`: a commit resolves when it has begun
 * - `boundary-after-delete`: blocks are removed first, and the header that says so is written afterwards
 */
export type KeyDefect = 'no-sync' | 'acknowledged-before-commit' | 'boundary-after-delete';

const HEADER = Buffer.from('header');
const END = encodeBlockKey(Number.MAX_SAFE_INTEGER);

/** A block store on any database: the shortest one that is right, and ways to break it. */
export class KeyBlocks implements BlockStore {
  readonly #keys: OrderedKeys;
  readonly #directory: string;
  readonly #defect: KeyDefect | undefined;
  #last: Promise<void> = Promise.resolve();

  constructor(keys: OrderedKeys, directory: string, defect: KeyDefect | undefined) {
    this.#keys = keys;
    this.#directory = directory;
    this.#defect = defect;
  }

  async open(): Promise<OpenedBlocks> {
    await this.#keys.open(this.#directory);
    const blocks = await this.#keys.list(encodeBlockKey(0), END);
    const last = blocks.at(-1);
    return {
      header: await this.#keys.get(HEADER),
      lastIndex: last === undefined ? undefined : decodeBlockKey(last.key),
    };
  }

  commit(commit: Commit): Promise<void> {
    const isEarly = this.#defect === 'acknowledged-before-commit';
    // One after the other, also where nobody waits for them; and late enough for everybody to see it.
    this.#last = this.#last.then(() => (isEarly ? sleep(10) : undefined)).then(() => this.#commit(commit));
    return isEarly ? Promise.resolve() : this.#last;
  }

  async #commit({ removeFrom, removeThrough, put, header }: Commit): Promise<void> {
    const removed = [
      ...(removeFrom === undefined ? [] : await this.#keys.list(encodeBlockKey(removeFrom), END)),
      ...(removeThrough === undefined
        ? []
        : await this.#keys.list(encodeBlockKey(0), encodeBlockKey(removeThrough + 1))),
    ];
    const removals: KeyChange[] = removed.map(({ key }) => ({ key }));
    const puts: KeyChange[] = put.map(({ key, bytes }) => ({ key: encodeBlockKey(key), value: bytes }));
    const syncs = this.#defect !== 'no-sync';
    const rest = [...puts, { key: HEADER, value: header }];
    if (this.#defect !== 'boundary-after-delete') return this.#keys.write([...removals, ...rest], syncs);
    if (removals.length > 0) await this.#keys.write(removals, syncs);
    await this.#keys.write(rest, syncs);
  }

  async readBlocks(first: number, last: number, maxBytes: number): Promise<Block[]> {
    await this.#last;
    const blocks: Block[] = [];
    let bytes = 0;
    for (const { key, value } of await this.#keys.list(encodeBlockKey(first), END)) {
      const index = decodeBlockKey(key);
      blocks.push({ key: index, bytes: value });
      bytes += value.length;
      if (index >= last || bytes >= maxBytes) break;
    }
    return blocks;
  }

  async close(): Promise<void> {
    await this.#last.catch(() => undefined);
    await this.#keys.close();
  }
}
