import { raftlogTests } from '../../vitest.shared.ts';

export default raftlogTests();
