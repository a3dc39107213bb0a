import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  booths,
  consumers,
  lockouts,
  dualActs,
  erasures,
  holdReviews,
  losses,
  policies,
  registrants,
  registrations,
  sagas,
  type Aggregate,
} from '../../src/application/decisions/aggregates.js';
import { toDomain } from '../../src/application/decisions/decide-and-append.js';
import type { DomainEvent } from '../../src/domain/decider.js';
import {
  positionFromText,
  type EventMetadata,
  type JsonObject,
  type StoredEvent,
} from '../../src/domain/event-envelope.js';
import { currentVersion, EVENT_REGISTRY, UnknownEventError, upcast } from '../../src/domain/event-registry.js';
import { SAGA_SOURCES } from '../../src/domain/saga/registration.saga.js';
import { InMemoryEventStore } from '../../src/infrastructure/event-store/in-memory-event-store.js';
import { ReadModelDatabase } from '../../src/infrastructure/read-model/read-model-database.js';
import { SqlitePositionStore } from '../../src/infrastructure/read-model/sqlite-position-store.js';
import { SqliteReadModel } from '../../src/infrastructure/read-model/sqlite-read-model.js';
import { ALL_PROJECTIONS } from '../../src/projections/all-projections.js';
import { newId } from '../contract/event-store.contract.js';
import { checkAgainstTypes, eventNames, readDomainTypes, type DomainTypes } from './event-shapes.js';
import { eventsDocument } from './events-document.js';

const here = import.meta.dirname;
const document = path.resolve(here, '../../docs/events.md');

type Sample = Omit<StoredEvent, 'revision' | 'position'>;

function sample(version: number, name: string): Sample {
  return JSON.parse(readFileSync(path.join(here, `v${version}`, `${name}.json`), 'utf8')) as Sample;
}

function samples(): Sample[] {
  return readdirSync(here)
    .filter((folder) => /^v\d+$/.test(folder))
    .flatMap((folder) =>
      readdirSync(path.join(here, folder)).map((file) => sample(Number(folder.slice(1)), file.replace(/\.json$/, ''))),
    );
}

/** Names in the order in which a case makes them, so that each event finds the state that it belongs to. One row per
 * way to end. */
