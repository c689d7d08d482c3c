import { describeStorageEngine } from '@raftlog/core/conformance/vitest';
import { MapBuilder } from './map-builder.ts';

await describeStorageEngine('the map adaptor', () => new MapBuilder(), { level: 1 });
