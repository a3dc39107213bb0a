import type { Json, JsonObject } from '../event-envelope.js';
import type { IntegrationFact, RegistrationStatus, RejectionReason, StatusFact } from './published-language.js';

/** A type's public promise. The schema is JSON Schema draft-07, the one that AsyncAPI 3 builds on. */
export interface EventContract {
  readonly type: string;
  /** Revision within the version: only optional fields come and go between revisions. */
  readonly revision: number;
  readonly schema: JsonObject;
}

export type PublishedType = IntegrationFact['type'] | StatusFact['type'];

const REGISTRATION_ID = {
  type: 'string',
  format: 'uuid',
  description: 'Names the registration, and nobody: it cannot be led back to a person without the source.',
} as const;
const POLICY_VERSION = {
  type: 'integer',
  minimum: 1,
  description: 'Version of the policy that the decision used; absent where no rule was used.',
} as const;
const INSTANT = { type: 'string', format: 'date-time' } as const;

const MODES = ['government_submission', 'registry_only'];
const REASONS: readonly RejectionReason[] = [
  'certificate_invalid',
  'face_mismatch',
  'rejected_by_officers',
  'hold_expired',
  'refused_by_government',
];
const STATUSES: readonly RegistrationStatus[] = [
  'received',
  'verified',
  'confirmed',
  'held',
  'submitted',
  'completed',
  'rejected',
  'recapture_requested',
  'withdrawn',
];
const RULES = ['consent_withdrawn', 'retention_limit', 'request_of_the_person'];

/** THE list of what leaves. Consumers must ignore fields that they do not know, so that a revision can add some. */
export const EVENT_CONTRACTS: Readonly<Record<PublishedType, EventContract>> = {
  'jp.honnin.registration.received.v1': contract(
    'jp.honnin.registration.received.v1',
    'A booth handed in a registration request.',
    {
      mode: {
        type: 'string',
        enum: MODES,
        description: 'Whether the photograph is to go to the government server or to be kept as a reference only.',
      },
      boothId: { type: 'string', minLength: 1, maxLength: 64 },
    },
  ),
  'jp.honnin.registration.verified.v1': contract(
    'jp.honnin.registration.verified.v1',
    "The holder's certificate and the card's record are valid.",
    {},
  ),
  'jp.honnin.registration.confirmed.v1': contract(
    'jp.honnin.registration.confirmed.v1',
    'The person at the booth is the holder of the card.',
    {
      by: {
        type: 'string',
        enum: ['comparison', 'officers'],
        description: 'Whether the comparison alone decided or two officers released a hold.',
      },
      'policyVersion?': POLICY_VERSION,
    },
  ),
  'jp.honnin.registration.held.v1': contract(
    'jp.honnin.registration.held.v1',
    'Two officers have to look before anything goes on. Not a refusal.',
    {
      dueAt: { ...INSTANT, description: 'When the hold expires, which rejects the registration.' },
      'policyVersion?': POLICY_VERSION,
    },
  ),
  'jp.honnin.registration.submitted.v1': contract(
    'jp.honnin.registration.submitted.v1',
    'The photograph was handed to the government server.',
    {
      submissionId: {
        type: 'string',
        minLength: 1,
        maxLength: 64,
        description: 'The same in every attempt: the government server knows the submission by it.',
      },
    },
  ),
  'jp.honnin.registration.completed.v1': contract(
    'jp.honnin.registration.completed.v1',
    'The registration has reached its goal.',
    { outcome: { type: 'string', enum: ['accepted_by_government', 'kept_in_registry'] } },
  ),
  'jp.honnin.registration.rejected.v1': contract(
    'jp.honnin.registration.rejected.v1',
    'The registration ended without reaching its goal.',
    { reason: { type: 'string', enum: [...REASONS] }, 'policyVersion?': POLICY_VERSION },
  ),
  'jp.honnin.registration.recapture-requested.v1': contract(
    'jp.honnin.registration.recapture-requested.v1',
    'The registration ended; the holder is asked to have another photograph taken.',
    { reason: { type: 'string', enum: ['photograph_not_comparable', 'asked_by_officers'] } },
  ),
  'jp.honnin.registration.withdrawn.v1': contract(
    'jp.honnin.registration.withdrawn.v1',
    'The registration was withdrawn.',
    {},
  ),
  'jp.honnin.registrant.erased.v1': contract(
    'jp.honnin.registrant.erased.v1',
    'The person behind this registration was erased. Drop everything derived from the registration, then confirm.',
    {
      erasureId: {
        type: 'string',
        format: 'uuid',
        description:
          'Names the erasure; the confirmation repeats it. One erasure may reach several registrations, each with an event of its own.',
      },
      rule: { type: 'string', enum: RULES },
    },
  ),
  'jp.honnin.registration.status.v1': contract(
    'jp.honnin.registration.status.v1',
    'The current status. Keep the one with the highest sequence; a record without a value means that the registration is forgotten.',
    { status: { type: 'string', enum: [...STATUSES] }, since: INSTANT },
  ),
};

export const ACKNOWLEDGEMENT_TYPE = 'jp.honnin.erasure.confirmed.v1';

/** What a consumer writes when it has dropped what it derived from a registration. */
export const ACKNOWLEDGEMENT_CONTRACT: EventContract = contract(
  ACKNOWLEDGEMENT_TYPE,
  'A consumer has dropped everything that it derived from the registration.',
  {
    erasureId: { type: 'string', format: 'uuid' },
    consumer: {
      type: 'string',
      minLength: 1,
      maxLength: 64,
      description: 'Name of the consumer, as agreed with the operator.',
    },
  },
);

export function schemaIdOf({ type, revision }: { readonly type: string; readonly revision: number }): string {
  return `urn:honnin:schema:${type}:${revision}`;
}

/** Reads what `schemaIdOf` wrote, or null. */
export function parseSchemaId(
  id: string,
): { readonly type: string; readonly name: string; readonly version: number; readonly revision: number } | null {
  const match = /^urn:honnin:schema:((?<name>[a-z0-9.-]+)\.v(?<version>[1-9]\d*)):(?<revision>[1-9]\d*)$/.exec(id);
  if (!match?.groups) return null;
  const { name, version, revision } = match.groups as { name: string; version: string; revision: string };
  return { type: match[1] as string, name, version: Number(version), revision: Number(revision) };
}

/** @param fields facts beside `registrationId`; a name that ends in `?` is optional */
function contract(type: string, description: string, fields: Readonly<Record<string, Json>>): EventContract {
  const properties = Object.fromEntries(
    Object.entries(fields).map(([name, schema]) => [name.replace(/\?$/, ''), schema]),
  );
  const required = ['registrationId', ...Object.keys(fields).filter((name) => !name.endsWith('?'))];
  const schema = {
    $schema: 'http://json-schema.org/draft-07/schema#',
    $id: schemaIdOf({ type, revision: 1 }),
    title: type,
    description,
    type: 'object',
    properties: { registrationId: REGISTRATION_ID, ...properties },
    required,
  };
  return { type, revision: 1, schema };
}
