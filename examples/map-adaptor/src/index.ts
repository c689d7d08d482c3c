import { type Adaptor, defineAdaptor, type EngineOptions } from '@raftlog/kit';
import { MapBlocks } from './map-blocks.ts';

/** A whole storage engine: the kit does the rest. */
export const MapStorageEngine: Adaptor<EngineOptions> = defineAdaptor<EngineOptions>({
  name: '@raftlog/example-map-adaptor',
  durability: ['sync'],
  blockStore: (_options, context) => new MapBlocks(context),
});
