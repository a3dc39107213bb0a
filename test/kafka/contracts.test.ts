import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Ajv } from 'ajv';
import addFormats from 'ajv-formats';
import { asyncApiDocument } from '../../src/application/publication/asyncapi.js';
import { judgeSchema, runSchema } from '../../src/application/publication/check-schema.js';
import type { JsonObject, NewEvent } from '../../src/domain/event-envelope.js';
import { ACKNOWLEDGEMENT_CONTRACT, EVENT_CONTRACTS } from '../../src/domain/publication/event-contracts.js';
import { SqliteEventStore } from '../../src/infrastructure/event-store/sqlite/sqlite-event-store.js';
import { Config } from '../../src/infrastructure/settings/config.js';
import { asyncApiOptions } from '../../src/infrastructure/kafka/asyncapi-options.js';
import { publishedSchemas, schemaValidator } from '../../src/infrastructure/kafka/schema-files.js';
import { command } from '../../src/cli/schemas.js';
import { envelopes, HISTORIES, registrationIdOf } from './support/facts.js';

const PUBLISHED = path.resolve(import.meta.dirname, '../../docs/schemas');
const HELD = EVENT_CONTRACTS['jp.honnin.registration.held.v1'].schema;
type Schema = { $id: string; properties: Record<string, unknown>; required: string[] } & Record<string, unknown>;

function officialSchema(): object | null {
  try {
    return createRequire(import.meta.url)('@asyncapi/specs/schemas/3.0.0-without-$id.json') as object;
  } catch {
    return null;
  }
}

/** The published schema of a hold, changed and given the next revision. */
function candidate(
  change: (schema: Schema) => void,
  id = 'urn:honnin:schema:jp.honnin.registration.held.v1:2',
): JsonObject {
  const schema = structuredClone(HELD) as unknown as Schema;
  schema.$id = id;
  change(schema);
  return schema as unknown as JsonObject;
}

describe('published schemas', () => {
  it('are committed as this program has them, and none was changed', () => {
    const files = new Map(
      publishedSchemas(PUBLISHED).map(({ type, revision, schema }) => [`${type}:${revision}`, schema]),
    );
    for (const { type, revision, schema } of [...Object.values(EVENT_CONTRACTS), ACKNOWLEDGEMENT_CONTRACT])
      expect(files.get(`${type}:${revision}`)).toEqual(schema);
  });

  it.each<[string, (schema: Schema) => void]>([
    ['a further optional field', (schema) => (schema.properties['note'] = { type: 'string' })],
    ['an optional field that goes', (schema) => delete schema.properties['policyVersion']],
    ['other words', (schema) => (schema['description'] = 'The same in other words.')],
  ])('may have %s', (_, change) => {
    expect(judgeSchema(candidate(change), publishedSchemas(PUBLISHED))).toEqual({ verdict: 'compatible' });
  });

  it.each<[string, (schema: Schema) => void, RegExp]>([
    [
      'a further required field',
      (schema) => (schema.required = [...schema.required, 'officer']),
      /officer has become required/,
    ],
    [
      'a field that is no longer required',
      (schema) => (schema.required = ['registrationId']),
      /dueAt is no longer required/,
    ],
    [
      'another type',
      (schema) => (schema.properties['policyVersion'] = { type: 'string' }),
      /type changed from "integer" to "string"/,
    ],
    [
      'a narrower range',
      (schema) => (schema.properties['policyVersion'] = { type: 'integer', minimum: 2 }),
      /minimum changed from 1 to 2/,
    ],
    [
      'a wider range',
      (schema) => (schema.properties['policyVersion'] = { type: 'integer', minimum: 0 }),
      /minimum changed from 1 to 0/,
    ],
    ['another format', (schema) => (schema.properties['dueAt'] = { type: 'string', format: 'date' }), /format changed/],
    ['closed objects', (schema) => (schema['additionalProperties'] = false), /additionalProperties was added/],
    [
      'the revision that is published',
      (schema) => ((schema.$id = 'urn:honnin:schema:jp.honnin.registration.held.v1:1'), (schema['title'] = 'x')),
      /never changed: give this one the revision 2/,
    ],
    ['no name', (schema) => (schema.$id = 'held'), /\$id must be/],
  ])('may not have %s', (_, change, problem) => {
    const judged = judgeSchema(candidate(change), publishedSchemas(PUBLISHED));
    expect(judged).toMatchObject({ verdict: 'refused' });
    expect(JSON.stringify(judged).replaceAll('\\"', '"')).toMatch(problem);
  });

  it('are compared with every earlier revision: a name that went and comes back with another meaning is refused', () => {
    const published = publishedSchemas(PUBLISHED);
    const second = candidate((schema) => delete schema.properties['policyVersion']);
    const history = [...published, { type: 'jp.honnin.registration.held.v1', revision: 2, schema: second }];
    const third = candidate(
      (schema) => (schema.properties['policyVersion'] = { type: 'string' }),
      'urn:honnin:schema:jp.honnin.registration.held.v1:3',
    );
    const judged = judgeSchema(third, history);
    expect(judged.verdict === 'refused' && judged.problems[0]).toContain('revision 1, /properties/policyVersion/type');
  });

  it('may have another meaning in the next version only', () => {
    const change = (schema: Schema) => (schema.required = [...schema.required, 'officer']);
    expect(
      judgeSchema(candidate(change, 'urn:honnin:schema:jp.honnin.registration.held.v2:1'), publishedSchemas(PUBLISHED)),
    ).toEqual({ verdict: 'new_version' });
    expect(
      judgeSchema(candidate(change, 'urn:honnin:schema:jp.honnin.registration.held.v3:1'), publishedSchemas(PUBLISHED)),
    ).toMatchObject({ verdict: 'refused' });
    expect(
      judgeSchema(
        candidate(change, 'urn:honnin:schema:jp.honnin.registration.sighed.v1:1'),
        publishedSchemas(PUBLISHED),
      ),
    ).toEqual({ verdict: 'new_type' });
  });
});

