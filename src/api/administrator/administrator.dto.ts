import { ApiExtraModels, ApiProperty, getSchemaPath } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import {
  ArrayMaxSize,
  ArrayMinSize,
  IsArray,
  IsBoolean,
  IsDefined,
  IsIn,
  IsInt,
  IsNumber,
  IsObject,
  IsOptional,
  IsString,
  Matches,
  Max,
  MaxLength,
  Min,
  ValidateNested,
  registerDecorator,
} from 'class-validator';
import { BOOTH_KEY_WORDS, isBoothKey } from '../../application/commands/manage-booth.js';
import { SUSPENSION_REASONS } from '../../domain/booth/booth.events.js';
import { ACT_STAGES, type DualActState } from '../../domain/dual-control/dual-act.js';
import { ACT_REASONS, type ActReason, type DualAct } from '../../domain/dual-control/dual-act.events.js';
import type { AttachedReport, PolicyValues } from '../../domain/policy/policy.events.js';
import type { Tombstone } from '../../domain/registrant/registrant.events.js';
import { END_REASONS, type EndReason } from '../../domain/registration/registration.events.js';
import { CERTIFICATE_TYPES, type CertificateType } from '../../domain/values/certificate-status.js';
import { PHOTO_MEASURES } from '../../domain/values/face-comparison.js';
import { AuditListAnswer, CertifiedAnswer } from '../audit/list.dto.js';
import { BOOTH_ID } from '../../domain/booth/booth.js';
import { UUID } from '../signed-in-request.js';
import { REFERENCE } from '../../domain/values/file-number.js';
import { base64Schema } from '../contract/validation.js';

const KEY_BYTES = { min: 44, max: 44 };
const KEY_PROPERTY = { ...base64Schema(KEY_BYTES), description: 'Ed25519 SubjectPublicKeyInfo, DER' };
const REPORT_NOTE_MAX = 4_000;
const POINTS = { type: 'integer', minimum: 0, maximum: 10_000 } as const;
const POSITIVE = { type: 'integer', minimum: 1 } as const;
const CONSENT_VERSION = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

const ACTS = Object.keys(ACT_REASONS) as DualAct['act'][];
const REFERENCE_PROPERTY = {
  pattern: REFERENCE.source,
  description: 'Where more is written about it: the number of an order, a ticket or a file. No names, no sentences',
};

/** One rule and one sentence, whatever is wrong with a key. */
function IsBoothKey(): PropertyDecorator {
  // Encoding it again must give the same text: Node's decoder forgives what the standard does not.
  const validate = (value: unknown): boolean =>
    typeof value === 'string' && Buffer.from(value, 'base64').toString('base64') === value && isBoothKey(value);
  const options = { message: () => `must be ${BOOTH_KEY_WORDS}` };
  return (target, name) => {
    const of = { target: target.constructor, propertyName: String(name) };
    registerDecorator({ name: 'isBoothKey', ...of, options, validator: { validate } });
  };
}

export class EnrolmentBody {
  @ApiProperty({ pattern: BOOTH_ID.source, example: 'booth-0001' })
  @Matches(BOOTH_ID, { message: `must match ${BOOTH_ID.source}` })
  boothId!: string;

  @ApiProperty(KEY_PROPERTY)
  @IsBoothKey()
  publicKey!: string;

  @ApiProperty({ enum: ACT_REASONS.enrol_booth })
  @IsIn(ACT_REASONS.enrol_booth, { message: `must be one of ${ACT_REASONS.enrol_booth.join(', ')}` })
  reason!: (typeof ACT_REASONS.enrol_booth)[number];

  @ApiProperty(REFERENCE_PROPERTY)
  @Matches(REFERENCE, { message: `must match ${REFERENCE.source}` })
  reference!: string;
}

export class KeyBody {
  @ApiProperty(KEY_PROPERTY)
  @IsBoothKey()
  publicKey!: string;

  @ApiProperty({ enum: ACT_REASONS.rotate_booth_key })
  @IsIn(ACT_REASONS.rotate_booth_key, { message: `must be one of ${ACT_REASONS.rotate_booth_key.join(', ')}` })
  reason!: (typeof ACT_REASONS.rotate_booth_key)[number];

  @ApiProperty(REFERENCE_PROPERTY)
  @Matches(REFERENCE, { message: `must match ${REFERENCE.source}` })
  reference!: string;
}

