import { describe, expect, it } from '@jest/globals';
import { holdReviewDecider, visibleOpinions } from '../../src/domain/hold-review/hold-review.js';
import {
  reasonsFor,
  type HoldReviewEvent,
  type OfficerOpinion,
} from '../../src/domain/hold-review/hold-review.events.js';
import { scenario } from '../support/given.js';

const given = scenario(holdReviewDecider);
const opened: HoldReviewEvent = {
  type: 'HoldOpened',
  data: { requestId: 'r1', reason: 'registered_gap', dueAtUtc: '2026-11-26T09:00:00.000Z' },
};
const opinion = (officer: string, o: OfficerOpinion): HoldReviewEvent => ({
  type: 'OpinionGiven',
  data: { officer, opinion: o, reason: 'same_person', seen: null, note: null },
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
  // @fault Q4
  it('lets an officer take the own opinion back until the second is in, and then nobody', () => {
    const withdrawn: HoldReviewEvent = { type: 'OpinionWithdrawn', data: { officer: 'a' } };
    given(opened, opinion('a', 'release')).when({ type: 'WithdrawOpinion', officer: 'a' }).then(withdrawn);
    given(opened, opinion('a', 'release'), withdrawn)
      .when({ type: 'GiveOpinion', officer: 'a', opinion: 'reject', reason: 'different_person' })
      .thenTypes('OpinionGiven');
    for (const history of [[opened], [opened, opinion('b', 'release')], [opened, opinion('a', 'release'), withdrawn]])
      given(...history)
        .when({ type: 'WithdrawOpinion', officer: 'a' })
        .thenRefused({ code: 'opinion_not_given' });
    given(opened, opinion('a', 'release'), opinion('b', 'reject'))
      .when({ type: 'WithdrawOpinion', officer: 'a' })
      .thenRefused({ code: 'opinions_complete' });
  });
  it('does not count an opinion that was taken back: one officer alone never ends the blindness', () => {
    const alone = [opened, opinion('a', 'release'), { type: 'OpinionWithdrawn', data: { officer: 'a' } }] as const;
    const again = given(...(alone as readonly HoldReviewEvent[]), opinion('a', 'reject')).state();
    expect(visibleOpinions(again, 'b')).toEqual([]);
    given(...(alone as readonly HoldReviewEvent[]), opinion('a', 'reject'))
      .when({ type: 'ResolveHold', officer: 'b', outcome: 'rejected', reason: 'different_person' })
      .thenRefused({ code: 'opinions_missing', data: { given: 1, needed: 2 } });
  });
  it.each([
    ['release', ['same_person', 'card_photograph_doubtful', 'registered_image_doubtful', 'checked_in_person']],
    [
      'reject',
      [
        'different_person',
        'card_photograph_doubtful',
        'registered_image_doubtful',
        'photograph_unclear',
        'checked_in_person',
      ],
    ],
    [
      'recapture',
      [
        'same_person',
        'card_photograph_doubtful',
        'registered_image_doubtful',
        'photograph_unclear',
        'checked_in_person',
      ],
    ],
  ] as const)('knows which reasons fit %s', (asked, reasons) => expect(reasonsFor(asked)).toEqual(reasons));
});
