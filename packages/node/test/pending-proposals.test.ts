import type { Entry } from '@raftlog/core';
import { expect, test } from 'vitest';
import { PendingProposals } from '../src/pending-proposals.ts';

function pendingWith(...places: readonly (readonly [index: number, term: number])[]) {
  const pending = new PendingProposals();
  const ends = new Map<number, string>();
  for (const [index, term] of places) {
    pending.add(index, term, {
      resolve: (result) => ends.set(index, Buffer.from(result).toString()),
      reject: (error) => ends.set(index, error.code),
    });
  }
  return { pending, ends };
}

const command = (index: number, term: number): Entry => ({ index, term, kind: 'command', data: new Uint8Array() });
const noop = (index: number, term: number): Entry => ({ index, term, kind: 'noop', data: new Uint8Array() });

test('each proposal gets the result of its own place, in its own term', () => {
  const { pending, ends } = pendingWith([2, 1], [3, 1], [4, 1]);
  pending.applied([noop(1, 1), command(2, 1), noop(3, 2), command(4, 2)], [Buffer.from('a'), Buffer.from('b')]);
  expect([...ends]).toEqual([
    [2, 'a'],
    [3, 'PROPOSAL_DROPPED'],
    [4, 'PROPOSAL_DROPPED'],
  ]);
});

test('what is committed is answered after leadership is lost, the rest is given up', () => {
  const { pending, ends } = pendingWith([2, 1], [3, 1], [4, 2]);
  pending.leadershipLost(2, 'n2', 2);
  expect([...ends]).toEqual([[3, 'LEADERSHIP_LOST']]);
  pending.applied([command(2, 1)], [Buffer.from('a')]);
  pending.skipped(4);
  expect([...ends]).toEqual([
    [3, 'LEADERSHIP_LOST'],
    [2, 'a'],
    [4, 'LEADERSHIP_LOST'],
  ]);
});