const STORIES: Readonly<Record<string, readonly { readonly events: readonly string[]; readonly ends: object }[]>> = {
  registration: [
    {
      events: ['RequestReceived', 'CertificateRejected', 'RefusedEvidenceRetained', 'RefusedEvidenceErased'],
      ends: {
        stage: 'closed',
        outcome: 'certificate_rejected',
        refusedEvidence: { isErased: true, eraseAtUtc: '2027-12-25T05:13:04.418Z' },
      },
    },
    {
      events: ['RequestReceived', 'CertificateCheckDeferred', 'CertificateRejected'],
      ends: { stage: 'closed', outcome: 'certificate_rejected' },
    },
    {
      events: ['RequestReceived', 'CertificateVerified', 'FaceComparisonDeferred', 'FaceMismatched'],
      ends: { stage: 'closed', outcome: 'face_mismatched' },
    },
    {
      events: ['RequestReceived', 'CertificateVerified', 'FaceNotComparable'],
      ends: { stage: 'closed', outcome: 'face_not_comparable' },
    },
    {
      events: [
        'RequestReceived',
        'CertificateVerified',
        'FaceMatched',
        'SubmissionAttempted',
        'SubmissionDeferred',
        'SubmittedToGovernment',
        'GovernmentAccepted',
      ],
      ends: { stage: 'closed', outcome: 'accepted' },
    },
    {
      events: [
        'RequestReceived',
        'CertificateVerified',
        'FaceMatched',
        'SubmissionAttempted',
        'SubmittedToGovernment',
        'GovernmentRefused',
      ],
      ends: { stage: 'closed', outcome: 'refused_by_government' },
    },
    {
      events: ['RequestReceived', 'CertificateVerified', 'FaceReferred', 'Held', 'HoldReleased'],
      ends: { stage: 'confirmed' },
    },
    {
      events: ['RequestReceived', 'CertificateVerified', 'FaceReferred', 'Held', 'HoldRejected'],
      ends: { stage: 'closed', outcome: 'hold_rejected' },
    },
    {
      events: ['RequestReceived', 'CertificateVerified', 'FaceReferred', 'Held', 'RecaptureRequested'],
      ends: { stage: 'closed', outcome: 'recapture' },
    },
    {
      events: ['RequestReceived', 'CertificateVerified', 'FaceReferred', 'Held', 'HoldExpired'],
      ends: { stage: 'closed', outcome: 'hold_expired' },
    },
    {
      events: ['RequestReceived', 'CertificateVerified', 'FaceMatched', 'KeptInRegistry'],
      ends: { stage: 'closed', outcome: 'kept' },
    },
    { events: ['RequestReceived', 'RegistrationWithdrawn'], ends: { stage: 'closed', outcome: 'withdrawn' } },
    { events: ['RequestLapsed'], ends: { stage: 'none', isLapsed: true } },
    {
      events: ['RequestReceived', 'CertificateVerified', 'FaceMatched', 'MaterialDiffered', 'RequestEndedByOperator'],
      ends: { stage: 'closed', outcome: 'ended_by_operator', stop: null, ended: { reference: 'INC-2026-0117' } },
    },
    {
      events: ['RequestReceived', 'CertificateVerified', 'MaterialMissing'],
      ends: { stage: 'stopped', stop: { cause: 'material_missing' } },
    },
  ],
  hold: [
    { events: ['HoldOpened', 'OpinionGiven', 'HoldResolved'], ends: { stage: 'resolved', outcome: 'released' } },
    { events: ['HoldOpened', 'OpinionGiven', 'OpinionWithdrawn'], ends: { stage: 'open', opinions: [] } },
    { events: ['HoldOpened', 'HoldClosed'], ends: { stage: 'resolved', outcome: 'closed' } },
  ],
  registrant: [
    {
      events: ['ConsentGiven', 'FaceImageRegistered', 'FaceImageConfirmed'],
      ends: { images: [{ status: 'confirmed' }], erased: false },
    },
    {
      events: ['ConsentGiven', 'FaceImageRegistered', 'ConsentWithdrawn', 'FaceImageWithdrawn', 'RegistrantErased'],
      ends: { erased: true },
    },
    { events: ['CertificateLinked'], ends: { linkedTo: expect.any(String) } },
    { events: ['CertificateAdded'], ends: { certificates: [expect.any(String)], linkedTo: null } },
  ],
  policy: [
    {
      events: ['PolicyProposed', 'PolicyApproved', 'PolicyActivated'],
      ends: { active: 1, versions: [{ version: 1, approvedBy: expect.any(String) }] },
    },
  ],
  booth: [
    {
      events: ['BoothEnrolled', 'BoothKeyRotated', 'BoothSuspended'],
      ends: { stage: 'suspended', keyVersion: 2, suspendedFor: 'maintenance' },
    },
    {
      events: ['BoothEnrolled', 'BoothKeyRotated', 'BoothSuspended', 'BoothResumed'],
      ends: { stage: 'enrolled', suspendedFor: null },
    },
  ],
  act: [
    {
      events: ['ActProposed', 'ActApproved', 'ActBegun', 'ActCarriedOut'],
      ends: { stage: 'carried_out', approvedBy: 'officer-mori' },
    },
    { events: ['ActProposed', 'ActApproved', 'ActDeclined'], ends: { stage: 'declined', refusal: null } },
  ],
  consumer: [
    {
      events: [
        'EventParked',
        'ConsumerStopped',
        'ConsumerResumed',
        'ParkedReplayed',
        'EventSkipped',
        'UnknownEventMet',
      ],
      ends: { skipped: ['7b1c0f3e-5a92-5d4b-8e61-3c9d2f7a0b18'], unknown: ['SomethingOfTomorrow/1'] },
    },
  ],
  lockout: [
    { events: ['StaffLockedOut', 'StaffReadmitted'], ends: { lockedOut: [] } },
    { events: ['StaffLockedOut'], ends: { lockedOut: [{ subject: 'officer-mori', reason: 'lost_device' }] } },
  ],
  loss: [
    {
      events: ['LossProposed', 'LossAccepted'],
      ends: { proposed: null, accepted: [{ newOrigin: 'log.example.jp/honnin-2' }] },
    },
  ],
  erasure: [{ events: ['ErasureAnnounced', 'ErasureConfirmed'], ends: { stage: 'announced', open: [] } }],
  saga: [
    {
      events: ['SagaReacted', 'EffectFailed', 'EffectStuck'],
      ends: { pending: [{ stuck: 'attempts_exhausted', failures: 1 }] },
    },
    { events: ['SagaReacted', 'EffectStuck', 'EffectResumed'], ends: { pending: [{ stuck: null, failures: 0 }] } },
    { events: ['SagaReacted', 'EffectPerformed'], ends: { pending: [] } },
  ],
};

