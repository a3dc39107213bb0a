import { ApiProperty } from '@nestjs/swagger';
import {
  ArrayMaxSize,
  IsArray,
  IsBoolean,
  IsIn,
  IsInt,
  IsOptional,
  IsString,
  IsUUID,
  Matches,
  Max,
  MaxLength,
  Min,
} from 'class-validator';
import type { AuditKeys, ConsistencyAnswer, InclusionAnswer } from '../../application/queries/audit-questions.js';
import { EXPORT_PURPOSES, type ExportPurpose } from '../../domain/access/access.events.js';
import { ACT_REASONS } from '../../domain/dual-control/dual-act.events.js';
import { LISTS, type ListName } from '../../domain/audit/lists/list-drawer.js';
import type { SignedWhatIf } from '../../domain/audit/what-if/what-if-report.js';
import type { WhatIfReport } from '../../domain/audit/what-if/what-if.js';
import { REFERENCE } from '../../domain/values/file-number.js';
import { ANY_INSTANT, IsAnyInstant } from '../contract/validation.js';
import { ClippedMomentAnswer, MemberDifferenceAnswer, MomentAnswer } from './list.dto.js';

const KNOWN_MAX = 16;

/** Exactly one of: `requestId`; `from` with or without `to`; `fromUtc` with `toUtc`. */
export class ExportBody {
  @ApiProperty({ required: false, format: 'uuid', description: 'Everything of one case' })
  @IsOptional()
  @IsUUID(undefined, { message: 'must be a request id' })
  requestId?: string;

  @ApiProperty({ required: false, type: 'integer', minimum: 0, description: 'First entry of a range' })
  @IsOptional()
  @IsInt({ message: 'must be a whole number' })
  @Min(0, { message: 'must not be negative' })
  from?: number;

  @ApiProperty({
    required: false,
    type: 'integer',
    minimum: 0,
    description: 'Last entry of the range; absent: the newest',
  })
  @IsOptional()
  @IsInt({ message: 'must be a whole number' })
  @Min(0, { message: 'must not be negative' })
  to?: number;

  @ApiProperty({ required: false, ...ANY_INSTANT })
  @IsOptional()
  @IsAnyInstant()
  fromUtc?: string;

  @ApiProperty({ required: false, ...ANY_INSTANT })
  @IsOptional()
  @IsAnyInstant()
  toUtc?: string;

  @ApiProperty({
    required: false,
    enum: LISTS,
    isArray: true,
    description: 'Lists to hand over with the events that they are drawn from',
  })
  @IsOptional()
  @IsArray({ message: 'must be a list' })
  @IsIn(LISTS, { each: true, message: `must be one of ${LISTS.join(', ')}` })
  lists?: ListName[];

  @ApiProperty({
    required: false,
    type: [String],
    description: 'Checkpoints that the reader has: each gets its consistency proof',
  })
  @IsOptional()
  @IsArray({ message: 'must be a list' })
  @ArrayMaxSize(KNOWN_MAX, { message: `must have at most ${KNOWN_MAX}` })
  @IsString({ each: true, message: 'must be texts' })
  @MaxLength(4000, { each: true, message: 'is too long' })
  known?: string[];

  @ApiProperty({ required: false, description: 'Who the tokens stand for' })
  @IsOptional()
  @IsBoolean({ message: 'must be true or false' })
  withOpenings?: boolean;

  @ApiProperty({ required: false, description: 'Sealed certificate evidence' })
  @IsOptional()
  @IsBoolean({ message: 'must be true or false' })
  withEvidence?: boolean;

  @ApiProperty({
    required: false,
    enum: EXPORT_PURPOSES,
    description:
      'audit: the own audit of the office, also where none is stated. disclosure: for somebody else, with a reference',
  })
  @IsOptional()
  @IsIn(EXPORT_PURPOSES, { message: `must be one of ${EXPORT_PURPOSES.join(', ')}` })
  purpose?: ExportPurpose;

  @ApiProperty({
    required: false,
    pattern: REFERENCE.source,
    description: 'The number of a request, an order or a file; needed with disclosure. No names, no sentences',
  })
  @IsOptional()
  @Matches(REFERENCE, { message: `must match ${REFERENCE.source}` })
  reference?: string;
}

export class ErasureBody {
  @ApiProperty({ format: 'uuid', description: 'A closed request of the registrant' })
  @IsUUID(undefined, { message: 'must be a request id' })
  requestId!: string;

  @ApiProperty({ enum: ACT_REASONS.erase_registrant })
  @IsIn(ACT_REASONS.erase_registrant, { message: `must be one of ${ACT_REASONS.erase_registrant.join(', ')}` })
  rule!: (typeof ACT_REASONS.erase_registrant)[number];

  @ApiProperty({
    pattern: REFERENCE.source,
    description: 'Where more is written about it: the number of a request, a ticket or a file. No names, no sentences',
  })
  @Matches(REFERENCE, { message: `must match ${REFERENCE.source}` })
  reference!: string;
}