export class ResumptionBody {
  @ApiProperty({ enum: ACT_REASONS.resume_booth })
  @IsIn(ACT_REASONS.resume_booth, { message: `must be one of ${ACT_REASONS.resume_booth.join(', ')}` })
  reason!: (typeof ACT_REASONS.resume_booth)[number];

  @ApiProperty(REFERENCE_PROPERTY)
  @Matches(REFERENCE, { message: `must match ${REFERENCE.source}` })
  reference!: string;
}

const EVENT_ID_PROPERTY = { format: 'uuid', description: 'The event that waits' } as const;

export class ReplayBody {
  @ApiProperty(EVENT_ID_PROPERTY)
  @Matches(UUID, { message: 'must be the id of an event' })
  eventId!: string;
}

export class SkipBody extends ReplayBody {
  @ApiProperty({ enum: ACT_REASONS.skip_event })
  @IsIn(ACT_REASONS.skip_event, { message: `must be one of ${ACT_REASONS.skip_event.join(', ')}` })
  reason!: (typeof ACT_REASONS.skip_event)[number];

  @ApiProperty(REFERENCE_PROPERTY)
  @Matches(REFERENCE, { message: `must match ${REFERENCE.source}` })
  reference!: string;
}

export class ReplayAnswer {
  @ApiProperty({
    type: 'integer',
    minimum: 0,
    description: 'Events that were handled: this one and what waited behind it',
  })
  replayed!: number;
}

/** An event that could not be handled, or that came after such an event of its case. */
export class ParkedEventAnswer {
  @ApiProperty({ format: 'uuid' })
  eventId!: string;

  @ApiProperty()
  type!: string;

  @ApiProperty({ description: 'The stream in which it is, and its place there' })
  stream!: string;

  @ApiProperty({ type: 'integer' })
  revision!: number;

  @ApiProperty({ description: 'Why, in words for an operator' })
  error!: string;

  @ApiProperty({ format: 'date-time' })
  parkedAtUtc!: string;
}

export class StoppedAtAnswer {
  @ApiProperty({ format: 'uuid' })
  eventId!: string;

  @ApiProperty()
  type!: string;

  @ApiProperty()
  stream!: string;
}

@ApiExtraModels(StoppedAtAnswer)
export class ConsumerAnswer {
  @ApiProperty()
  consumer!: string;

  @ApiProperty({ enum: ['idle', 'standby', 'building', 'catching_up', 'live', 'retrying', 'failing', 'stopped'] })
  state!: string;

  @ApiProperty({ type: 'string', nullable: true, description: 'Place in the log up to which it has come' })
  position!: string | null;

  @ApiProperty({ type: 'string', nullable: true })
  lastError!: string | null;

  @ApiProperty({
    oneOf: [{ $ref: getSchemaPath(StoppedAtAnswer) }, { type: 'null' }],
    description: 'The event before which it stands still, until it is resumed',
  })
  stoppedAt!: StoppedAtAnswer | null;

  @ApiProperty({ description: 'Whether two administrators can let it go past an event' })
  maySkip!: boolean;

  @ApiProperty({ type: [ParkedEventAnswer] })
  parked!: readonly ParkedEventAnswer[];
}

export class ConsumersAnswer {
  @ApiProperty({ type: [ConsumerAnswer] })
  consumers!: readonly ConsumerAnswer[];
}

/** What one person proposed and another one has to agree to. */
export class ActAnswer {
  @ApiProperty({ format: 'uuid' })
  actId!: string;

  @ApiProperty({ enum: ACT_STAGES })
  stage!: Exclude<DualActState['stage'], 'none'>;

  @ApiProperty({
    description: 'What would be done: `act`, and whom or what it is about',
    type: 'object',
    properties: { act: { type: 'string', enum: ACTS } },
    required: ['act'],
    additionalProperties: { type: 'string' },
  })
  proposal!: DualAct;

  @ApiProperty({ enum: [...new Set(Object.values(ACT_REASONS).flat())] })
  reason!: ActReason;

  @ApiProperty(REFERENCE_PROPERTY)
  reference!: string;

  @ApiProperty()
  proposedBy!: string;

  @ApiProperty({ type: 'string', nullable: true })
  approvedBy!: string | null;

