import { ApiProperty } from '@nestjs/swagger';
import { applyDecorators } from '@nestjs/common';
import { IsIn, IsOptional, IsString, Length } from 'class-validator';
import { CertifiedAnswer } from '../audit/list.dto.js';
import type { ToldOpinion } from '../../application/queries/questions.js';
import type { ViewedImage } from '../../domain/access/access.events.js';
import {
  OFFICER_OPINIONS,
  OPINION_REASONS,
  type OfficerOpinion,
  type OpinionReason,
} from '../../domain/hold-review/hold-review.events.js';
import type {
  HoldRow,
  PublicStatus,
  RequestStatusRow,
  TimelineRow,
} from '../../application/ports/store/read-models.js';

export const RESOLUTIONS = ['released', 'rejected', 'recapture'] as const;
export type Resolution = (typeof RESOLUTIONS)[number];
export const IMAGE_FORMATS = ['displayable', 'original'] as const;
export const VIEWED_IMAGES = ['photo', 'card_face', 'registered_face'] as const satisfies readonly ViewedImage[];
const HOLD_REASONS = [
  'registered_gap',
  'registered_mismatch',
  'referral_band',
  'frames_inconsistent',
  'portrait_doubtful',
  'erased_before',
  'card_differs',
  'card_unconfirmed',
] as const;
/** `closed`: the case cannot go on. */
const HOLD_OUTCOMES = ['released', 'rejected', 'recapture', 'expired', 'closed'] as const;

const NOTE_CHARACTERS_MAX = 500;

/** Words of an officer. */
function Note(): PropertyDecorator {
  const expected = `must be a text of 1 to ${NOTE_CHARACTERS_MAX} characters`;
  return applyDecorators(
    ApiProperty({
      type: 'string',
      required: false,
      minLength: 1,
      maxLength: NOTE_CHARACTERS_MAX,
      description:
        'Words beside the opinion, for who reads the hold when both opinions are in. They lie sealed with what is kept of the person and are erased with it; they do not stand in the log',
    }),
    IsOptional(),
    IsString({ message: expected }),
    Length(1, NOTE_CHARACTERS_MAX, { message: expected }),
  ) as PropertyDecorator;
}

export class OpinionBody {
  @ApiProperty({ enum: OFFICER_OPINIONS })
  @IsIn(OFFICER_OPINIONS, { message: `must be one of ${OFFICER_OPINIONS.join(', ')}` })
  opinion!: OfficerOpinion;

  @ApiProperty({ enum: OPINION_REASONS })
  @IsIn(OPINION_REASONS, { message: `must be one of ${OPINION_REASONS.join(', ')}` })
  reason!: OpinionReason;

  @Note()
  note?: string;
}

export class ResolutionBody {
  @ApiProperty({ enum: RESOLUTIONS })
  @IsIn(RESOLUTIONS, { message: `must be one of ${RESOLUTIONS.join(', ')}` })
  outcome!: Resolution;

  @ApiProperty({ enum: OPINION_REASONS })
  @IsIn(OPINION_REASONS, { message: `must be one of ${OPINION_REASONS.join(', ')}` })
  reason!: OpinionReason;

  @Note()
  note?: string;
}

const PUBLIC_STATUSES = [
  'received',
  'processing',
  'registered',
  'not_registered',
  'visit_again',
] as const satisfies readonly PublicStatus[];

export class CaseAnswer implements RequestStatusRow {
  @ApiProperty({ format: 'uuid' })
  requestId!: string;

  @ApiProperty()
  receipt!: string;

  @ApiProperty({ enum: PUBLIC_STATUSES })
  status!: PublicStatus;

  @ApiProperty({ format: 'date-time' })
  updatedAtUtc!: string;
}

const POINTS = { type: 'integer', minimum: 0, maximum: 10_000 } as const;

export class HoldAnswer implements HoldRow {
  @ApiProperty({ format: 'uuid' })
  requestId!: string;

  @ApiProperty()
  boothId!: string;

  @ApiProperty({ enum: HOLD_REASONS })
  reason!: HoldRow['reason'];

  @ApiProperty({ ...POINTS, description: 'S(captured, card)' })
  cardPoints!: number;

  @ApiProperty({ ...POINTS, nullable: true, description: 'S(captured, registered)' })
  registeredPoints!: number | null;

  @ApiProperty({ type: 'integer', nullable: true, description: 'S(card) − S(registered)' })
  differencePoints!: number | null;

  @ApiProperty({
    ...POINTS,
    nullable: true,
    description: 'The set value that was reached; null where the reason is none of points',
  })
  boundPoints!: number | null;