const AGGREGATES = {
  registration: registrations,
  hold: holdReviews,
  registrant: registrants,
  policy: policies,
  booth: booths,
  act: dualActs,
  consumer: consumers,
  lockout: lockouts,
  saga: sagas,
  loss: losses,
  erasure: erasures,
} as unknown as Readonly<Record<string, Aggregate<unknown, unknown, DomainEvent>>>;
/** Events that no decider folds: they are facts for the record. */
const FOR_THE_RECORD = [
  'BiometricViewed',
  'AuditExported',
  'RecordsViewed',
  'AccessRefused',
  'RequestRefusedAtDoor',
  'RequestsRefusedAtDoor',
  'ChallengeConsumed',
  'RequestClaimed',
  'CommandClaimed',
  'InstallationClaimed',
  'ServerBegan',
  'ServerAsked',
  'ServerAnswered',
  'ServerEnded',
  'CheckpointRecorded',
  'VerifierPageGivenOut',
];

describe('every shape of event that was ever stored', () => {
  let types: DomainTypes;
  beforeAll(() => {
    types = readDomainTypes();
  });

  it('is registered under the name that the types say, and nothing else is', () => {
    expect([...eventNames(types)].sort()).toEqual(Object.keys(EVENT_REGISTRY).sort());
  });

  it.each(Object.entries(EVENT_REGISTRY))('has a sample: %s', (name, { version, upcasters }) => {
    expect(upcasters).toHaveLength(version - 1);
    for (let v = 1; v <= version; v += 1) {
      expect(existsSync(path.join(here, `v${v}`, `${name}.json`))).toBe(true);
      const { type, schemaVersion, id, metadata } = sample(v, name);
      expect({ type, schemaVersion }).toEqual({ type: name, schemaVersion: v });
      expect(id).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
      expect(Object.keys(metadata).sort()).toEqual([
        'actor',
        'causationId',
        'correlationId',
        'policyVersion',
        'recordedAtUtc',
      ] satisfies (keyof EventMetadata)[]);
    }
  });

  it('has no sample of a name or version that is not registered', () => {
    for (const { type, schemaVersion } of samples()) expect(schemaVersion).toBeLessThanOrEqual(currentVersion(type));
  });

  it('is led by its upcasters to exactly what the types say today', () => {
    const current = samples().map((stored) => upcast(stored));
    for (const { type, schemaVersion } of current) expect(schemaVersion).toBe(currentVersion(type));
    expect(checkAgainstTypes(current.map(({ type, data }) => ({ name: type, data })))).toEqual([]);
  });

  it('would be found out by that check: a field too few, one too many, a word outside a closed list', () => {
    const { data } = sample(1, 'HoldOpened');
    const { dueAtUtc: _, ...short } = data;
    expect(checkAgainstTypes([{ name: 'HoldOpened', data: short }])).toEqual([
      expect.stringMatching(/^HoldOpened: Property 'dueAtUtc' is missing/),
    ]);
    expect(checkAgainstTypes([{ name: 'HoldOpened', data: { ...data, extra: 1 } }])).toEqual([
      expect.stringMatching(/^HoldOpened: .*"extra"' does not exist/),
    ]);
    expect(checkAgainstTypes([{ name: 'HoldOpened', data: { ...data, reason: 'a_feeling' } }])).toEqual([
      expect.stringMatching(/^HoldOpened: Type '"a_feeling"' is not assignable/),
    ]);
  });

  describe.each(Object.entries(STORIES))('folds into the state of a %s', (aggregate, stories) => {
    const { decider } = AGGREGATES[aggregate] as Aggregate<unknown, unknown, DomainEvent>;
    it.each(stories.map((story) => [story.events.join(', '), story] as const))('%s', (_names, { events, ends }) => {
      let state = decider.initial;
      for (const name of events) {
        const before = JSON.stringify(state);
        state = decider.evolve(state, toDomain(upcast(sample(1, name))));
        // A fold that ignores everything would pass the last line of a short story.
        if (!NOTES_ONLY.has(name)) expect(JSON.stringify(state)).not.toBe(before);
      }
      expect(state).toMatchObject(ends);
    });
  });

  it('takes part in one of these stories, or is for the record only', () => {
    const told = new Set(Object.values(STORIES).flatMap((stories) => stories.flatMap((story) => story.events)));
    expect([...told, ...FOR_THE_RECORD].sort()).toEqual(Object.keys(EVENT_REGISTRY).sort());
  });

  it('can be projected, all in one log', async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'honnin-history-'));
    const store = new InMemoryEventStore();
    for (const { stream, id, type, schemaVersion, data, metadata } of inStoryOrder()) {
      const last = (await store.readStream(stream)).at(-1)?.revision ?? 'no_stream';
      expect(await store.append(stream, [{ id, type, schemaVersion, data, metadata }], last)).toMatchObject({
        outcome: 'appended',
      });
    }
    const database = ReadModelDatabase.open(path.join(folder, 'readmodel.db'));
    const model = new SqliteReadModel(database, new SqlitePositionStore(database), ALL_PROJECTIONS);
    for (const { name } of ALL_PROJECTIONS)
      expect(await model.rebuild(name, { store, upcast: (event) => [upcast(event)], then: 'switch' })).toMatchObject({
        switched: true,
      });
    expect(
      model.query('case-timeline').get<{ n: number }>('SELECT count(*) AS n FROM {case_timeline}')?.n,
    ).toBeGreaterThan(30);
    expect(model.query('hold-desk').get<{ outcome: string }>('SELECT outcome FROM {hold_desk}')?.outcome).toMatch(
      /^(released|closed)$/,
    );
    database.close();
    rmSync(folder, { recursive: true });
  });

  it('stops loudly when it is newer than this program, or unknown to it', () => {
    const stored = { ...sample(1, 'Held'), revision: 0, position: positionFromText('1') };
    expect(() => upcast({ ...stored, schemaVersion: currentVersion('Held') + 1 })).toThrow(UnknownEventError);
    expect(() => upcast({ ...stored, schemaVersion: 0 })).toThrow(UnknownEventError);
    expect(() => upcast({ ...stored, type: 'SomethingNew' })).toThrow(UnknownEventError);
    expect(() => upcast({ ...stored, type: 'constructor' })).toThrow(UnknownEventError);
  });

  it('holds no twelve digits in a row, the form of a My Number @req A1', () => {
    for (const { type, data } of samples())
      expect({ type, found: textsOf(data).filter((text) => /^\d{12}$/.test(text)) }).toEqual({ type, found: [] });
  });

  describe('docs/events.md', () => {
    const wanted = (): string =>
      eventsDocument({ versions: EVENT_REGISTRY, projections: ALL_PROJECTIONS, sagaSources: SAGA_SOURCES });
    afterAll(() => {
      if (process.env['UPDATE_EVENTS_DOCUMENT'] === '1') writeFileSync(document, wanted());
    });

    (process.env['UPDATE_EVENTS_DOCUMENT'] === '1' ? it.skip : it)('is current', () => {
      expect(existsSync(document) ? readFileSync(document, 'utf8') : 'missing').toBe(wanted());
    });

    it('describes every event with every field', () => {
      const text = wanted();
      for (const { name, fields } of types.events) {
        const from = text.indexOf(`### ${name}\n`);
        expect(from).toBeGreaterThan(0);
        const section = text.slice(from, text.indexOf('\n##', from + 1));
        for (const field of fields) expect(section).toContain(`| \`${field.name}\` |`);
      }
    });
  });
});

/** Events that are kept as facts and leave the state of their aggregate as it is. */
const NOTES_ONLY = new Set([
  'EventParked',
  'ConsumerStopped',
  'ConsumerResumed',
  'ParkedReplayed',
  'CertificateCheckDeferred',
  'FaceReferred',
  'FaceComparisonDeferred',
  'SubmissionDeferred',
  'FaceImageWithdrawn',
]);

/** One log in which every sample appears once and the events of one stream come in an order that can happen. */
function inStoryOrder(): Sample[] {
  const order = [
    'RequestReceived',
    ...Object.values(STORIES).flatMap((stories) => stories.flatMap((story) => story.events)),
    ...FOR_THE_RECORD,
  ];
  return [...new Set(order)].map((name) => ({ ...sample(1, name), id: newId() }));
}

function textsOf(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  if (Array.isArray(value)) return value.flatMap(textsOf);
  return typeof value === 'object' && value !== null ? Object.values(value as JsonObject).flatMap(textsOf) : [];
}
