import { randomUUID } from 'node:crypto';
import { Controller, Get, HttpCode, Param, Post, Query, Req, Res } from '@nestjs/common';
import { CommandBus, QueryBus } from '@nestjs/cqrs';
import { ApiOperation, ApiParam, ApiQuery, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { ResumeEffect } from '../../application/commands/resume-effect.js';
import { ViewImage, type ViewedBytes } from '../../application/commands/view-image.js';
import type { Outcome } from '../../application/outcome.js';
import type { RequestStatusRow, TimelineRow } from '../../application/ports/read-models.js';
import { FindCase, ReplayCase } from '../../application/queries/questions.js';
import { OPINIONS_NEEDED } from '../../domain/hold-review/hold-review.js';
import { isInstant } from '../../domain/values/instant.js';
import { found, valueOf } from '../answer.js';
import { writtenReceipt } from '../booth/receipt.js';
import { AccessRefusals } from '../auth/access-refusals.js';
import { Roles, SignedIn, type Role, type SignedInPerson } from '../auth/roles.js';
import { SignedInProblems } from '../openapi.js';
import { ProblemError } from '../problems.js';
import { commandIdOf, invalid, requestIdOf } from '../signed-in-request.js';
import { CaseAnswer, HistoryAnswer, IMAGE_FORMATS, PURPOSES, VIEWED_IMAGES, type Purpose } from './officer.dto.js';

/** Who may look at a face for what. An administrator never does. */
const PURPOSE_ROLES: Readonly<Record<Purpose, readonly Role[]>> = { hold_review: ['officer'], audit: ['auditor'], disclosure: ['officer', 'auditor'] };
const EFFECT_ID = /^[A-Za-z0-9:._-]{1,200}$/;

/** Single cases: their history at any instant, and their pictures. */
@ApiTags('Officers')
@Controller('v1/cases')
export class CasesController {
  constructor(
    private readonly commands: CommandBus,
    private readonly queries: QueryBus,
    private readonly refusals: AccessRefusals,
  ) {}

  @Get()
  @Roles('officer', 'auditor')
  @ApiOperation({ operationId: 'findCase', summary: 'The case that a receipt belongs to' })
  @ApiQuery({ name: 'receipt', required: true, schema: { type: 'string' } })
  @ApiResponse({ status: 200, type: CaseAnswer, description: 'The case' })
  @SignedInProblems('not_found', 'read_side_behind')
  async find(@Query('receipt') receipt: unknown): Promise<CaseAnswer> {
    const written = writtenReceipt(receipt);
    return found(written === null ? null : await this.queries.execute<FindCase, RequestStatusRow | null>(new FindCase(written)));
  }

  @Get(':requestId/history')
  @Roles('officer', 'auditor')
  @ApiOperation({ operationId: 'replayCase', summary: "A case's history now, or as it was known at an instant" })
  @ApiParam({ name: 'requestId', schema: { type: 'string', format: 'uuid' } })
  @ApiQuery({ name: 'at', required: false, description: 'ISO-8601 UTC, inclusive', schema: { type: 'string', format: 'date-time' } })
  @ApiResponse({ status: 200, type: HistoryAnswer, description: 'The events in log order' })
  @SignedInProblems('invalid_request', 'not_found', 'read_side_behind')
  async history(@Param('requestId') text: string, @Query('at') at: unknown, @SignedIn() person: SignedInPerson): Promise<HistoryAnswer> {
    const atUtc = instantOf(at);
    const requestId = requestIdOf(text);
    const events = await this.replay(requestId, atUtc);
    if (events.length === 0) throw new ProblemError('not_found');
    // Whether the review is over is a question to the present, also when the past is shown: else a look back would end the blindness.
    const present = atUtc === null ? events : await this.replay(requestId, null);
    return { requestId, atUtc, events: reviewIsBlind(present) ? events.map((row) => withoutOthersOpinion(row, person.subject)) : events };
  }

  @Get(':requestId/images/:image')
  @Roles('officer', 'auditor')
  @ApiOperation({ operationId: 'viewImage', summary: 'A picture of the case. That somebody looked, and why, is on record before it is given out' })
  @ApiParam({ name: 'requestId', schema: { type: 'string', format: 'uuid' } })
  @ApiParam({ name: 'image', schema: { type: 'string', enum: [...VIEWED_IMAGES] } })
  @ApiQuery({ name: 'purpose', required: true, schema: { type: 'string', enum: [...PURPOSES] } })
  @ApiQuery({ name: 'format', required: false, description: 'The face of a card is JPEG 2000, which no browser shows: displayable (default) gives it as PNG, original as it came from the card', schema: { type: 'string', enum: [...IMAGE_FORMATS], default: 'displayable' } })
  @ApiResponse({ status: 200, description: 'The picture', content: { 'image/jpeg': {}, 'image/png': {}, 'image/jp2': {} } })
  @SignedInProblems('invalid_request', 'not_found', 'outcome_unknown', 'picture_busy')
  async image(@Param('requestId') text: string, @Param('image') imageText: string, @Query('purpose') purposeText: unknown, @Query('format') formatText: unknown = 'displayable', @SignedIn() person: SignedInPerson, @Res() reply: FastifyReply): Promise<void> {
    const image = VIEWED_IMAGES.find((known) => known === imageText);
    const purpose = PURPOSES.find((known) => known === purposeText);
    if (!image) throw new ProblemError('not_found');
    if (!purpose) throw invalid({ pointer: '', expected: `the query parameter purpose is one of ${PURPOSES.join(', ')}` });
    const format = IMAGE_FORMATS.find((known) => known === formatText);
    if (!format) throw invalid({ pointer: '', expected: `the query parameter format is one of ${IMAGE_FORMATS.join(', ')}` });
    const requestId = requestIdOf(text);
    if (!PURPOSE_ROLES[purpose].some((role) => person.roles.includes(role))) {
      await this.refusals.refuse(person, `GET /v1/cases/:requestId/images/${image}`, `purpose_not_for_role:${purpose}`);
    }
    // A fresh id every time: each look is a look of its own on record.
    const seen = valueOf(await this.commands.execute<ViewImage, Outcome<ViewedBytes>>(new ViewImage(randomUUID(), requestId, person.subject, image, purpose, format)));
    reply.header('content-type', seen.contentType).header('content-disposition', 'inline').header('content-security-policy', "default-src 'none'; sandbox").send(Buffer.from(seen.bytes));
  }

  @Post(':requestId/effects/:effectId/resumption')
  @Roles('administrator')
  @HttpCode(204)
  @ApiTags('Administrators')
  @ApiOperation({ operationId: 'resumeEffect', summary: 'Lets a step that was given up on be tried again' })
  @ApiParam({ name: 'requestId', schema: { type: 'string', format: 'uuid' } })
  @ApiParam({ name: 'effectId', schema: { type: 'string', pattern: EFFECT_ID.source } })
  @ApiResponse({ status: 204, description: 'It will be tried again' })
  @SignedInProblems('not_found', 'wrong_stage', 'outcome_unknown')
  async resume(@Param('requestId') requestId: string, @Param('effectId') effectId: string, @Req() request: FastifyRequest, @SignedIn() person: SignedInPerson): Promise<void> {
    if (!EFFECT_ID.test(effectId)) throw new ProblemError('not_found');
    valueOf(await this.commands.execute<ResumeEffect, Outcome<void>>(new ResumeEffect(commandIdOf(request, person), requestIdOf(requestId), effectId, person.subject)));
  }

  private replay(requestId: string, atUtc: string | null): Promise<readonly TimelineRow[]> {
    return this.queries.execute<ReplayCase, readonly TimelineRow[]>(new ReplayCase(requestId, atUtc));
  }
}

function instantOf(at: unknown): string | null {
  if (at === undefined) return null;
  if (typeof at !== 'string' || !isInstant(at)) throw invalid({ pointer: '', expected: 'the query parameter at is an ISO-8601 instant in UTC' });
  return at;
}

function reviewIsBlind(rows: readonly TimelineRow[]): boolean {
  return !rows.some((row) => row.type === 'HoldResolved') && rows.filter((row) => row.type === 'OpinionGiven').length < OPINIONS_NEEDED;
}

/** That somebody gave an opinion stays visible; who and which does not. */
function withoutOthersOpinion(row: TimelineRow, officer: string): TimelineRow {
  const own = (row.data as { officer?: unknown } | null)?.officer === officer;
  return row.type === 'OpinionGiven' && !own ? { ...row, actor: 'officer:withheld', data: { withheld: true } } : row;
}
