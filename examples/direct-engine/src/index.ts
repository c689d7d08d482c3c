export { type DirectEngineOptions, DirectStorageEngine } from './engine.ts';
export { nodeFileIo } from './node-file-io.ts';
