import { raftlogTests } from '../../vitest.shared.ts';

export default raftlogTests({ globalSetup: ['test/support/require-build.ts'] });
