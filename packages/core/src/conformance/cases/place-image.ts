import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import type { StorageEngine } from '../../storage-engine.ts';
import type { BuildOptions, StorageEngineBuilder } from '../builder.ts';
import type { ConformanceSubject } from '../case.ts';
import { LossyFileIo } from '../lossy-file-io/lossy-file-io.ts';

/** All files of a place, by their path below `directory`; and its directories. Bytes are replaced, never changed. */
export interface PlaceImage {
  readonly files: ReadonlyMap<string, Uint8Array>;
  readonly directories: readonly string[];
}

/** Reads everything that lies in the builder's directory; an engine may be open there. */
export async function takeImage(builder: StorageEngineBuilder): Promise<PlaceImage> {
  const root = directoryOf(builder);
  const files = new Map<string, Uint8Array>();
  const directories: string[] = [];
  for (const entry of await readdir(root, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isDirectory()) directories.push(relative(root, path));
    else if (entry.isFile()) files.set(relative(root, path), new Uint8Array(await readFile(path)));
  }
  return { files: new Map([...files].sort(([a], [b]) => (a < b ? -1 : 1))), directories: directories.sort() };
}

/** The same image with one file replaced, or without it. */
export function withFile(image: PlaceImage, path: string, bytes: Uint8Array | undefined): PlaceImage {
  const files = new Map(image.files);
  if (bytes === undefined) files.delete(path);
  else files.set(path, bytes);
  return { ...image, files };
}

/** `image`, but with these files as they were in `earlier`: gone, if they were not there. */
export function rewound(image: PlaceImage, earlier: PlaceImage, paths: readonly string[]): PlaceImage {
  return paths.reduce((result, path) => withFile(result, path, earlier.files.get(path)), image);
}

/** A place made from an image, on a simulated disk if the engine takes one, else in the builder's directory. */
export interface PlacedImage {
  open(options?: BuildOptions): Promise<StorageEngine>;
  /** Where it lies, if on a simulated disk. */
  readonly disk?: LossyFileIo;
  /** What lies there now. */
  image(): Promise<PlaceImage>;
}

export async function placeImage({ builder }: ConformanceSubject, image: PlaceImage): Promise<PlacedImage> {
  if (builder.takesFileIo === true) return onSimulatedDisk(builder, image);
  await builder.cleanup();
  const root = directoryOf(builder);
  for (const directory of ['', ...image.directories]) await mkdir(join(root, directory), { recursive: true });
  for (const [path, bytes] of image.files) await writeFile(join(root, path), bytes);
  return { open: (options) => builder.build({ small: true, ...options }), image: () => takeImage(builder) };
}

/** Files of the image by hash: equal for equal contents. Lock files that are empty are left out: to be made and removed is their use. */
export function contentsOf(image: PlaceImage): Record<string, string> {
  const contents: Record<string, string> = {};
  for (const [path, bytes] of image.files) {
    if (bytes.length > 0 || !/lock/i.test(path)) contents[path] = createHash('sha256').update(bytes).digest('hex');
  }
  return contents;
}

function onSimulatedDisk(builder: StorageEngineBuilder, image: PlaceImage): PlacedImage {
  const root = directoryOf(builder);
  const directories = [dirname(root), root, ...image.directories.map((directory) => join(root, directory))];
  const disk = new LossyFileIo({ directories });
  for (const [path, bytes] of image.files) disk.writeFile(join(root, path), bytes);
  return {
    open: (options) => builder.build({ small: true, ...options, fileIo: disk }),
    disk,
    image: async () => ({
      files: new Map(disk.files(root).map((path) => [relative(root, path), disk.readFile(path)])),
      directories: image.directories,
    }),
  };
}

function directoryOf(builder: StorageEngineBuilder): string {
  if (builder.directory === undefined) throw new Error('The builder names no directory.');
  return builder.directory;
}