describe('a candidate and the log', () => {
  let folder: string;
  beforeEach(async () => {
    folder = mkdtempSync(path.join(tmpdir(), 'honnin-schemas-'));
    const store = SqliteEventStore.open({ file: path.join(folder, 'events.db') });
    for (let n = 0; n < 5; n += 1) {
      const history = envelopes(n, HISTORIES['released'] ?? []).map((event) =>
        n === 3 && event.type === 'Held' ? { ...event, data: { ...event.data, dueAtUtc: 'some day' } } : event,
      );
      await store.append(`registration-${registrationIdOf(n)}`, history, 'no_stream');
    }
    await store.close();
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('is run against every event ever stored, and the first that does not fit is named', async () => {
    const store = SqliteEventStore.open({ file: path.join(folder, 'events.db'), mode: 'read' });
    const culprit = (await store.readStream(`registration-${registrationIdOf(3)}`, {})).find(
      ({ type }) => type === 'Held',
    );
    const run = await runSchema(store, 'jp.honnin.registration.held.v1', schemaValidator(HELD));
    expect(run).toMatchObject({
      ofType: 4,
      firstFailure: {
        position: culprit?.position,
        eventId: culprit?.id,
        storedType: 'Held',
        error: expect.stringContaining('date-time'),
      },
    });
    expect(
      await runSchema(
        store,
        'jp.honnin.registration.received.v1',
        schemaValidator(EVENT_CONTRACTS['jp.honnin.registration.received.v1'].schema),
      ),
    ).toMatchObject({ ofType: 5, firstFailure: null });
    await store.close();
  });

  it('is not held up by an event that people let the relay go past, and by no other', async () => {
    const store = SqliteEventStore.open({ file: path.join(folder, 'events.db') });
    const held = envelopes(9, HISTORIES['released'] ?? []).find(({ type }) => type === 'Held') as NewEvent;
    const poison = { ...held, schemaVersion: 999 };
    await store.append('registration-of-tomorrow', [poison], 'no_stream');
    const received = () =>
      runSchema(
        store,
        'jp.honnin.registration.received.v1',
        schemaValidator(EVENT_CONTRACTS['jp.honnin.registration.received.v1'].schema),
      );
    await expect(received()).rejects.toThrow(`event ${poison.id} (Held) cannot be handled`);
    const data = { eventId: poison.id, by: 'administrator-1' };
    const skip = { ...poison, id: randomUUID(), type: 'EventSkipped', schemaVersion: 1, data };
    await store.append('consumer-publication-relay', [skip], 'no_stream');
    expect(await received()).toMatchObject({ ofType: 5, firstFailure: null });
    await store.close();
  });

  it('is judged by the command with its exit code', async () => {
    const file = path.join(folder, 'candidate.json');
    const judged = async (schema: JsonObject) => {
      writeFileSync(file, JSON.stringify(schema));
      const { HONNIN_DATA: before } = process.env;
      process.env['HONNIN_DATA'] = folder;
      const told: string[] = [];
      const { write } = process.stdout;
      process.stdout.write = ((text: string) => (told.push(text), true)) as never;
      try {
        return [await command.run(['check', file]), told.join('')] as const;
      } finally {
        process.stdout.write = write;
        if (before === undefined) delete process.env['HONNIN_DATA'];
        else process.env['HONNIN_DATA'] = before;
      }
    };
    const loose = (type: 'received' | 'held', revision: string, change: (schema: Schema) => void) => {
      const schema = structuredClone(EVENT_CONTRACTS[`jp.honnin.registration.${type}.v1`].schema) as unknown as Schema;
      schema.$id = `urn:honnin:schema:jp.honnin.registration.${type}.${revision}`;
      change(schema);
      return schema as unknown as JsonObject;
    };
    expect(
      await judged(loose('received', 'v1:2', (schema) => (schema.properties['more'] = { type: 'string' }))),
    ).toEqual([0, expect.stringMatching(/compatible with every earlier[^]*fits all 5 stored facts/)]);
    expect(await judged(loose('held', 'v1:2', (schema) => (schema.properties['more'] = { type: 'string' })))).toEqual([
      1,
      expect.stringMatching(/DOES NOT FIT.*first at position \d+, Held/),
    ]);
    expect(
      await judged(loose('received', 'v1:2', (schema) => (schema.required = [...schema.required, 'receipt']))),
    ).toEqual([1, expect.stringMatching(/REFUSED[^]*receipt has become required[^]*DOES NOT FIT.*first at position/)]);
    expect(
      await judged(loose('received', 'v2:1', (schema) => (schema.required = [...schema.required, 'receipt']))),
    ).toEqual([0, expect.stringMatching(/new version[^]*not so the facts of/)]);
  });
});

const BROKERS: readonly Readonly<Record<string, string>>[] = [
  {},
  { HONNIN_KAFKA_BROKERS: 'a:9092' },
  {
    HONNIN_KAFKA_BROKERS: 'a:9093,b:9093',
    HONNIN_KAFKA_TLS: 'yes',
    HONNIN_KAFKA_SASL: 'scram-sha-512',
    HONNIN_KAFKA_USERNAME: 'honnin',
    HONNIN_KAFKA_PASSWORD_FILE: '/dev/null',
  },
  {
    HONNIN_KAFKA_BROKERS: 'a:9093',
    HONNIN_KAFKA_TLS: 'yes',
    HONNIN_KAFKA_SASL: 'oauthbearer',
    HONNIN_KAFKA_USERNAME: 'honnin',
    HONNIN_KAFKA_PASSWORD_FILE: '/dev/null',
    HONNIN_KAFKA_TOKEN_URL: 'https://sign-in.example/token',
  },
];

describe('the AsyncAPI document', () => {
  const document = asyncApiDocument(asyncApiOptions(Config.from({})));

  const official = officialSchema();
  if (!official)
    process.stdout.write(
      'skipped: the package @asyncapi/specs is not installed, so the document is not held against the official schema\n',
    );
  (official ? it.each : it.skip.each)(['binary', 'structured'])(
    'is AsyncAPI 3.0 by the official schema (%s mode)',
    (mode) => {
      const ajv = addFormats.default(new Ajv({ strict: false, allErrors: true, validateSchema: false }));
      const valid = ajv.compile(official as object);
      for (const more of BROKERS) {
        const own = asyncApiDocument(asyncApiOptions(Config.from({ HONNIN_KAFKA_MODE: mode, ...more })));
        expect({ ok: valid(own), errors: (valid.errors ?? []).slice(0, 5) }).toEqual({ ok: true, errors: [] });
      }
    },
  );

  // @fault O27
  it('names the brokers and how one signs in there', () => {
    const [, , scram] = BROKERS.map((more) => asyncApiDocument(asyncApiOptions(Config.from({ ...more }))));
    expect(scram).toMatchObject({
      servers: {
        broker1: {
          host: 'a:9093',
          protocol: 'kafka-secure',
          security: [{ $ref: '#/components/securitySchemes/scramSha512' }],
        },
        broker2: { host: 'b:9093' },
      },
      components: { securitySchemes: { scramSha512: { type: 'scramSha512' } } },
    });
    expect(document['servers']).toBeUndefined();
  });

  it('describes every published type on its channel, with examples that fit', () => {
    const { channels, components } = document as unknown as {
      channels: Record<string, { address: string; messages: object }>;
      components: {
        messages: Record<string, { examples: { payload: JsonObject }[] }>;
        schemas: Record<string, JsonObject>;
      };
    };
    expect(Object.values(channels).map(({ address }) => address)).toEqual([
      'honnin.registrations.v1',
      'honnin.registration-status.v1',
      'honnin.registrations-replay.v1',
      'honnin.erasure-confirmations.v1',
    ]);
    expect(Object.keys(components.messages).sort()).toEqual(
      [...Object.keys(EVENT_CONTRACTS), 'jp.honnin.erasure.confirmed.v1'].sort(),
    );
    for (const [type, message] of Object.entries(components.messages)) {
      for (const { payload } of message.examples)
        expect([type, schemaValidator(components.schemas[type] as JsonObject)(payload)]).toEqual([type, null]);
    }
  });

  it('has references that lead somewhere', () => {
    const refs = [...JSON.stringify(document).matchAll(/"\$ref":"#\/([^"]+)"/g)].map(([, pointer]) =>
      (pointer as string).split('/'),
    );
    expect(refs.length).toBeGreaterThan(20);
    for (const parts of refs)
      expect(
        parts.reduce<unknown>((at, part) => (at as Record<string, unknown> | undefined)?.[part], document),
      ).toBeDefined();
  });
});
