import { ApiProperty } from '@nestjs/swagger';
import type { ListAnswer } from '../../application/audit/audit-lists.js';
import type { ListDifference } from '../../application/access/view-records.js';
import type { ClippedMoment } from '../../application/audit/moments.js';
import type { ClippedBound } from '../../domain/audit/lists/list-certificate.js';
import { LISTS, type ListName } from '../../domain/audit/lists/list-drawer.js';
import type { JsonObject } from '../../domain/event-envelope.js';

const OBJECT = { type: 'object', additionalProperties: true } as const;
const ANY = {
  oneOf: ['string', 'number', 'boolean', 'null', 'object']
    .map((type) => ({ type }))
    .concat([{ type: 'array', items: {} } as never]),
} as object;
const CLIPPED = ['before_the_first_event', 'after_the_latest_event'] as const;
const COUNT = { type: 'integer', minimum: 0 } as const;

export class ListMoment {
  @ApiProperty({ ...COUNT, description: 'Place of the newest entry of the signed log that was looked at' })
  position!: number;

  @ApiProperty({ format: 'date-time' })
  atUtc!: string;

  @ApiProperty({
    description:
      'False when the signed log is behind what was stored when the question came: the list speaks up to `position` and not beyond',
  })
  isNewest!: boolean;

  @ApiProperty({ ...COUNT, description: 'Entries of the tree that the certificate speaks about' })
  treeSize!: number;
}

export class ListPage {
  @ApiProperty(COUNT)
  offset!: number;

  @ApiProperty(COUNT)
  rows!: number;

  @ApiProperty({ ...COUNT, description: 'Rows of the whole list' })
  of!: number;
}

export class ClippedBoundAnswer implements ClippedBound {
  @ApiProperty({ enum: ['from', 'to'] })
  bound!: 'from' | 'to';

  @ApiProperty({ format: 'date-time' })
  askedUtc!: string;

  @ApiProperty({ format: 'date-time', description: 'What was taken instead, as `query` has it' })
  usedUtc!: string;

  @ApiProperty({ enum: CLIPPED })
  why!: ClippedBound['why'];
}

/** What every list has besides its rows. */
export class CertifiedAnswer {
  @ApiProperty({ enum: LISTS })
  list!: ListName;

  @ApiProperty({ ...OBJECT, description: 'The filter as it was asked' })
  query!: JsonObject;

  @ApiProperty({
    description:
      'Signed note: list, query, moment, tree, count of all rows, digests of all rows and of this page (docs/audit.md)',
  })
  certificate!: string;

  @ApiProperty({ description: 'Signed checkpoint of the tree that the certificate speaks about' })
  checkpoint!: string;

  @ApiProperty({ type: [String], description: 'Notes in which a key of the log vouches for the next' })
  successions!: readonly string[];

  @ApiProperty({ ...OBJECT, description: 'Who the tokens stand for, where it was asked: token to person and salt' })
  openings!: ListAnswer['openings'];

  @ApiProperty({ type: 'string', nullable: true, description: 'The cursor of the next page; null on the last' })
  next!: string | null;

  @ApiProperty({ type: ListMoment })
  asOf!: ListMoment;

  @ApiProperty({ type: ListPage })
  page!: ListPage;

  @ApiProperty({
    type: [ClippedBoundAnswer],
    required: false,
    description: 'Bounds that lay outside of what the log can tell of; there only where `from` or `to` was asked for',
  })
  clipped?: readonly ClippedBoundAnswer[];
}

export class AuditListAnswer extends CertifiedAnswer implements ListAnswer {
  @ApiProperty({ type: 'array', items: OBJECT })
  rows!: readonly JsonObject[];
}

export class RequestRowAnswer {
  @ApiProperty({ format: 'uuid' })
  requestId!: string;

  @ApiProperty()
  boothId!: string;

  @ApiProperty({ example: 'GOVERNMENT_SUBMISSION' })
  mode!: string;

  @ApiProperty({ format: 'date-time' })
  receivedAtUtc!: string;

  @ApiProperty({ example: 'accepted' })
  stage!: string;

  @ApiProperty({ format: 'date-time' })
  changedAtUtc!: string;
}

export class CasesAnswer extends CertifiedAnswer {
  @ApiProperty({ type: [RequestRowAnswer] })
  cases!: readonly object[];
}

export class BoothRowAnswer {
  @ApiProperty()
  boothId!: string;

  @ApiProperty({ enum: ['enrolled', 'suspended'] })
  state!: string;

  @ApiProperty({ type: 'integer', minimum: 1 })
  keyVersion!: number;

  @ApiProperty({ format: 'date-time' })
  changedAtUtc!: string;
}

export class BoothsAnswer extends CertifiedAnswer {
  @ApiProperty({ type: [BoothRowAnswer] })
  booths!: readonly object[];
}

export class MomentAnswer {
  @ApiProperty({ required: false, ...COUNT })
  position?: number;

  @ApiProperty({ required: false, format: 'date-time' })
  atUtc?: string;
}

export class ClippedMomentAnswer implements ClippedMoment {
  @ApiProperty({ enum: ['from', 'to'] })
  bound!: 'from' | 'to';

  @ApiProperty({ type: MomentAnswer })
  asked!: ClippedMoment['asked'];

  @ApiProperty({
    enum: CLIPPED,
    description: 'Before the first event nothing was known; after the latest one what is known now was taken',
  })
  why!: ClippedMoment['why'];
}

export class MemberDifferenceAnswer {
  @ApiProperty({ description: 'Members from the outside in, joined by dots' })
  path!: string;

  @ApiProperty({ ...ANY, description: 'null where it was not there' })
  before!: unknown;

  @ApiProperty({ ...ANY, description: 'null where it is not there any more' })
  after!: unknown;
}

export class ChangedRowAnswer {
  @ApiProperty()
  key!: string;

  @ApiProperty({ type: [MemberDifferenceAnswer] })
  differences!: readonly MemberDifferenceAnswer[];
}

export class ListDifferenceAnswer implements ListDifference {
  @ApiProperty({ type: MomentAnswer })
  from!: ListDifference['from'];

  @ApiProperty({ type: MomentAnswer })
  to!: ListDifference['to'];

  @ApiProperty({ type: [ClippedMomentAnswer], description: 'Bounds that lay outside of the log' })
  clipped!: readonly ClippedMomentAnswer[];

  @ApiProperty({ type: 'array', items: OBJECT })
  added!: readonly JsonObject[];

  @ApiProperty({ type: 'array', items: OBJECT })
  removed!: readonly JsonObject[];

  @ApiProperty({ type: [ChangedRowAnswer] })
  changed!: ListDifference['changed'];
}
