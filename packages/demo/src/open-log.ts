import { FileStorageEngine } from '@raftlog/adaptor-file';

/** The engine, as every process of the demo opens it. */
export type DemoEngine = Awaited<ReturnType<typeof FileStorageEngine.open>>;

/** Segments are the smallest there are, so that a short log has several and gives space back when it is purged. */
export const segmentBytes: number = 64 * 1024;

export function openLog(directory: string): Promise<DemoEngine> {
  return FileStorageEngine.open({ directory, segmentBytes });
}