export class AuditKeysAnswer implements AuditKeys {
  @ApiProperty({ type: [String], description: 'Verifier keys of the C2SP signed-note format, oldest first' })
  keys!: readonly string[];

  @ApiProperty({ type: [String], description: 'Notes in which a key vouches for the next' })
  successions!: readonly string[];

  @ApiProperty({
    type: [String],
    description: 'Notes in which the log declares that entries which it had signed are lost; each begins another name',
  })
  losses!: readonly string[];
}

export class InclusionProofAnswer implements InclusionAnswer {
  @ApiProperty({ type: 'integer' })
  index!: number;

  @ApiProperty({ type: 'integer' })
  size!: number;

  @ApiProperty({ description: 'Base64' })
  leafHash!: string;

  @ApiProperty({ type: [String], description: 'RFC 9162, section 2.1.3; base64' })
  proof!: readonly string[];

  @ApiProperty()
  checkpoint!: string;
}

export class ConsistencyProofAnswer implements ConsistencyAnswer {
  @ApiProperty({ type: 'integer' })
  first!: number;

  @ApiProperty({ type: 'integer' })
  second!: number;

  @ApiProperty({ type: [String], description: 'RFC 9162, section 2.1.4; base64' })
  proof!: readonly string[];
}

export class PastStateAnswer {
  @ApiProperty({ format: 'uuid' })
  requestId!: string;

  @ApiProperty({ type: String, format: 'date-time', nullable: true, description: 'The instant that was asked for' })
  atUtc!: string | null;

  @ApiProperty({ type: 'integer', nullable: true, description: 'The position that was asked for; both null: now' })
  position!: number | null;

  @ApiProperty({ type: 'object', additionalProperties: true })
  state!: object;
}

export class ExplanationAnswer {
  @ApiProperty({ format: 'uuid' })
  requestId!: string;

  @ApiProperty({ type: String, format: 'date-time', nullable: true })
  atUtc!: string | null;

  @ApiProperty({ type: 'integer', nullable: true })
  position!: number | null;

  @ApiProperty({
    type: 'array',
    items: {
      type: 'object',
      properties: { atUtc: { type: 'string' }, type: { type: 'string' }, text: { type: 'string' } },
    },
  })
  lines!: readonly { readonly atUtc: string; readonly type: string; readonly text: string }[];
}

export class DifferenceAnswer {
  @ApiProperty({ type: MomentAnswer })
  from!: MomentAnswer;

  @ApiProperty({ type: MomentAnswer })
  to!: MomentAnswer;

  @ApiProperty({ type: [ClippedMomentAnswer], description: 'Bounds that lay outside of the log' })
  clipped!: readonly ClippedMomentAnswer[];

  @ApiProperty({ type: [MemberDifferenceAnswer] })
  differences!: readonly MemberDifferenceAnswer[];
}

const POINTS = { type: 'integer', minimum: 0, maximum: 10_000, required: false } as const;
const OF_POINTS = 'must be points 0..10000';

/** Other values of a policy; absent ones stay as they were in force at the time of each case. */
export class WhatIfBody {
  @ApiProperty(POINTS)
  @IsOptional()
  @IsInt({ message: OF_POINTS })
  @Min(0, { message: OF_POINTS })
  @Max(10_000, { message: OF_POINTS })
  holdMarginPoints?: number;

  @ApiProperty(POINTS)
  @IsOptional()
  @IsInt({ message: OF_POINTS })
  @Min(0, { message: OF_POINTS })
  @Max(10_000, { message: OF_POINTS })
  cardMatchPointsMin?: number;

  @ApiProperty(POINTS)
  @IsOptional()
  @IsInt({ message: OF_POINTS })
  @Min(0, { message: OF_POINTS })
  @Max(10_000, { message: OF_POINTS })
  referralPointsMin?: number;

  @ApiProperty(POINTS)
  @IsOptional()
  @IsInt({ message: OF_POINTS })
  @Min(0, { message: OF_POINTS })
  @Max(10_000, { message: OF_POINTS })
  registeredMatchPointsMin?: number;

  @ApiProperty({ required: false })
  @IsOptional()
  @IsBoolean({ message: 'must be true or false' })
  holdInReferralBand?: boolean;

  @ApiProperty({ required: false })
  @IsOptional()
  @IsBoolean({ message: 'must be true or false' })
  holdOnRegisteredMismatch?: boolean;
}

export class WhatIfAnswer implements SignedWhatIf {
  @ApiProperty({ description: 'Signed statement: history, change, counts, digest of the report' })
  note!: string;

  @ApiProperty({
    type: 'object',
    additionalProperties: true,
    description:
      'Which cases flip, by booth and month; `later` and `countedAs` of each, and `officers`, say what officers ' +
      'decided of them (docs/audit.md)',
  })
  report!: WhatIfReport;

  @ApiProperty({ type: [String] })
  successions!: readonly string[];
}
