import { describe, expect, it } from '@jest/globals';
import { Ajv } from 'ajv';
import addFormats from 'ajv-formats';
import fc from 'fast-check';
import { CloudEvent, Kafka as CloudEventsOnKafka, type KafkaMessage as CloudEventsMessage } from 'cloudevents';
import { derivedId } from '../../src/application/decisions/ids.js';
import type { Json, JsonObject, Position, StoredEvent } from '../../src/domain/event-envelope.js';
import { EVENT_REGISTRY } from '../../src/domain/event-registry.js';
import { EVENT_CONTRACTS, type PublishedType } from '../../src/domain/publication/event-contracts.js';
import { PUBLISHED_SOURCES, translate, type Publication } from '../../src/domain/publication/published-language.js';
import { toMessage } from '../../src/infrastructure/kafka/cloud-event.js';
import { envelopes, erasureOf, HISTORIES, registrationIdOf, subjectKeyOf } from './support/facts.js';

const idOf = (...parts: readonly string[]) => derivedId('published', ...parts);
const ajv = addFormats.default(new Ajv({ strict: true, allErrors: true }));
const validators = new Map(
  Object.values(EVENT_CONTRACTS).map(({ type, schema }) => [
    type,
    ajv.compile({ ...schema, additionalProperties: false } as object),
  ]),
);

/** Names of fields whose content must never leave, wherever they may be. */
const DENIED_FIELDS = [
  'subjectKey',
  'registrantKey',
  'receipt',
  'cardPoints',
  'registeredPoints',
  'differencePoints',
  'boundPoints',
  'points',
  'thresholdPoints',
  'referralPoints',
  'photo',
  'image',
  'imageId',
  'imageCommitment',
  'material',
  'certificate',
  'cardRecord',
  'cardIssuerCertificate',
  'evidence',
  'serial',
  'serialNumber',
  'name',
  'quality',
  'signals',
  'officers',
  'officer',
  'actor',
  'by',
  'reference',
  'requestDigest',
  'sealedEvidenceId',
  'cardRecordIssuerKeyId',
  'consent',
  'algorithm',
  'counter',
  'boothKeyVersion',
];
const CANARY = 'NEVER-LEAVES';

function stored(change: Partial<StoredEvent>): StoredEvent {
  const base = envelopes(1, HISTORIES['accepted'] ?? [])[0] as StoredEvent;
  return { ...base, stream: `registration-${registrationIdOf(1)}`, revision: 0, position: 7n as Position, ...change };
}

function publicationsOf(event: StoredEvent): Publication {
  return translate(event, {
    registrationsOfRegistrant: event.type === 'RegistrantErased' ? [registrationIdOf(1), registrationIdOf(2)] : [],
    isForgotten: false,
    idOf,
  });
}

function textOf(event: StoredEvent): string {
  const { events, statuses } = publicationsOf(event);
  return (['binary', 'structured'] as const)
    .flatMap((mode) =>
      [...events, ...statuses].map((e) =>
        JSON.stringify(
          toMessage({ channel: 'registrations', key: e.registrationId, event: e }, { mode, source: 'urn:honnin:test' }),
        ),
      ),
    )
    .join('\n');
}

