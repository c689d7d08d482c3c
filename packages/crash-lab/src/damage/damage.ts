import { open, rm, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import type { Random } from '@raftlog/core/conformance';

/** One change of one file of a store. */
export interface Damage {
  /** How the store was left: closed cleanly, or by a process that was killed. */
  readonly left: 'closed' | 'killed';
  /** Path below the engine's directory. */
  readonly file: string;
  /**
   * `flip`: bits of one byte. `cut`: the file ends at the offset. `zero`: it is zeros from there to its end. `sector`: the 512 bytes there are
   * zeros. `missing`: the file is gone.
   */
  readonly kind: 'flip' | 'cut' | 'zero' | 'sector' | 'missing';
  readonly offset: number;
  /** Bits that are flipped. */
  readonly mask: number;
}

/** Chooses damages to a store, where there is something to damage. */
export class DamageChooser {
  readonly #left: Damage['left'];
  readonly #files: ReadonlyMap<string, Uint8Array>;
  readonly #random: Random;

  private constructor(left: Damage['left'], files: ReadonlyMap<string, Uint8Array>, random: Random) {
    this.#left = left;
    this.#files = files;
    this.#random = random;
  }

  /** `files`: by path, none of them empty. */
  static over(left: Damage['left'], files: ReadonlyMap<string, Uint8Array>, random: Random): DamageChooser {
    if (files.size === 0) throw new Error('There is nothing to damage.');
    return new DamageChooser(left, files, random);
  }

  next(kind: 'flip' | 'cut' | 'zero'): Damage {
    for (let attempt = 0; ; attempt++) {
      const [file, bytes] = this.#file();
      const offset = this.#random.integer(0, bytes.length - 1);
      const mask = this.#random.chance(0.5) ? 1 << this.#random.integer(0, 7) : this.#random.integer(1, 255);
      // Most of many files is padding, which tells little; and zeros made zero are no damage.
      const dull = bytes.subarray(offset, kind === 'flip' ? offset + 64 : undefined).every((byte) => byte === 0);
      if (!dull || attempt === 20) return { left: this.#left, file, kind, offset, mask };
    }
  }

  /** Any file, or any byte: or the small files, or the large one, would never be hit. */
  #file(): [string, Uint8Array] {
    const files = [...this.#files];
    if (this.#random.chance(0.5)) return this.#random.pick(files);
    let at = this.#random.next() * files.reduce((sum, [, bytes]) => sum + bytes.length, 0);
    const hit = files.find(([, bytes]) => {
      at -= bytes.length;
      return at < 0;
    });
    return hit ?? this.#random.pick(files);
  }
}

/** Does it to the store in `directory`. */
export async function inflict({ file, kind, offset, mask }: Damage, directory: string): Promise<void> {
  const path = join(directory, file);
  if (kind === 'cut') return truncate(path, offset);
  if (kind === 'missing') return rm(path);
  const handle = await open(path, 'r+');
  try {
    const { size } = await handle.stat();
    const bytes = Buffer.alloc(kind === 'flip' ? 1 : Math.min(size - offset, kind === 'sector' ? 512 : size));
    if (kind === 'flip') {
      await handle.read(bytes, 0, 1, offset);
      bytes[0] = (bytes[0] ?? 0) ^ mask;
    }
    await handle.write(bytes, 0, bytes.length, offset);
  } finally {
    await handle.close();
  }
}