  @ApiProperty({
    type: 'string',
    format: 'date-time',
    nullable: true,
    description: 'Until then it can be declined; from then on it is carried out',
  })
  notBeforeUtc!: string | null;

  @ApiProperty({
    type: 'string',
    nullable: true,
    description: 'Why it was not possible any more when its time came; nothing was done then',
  })
  refusal!: string | null;

  @ApiProperty({
    description:
      'Of an erasure that was carried out: for how many days, and until when, a card of the person is still ' +
      'known as erased before, and nothing else of it. `untilUtc` is null for 0 days',
    type: 'object',
    nullable: true,
    properties: { days: { type: 'integer' }, untilUtc: { type: 'string', format: 'date-time', nullable: true } },
    required: ['days', 'untilUtc'],
    additionalProperties: false,
  })
  tombstone!: Tombstone | null;
}

export class ActRowAnswer {
  @ApiProperty({ format: 'uuid' })
  actId!: string;

  @ApiProperty({ enum: ACTS })
  act!: string;

  @ApiProperty({ type: 'object', additionalProperties: { type: 'string' }, description: 'Whom or what it is about' })
  of!: object;

  @ApiProperty()
  reason!: string;

  @ApiProperty()
  reference!: string;

  @ApiProperty({ enum: ACT_STAGES })
  stage!: string;

  @ApiProperty({ description: 'A token; `lists/acts` opens it for auditors' })
  proposedBy!: string;

  @ApiProperty({ format: 'date-time' })
  proposedAtUtc!: string;

  @ApiProperty({ type: 'string', nullable: true })
  approvedBy!: string | null;

  @ApiProperty({ type: 'string', format: 'date-time', nullable: true })
  notBeforeUtc!: string | null;

  @ApiProperty({ type: 'string', nullable: true })
  declinedBy!: string | null;

  @ApiProperty({ type: 'string', nullable: true })
  refusal!: string | null;

  @ApiProperty({ format: 'date-time' })
  changedAtUtc!: string;
}

export class ActsAnswer extends CertifiedAnswer {
  @ApiProperty({ type: [ActRowAnswer] })
  acts!: readonly object[];
}

export class SuspensionBody {
  @ApiProperty({ enum: SUSPENSION_REASONS })
  @IsIn(SUSPENSION_REASONS, { message: `must be one of ${SUSPENSION_REASONS.join(', ')}` })
  reason!: (typeof SUSPENSION_REASONS)[number];
}

export class EndBody {
  @ApiProperty({ enum: END_REASONS })
  @IsIn(END_REASONS, { message: `must be one of ${END_REASONS.join(', ')}` })
  reason!: EndReason;

  @ApiProperty({
    pattern: REFERENCE.source,
    description:
      'Where more is written about it: the number of an incident, a ticket or a file. No names, no sentences',
  })
  @Matches(REFERENCE, { message: `must match ${REFERENCE.source}` })
  reference!: string;
}

export class BoothAnswer {
  @ApiProperty()
  boothId!: string;

  @ApiProperty({ enum: ['enrolled', 'suspended'] })
  stage!: 'enrolled' | 'suspended';

  @ApiProperty(KEY_PROPERTY)
  publicKey!: string;

  @ApiProperty(POSITIVE)
  keyVersion!: number;
}

export class RetryBody {
  @ApiProperty({ type: 'number', minimum: 0, maximum: 86_400 })
  @IsNumber({}, { message: 'must be a number' })
  @Min(0, { message: 'must not be negative' })
  @Max(86_400, { message: 'must not be above a day' })
  firstDelaySeconds!: number;

  @ApiProperty({ type: 'number', minimum: 0, maximum: 86_400 })
  @IsNumber({}, { message: 'must be a number' })
  @Min(0, { message: 'must not be negative' })
  @Max(86_400, { message: 'must not be above a day' })
  delaySecondsMax!: number;

  @ApiProperty(POSITIVE)
  @IsInt({ message: 'must be an integer' })
  attemptsMax!: number;
}

const BY_MEASURE = {
  type: 'object',
  additionalProperties: { type: 'integer', minimum: 0, maximum: 100 },
  propertyNames: { enum: [...PHOTO_MEASURES] },
} as const;

