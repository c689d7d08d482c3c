import { raftlogTests } from '../../vitest.shared.ts';

// The sweeps over every byte take seconds, more on a busy machine.
export default raftlogTests({ testTimeout: 60_000 });
