// How the benchmark opens the engine, also in a process of its own.
import { FileStorageEngine } from '@raftlog/adaptor-file';

export const open = (directory, options = {}) => FileStorageEngine.open({ ...options, directory });
