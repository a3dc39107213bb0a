import { describe, expect, it } from '@jest/globals';
import {
  booths,
  holdReviews,
  registrants,
  registrations,
  sagas,
  type Aggregate,
} from '../../src/application/decisions/aggregates.js';
import { fold, type DomainEvent } from '../../src/domain/decider.js';
import type { LeafEvent } from '../../src/domain/audit/log/leaf.js';
import { DecisionReplay } from '../../src/domain/audit/replay/decision-replay.js';
import { currentVersion } from '../../src/domain/event-registry.js';
import type { JsonObject } from '../../src/domain/event-envelope.js';
import { DEFAULT_POLICY } from '../../src/domain/policy/policy.js';
import { addMs } from '../../src/domain/values/instant.js';
import { SyntheticHistory } from '../../src/sandbox/synthetic-history.js';

/** What a history of every day does not have: each is decided by its rule on top of such a history, and then made again
 * from it. */
const all = [...new SyntheticHistory({ seed: 9 }).appends(120, { registrants: 12 })].flatMap(
  ({ stream, events, expected }): LeafEvent[] =>
    events.map((event, i) => ({ ...event, stream, revision: (expected === 'no_stream' ? 0 : expected + 1) + i })),
);
const policy = { version: 1, values: DEFAULT_POLICY };

function replayed(events: readonly LeafEvent[], isCut = true) {
  const replay = new DecisionReplay({ isPartial: false });
  events.forEach((event, index) => replay.feed(index, event));
  return replay.finish({ isCut });
}

/** A history that ends behind an event, and goes on with what some commands give in its stream, or in another. */
class Continued {
  readonly events: LeafEvent[];
  private readonly last: LeafEvent;

  constructor(isLast: (event: LeafEvent) => boolean) {
    const at = all.findIndex(isLast);
    this.events = all.slice(0, at + 1);
    this.last = this.events[at] as LeafEvent;
  }

  get id(): string {
    return this.last.stream.slice(this.last.stream.indexOf('-') + 1);
  }

  then<S, C, E extends DomainEvent>(
    aggregate: Aggregate<S, C, E>,
    command: object | ((state: S, nowUtc: string) => object),
    { id = this.id, actor = 'system:test' } = {},
  ): this {
    const stream = aggregate.streamOf(id);
    const own = this.events.filter((event) => event.stream === stream);
    const state = fold(
      aggregate.decider,
      own.map(({ type, data }) => ({ type, data }) as unknown as E),
    );
    const nowUtc = addMs(this.events.at(-1)!.metadata.recordedAtUtc, 1_000);
    const decision = aggregate.decider.decide(
      state,
      (typeof command === 'function' ? (command as (state: S, nowUtc: string) => object)(state, nowUtc) : command) as C,
    );
    if ('refused' in decision) throw new Error(JSON.stringify(decision.refused));
    expect(decision.events.length).toBeGreaterThan(0);
    const { correlationId } = this.last.metadata;
    decision.events.forEach(({ type, data }, i) =>
      this.events.push({
        ...{ id: `more-${this.events.length}`, type, schemaVersion: currentVersion(type), stream },
        data: data as JsonObject,
        revision: own.length + i,
        metadata: { actor, correlationId, causationId: this.last.id, recordedAtUtc: nowUtc, policyVersion: 1 },
      }),
    );
    return this;
  }
}

const after = (type: string, more: (event: LeafEvent) => boolean = () => true) =>
  new Continued((event) => event.type === type && more(event));
const held = () => after('HoldOpened');
const opinion = (officer: string, text: 'release' | 'reject' = 'release') =>
  ({
    type: 'GiveOpinion',
    officer,
    opinion: text,
    reason: text === 'release' ? 'same_person' : 'different_person',
    seen: ['photo', 'card_face', 'registered_face'],
    note: null,
  }) as const;
const stop = { material: 'photo', foundAt: 'face_comparison' } as const;
const end = { type: 'EndByOperator', reason: 'storage_failed', reference: 'T-1', by: 'admin-a' } as const;

