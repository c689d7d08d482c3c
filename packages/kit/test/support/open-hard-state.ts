import type { FileIo } from '@raftlog/core';
import { HardStateFiles } from '../../src/directory/hard-state-files.ts';

/** Opens the hard state as an engine does that finds nothing wrong: read, then settled. */
export async function openHardState(directory: string, io: FileIo): Promise<HardStateFiles> {
  const files = await HardStateFiles.open(directory, io);
  try {
    await files.settle();
  } catch (error) {
    await files.close();
    throw error;
  }
  return files;
}