describe('the published language', () => {
  const histories = Object.entries(HISTORIES).flatMap(([name, history], n) =>
    envelopes(n, history).map(
      (event, index) =>
        [
          `${name} ${index} ${event.type}`,
          stored({
            ...event,
            stream: `registration-${registrationIdOf(n)}`,
            revision: index,
            position: BigInt(n * 10 + index) as Position,
          }),
        ] as const,
    ),
  );

  it.each(histories)('says of %s only what its schema states', (_, event) => {
    const { events, statuses } = publicationsOf(event);
    for (const { type, data } of [...events, ...statuses]) {
      const valid = validators.get(type);
      expect({ type, ok: valid?.(data), errors: valid?.errors ?? null }).toEqual({ type, ok: true, errors: null });
    }
  });

  it('has a public fact for every stored name that it lists, and for no other', () => {
    const published = Object.keys(EVENT_REGISTRY).filter(
      (type) =>
        publicationsOf(
          stored({
            type,
            data: {
              confirmation: 'confirmed',
              mode: 'REGISTRY_ONLY',
              boothId: 'b',
              submissionId: 's',
              dueAtUtc: '2026-01-01T00:00:00.000Z',
              rule: 'retention_limit',
              earlierOutcome: null,
            },
          }),
        ).events.length > 0,
    );
    expect(published.sort()).toEqual([...PUBLISHED_SOURCES].sort());
  });

  it('says nothing of a match that is on hold, but of the hold', () => {
    const types = envelopes(1, HISTORIES['released'] ?? []).flatMap((event) =>
      publicationsOf(stored(event)).events.map(({ type }) => type.replace('jp.honnin.registration.', '')),
    );
    expect(types).toEqual(['received.v1', 'verified.v1', 'held.v1', 'confirmed.v1', 'submitted.v1', 'rejected.v1']);
  });

  it('never lets a denied value out, whatever is in the stored event', () => {
    // Any JSON under the denied names, at any depth, next to the fields that the translation reads; every value carries
    // a canary.
    const secret = fc.oneof(
      fc.string().map((text) => `${CANARY}${text}`),
      fc.array(fc.constant(CANARY)),
      fc.dictionary(fc.string(), fc.constant(CANARY)),
    );
    const hidden = fc.dictionary(
      fc.oneof(
        fc.constantFrom(...DENIED_FIELDS),
        fc.string().filter((name) => !READ_FIELDS.has(name)),
      ),
      secret,
    );
    fc.assert(
      fc.property(fc.constantFrom(...PUBLISHED_SOURCES), hidden, hidden, (type, denied, nested) => {
        const read = {
          mode: 'REGISTRY_ONLY',
          boothId: 'booth-1',
          confirmation: 'confirmed',
          dueAtUtc: '2026-01-01T00:00:00.000Z',
          submissionId: 's1',
          receivedAtUtc: '2026-01-01T00:00:00.000Z',
          rule: 'retention_limit',
        };
        const data = { ...denied, face: nested, reason: CANARY, ...read } as JsonObject;
        const event = stored({
          type,
          data,
          stream: `registrant-${CANARY}`,
          metadata: { ...stored({}).metadata, actor: `officer:${CANARY}`, causationId: `cause:${CANARY}` },
        });
        return !textOf(event).includes(CANARY);
      }),
      { numRuns: 2000, seed: 20261123 },
    );
  });

  it('carries none of the values of real histories that are nobody’s business, and no denied field', () => {
    const values = [
      'AAAA-BBBB-CCCC-DDDD',
      'GOV-REFERENCE-77',
      'Yamada',
      'officer-hanako',
      'revoked',
      subjectKeyOf(0),
      subjectKeyOf(1),
      '9500',
      '7500',
      'test-faces',
      'test-verifier',
    ];
    const all = [
      ...histories.map(([, event]) => event),
      stored({ ...erasureOf(1), stream: `registrant-${subjectKeyOf(1)}` }),
    ];
    const text = all.map(textOf).join('\n');
    expect(values.filter((value) => text.includes(value))).toEqual([]);
    const fields = new Set(
      all
        .flatMap((event) => publicationsOf(event))
        .flatMap(({ events, statuses }) => [...events, ...statuses])
        .flatMap(({ data }) => Object.keys(data)),
    );
    // `by` is public in one meaning only: comparison or officers, never who.
    expect([...fields].filter((field) => DENIED_FIELDS.includes(field))).toEqual(['by']);
  });

  it('gives a repeated translation the same ids, and different facts different ones', () => {
    const ids = histories.flatMap(([, event]) =>
      [...publicationsOf(event).events, ...publicationsOf(event).statuses].map(({ id }) => id),
    );
    expect(
      histories.flatMap(([, event]) =>
        [...publicationsOf(event).events, ...publicationsOf(event).statuses].map(({ id }) => id),
      ),
    ).toEqual(ids);
    expect(new Set(ids).size).toBe(ids.length);
  });
});

describe('messages', () => {
  const event = publicationsOf(stored({})).events[0];
  if (!event) throw new Error('RequestReceived is published');

  it.each(['binary', 'structured'] as const)('are CloudEvents that the CloudEvents SDK reads (%s mode)', (mode) => {
    const { key, value, headers } = toMessage(
      { channel: 'registrations', key: event.registrationId, event, replayId: 'replay-1' },
      { mode, source: 'urn:honnin:test' },
    );
    const parsed = CloudEventsOnKafka.toEvent<Json>({
      key,
      value,
      headers: headers as Record<string, string>,
      body: value,
    } as unknown as CloudEventsMessage<Json>) as CloudEvent<Json>;
    expect(parsed.validate()).toBe(true);
    expect(parsed).toMatchObject({
      specversion: '1.0',
      id: event.id,
      source: 'urn:honnin:test',
      type: 'jp.honnin.registration.received.v1',
      subject: event.registrationId,
      dataschema: 'urn:honnin:schema:jp.honnin.registration.received.v1:1',
      partitionkey: event.registrationId,
      sequence: '00000000000000000007',
      correlationid: event.registrationId,
      replay: 'replay-1',
      data: { registrationId: event.registrationId, mode: 'government_submission', boothId: 'booth-1' },
    });
    expect(parsed['traceparent']).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
    expect(Date.parse(String(parsed['recordedtime']))).not.toBeNaN();
  });

  it('keeps one trace per registration and one span per event', () => {
    const parents = envelopes(1, HISTORIES['accepted'] ?? []).flatMap((e) =>
      publicationsOf(stored(e)).events.map((fact) =>
        String(
          toMessage({ channel: 'registrations', key: 'k', event: fact }, { mode: 'binary', source: 's' }).headers?.[
            'ce_traceparent'
          ],
        ),
      ),
    );
    expect(new Set(parents.map((parent) => parent.split('-')[1])).size).toBe(1);
    expect(new Set(parents.map((parent) => parent.split('-')[2])).size).toBe(parents.length);
  });

  it('has a tombstone without a value and never a fact without one', () => {
    expect(
      toMessage({ channel: 'registration-status', key: 'k', event: null }, { mode: 'binary', source: 's' }),
    ).toEqual({ key: 'k', value: null });
    for (const type of Object.keys(EVENT_CONTRACTS) as PublishedType[])
      expect(EVENT_CONTRACTS[type].schema['required']).toContain('registrationId');
  });
});

/** What the translation reads from stored data; everything else must not matter. */
const READ_FIELDS = new Set([
  'mode',
  'boothId',
  'confirmation',
  'dueAtUtc',
  'submissionId',
  'receivedAtUtc',
  'rule',
  'face',
  'reason',
]);
