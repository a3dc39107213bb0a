import type { Json, JsonObject } from '../../domain/event-envelope.js';
import {
  ACKNOWLEDGEMENT_CONTRACT,
  EVENT_CONTRACTS,
  schemaIdOf,
  type EventContract,
} from '../../domain/publication/event-contracts.js';

export interface AsyncApiOptions {
  /** Names of the topics, as this installation has them. */
  readonly topics: {
    readonly registrations: string;
    readonly status: string;
    readonly replay: string;
    readonly confirmations: string;
  };
  readonly source: string;
  readonly mode: 'binary' | 'structured';
  readonly partitions: number;
  /** `host:port` of each broker as this server knows it; none where no broker is configured. */
  readonly brokers: readonly string[];
  readonly tls: boolean;
  /** How a client says who it is; null where nobody asks. */
  readonly signIn: 'plain' | 'scramSha256' | 'scramSha512' | 'oauth2' | 'X509' | null;
  /** Where tokens come from, of `oauth2`. */
  readonly tokenUrl: string | null;
}

const STATUS = 'jp.honnin.registration.status.v1';
const EXAMPLES: Readonly<Record<string, Json>> = {
  mode: 'government_submission',
  boothId: 'booth-1',
  by: 'comparison',
  policyVersion: 3,
  dueAt: '2026-11-26T09:00:00.000Z',
  submissionId: '0198c0de-0000-5000-8000-000000000003',
  outcome: 'accepted_by_government',
  rule: 'consent_withdrawn',
  erasureId: '0198c0de-0000-5000-8000-000000000002',
  status: 'held',
  since: '2026-11-23T09:00:00.000Z',
  consumer: 'statistics',
  registrationId: '0198c0de-0000-5000-8000-000000000001',
};

/** The AsyncAPI 3.0 document of everything that is published, made from the contracts themselves. */
export function asyncApiDocument(options: AsyncApiOptions): JsonObject {
  const { topics, source, mode, partitions } = options;
  const facts = Object.values(EVENT_CONTRACTS).filter(({ type }) => type !== STATUS);
  const statuses = Object.values(EVENT_CONTRACTS).filter(({ type }) => type === STATUS);
  const all = [...facts, ...statuses, ACKNOWLEDGEMENT_CONTRACT];
  return {
    asyncapi: '3.0.0',
    info: {
      title: 'Honnin: published events',
      version: '1.0.0',
      description:
        'Facts about face photograph registrations, as CloudEvents 1.0 on Kafka. At least once, in order per ' +
        'registration; `source` and `id` tell repetitions. No image, score, name, certificate serial or registrant ' +
        'key is ever published. Ignore fields that you do not know. Without a broker: `GET /v1/published-events` of ' +
        'this server, described at /openapi.json.',
      license: { name: 'MIT' },
    },
    ...serversOf(options),
    defaultContentType: mode === 'binary' ? 'application/json' : 'application/cloudevents+json',
    channels: {
      registrations: channel(topics.registrations, 'Every fact, in order per registration.', facts, partitions, [
        'delete',
      ]),
      registrationStatus: channel(
        topics.status,
        'The current status of every registration. A record without a value: forget the registration.',
        statuses,
        partitions,
        ['compact'],
      ),
      registrationsReplay: channel(
        topics.replay,
        'Facts published once more on request, each with the attribute `replay`. Never act on them as if they were news.',
        facts,
        partitions,
        ['delete'],
      ),
      erasureConfirmations: channel(
        topics.confirmations,
        'Consumers write here when they have dropped what they derived from an erased registration.',
        [ACKNOWLEDGEMENT_CONTRACT],
        partitions,
        ['delete'],
      ),
    },
    operations: {
      publishRegistrations: operation('send', 'registrations'),
      publishRegistrationStatus: operation('send', 'registrationStatus'),
      replayRegistrations: operation('send', 'registrationsReplay'),
      receiveErasureConfirmations: operation('receive', 'erasureConfirmations'),
    },
    components: {
      schemas: Object.fromEntries(all.map(({ type, schema }) => [type, schema])),
      messages: Object.fromEntries(all.map((contract) => [contract.type, message(contract, { source, mode })])),
      ...securityOf(options),
    },
  };
}

function serversOf({ brokers, tls, signIn }: AsyncApiOptions): JsonObject {
  if (brokers.length === 0) return {};
  const security: JsonObject =
    signIn === null ? {} : { security: [{ $ref: `#/components/securitySchemes/${signIn}` }] };
  const server = (host: string): JsonObject => ({
    host,
    protocol: tls ? 'kafka-secure' : 'kafka',
    description: 'A broker as this server knows it; consumers may know it by another name.',
    ...security,
  });
  return { servers: Object.fromEntries(brokers.map((host, i) => [`broker${i + 1}`, server(host)])) };
}

function securityOf({ brokers, signIn, tokenUrl }: AsyncApiOptions): JsonObject {
  if (brokers.length === 0 || signIn === null) return {};
  const description =
    'Users and rights are given by whoever administers the broker: read on the topics, and on a group.';
  const flows = { clientCredentials: { tokenUrl: tokenUrl ?? '', availableScopes: {} } };
  const scheme: JsonObject = signIn === 'oauth2' ? { type: signIn, description, flows } : { type: signIn, description };
  return { securitySchemes: { [signIn]: scheme } };
}

