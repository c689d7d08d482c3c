import { describeStorageEngine } from '@raftlog/core/conformance/vitest';
import { mapBuilder } from './map-builder.ts';

describeStorageEngine('the map adaptor', mapBuilder, { level: 1 });
