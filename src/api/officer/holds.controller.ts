import { randomUUID } from 'node:crypto';
import { Controller, Get, HttpCode, Param, Post, Query, Req } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { ApiOperation, ApiParam, ApiQuery, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import type { ListAnswer } from '../../application/audit/audit-lists.js';
import { GiveOpinion, ResolveHold, WithdrawOpinion } from '../../application/commands/review-hold.js';
import { ViewHold, ViewList } from '../../application/access/view-records.js';
import type { Outcome } from '../../application/decisions/outcome.js';
import type { HoldDetail } from '../../application/queries/questions.js';
import { visibleOpinions, type HoldReviewState } from '../../domain/hold-review/hold-review.js';
import { BoundsQuery, listQuestion, PagingQuery, type QueryParameters } from '../audit/list-question.js';
import { valueOf } from '../contract/answer.js';
import { Roles, SignedIn, type SignedInPerson } from '../auth/roles.js';
import { CarriedOutOnce, SignedInProblems, StatedIn } from '../contract/openapi.js';
import { ProblemError } from '../contract/problems.js';
import { CommandIds } from '../contract/command-ids.js';
import { jsonBody, requestIdOf } from '../signed-in-request.js';
import {
  type CertifiedHoldAnswer,
  HoldDetailAnswer,
  HoldsAnswer,
  OpinionBody,
  ResolutionBody,
  ReviewAnswer,
} from './officer.dto.js';

/** The desk of the officers who decide on held cases: two of them, blind to each other. */
@ApiTags('Officers')
@Controller('v1/holds')
export class HoldsController {
  constructor(
    private readonly commands: CommandBus,
    private readonly ids: CommandIds,
  ) {}

  @Get()
  @Roles('officer', 'auditor')
  @ApiOperation({
    operationId: 'listHolds',
    summary: 'Open holds, the ones due first at the top, with a certificate of completeness. The look is on record',
  })
  @ApiQuery({ name: 'include', required: false, schema: { type: 'string', enum: ['resolved'] } })
  @ApiQuery({ name: 'boothId', required: false, schema: { type: 'string' } })
  @BoundsQuery()
  @PagingQuery()
  @ApiResponse({ status: 200, type: HoldsAnswer, description: 'The holds' })
  @SignedInProblems('invalid_request', 'audit_log_unavailable')
  async list(@Query() query: QueryParameters, @SignedIn() person: SignedInPerson): Promise<HoldsAnswer> {
    const question = listQuestion('holds', query, { isNowOnly: true });
    const { rows, ...certified } = valueOf(
      await this.commands.execute<ViewList, Outcome<ListAnswer>>(new ViewList(randomUUID(), person.subject, question)),
    );
    return { holds: rows as unknown as readonly CertifiedHoldAnswer[], ...certified };
  }

  @Get(':requestId')
  @Roles('officer', 'auditor')
  @ApiOperation({
    operationId: 'getHold',
    summary: 'One hold with the opinions that the asking person may see. The look is on record',
  })
  @ApiParam({ name: 'requestId', schema: { type: 'string', format: 'uuid' } })
  @ApiResponse({ status: 200, type: HoldDetailAnswer, description: 'The hold' })
  @SignedInProblems('not_found')
  async get(@Param('requestId') requestId: string, @SignedIn() person: SignedInPerson): Promise<HoldDetailAnswer> {
    return valueOf(
      await this.commands.execute<ViewHold, Outcome<HoldDetail>>(
        new ViewHold(randomUUID(), person.subject, requestIdOf(requestId)),
      ),
    );
  }

  @Post(':requestId/opinions')
  @Roles('officer')
  @HttpCode(200)
  @ApiOperation({ operationId: 'giveOpinion', summary: "An officer's opinion, given without knowing the other's" })
  @ApiParam({ name: 'requestId', schema: { type: 'string', format: 'uuid' } })
  @ApiResponse({ status: 200, type: ReviewAnswer, description: 'The review as the officer may see it' })
  @StatedIn(
    OpinionBody,
    'not_found',
    'hold_not_open',
    'opinion_already_given',
    'opinion_contradicts_reason',
    'read_side_behind',
  )
  async giveOpinion(
    @Param('requestId') requestId: string,
    @Req() request: FastifyRequest,
    @SignedIn() person: SignedInPerson,
  ): Promise<ReviewAnswer> {
    const { opinion, reason, note } = jsonBody(OpinionBody, request);
    const id = requestIdOf(requestId);
    const command = new GiveOpinion(
      await this.ids.of(request, person),
      id,
      person.subject,
      opinion,
      reason,
      note ?? null,
    );
    const outcome = await this.commands.execute<GiveOpinion, Outcome<HoldReviewState>>(command);
    return reviewAnswer(valueOf(outcome), person.subject);
  }

  @Post(':requestId/opinions/withdrawal')
  @Roles('officer')
  @HttpCode(200)
  @ApiOperation({
    operationId: 'withdrawOpinion',
    summary: "Takes the asking officer's own opinion back, until the second one is in",
  })
  @ApiParam({ name: 'requestId', schema: { type: 'string', format: 'uuid' } })
  @ApiResponse({ status: 200, type: ReviewAnswer, description: 'The review as the officer may see it' })
  @CarriedOutOnce('not_found', 'hold_not_open', 'opinion_not_given', 'opinions_complete')
  async withdrawOpinion(
    @Param('requestId') requestId: string,
    @Req() request: FastifyRequest,
    @SignedIn() person: SignedInPerson,
  ): Promise<ReviewAnswer> {
    const id = requestIdOf(requestId);
    const command = new WithdrawOpinion(await this.ids.of(request, person), id, person.subject);
    const outcome = await this.commands.execute<WithdrawOpinion, Outcome<HoldReviewState>>(command);
    return reviewAnswer(valueOf(outcome), person.subject);
  }

  @Post(':requestId/resolution')
  @Roles('officer')
  @HttpCode(200)
  @ApiOperation({
    operationId: 'resolveHold',
    summary: 'Ends a hold as both opinions say, or by a third officer where they differ',
  })
  @ApiParam({ name: 'requestId', schema: { type: 'string', format: 'uuid' } })
  @ApiResponse({ status: 200, type: ReviewAnswer, description: 'The resolved review' })
  @StatedIn(
    ResolutionBody,
    'not_found',
    'hold_not_open',
    'opinions_missing',
    'outcome_differs_from_opinions',
    'third_officer_needed',
    'opinion_contradicts_reason',
    'read_side_behind',
  )
  async resolve(
    @Param('requestId') requestId: string,
    @Req() request: FastifyRequest,
    @SignedIn() person: SignedInPerson,
  ): Promise<ReviewAnswer> {
    const { outcome, reason, note } = jsonBody(ResolutionBody, request);
    const id = requestIdOf(requestId);
    const command = new ResolveHold(
      await this.ids.of(request, person),
      id,
      person.subject,
      outcome,
      reason,
      note ?? null,
    );
    const result = await this.commands.execute<ResolveHold, Outcome<HoldReviewState>>(command);
    return reviewAnswer(valueOf(result), person.subject);
  }
}

/** The command answers with the whole state; what goes out is only what this officer may see, or the review would not
 * be blind. */
function reviewAnswer(state: HoldReviewState, officer: string): ReviewAnswer {
  if (state.stage === 'none') throw new ProblemError('not_found');
  return {
    requestId: state.requestId,
    stage: state.stage,
    outcome: state.stage === 'resolved' ? state.outcome : null,
    opinions: visibleOpinions(state, officer).map(({ note, ...opinion }) => ({ ...opinion, hasNote: note !== null })),
  };
}
