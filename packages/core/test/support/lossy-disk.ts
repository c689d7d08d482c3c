import { LossyFileIo } from '../../src/conformance/lossy-file-io/lossy-file-io.ts';
import type { FileHandle } from '../../src/file-io.ts';

export const text = (value: string): Uint8Array => new Uint8Array(Buffer.from(value));

export const textOf = (io: LossyFileIo, path: string): string => Buffer.from(io.readFile(path)).toString();

export const disk = (): LossyFileIo => new LossyFileIo({ directories: ['/d'] });

/** `/d/a` with `durable` synced, its entry too. */
export async function withFile(durable: string): Promise<{ io: LossyFileIo; handle: FileHandle }> {
  const io = disk();
  const handle = await io.open('/d/a', 'create');
  await handle.write([text(durable)], 0);
  await handle.datasync();
  await io.syncDirectory('/d');
  return { io, handle };
}
