import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';

/** What a directory holds: by path below it, parents first. */
export type DiskImage = ReadonlyMap<string, Uint8Array | 'directory'>;

export function hashImage(image: DiskImage): string {
  const hash = createHash('sha1');
  for (const [path, content] of image) {
    const isDirectory = content === 'directory';
    hash.update(`${path}\0${isDirectory ? 'd' : content.length}\0`);
    if (!isDirectory) hash.update(content);
  }
  return hash.digest('base64');
}

/** `directory` exists, and is empty. */
export function writeImage(image: DiskImage, directory: string): void {
  for (const [path, content] of image) {
    if (content === 'directory') mkdirSync(join(directory, path));
    else writeFileSync(join(directory, path), content);
  }
}

export function readImage(directory: string, leftOut: (path: string) => boolean = () => false): DiskImage {
  const found = readdirSync(directory, { recursive: true, withFileTypes: true })
    .map((entry) => ({ entry, path: relative(directory, join(entry.parentPath, entry.name)) }))
    .filter(({ path }) => !leftOut(path))
    .sort((a, b) => (a.path < b.path ? -1 : 1));
  return new Map(
    found.map(({ entry, path }) => [path, entry.isDirectory() ? 'directory' : readFileSync(join(directory, path))]),
  );
}

/** In words: the first thing in which they differ; `undefined`: none. */
export function differenceOfImages(is: DiskImage, should: DiskImage): string | undefined {
  for (const path of new Set([...is.keys(), ...should.keys()])) {
    const [a, b] = [is.get(path), should.get(path)];
    if (a === undefined || b === undefined) return `${path} is ${a === undefined ? 'missing' : 'there'}`;
    if (a === 'directory' || b === 'directory') {
      if (a !== b) return `${path} is another kind of thing`;
    } else if (Buffer.compare(a, b) !== 0) {
      const at = a.findIndex((byte, offset) => byte !== b[offset]);
      return `${path} (${a.length} bytes, not ${b.length}) differs from ${at < 0 ? a.length : at} on`;
    }
  }
  return undefined;
}
