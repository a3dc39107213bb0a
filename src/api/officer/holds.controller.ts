import { Controller, Get, HttpCode, Param, Post, Query, Req } from '@nestjs/common';
import { CommandBus, QueryBus } from '@nestjs/cqrs';
import { ApiBody, ApiHeader, ApiOperation, ApiParam, ApiQuery, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import { GiveOpinion, ResolveHold } from '../../application/commands/review-hold.js';
import type { Outcome } from '../../application/outcome.js';
import { GetHold, ListHolds, type HoldDetail } from '../../application/queries/questions.js';
import { visibleOpinions, type HoldReviewState } from '../../domain/hold-review/hold-review.js';
import type { HoldRow } from '../../application/ports/read-models.js';
import { found, valueOf } from '../answer.js';
import { Roles, SignedIn, type SignedInPerson } from '../auth/roles.js';
import { SignedInProblems } from '../openapi.js';
import { ProblemError } from '../problems.js';
import { commandIdOf, invalid, jsonBody, requestIdOf } from '../signed-in-request.js';
import { HoldDetailAnswer, HoldsAnswer, OpinionBody, ResolutionBody, ReviewAnswer } from './officer.dto.js';

const LIMIT_DEFAULT = 50;
const LIMIT_MAX = 200;
const IDEMPOTENCY = { name: 'Idempotency-Key', required: false, description: 'The same key, person and body: carried out once', schema: { type: 'string' } } as const;

/** The desk of the officers who decide on held cases: two of them, blind to each other. */
@ApiTags('Officers')
@Controller('v1/holds')
export class HoldsController {
  constructor(
    private readonly commands: CommandBus,
    private readonly queries: QueryBus,
  ) {}

  @Get()
  @Roles('officer', 'auditor')
  @ApiOperation({ operationId: 'listHolds', summary: 'Open holds, the ones due first at the top' })
  @ApiQuery({ name: 'include', required: false, schema: { type: 'string', enum: ['resolved'] } })
  @ApiQuery({ name: 'limit', required: false, schema: { type: 'integer', minimum: 1, maximum: LIMIT_MAX, default: LIMIT_DEFAULT } })
  @ApiResponse({ status: 200, type: HoldsAnswer, description: 'The holds' })
  @SignedInProblems('invalid_request')
  async list(@Query('include') include: unknown, @Query('limit') limit: unknown): Promise<HoldsAnswer> {
    if (include !== undefined && include !== 'resolved') throw invalid({ pointer: '', expected: 'the query parameter include is absent or "resolved"' });
    const holds = await this.queries.execute<ListHolds, readonly HoldRow[]>(new ListHolds(include === 'resolved', limitOf(limit)));
    return { holds };
  }

  @Get(':requestId')
  @Roles('officer', 'auditor')
  @ApiOperation({ operationId: 'getHold', summary: 'One hold with the opinions that the asking person may see' })
  @ApiParam({ name: 'requestId', schema: { type: 'string', format: 'uuid' } })
  @ApiResponse({ status: 200, type: HoldDetailAnswer, description: 'The hold' })
  @SignedInProblems('not_found')
  async get(@Param('requestId') requestId: string, @SignedIn() person: SignedInPerson): Promise<HoldDetailAnswer> {
    return found(await this.queries.execute<GetHold, HoldDetail | null>(new GetHold(requestIdOf(requestId), person.subject)));
  }

  @Post(':requestId/opinions')
  @Roles('officer')
  @HttpCode(200)
  @ApiOperation({ operationId: 'giveOpinion', summary: "An officer's opinion, given without knowing the other's" })
  @ApiParam({ name: 'requestId', schema: { type: 'string', format: 'uuid' } })
  @ApiHeader(IDEMPOTENCY)
  @ApiBody({ type: OpinionBody })
  @ApiResponse({ status: 200, type: ReviewAnswer, description: 'The review as the officer may see it' })
  @SignedInProblems('invalid_request', 'my_number_present', 'unsupported_media_type', 'request_too_large', 'not_found', 'hold_not_open', 'opinion_already_given', 'outcome_unknown')
  async giveOpinion(@Param('requestId') requestId: string, @Req() request: FastifyRequest, @SignedIn() person: SignedInPerson): Promise<ReviewAnswer> {
    const { opinion, reason } = jsonBody(OpinionBody, request);
    const outcome = await this.commands.execute<GiveOpinion, Outcome<HoldReviewState>>(new GiveOpinion(commandIdOf(request, person), requestIdOf(requestId), person.subject, opinion, reason));
    return reviewAnswer(valueOf(outcome), person.subject);
  }

  @Post(':requestId/resolution')
  @Roles('officer')
  @HttpCode(200)
  @ApiOperation({ operationId: 'resolveHold', summary: 'Ends a hold as both opinions say, or by a third officer where they differ' })
  @ApiParam({ name: 'requestId', schema: { type: 'string', format: 'uuid' } })
  @ApiHeader(IDEMPOTENCY)
  @ApiBody({ type: ResolutionBody })
  @ApiResponse({ status: 200, type: ReviewAnswer, description: 'The resolved review' })
  @SignedInProblems('invalid_request', 'my_number_present', 'unsupported_media_type', 'request_too_large', 'not_found', 'hold_not_open', 'opinions_missing', 'outcome_differs_from_opinions', 'third_officer_needed', 'outcome_unknown')
  async resolve(@Param('requestId') requestId: string, @Req() request: FastifyRequest, @SignedIn() person: SignedInPerson): Promise<ReviewAnswer> {
    const { outcome, reason } = jsonBody(ResolutionBody, request);
    const result = await this.commands.execute<ResolveHold, Outcome<HoldReviewState>>(new ResolveHold(commandIdOf(request, person), requestIdOf(requestId), person.subject, outcome, reason));
    return reviewAnswer(valueOf(result), person.subject);
  }
}

/** The command answers with the whole state; what goes out is only what this officer may see, or the review would not be blind. */
function reviewAnswer(state: HoldReviewState, officer: string): ReviewAnswer {
  if (state.stage === 'none') throw new ProblemError('not_found');
  return { requestId: state.requestId, stage: state.stage, outcome: state.stage === 'resolved' ? state.outcome : null, opinions: visibleOpinions(state, officer) };
}

function limitOf(text: unknown): number {
  if (text === undefined) return LIMIT_DEFAULT;
  const limit = typeof text === 'string' && /^\d{1,3}$/.test(text) ? Number(text) : 0;
  if (limit < 1 || limit > LIMIT_MAX) throw invalid({ pointer: '', expected: `the query parameter limit is an integer 1..${LIMIT_MAX}` });
  return limit;
}
