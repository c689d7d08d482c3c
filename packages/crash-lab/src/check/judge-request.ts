import type { BuildOptions } from '@raftlog/core/conformance';
import type { Demand, StoredHistory } from '../states/story.ts';

/** What a child process of the pool is told. Only the second is answered. */
export type JudgeRequest =
  | { readonly type: 'histories'; readonly histories: readonly StoredHistory[] }
  | {
      readonly type: 'judge';
      readonly module: string;
      readonly directory: string;
      readonly build: Omit<BuildOptions, 'fileIo'>;
      readonly demands: readonly Demand[];
      /** Source of a regular expression. */
      readonly leftOut: string;
    };
