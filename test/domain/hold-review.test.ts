import { describe, expect, it } from '@jest/globals';
import { holdReviewDecider, visibleOpinions } from '../../src/domain/hold-review/hold-review.js';
import type { HoldReviewEvent, OfficerOpinion } from '../../src/domain/hold-review/hold-review.events.js';
import { scenario } from '../support/given.js';

const given = scenario(holdReviewDecider);
const opened: HoldReviewEvent = {
  type: 'HoldOpened',
  data: { requestId: 'r1', reason: 'registered_gap', dueAtUtc: '2026-11-26T09:00:00.000Z' },
};
const opinion = (officer: string, o: OfficerOpinion): HoldReviewEvent => ({
  type: 'OpinionGiven',
  data: { officer, opinion: o, reason: 'same_person' },
});

describe('a hold under two pairs of eyes (@req A10)', () => {
  it('takes one opinion per officer', () => {
    given(opened)
      .when({ type: 'GiveOpinion', officer: 'a', opinion: 'release', reason: 'same_person' })
      .then(opinion('a', 'release'));
    given(opened, opinion('a', 'release'))
      .when({ type: 'GiveOpinion', officer: 'a', opinion: 'reject', reason: 'different_person' })
      .thenRefused({ code: 'opinion_already_given' });
    // @fault O29
    for (const officer of ['A', '\uff21', '\uff41'])
      given(opened, opinion('a', 'release'))
        .when({ type: 'GiveOpinion', officer, opinion: 'reject', reason: 'different_person' })
        .thenRefused({ code: 'opinion_already_given' });
  });
  it('is not resolved on one opinion', () =>
    given(opened, opinion('a', 'release'))
      .when({ type: 'ResolveHold', officer: 'a', outcome: 'released', reason: 'same_person' })
      .thenRefused({ code: 'opinions_missing', data: { given: 1, needed: 2 } }));
  it('is resolved as two agreeing officers say, and not otherwise', () => {
    const history = [opened, opinion('a', 'release'), opinion('b', 'release')] as const;
    given(...history)
      .when({ type: 'ResolveHold', officer: 'b', outcome: 'released', reason: 'same_person' })
      .then({ type: 'HoldResolved', data: { requestId: 'r1', outcome: 'released', officers: ['a', 'b'] } });
    given(...history)
      .when({ type: 'ResolveHold', officer: 'b', outcome: 'rejected', reason: 'different_person' })
      .thenRefused({ code: 'outcome_differs_from_opinions', data: { opinion: 'release' } });
  });
  it('needs a third officer when the two differ', () => {
    const history = [opened, opinion('a', 'release'), opinion('b', 'reject')] as const;
    given(...history)
      .when({ type: 'ResolveHold', officer: 'a', outcome: 'released', reason: 'same_person' })
      .thenRefused({ code: 'third_officer_needed' });
    given(...history)
      .when({ type: 'ResolveHold', officer: 'c', outcome: 'rejected', reason: 'different_person' })
      .thenTypes('OpinionGiven', 'HoldResolved');
  });
  it('shows an officer no other opinion until both are in', () => {
    const one = given(opened, opinion('a', 'release')).state();
    expect(visibleOpinions(one, 'b')).toEqual([]);
    expect(visibleOpinions(one, 'a')).toHaveLength(1);
    expect(visibleOpinions(given(opened, opinion('a', 'release'), opinion('b', 'reject')).state(), 'b')).toHaveLength(
      2,
    );
  });
  it('expires, and is not resolved twice', () => {
    given(opened)
      .when({ type: 'ExpireHold' })
      .then({ type: 'HoldResolved', data: { requestId: 'r1', outcome: 'expired', officers: [] } });
    const resolved: HoldReviewEvent = {
      type: 'HoldResolved',
      data: { requestId: 'r1', outcome: 'released', officers: ['a', 'b'] },
    };
    given(opened, resolved).when({ type: 'ExpireHold' }).thenNothing();
    given(opened, resolved)
      .when({ type: 'ResolveHold', officer: 'c', outcome: 'rejected', reason: 'different_person' })
      .thenRefused({ code: 'hold_not_open' });
  });
});
