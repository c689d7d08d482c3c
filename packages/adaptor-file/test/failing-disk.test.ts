import { damageFiles } from '@raftlog/crash-lab';
import { describeFailingDisk } from '@raftlog/crash-lab/vitest';
import { expect, test } from 'vitest';
import { fileBuilder } from './support/file-builder.ts';

describeFailingDisk('the file adaptor', () => fileBuilder('sync'));
describeFailingDisk('the file adaptor, buffered,', () => fileBuilder('buffered'), {
  build: { small: true, durability: 'buffered' },
  runs: 5,
});

test('damage to any file is refused or harmless', async () => {
  const { damages, ...counts } = await damageFiles(() => fileBuilder('sync'), { flips: 100, cuts: 60, seed: 1 });
  const { intact, refused, unreadable, ...wrong } = counts;
  const details = damages.filter(({ outcome }) => !['intact', 'refused', 'unreadable'].includes(outcome));
  expect(wrong, JSON.stringify(details)).toEqual({ lost: 0, returned: 0, altered: 0, crashed: 0, killed: {} });
  expect(Object.keys({ ...refused, ...unreadable })).toEqual(['CORRUPTION']);
  expect(intact).toBeLessThan(damages.length / 2);
});
