import { describe, expect, it } from '@jest/globals';
import type { LookPurpose } from '../../src/domain/access/access.events.js';
import { groundsOf } from '../../src/domain/access/look.js';
import type { HoldReviewState, Opinion } from '../../src/domain/hold-review/hold-review.js';
import type { OfficerOpinion } from '../../src/domain/hold-review/hold-review.events.js';

const opinion = (officer: string, given: OfficerOpinion): Opinion => ({
  officer,
  opinion: given,
  reason: 'checked_in_person',
  seen: null,
  note: null,
});
const open = (...opinions: readonly Opinion[]): HoldReviewState => ({
  stage: 'open',
  requestId: 'r1',
  reason: 'registered_gap',
  dueAtUtc: '2026-11-26T09:00:00.000Z',
  opinions,
});
const over = (outcome: 'released' | 'expired' | 'closed'): HoldReviewState => ({
  stage: 'resolved',
  requestId: 'r1',
  outcome,
  opinions: [],
});
const NEVER: HoldReviewState = { stage: 'none' };
const contested = open(opinion('a', 'release'), opinion('b', 'reject'));

// @fault O28
describe('the purpose of a look', () => {
  it.each<[string, HoldReviewState, LookPurpose, string | null, string]>([
    ['a review of what was never held', NEVER, 'hold_review', null, 'no_open_hold'],
    ['the same with a file', NEVER, 'hold_review', 'F-1', 'no_open_hold'],
    ['a review of an open hold', open(), 'hold_review', null, 'open_hold'],
    ['after an own opinion', open(opinion('a', 'release')), 'hold_review', null, 'open_hold'],
    ["after another one's", open(opinion('b', 'release')), 'hold_review', null, 'open_hold'],
    ['two that agree', open(opinion('a', 'reject'), opinion('b', 'reject')), 'hold_review', null, 'open_hold'],
    ['an own one that is contested', contested, 'hold_review', null, 'not_yours_to_decide'],
    ['two others that differ', open(opinion('b', 'release'), opinion('c', 'reject')), 'hold_review', null, 'open_hold'],
    ['a review of what is released', over('released'), 'hold_review', null, 'no_open_hold'],
    ['a review of what ran out', over('expired'), 'hold_review', null, 'no_open_hold'],
    ['a review of what was stopped', over('closed'), 'hold_review', null, 'no_open_hold'],
    ['a disclosure without a file', open(), 'disclosure', null, 'no_reference'],
    ['a disclosure with one', NEVER, 'disclosure', 'F-1', 'reference'],
    ['an audit without a file', open(), 'audit', null, 'none'],
    ['an audit with one', NEVER, 'audit', 'F-1', 'reference'],
  ])('%s', (_what, review, purpose, reference, expected) => {
    const found = groundsOf(review, { officer: 'A', purpose, reference });
    expect('misfit' in found ? found.misfit : found.grounds).toBe(expected);
  });
});