const ROWS: readonly (readonly [string, () => Continued, readonly string[]])[] = [
  [
    'a request that is withdrawn',
    () => after('RequestReceived').then(registrations, { type: 'WithdrawRegistration', by: 'booth' }),
    [],
  ],
  [
    'a certificate that is to be asked for again',
    () =>
      after('RequestReceived').then(registrations, (_, nowUtc) => ({
        ...{ type: 'RecordCertificateVerdict', attempt: 2, policy, nowUtc },
        verdict: { verdict: 'unknown', cause: 'responder_unreachable' },
      })),
    ['nextAttemptAtUtc'],
  ],
  [
    'a comparison that is to be tried again',
    () =>
      after('CertificateVerified').then(registrations, (_, nowUtc) => ({
        ...{ type: 'RecordFaceComparison', attempt: 3, policy, nowUtc },
        finding: { outcome: 'unknown', cause: 'overloaded' },
      })),
    ['nextAttemptAtUtc'],
  ],
  [
    'material that differs, and its end',
    () =>
      after('CertificateVerified')
        .then(registrations, {
          type: 'StopForMaterial',
          fault: { ...stop, fault: 'differs', difference: 'other_bytes' },
        })
        .then(registrations, { ...end, stuckEffectId: null }),
    ['submission', 'cause', 'earlierOutcome'],
  ],
  [
    'material that is missing',
    () =>
      after('CertificateVerified').then(registrations, {
        type: 'StopForMaterial',
        fault: { ...stop, fault: 'missing' },
      }),
    ['submission'],
  ],
  [
    'a request that lapsed',
    () =>
      after('RequestReceived').then(
        registrations,
        { type: 'LapseRequest', reason: 'claim_not_completed', claimedAtUtc: null },
        { id: 'another-request' },
      ),
    [],
  ],
  [
    'a hold that ran out',
    () => {
      const history = held();
      return history
        .then(holdReviews, { type: 'ExpireHold' })
        .then(registrations, { type: 'RecordHoldOutcome', outcome: 'expired', officers: [] });
    },
    ['dueAtUtc', 'officers', 'requestId'],
  ],
  ['a hold that is closed', () => held().then(holdReviews, { type: 'CloseHold' }), ['requestId']],
  [
    'an opinion that is taken back',
    () =>
      held()
        .then(holdReviews, opinion('officer-a'))
        .then(holdReviews, { type: 'WithdrawOpinion', officer: 'officer-a' }),
    [],
  ],
  [
    'a third officer who decides between two',
    () => {
      const history = held().then(holdReviews, opinion('officer-a')).then(holdReviews, opinion('officer-b', 'reject'));
      return history
        .then(holdReviews, {
          ...{ type: 'ResolveHold', officer: 'officer-c', outcome: 'rejected', reason: 'different_person' },
          ...{ seen: ['photo', 'card_face', 'registered_face'], note: null },
        })
        .then(registrations, {
          ...{ type: 'RecordHoldOutcome', outcome: 'rejected' },
          officers: ['officer-a', 'officer-b', 'officer-c'],
        });
    },
    ['requestId'],
  ],
  [
    'two officers who want another picture',
    () =>
      held()
        .then(holdReviews, { ...opinion('officer-a'), opinion: 'recapture', reason: 'poor_image' })
        .then(holdReviews, { ...opinion('officer-b'), opinion: 'recapture', reason: 'poor_image' })
        .then(
          holdReviews,
          { type: 'ResolveHold', officer: 'officer-b', outcome: 'recapture', reason: 'poor_image' },
          { actor: 'officer:officer-b' },
        )
        .then(registrations, {
          ...{ type: 'RecordHoldOutcome', outcome: 'recapture', officers: ['officer-a', 'officer-b'] },
        }),
    ['outcome', 'requestId'],
  ],
  [
    'another certificate of a person',
    () =>
      after('FaceImageConfirmed')
        .then(registrants, { type: 'AddCertificate', subjectKey: 'another', relation: 'renewal' })
        .then(
          registrants,
          { type: 'LinkCertificate', registrantKey: 'someone', relation: 'renewal', source: 'authority' },
          { id: 'another' },
        ),
    [],
  ],
  [
    'an image that the government refused',
    () =>
      after('FaceImageRegistered').then(registrants, (state) => ({
        ...{ type: 'WithdrawImage', reason: 'government_refused' },
        imageId: state.images.at(-1)!.imageId,
      })),
    [],
  ],
  [
    'an image whose request was ended',
    () =>
      after('FaceImageRegistered').then(registrants, (state) => ({
        ...{ type: 'WithdrawImage', reason: 'request_ended' },
        imageId: state.images.at(-1)!.imageId,
      })),
    [],
  ],
  [
    'a booth that is lost, gets a key and comes back',
    () =>
      after('BoothEnrolled')
        .then(booths, { type: 'SuspendBooth', reason: 'lost', by: 'admin-a' })
        .then(booths, { type: 'RotateBoothKey', publicKey: 'another', by: 'admin-a' })
        .then(booths, { type: 'ResumeBooth', by: 'admin-a' }),
    ['keyVersion'],
  ],
  [
    'a step that fails, waits for an operator, and is taken up again',
    () => {
      const effectOf = (state: { readonly pending: readonly { readonly effectId: string }[] }) =>
        state.pending[0]!.effectId;
      return after('SagaReacted', ({ data }) => (data['effects'] as unknown[]).length > 0)
        .then(sagas, (state, nowUtc) => ({
          ...{ type: 'RecordFailure', effectId: effectOf(state), error: 'one', failuresMax: 3 },
          nextAttemptAtUtc: nowUtc,
        }))
        .then(sagas, (state, nowUtc) => ({
          ...{ type: 'RecordFailure', effectId: effectOf(state), error: 'two', failuresMax: 2 },
          nextAttemptAtUtc: nowUtc,
        }))
        .then(sagas, (state) => ({ type: 'ResumeEffect', effectId: effectOf(state), by: 'admin-a' }));
    },
    ['failures'],
  ],
];

