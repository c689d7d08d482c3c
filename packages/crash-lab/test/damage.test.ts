import { describe, expect, test } from 'vitest';
import { makeSpecimen } from '../src/damage/specimen.ts';
import { type DamageReport, damageFiles } from '../src/index.ts';
import { tinyBuilder } from './support/tiny-builder.ts';

const damage = (defect?: string, flips = 24, cuts = 12): Promise<DamageReport> =>
  damageFiles(() => tinyBuilder(defect), { flips, cuts, seed: 1, files: /^log$/ });

test('the specimen has entries, a boundary and what must not come back', () => {
  const { model, removed, replaced, sessions } = makeSpecimen(1);
  expect(sessions).toHaveLength(2);
  expect(model.entries.length).toBeGreaterThan(200);
  expect(model.boundary?.index).toBeGreaterThan(20);
  expect(removed.length).toBeGreaterThan(80);
  expect(replaced.length).toBeGreaterThan(1);
});

describe('damage', () => {
  test('is refused by an engine with checksums', async () => {
    const { damages, ...counts } = await damage();
    expect(counts).toEqual({
      ...{ intact: 0, lost: 0, returned: 0, altered: 0, crashed: 0, unreadable: {}, killed: {} },
      refused: { CORRUPTION: 36 },
    });
    expect(new Set(damages.map(({ left, kind }) => `${left} ${kind}`)).size).toBe(6);
  });

  test('is served as altered bytes by an engine without', async () => {
    const { altered } = await damage('no-checksum');
    expect(altered).toBeGreaterThan(5);
  });

  test('is lost by an engine that takes it for a torn tail', async () => {
    const { lost, returned, altered, refused, intact } = await damage('cuts-damaged-tail');
    expect({ altered, refused, intact }).toEqual({ altered: 0, refused: {}, intact: 0 });
    expect(lost + returned).toBe(36);
    expect(lost).toBeGreaterThan(0);
  });

  test('of a purge or truncation brings entries back where it is skipped', async () => {
    const { returned } = await damage('cuts-damaged-tail');
    expect(returned).toBeGreaterThan(0);
  });

  test('is unreadable where only reads reject', async () => {
    const { unreadable } = await damage('damaged-reads');
    expect(Object.keys(unreadable)).toEqual(['CORRUPTION']);
  });

  test('that ends the process or throws anything else is told apart', async () => {
    expect(await damage('kills-itself', 6, 4)).toMatchObject({ killed: { SIGSEGV: 10 }, crashed: 0 });
    const { crashed, damages } = await damage('throws', 6, 4);
    expect(crashed).toBe(10);
    expect(damages[0]?.detail).toContain('TypeError: this is not an object');
  });

  test('that ends the process when its verdict is in is still told', async () => {
    const { killed, refused } = await damage('kills-itself-later', 3, 2);
    expect({ killed, refused }).toEqual({ killed: { SIGBUS: 5 }, refused: {} });
  });

  test('is not tried on a store that is not intact to begin with', async () => {
    await expect(damage('forgets-votes')).rejects.toThrow('The undamaged store is lost: the hard state is undefined');
    await expect(damage('no-such-hard-state')).rejects.toThrow('The store could not be made');
  });
});