/** Every value of a policy. Types here; what makes sense together is the domain's rule (`policy_invalid`). */
export class PolicyBody {
  @ApiProperty({ ...POINTS, description: 'S(captured, card) at or above this is the same person' })
  @IsInt({ message: 'must be an integer' })
  cardMatchPointsMin!: number;

  @ApiProperty(POINTS)
  @IsInt({ message: 'must be an integer' })
  referralPointsMin!: number;

  @ApiProperty()
  @IsBoolean({ message: 'must be true or false' })
  holdInReferralBand!: boolean;

  @ApiProperty({ ...POINTS, description: 'Claim 4: a difference at or above this is held' })
  @IsInt({ message: 'must be an integer' })
  holdMarginPoints!: number;

  @ApiProperty(POINTS)
  @IsInt({ message: 'must be an integer' })
  registeredMatchPointsMin!: number;

  @ApiProperty()
  @IsBoolean({ message: 'must be true or false' })
  holdOnRegisteredMismatch!: boolean;

  @ApiProperty({
    description: 'Whether frames that show another person, or a turn that was not followed, lead to a hold',
  })
  @IsBoolean({ message: 'must be true or false' })
  holdOnFramesInconsistent!: boolean;

  @ApiProperty({
    description:
      'Whether a certificate of which nobody can tell that it is of the card whose face was compared leads to a hold. A contradiction always does',
  })
  @IsBoolean({ message: 'must be true or false' })
  holdOnCardUnconfirmed!: boolean;

  @ApiProperty({
    enum: CERTIFICATE_TYPES,
    isArray: true,
    minItems: 1,
    uniqueItems: true,
    description:
      'Types of certificate that are accepted where no authority tells which two certificates are on one card',
  })
  @IsArray({ message: 'must be a list' })
  @ArrayMinSize(1, { message: 'must name at least one type' })
  @ArrayMaxSize(2, { message: 'must not name more than both types' })
  @IsIn(CERTIFICATE_TYPES, { each: true, message: `must be of ${CERTIFICATE_TYPES.join(', ')}` })
  certificateTypesWithoutSameCard!: CertificateType[];

  @ApiProperty({ description: 'Whether a person without a registered image has to come with the signing certificate' })
  @IsBoolean({ message: 'must be true or false' })
  signingCertificateAtFirstRegistration!: boolean;

  @ApiProperty({
    ...BY_MEASURE,
    description: 'Measure (ISO/IEC 29794-5 name) to minimum: a photograph below it is taken again',
  } as object)
  @IsObject({ message: 'must be an object' })
  photoQualityMin!: Record<string, number>;

  @ApiProperty({
    ...BY_MEASURE,
    description:
      'Measure to bound: a photograph below it, or of which the measure could not be assessed, is held for two officers',
  } as object)
  @IsObject({ message: 'must be an object' })
  photoQualityHoldBelow!: Record<string, number>;

  @ApiProperty(POSITIVE)
  @IsInt({ message: 'must be an integer' })
  holdDueHours!: number;

  @ApiProperty({
    ...POSITIVE,
    description: 'A case that is open for longer degrades /health/ready; more than holdDueHours',
  })
  @IsInt({ message: 'must be an integer' })
  caseOpenHoursMax!: number;

  @ApiProperty({
    type: 'integer',
    minimum: 1,
    maximum: 3_650,
    description: 'The sealed evidence of a refused certificate is erased so many days after the refusal',
  })
  @IsInt({ message: 'must be an integer' })
  refusedEvidenceRetentionDays!: number;

  @ApiProperty({
    type: 'integer',
    minimum: 0,
    maximum: 3_650,
    description:
      'For so many days after an erasure a card of the person is known as erased before, and its registration held; 0: never',
  })
  @IsInt({ message: 'must be an integer' })
  erasedBeforeDays!: number;

  @ApiProperty({
    type: 'integer',
    minimum: 0,
    maximum: 43_200,
    description: 'What two people agreed to is carried out so many minutes later; until then it can be declined',
  })
  @IsInt({ message: 'must be an integer' })
  dualControlWaitMinutes!: number;

  @ApiProperty(POSITIVE)
  @IsInt({ message: 'must be an integer' })
  clockSkewSecondsMax!: number;

  @ApiProperty(POSITIVE)
  @IsInt({ message: 'must be an integer' })
  captureAgeMinutesMax!: number;