describe('what happens seldom', () => {
  it.each(ROWS)('is made again: %s', (_, history) => {
    const { events } = history();
    const [before, report] = [replayed(events.filter(({ id }) => !id.startsWith('more-'))), replayed(events)];
    expect([report.findings, report.unknown]).toEqual([[], []]);
    expect(report.reproduced).toBe(report.decisions);
    expect(report.reproduced).toBeGreaterThan(before.reproduced);
    expect(report.notReproducible.filter(({ index }) => events[index]!.id.startsWith('more-'))).toEqual([]);
  });

  it.each(ROWS.filter(([, , members]) => members.length > 0))(
    'is found where it was changed: %s',
    (_, history, members) => {
      for (const member of members) {
        const { events } = history();
        const at = events.findIndex(({ id, data }) => id.startsWith('more-') && data[member] !== undefined);
        expect([member, at]).not.toEqual([member, -1]);
        const { data } = events[at] as LeafEvent;
        const lie = typeof data[member] === 'number' ? data[member] + 1 : `not ${String(data[member])}`;
        events[at] = { ...(events[at] as LeafEvent), data: { ...data, [member]: lie } };
        expect([member, replayed(events).findings.length > 0]).toEqual([member, true]);
      }
    },
  );

  it('is refused by the rules where its time was over', () => {
    const { events } = after('RequestReceived').then(registrations, { type: 'WithdrawRegistration', by: 'booth' });
    const late = { ...(events.at(-1) as LeafEvent), id: 'late', revision: events.at(-1)!.revision + 1 };
    expect(replayed([...events, late]).findings).toMatchObject([{ type: 'RegistrationWithdrawn' }]);
  });

  it.each([
    ['CertificateVerified', 'certificate', 'the certificate that was verified is not the one that was received'],
    ['CertificateVerified', 'cardRecord', 'the card record that was verified is not the one that was received'],
    ['FaceMatched', 'photo', 'the photograph that was compared is not the one that was received'],
  ])('is found where %s is of another %s', (type, material, problem) => {
    const events = [...all];
    const at = events.findIndex((event) => event.type === type);
    const { data } = events[at] as LeafEvent;
    const lie = { ...data, material: { ...(data['material'] as JsonObject), [material]: 'f'.repeat(64) } };
    events[at] = { ...(events[at] as LeafEvent), data: lie };
    expect(replayed(events).findings).toContainEqual(expect.objectContaining({ index: at, type, problem }));
  });

  it('is found at its place, and a revision that was left out is named', () => {
    const late = after('RequestReceived').then(registrations, { type: 'WithdrawRegistration', by: 'booth' }).events;
    const last = late.at(-1) as LeafEvent;
    late[late.length - 1] = { ...last, revision: last.revision + 2 };
    expect(replayed(late).findings).toMatchObject([
      {
        index: late.length - 1,
        problem: `revision ${last.revision} of its stream was expected, not ${last.revision + 2}`,
      },
    ]);
  });

  /** What an event of a later version says to others is not known: nobody is accused for want of it. */
  it.each([
    ['hold', ({ type }: LeafEvent) => type === 'HoldReleased', { officers: ['officer-x', 'officer-y'] }],
    ['policy', ({ type }: LeafEvent) => type === 'FaceMatched', null],
    ['registrant', ({ data }: LeafEvent) => (data['registered'] as JsonObject)?.['comparison'] === 'compared', null],
  ] as const)('is left open where an event of its %s is not known', (kind, is, change) => {
    const at = all.findIndex(is);
    const event = all[at] as LeafEvent;
    const lie: LeafEvent =
      kind === 'policy'
        ? { ...event, metadata: { ...event.metadata, policyVersion: 9 } }
        : kind === 'hold'
          ? { ...event, data: { ...event.data, ...change } }
          : {
              ...event,
              data: { ...event.data, registered: { ...(event.data['registered'] as JsonObject), imageId: 'none' } },
            };
    const unknown: LeafEvent = { ...event, id: 'later', type: 'OfALaterVersion', stream: `${kind}-later`, revision: 0 };
    const [told, left] = [
      replayed([...all.slice(0, at), lie, ...all.slice(at + 1)]),
      replayed([unknown, ...all.slice(0, at), lie, ...all.slice(at + 1)]),
    ];
    const about = ({ findings }: typeof told) => findings.filter(({ type }) => type === event.type).length;
    if (kind !== 'policy') expect(about(told)).toBeGreaterThan(0);
    expect(about(left)).toBe(0);
    expect(left.unknown.map(({ type }) => type)).toEqual(['OfALaterVersion']);
  });
});