function channel(
  address: string,
  description: string,
  contracts: readonly EventContract[],
  partitions: number,
  cleanup: readonly string[],
): JsonObject {
  return {
    address,
    description,
    messages: Object.fromEntries(contracts.map(({ type }) => [type, { $ref: `#/components/messages/${type}` }])),
    bindings: {
      kafka: {
        topic: address,
        partitions,
        topicConfiguration: { 'cleanup.policy': [...cleanup] },
        bindingVersion: '0.5.0',
      },
    },
  };
}

function operation(action: 'send' | 'receive', name: string): JsonObject {
  return { action, channel: { $ref: `#/channels/${name}` } };
}

function message(
  contract: EventContract,
  { source, mode }: { source: string; mode: 'binary' | 'structured' },
): JsonObject {
  const { type, schema } = contract;
  const data = exampleOf(schema);
  const attributes: Record<string, Json> = {
    specversion: '1.0',
    id: '0198c0de-0000-5000-8000-00000000000a',
    source,
    type,
    subject: data['registrationId'] as string,
    time: '2026-11-23T09:00:00.000Z',
    dataschema: schemaIdOf(contract),
    partitionkey: data['registrationId'] as string,
    sequence: '00000000000000000042',
    correlationid: data['registrationId'] as string,
    causationid: '0198c0de-0000-5000-8000-00000000000b',
    recordedtime: '2026-11-23T09:00:00.000Z',
    traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
    leafindex: '41',
    leafhash: 'uRFcHnMX7wsvMxwNrvMGJMQ7Uv4uVsbPsmvwXwtmf0g=',
    logorigin: 'honnin.localhost/log',
  };
  const key = { key: { type: 'string', format: 'uuid', description: 'The registration id.' }, bindingVersion: '0.5.0' };
  const common = { name: type, title: type, summary: schema['description'] as string, bindings: { kafka: key } };
  if (mode === 'structured') {
    const payload = {
      type: 'object',
      properties: {
        ...attributeSchemas(contract, ''),
        datacontenttype: { type: 'string', const: 'application/json' },
        data: { $ref: `#/components/schemas/${type}` },
      },
      required: [...REQUIRED, 'datacontenttype', 'data'],
    };
    return {
      ...common,
      contentType: 'application/cloudevents+json',
      payload,
      examples: [{ payload: { ...attributes, datacontenttype: 'application/json', data } }],
    };
  }
  const headers = {
    type: 'object',
    properties: attributeSchemas(contract, 'ce_'),
    required: REQUIRED.map((name) => `ce_${name}`),
  };
  return {
    ...common,
    contentType: 'application/json',
    headers,
    payload: { $ref: `#/components/schemas/${type}` },
    examples: [
      {
        headers: Object.fromEntries(Object.entries(attributes).map(([name, value]) => [`ce_${name}`, value])),
        payload: data,
      },
    ],
  };
}

const REQUIRED = ['specversion', 'id', 'source', 'type', 'subject', 'time'];

/** The CloudEvents attributes, with the prefix that the Kafka binding gives them in headers. */
function attributeSchemas(contract: EventContract, prefix: string): JsonObject {
  const text = (description: string, more: JsonObject = {}): JsonObject => ({ type: 'string', description, ...more });
  const attributes: Record<string, JsonObject> = {
    specversion: text('CloudEvents version.', { const: '1.0' }),
    id: text('With `source` unique in the world, and the same in every repetition.'),
    source: text('The installation.', { format: 'uri-reference' }),
    type: text('What happened, with its version.', { const: contract.type }),
    subject: text('The registration id.'),
    time: text('When it happened.', { format: 'date-time' }),
    dataschema: text('The revision of the schema that the data follows; `GET /schemas/{dataschema}` gives it out.', {
      format: 'uri',
    }),
    partitionkey: text('The registration id: order is kept per registration.'),
    sequence: text("Place in the source's order; zero-padded, so that texts sort as numbers. Not contiguous.", {
      pattern: '^[0-9]{20}$',
    }),
    correlationid: text('Groups what belongs together: the registration, or the erasure.'),
    causationid: text('What caused this.'),
    recordedtime: text('When it was stored.', { format: 'date-time' }),
    traceparent: text('W3C trace context; one trace per registration.'),
    leafindex: text(
      'Entry of the signed log that this fact is told of. docs/kafka.md: proving that nothing is missing.',
      { pattern: '^(0|[1-9][0-9]*)$' },
    ),
    leafhash: text('Leaf hash of that entry (RFC 9162), base64.'),
    logorigin: text('Name of the signed log.'),
    replay: text('Only on replays: names the replay.'),
  };
  return Object.fromEntries(Object.entries(attributes).map(([name, schema]) => [`${prefix}${name}`, schema]));
}

/** An example that fits the schema: the first of a closed list, otherwise the known example of the field. */
function exampleOf(schema: JsonObject): Record<string, Json> {
  const properties = schema['properties'] as Readonly<Record<string, JsonObject>>;
  return Object.fromEntries(
    Object.entries(properties).map(([name, field]) => [
      name,
      Array.isArray(field['enum']) ? (field['enum'][0] as Json) : (EXAMPLES[name] as Json),
    ]),
  );
}