  @ApiProperty(POSITIVE)
  @IsInt({ message: 'must be an integer' })
  challengeLifetimeSeconds!: number;

  @ApiProperty(POSITIVE)
  @IsInt({ message: 'must be an integer' })
  photoBytesMax!: number;

  @ApiProperty({ type: 'array', items: { type: 'string', pattern: CONSENT_VERSION.source }, minItems: 1, maxItems: 32 })
  @IsArray({ message: 'must be a list' })
  @ArrayMinSize(1, { message: 'must name at least one text' })
  @ArrayMaxSize(32, { message: 'must not name more than 32 texts' })
  @Matches(CONSENT_VERSION, { each: true, message: 'must be versions of consent texts' })
  consentTextVersions!: string[];

  @ApiProperty({ type: RetryBody })
  @IsDefined({ message: 'is missing' })
  @IsObject({ message: 'must be an object' })
  @ValidateNested({ message: 'must be an object' })
  @Type(() => RetryBody)
  retry!: RetryBody;
}

/** A proposal: the values, and where there is one the statement of the what-if report that was made for them. */
export class ProposalBody extends PolicyBody {
  @ApiProperty({
    required: false,
    description:
      'The note of a what-if report (`POST /v1/audit/what-ifs`), signed by this log and made for these values; it goes into the record of the proposal',
  })
  @IsOptional()
  @IsString({ message: 'must be the text of a note' })
  @MaxLength(REPORT_NOTE_MAX, { message: 'is too long' })
  reportNote?: string;

  @ApiProperty({
    ...POSITIVE,
    required: false,
    description:
      'The version that was changed. Default: the one in force. It comes into force only as long as that one is',
  })
  @IsOptional()
  @IsInt({ message: 'must be an integer' })
  @Min(1, { message: 'must be the number of a version' })
  basedOn?: number;
}

export class AttachedReportAnswer implements AttachedReport {
  @ApiProperty({ description: 'SHA-256 of the canonical JSON of the report, hex' })
  sha256!: string;

  @ApiProperty({ description: 'The signed statement' })
  note!: string;
}

@ApiExtraModels(AttachedReportAnswer)
export class PolicyVersionAnswer {
  @ApiProperty(POSITIVE)
  version!: number;

  @ApiProperty({ type: PolicyBody })
  values!: PolicyValues;

  @ApiProperty()
  proposedBy!: string;

  @ApiProperty({ type: 'string', nullable: true })
  approvedBy!: string | null;

  @ApiProperty({
    oneOf: [{ $ref: getSchemaPath(AttachedReportAnswer) }, { type: 'null' }],
    description: 'The what-if report that came with the proposal',
  } as object)
  report!: AttachedReport | null;

  @ApiProperty({ type: 'integer', nullable: true, description: 'The version that the proposer changed' })
  basedOn!: number | null;
}

export class PoliciesAnswer {
  @ApiProperty({ type: 'integer', nullable: true, description: 'The version in force' })
  active!: number | null;

  @ApiProperty({ type: [PolicyVersionAnswer] })
  versions!: readonly PolicyVersionAnswer[];
}

export class CertifiedPoliciesAnswer extends AuditListAnswer {
  @ApiProperty({ type: 'integer', nullable: true, description: 'The version in force' })
  active!: number | null;

  @ApiProperty({ type: [PolicyVersionAnswer] })
  versions!: readonly PolicyVersionAnswer[];
}

export class PolicyDifferenceAnswer {
  @ApiProperty({ description: 'Member of the policy and measure' })
  field!: string;

  @ApiProperty({ type: 'integer', nullable: true, description: 'What the policy in force asks for; null: nothing' })
  inForce!: number | null;

  @ApiProperty({ type: 'integer' })
  shipped!: number;
}

@ApiExtraModels(PolicyBody)
export class ShippedDefaultAnswer {
  @ApiProperty({
    description:
      'Whether the policy in force is from before the default of this version, and nobody has decided about it since',
  })
  isOlder!: boolean;

  @ApiProperty({ type: [PolicyDifferenceAnswer] })
  differences!: readonly PolicyDifferenceAnswer[];

  @ApiProperty({
    oneOf: [{ $ref: getSchemaPath(PolicyBody) }, { type: 'null' }],
    description: 'The policy in force with what is missing: to be proposed as it is',
  } as object)
  proposal!: PolicyValues | null;
}
