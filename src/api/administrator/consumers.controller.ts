import { randomUUID } from 'node:crypto';
import { Controller, Get, HttpCode, Param, Post, Req } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { ApiOperation, ApiParam, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import { ProposeAct, type ToldAct } from '../../application/commands/dual-control.js';
import { ReplayParked, ResumeConsumer, ViewConsumers } from '../../application/commands/manage-consumers.js';
import type { Outcome } from '../../application/decisions/outcome.js';
import type { ConsumerView } from '../../application/subscriptions/consumers.js';
import { valueOf } from '../contract/answer.js';
import { Roles, SignedIn, type SignedInPerson } from '../auth/roles.js';
import { CommandIds } from '../contract/command-ids.js';
import { CarriedOutOnce, SignedInProblems, StatedIn } from '../contract/openapi.js';
import { ProblemError } from '../contract/problems.js';
import { jsonBody } from '../signed-in-request.js';
import { actAnswer } from './act-answer.js';
import {
  ActAnswer,
  ConsumersAnswer,
  ReplayAnswer,
  ReplayBody,
  SkipBody,
  type ConsumerAnswer,
} from './administrator.dto.js';

const CONSUMER = /^[a-z][a-z0-9-]{0,63}$/;
const CONSUMER_PARAM = { name: 'consumer', schema: { type: 'string', pattern: CONSUMER.source } } as const;

/** Parts of the server that follow the log, and what people do where one met an event that it cannot take. */
@ApiTags('Administrators')
@Controller('v1/consumers')
export class ConsumersController {
  constructor(
    private readonly commands: CommandBus,
    private readonly ids: CommandIds,
  ) {}

  @Get()
  @Roles('administrator', 'auditor')
  @ApiOperation({
    operationId: 'listConsumers',
    summary: 'Where every consumer of the log stands, and the events that it could not take',
  })
  @ApiResponse({ status: 200, type: ConsumersAnswer, description: 'The consumers of this server' })
  @SignedInProblems()
  async list(@SignedIn() person: SignedInPerson): Promise<ConsumersAnswer> {
    const question = new ViewConsumers(randomUUID(), person.subject);
    const views = await this.commands.execute<ViewConsumers, readonly ConsumerView[]>(question);
    return { consumers: views.map(consumerAnswer) };
  }

  @Post(':consumer/resumption')
  @Roles('administrator')
  @HttpCode(204)
  @ApiOperation({
    operationId: 'resumeConsumer',
    summary: 'Lets a consumer that stands still try again, after what was in its way has been put right',
  })
  @ApiParam(CONSUMER_PARAM)
  @ApiResponse({ status: 204, description: 'It tries again' })
  @CarriedOutOnce('consumer_unknown', 'consumer_not_stopped')
  async resume(
    @Param('consumer') consumer: string,
    @Req() request: FastifyRequest,
    @SignedIn() person: SignedInPerson,
  ): Promise<void> {
    const command = new ResumeConsumer(await this.ids.of(request, person), consumerOf(consumer), person.subject);
    valueOf(await this.commands.execute<ResumeConsumer, Outcome<void>>(command));
  }

  @Post(':consumer/replays')
  @Roles('administrator')
  @HttpCode(200)
  @ApiOperation({
    operationId: 'replayParked',
    summary: 'Has a parked event and what waits behind it handled, after what was in its way has been put right',
  })
  @ApiParam(CONSUMER_PARAM)
  @ApiResponse({ status: 200, type: ReplayAnswer, description: 'All of it was handled' })
  @StatedIn(ReplayBody, 'consumer_unknown', 'event_not_waiting', 'replay_failed')
  async replay(
    @Param('consumer') consumer: string,
    @Req() request: FastifyRequest,
    @SignedIn() person: SignedInPerson,
  ): Promise<ReplayAnswer> {
    const { eventId } = jsonBody(ReplayBody, request);
    const command = new ReplayParked(await this.ids.of(request, person), consumerOf(consumer), eventId, person.subject);
    return valueOf(await this.commands.execute<ReplayParked, Outcome<ReplayAnswer>>(command));
  }

  @Post(':consumer/skips')
  @Roles('administrator')
  @HttpCode(202)
  @ApiOperation({
    operationId: 'proposeSkip',
    summary:
      'Proposes to let a consumer go past an event that it cannot take. Another administrator agrees (`/v1/acts`)',
  })
  @ApiParam(CONSUMER_PARAM)
  @ApiResponse({ status: 202, type: ActAnswer, description: 'The proposal' })
  @StatedIn(SkipBody, 'consumer_unknown', 'event_not_waiting', 'event_not_skippable')
  async skip(
    @Param('consumer') consumer: string,
    @Req() request: FastifyRequest,
    @SignedIn() person: SignedInPerson,
  ): Promise<ActAnswer> {
    const { eventId, reason, reference } = jsonBody(SkipBody, request);
    const proposal = { act: 'skip_event', consumer: consumerOf(consumer), eventId } as const;
    const command = new ProposeAct(await this.ids.of(request, person), proposal, reason, reference, person.subject);
    return actAnswer(await this.commands.execute<ProposeAct, Outcome<ToldAct>>(command));
  }
}

function consumerOf(text: string): string {
  if (!CONSUMER.test(text)) throw new ProblemError('consumer_unknown');
  return text;
}

function consumerAnswer({
  consumer,
  state,
  position,
  lastError,
  stoppedAt,
  maySkip,
  parked,
}: ConsumerView): ConsumerAnswer {
  return {
    consumer,
    state,
    position: position === null ? null : String(position),
    lastError: lastError?.message ?? null,
    stoppedAt,
    maySkip,
    parked: parked.map(({ eventId, type, stream, revision, error, parkedAtUtc }) => ({
      eventId,
      type,
      stream,
      revision,
      error,
      parkedAtUtc,
    })),
  };
}
