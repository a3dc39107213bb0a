import { describe, expect, it } from '@jest/globals';
import type { SubjectKeys } from '../../src/application/ports/registrant/subject-keys.js';
import { holder } from '../support/scripted-links.js';

const NOW = '2026-11-23T09:00:00.000Z';
const UNTIL = '2026-12-03T09:00:00.000Z';

/** What every keeper of subject keys does. @param make gives one that knows nothing. @fault D2 */
export function subjectKeysContract(name: string, make: () => Promise<SubjectKeys>): void {
  describe(`${name}: which key a card has (@fault D2)`, () => {
    it('gives a card one key, also where it is asked twice at once, and another card another one', async () => {
      const keys = await make();
      expect(await keys.find(holder('01'))).toBeNull();
      const [one, again, other] = await Promise.all([
        keys.give(holder('01'), null),
        keys.give(holder('01'), null),
        keys.give(holder('02'), null),
      ]);
      expect(one).toMatch(/^[0-9a-f]{40}$/);
      expect([again, await keys.find(holder('01'))]).toEqual([one, one]);
      expect(other).not.toBe(one);
    });

    it('takes over a key of before, and keeps the one that a card has', async () => {
      const keys = await make();
      expect(await keys.give(holder('01'), 'before')).toBe('before');
      expect(await keys.give(holder('01'), 'another')).toBe('before');
    });

    it('forgets a card with its key, gives it another one, and knows no more than that it was erased', async () => {
      const keys = await make();
      const first = await keys.give(holder('01'), null);
      await keys.retire(first, UNTIL);
      await keys.retire(first, UNTIL);
      expect(await keys.find(holder('01'))).toBeNull();
      const second = await keys.give(holder('01'), null);
      const other = await keys.give(holder('02'), null);
      expect(second).not.toBe(first);
      expect(await keys.wereErasedBefore([second], NOW)).toBe(true);
      expect(await keys.wereErasedBefore([other, second], NOW)).toBe(true);
      expect(await keys.wereErasedBefore([first, other], NOW)).toBe(false);
    });

    it.each([
      ['2026-12-02T23:59:59.999Z', true, 0],
      ['2026-12-03T23:59:59.999Z', true, 0],
      ['2026-12-04T00:00:00.000Z', false, 1],
    ])('answers until the end of the last day and not longer: at %s %s', async (nowUtc, isMet, swept) => {
      const keys = await make();
      await keys.retire(await keys.give(holder('01'), null), UNTIL);
      const again = await keys.give(holder('01'), null);
      expect(await keys.wereErasedBefore([again], nowUtc)).toBe(isMet);
      expect(await keys.sweep(nowUtc)).toBe(swept);
      expect(await keys.wereErasedBefore([again], NOW)).toBe(swept === 0);
    });

    it('has no tombstone where the policy wants none', async () => {
      const keys = await make();
      await keys.retire(await keys.give(holder('01'), null), null);
      expect(await keys.wereErasedBefore([await keys.give(holder('01'), null)], NOW)).toBe(false);
    });

    it('lengthens a tombstone by a second erasure, never shortens it', async () => {
      const keys = await make();
      await keys.retire(await keys.give(holder('01'), null), '2030-01-01T00:00:00.000Z');
      await keys.retire(await keys.give(holder('01'), null), UNTIL);
      const third = await keys.give(holder('01'), null);
      expect(await keys.wereErasedBefore([third], '2029-01-01T00:00:00.000Z')).toBe(true);
    });

    it('remembers a card that was erased before there were tombstones', async () => {
      const keys = await make();
      await keys.remember(holder('01'), UNTIL);
      expect(await keys.wereErasedBefore([await keys.give(holder('01'), null)], NOW)).toBe(true);
    });
  });
}
