import { describe, expect, it } from '@jest/globals';
import { fold } from '../../src/domain/decider.js';
import {
  dualActDecider,
  isDue,
  type DualActCommand,
  type DualActState,
} from '../../src/domain/dual-control/dual-act.js';
import type { DualActEvent } from '../../src/domain/dual-control/dual-act.events.js';

const NOW = '2026-11-30T09:00:00.000Z';
const propose: DualActCommand = {
  type: 'ProposeAct',
  proposal: { act: 'resume_booth', boothId: 'booth-1' },
  reason: 'found_again',
  reference: 'WO-1',
  by: 'mori',
};
const approve = (by: string, waitMinutes = 0, nowUtc = NOW): DualActCommand => ({
  type: 'ApproveAct',
  by,
  nowUtc,
  waitMinutes,
});
const decline = (by: string): DualActCommand => ({ type: 'DeclineAct', by });
const begin = (nowUtc = NOW): DualActCommand => ({ type: 'BeginAct', nowUtc });
const end = (refusal: string | null = null): DualActCommand => ({ type: 'RecordActCarriedOut', refusal });

/** Gives commands one after the other. @returns the state after them, and the code of the first refusal or null */
function given(...commands: DualActCommand[]): { state: DualActState; refusal: string | null } {
  const events: DualActEvent[] = [];
  for (const command of commands) {
    const decision = dualActDecider.decide(fold(dualActDecider, events), command);
    if ('refused' in decision) return { state: fold(dualActDecider, events), refusal: decision.refused.code };
    events.push(...decision.events);
  }
  return { state: fold(dualActDecider, events), refusal: null };
}

// @fault D1
describe('what nobody does alone', () => {
  it('is carried out after another person agreed', () => {
    expect(given(propose, approve('hayashi'), begin(), end())).toMatchObject({
      refusal: null,
      state: { stage: 'carried_out', proposedBy: 'mori', approvedBy: 'hayashi' },
    });
  });

  it.each(['mori', 'MORI', 'Mori', 'ｍｏｒｉ'])('is not approved by who proposed it, under whatever case: %s', (by) => {
    expect(given(propose, approve(by))).toMatchObject({ refusal: 'act_own_proposal', state: { stage: 'proposed' } });
  });

  it('waits as long as the policy says, to the millisecond, and can be declined until it is begun, by either', () => {
    const waiting = [propose, approve('hayashi', 60)];
    expect(given(...waiting, begin('2026-11-30T09:59:59.999Z'))).toMatchObject({ refusal: 'act_waits' });
    expect(isDue(given(...waiting).state, '2026-11-30T10:00:00.000Z')).toBe(true);
    expect(given(...waiting, begin('2026-11-30T10:00:00.000Z'), end()).state.stage).toBe('carried_out');
    for (const by of ['mori', 'hayashi', 'somebody-else'])
      expect(given(...waiting, decline(by)).state.stage).toBe('declined');
    expect(given(...waiting, begin('2026-11-30T10:00:00.000Z'), decline('mori')).refusal).toBe('act_closed');
  });

  it.each<[string, DualActCommand[], string | null]>([
    ['approved twice by the same person: once', [propose, approve('hayashi'), approve('hayashi')], null],
    ['approved by a third person after it was approved', [propose, approve('hayashi'), approve('ito')], 'act_closed'],
    ['approved after it was declined', [propose, decline('ito'), approve('hayashi')], 'act_closed'],
    [
      'approved again by its approver after it was declined',
      [propose, approve('hayashi', 5), decline('ito'), approve('hayashi')],
      'act_closed',
    ],
    ['declined twice: once', [propose, decline('ito'), decline('ito')], null],
    ['declined after it was carried out', [propose, approve('hayashi'), begin(), end(), decline('ito')], 'act_closed'],
    ['begun before anybody agreed', [propose, begin()], 'act_closed'],
    ['begun twice: once', [propose, approve('hayashi'), begin(), begin()], null],
    ['carried out and never begun', [propose, approve('hayashi'), end()], 'act_closed'],
    ['carried out twice: once', [propose, approve('hayashi'), begin(), end(), end('booth_exists')], null],
    ['proposed twice under one number', [propose, propose], 'act_closed'],
    ['approved before it was proposed', [approve('hayashi')], 'act_unknown'],
  ])('is %s', (_name, commands, refusal) => {
    expect(given(...commands).refusal).toBe(refusal);
  });

  it('says why nothing was done where it had become impossible', () => {
    expect(given(propose, approve('hayashi'), begin(), end('booth_retired')).state).toMatchObject({
      stage: 'refused',
      refusal: 'booth_retired',
    });
  });
});
