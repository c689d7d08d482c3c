import assert from 'node:assert/strict';
import { assertHardState, assertLog } from '../assertions.ts';
import type { ConformanceCase } from '../case.ts';
import { createTestEntry } from '../entries.ts';
import { defineCases, ifChild, unlessVolatile } from './define-cases.ts';
import { runKillCampaign } from './kill-campaign.ts';
import { recoveryDamageCases } from './recovery-damage.ts';
import { salvageCases } from './recovery-salvage.ts';

const recovery = defineCases('recovery');

/** Area G. Its power cuts are among the fault cases. */
export const recoveryCases: readonly ConformanceCase[] = [
  recovery(
    'G51-reopen-at-every-length',
    'a log is the same after a clean reopen at every length, from none to many files',
    async (context) => {
      const entries: ReturnType<typeof createTestEntry>[] = [];
      let engine = await context.open({ small: true });
      await engine.metaStore.saveHardState({ currentTerm: 3, votedFor: 'node-2' });
      for (let length = 0; length <= 40; length++) {
        engine = await context.open({ small: true });
        await assertLog(engine, entries);
        await assertHardState(engine, { currentTerm: 3, votedFor: 'node-2' });
        // Sizes of all remainders, so that some commit ends just where a page, a block or a file does.
        const next = createTestEntry(length + 1, 1 + Math.floor(length / 7), { bytes: 1 + ((length * 397) % 1500) });
        await engine.logStore.persistEntries([next]);
        entries.push(next);
      }
      engine = await context.open({ small: true });
      await assertLog(engine, entries);
    },
    { inapplicable: unlessVolatile, timeoutMs: 60_000 },
  ),
  recovery(
    'G52-killed-process',
    'whenever the process is killed, what was acknowledged is there, the rest is a prefix, no vote goes back, and no snapshot is lost or halved',
    async (context) => {
      const kills = killsFromEnvironment();
      const report = await runKillCampaign(context.builder, { kills, seed: context.seed });
      assert.equal(report.kills, kills);
      assert.ok(report.acknowledged > 0, 'no child acknowledged anything');
    },
    { inapplicable: ifChild, timeoutMs: 30_000 + 5_000 * killsFromEnvironment() },
  ),
  ...recoveryDamageCases,
  ...salvageCases,
];

/** `RAFTLOG_KILLS`: processes that the case kills; 8 if it is not set. */
function killsFromEnvironment(): number {
  const given = process.env.RAFTLOG_KILLS;
  const kills = given === undefined || given === '' ? 8 : Number(given);
  if (Number.isSafeInteger(kills) && kills >= 1) return kills;
  throw new RangeError(`RAFTLOG_KILLS is "${given}": give a whole number from 1 on.`);
}