  @ApiProperty({ type: 'integer', nullable: true })
  policyVersion!: number | null;

  @ApiProperty({ format: 'date-time' })
  openedAtUtc!: string;

  @ApiProperty({ format: 'date-time', description: 'Nobody having resolved it by then, the hold expires' })
  dueAtUtc!: string;

  @ApiProperty({ type: 'integer', minimum: 0, description: 'How many opinions are in' })
  opinions!: number;

  @ApiProperty({ enum: HOLD_OUTCOMES, nullable: true, type: 'string', description: 'null while open' })
  outcome!: HoldRow['outcome'];
}

export class CertifiedHoldAnswer extends HoldAnswer {
  @ApiProperty({ type: [String], description: 'Tokens of the officers who decided; empty while open' })
  officers!: readonly string[];

  @ApiProperty({ format: 'date-time', nullable: true, type: 'string' })
  resolvedAtUtc!: string | null;
}

export class HoldsAnswer extends CertifiedAnswer {
  @ApiProperty({ type: [CertifiedHoldAnswer] })
  holds!: readonly CertifiedHoldAnswer[];
}

export class OpinionAnswer {
  @ApiProperty()
  officer!: string;

  @ApiProperty({ enum: OFFICER_OPINIONS })
  opinion!: OfficerOpinion;

  @ApiProperty({ enum: OPINION_REASONS })
  reason!: OpinionReason;

  @ApiProperty({
    type: 'array',
    nullable: true,
    items: { type: 'string', enum: [...VIEWED_IMAGES] },
    description: 'Pictures of the case that the officer had opened by then; null for opinions of before this was kept',
  })
  seen!: readonly ViewedImage[] | null;

  @ApiProperty({ description: 'Whether words were written beside it' })
  hasNote!: boolean;
}

/** In the hold itself, which is a look on record. */
export class ToldOpinionAnswer extends OpinionAnswer implements ToldOpinion {
  @ApiProperty({
    type: 'string',
    nullable: true,
    description: 'null: none was written, or, where `hasNote`, it was erased with the person',
  })
  note!: string | null;
}

export class WordsAnswer {
  @ApiProperty()
  ja!: string;

  @ApiProperty()
  en!: string;
}

export class HoldDetailAnswer {
  @ApiProperty({ type: HoldAnswer })
  hold!: HoldRow;

  @ApiProperty({ type: [ToldOpinionAnswer], description: "Only the asking officer's own until both are in" })
  opinions!: readonly ToldOpinionAnswer[];

  @ApiProperty({ type: [WordsAnswer], description: 'What the scores mean under the policy that decided' })
  explanation!: readonly WordsAnswer[];
}

export class ReviewAnswer {
  @ApiProperty({ format: 'uuid' })
  requestId!: string;

  @ApiProperty({ enum: ['open', 'resolved'] })
  stage!: 'open' | 'resolved';

  @ApiProperty({ enum: HOLD_OUTCOMES, nullable: true, type: 'string', description: 'null while open' })
  outcome!: HoldRow['outcome'];

  @ApiProperty({ type: [OpinionAnswer], description: "Only the asking officer's own until both are in" })
  opinions!: readonly OpinionAnswer[];
}

export class TimelineRowAnswer implements TimelineRow {
  @ApiProperty({ description: 'Place in the log: opaque, ordered', pattern: '^\\d+$' })
  position!: string;

  @ApiProperty({ format: 'date-time' })
  recordedAtUtc!: string;

  @ApiProperty()
  stream!: string;

  @ApiProperty({ type: 'integer', minimum: 0 })
  revision!: number;

  @ApiProperty({ example: 'FaceMatched' })
  type!: string;

  @ApiProperty({ example: 'system:saga' })
  actor!: string;

  @ApiProperty({ type: 'integer', nullable: true })
  policyVersion!: number | null;

  @ApiProperty({
    type: 'object',
    additionalProperties: true,
    description: 'The event\'s facts; `{"withheld": true}` for another officer\'s opinion while the review is open',
  })
  data!: unknown;
}

export class HistoryAnswer {
  @ApiProperty({ format: 'uuid' })
  requestId!: string;

  @ApiProperty({
    format: 'date-time',
    nullable: true,
    type: 'string',
    description: 'The instant that was asked for; null: now',
  })
  atUtc!: string | null;

  @ApiProperty({ type: 'integer', nullable: true, description: 'The position in the log that was asked for' })
  position!: number | null;

  @ApiProperty({ type: [TimelineRowAnswer] })
  events!: readonly TimelineRow[];
}
