import { randomUUID } from 'node:crypto';
import { Controller, Get, HttpCode, Param, Post, Query, Req } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { ApiOperation, ApiParam, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import type { ListAnswer } from '../../application/audit/audit-lists.js';
import { ApproveAct, DeclineAct, type ToldAct } from '../../application/commands/dual-control.js';
import { ViewList } from '../../application/access/view-records.js';
import type { Outcome } from '../../application/decisions/outcome.js';
import { valueOf } from '../contract/answer.js';
import { BoundsQuery, listQuestion, PagingQuery, type QueryParameters } from '../audit/list-question.js';
import { Roles, SignedIn, type SignedInPerson } from '../auth/roles.js';
import { CommandIds } from '../contract/command-ids.js';
import { CarriedOutOnce, SignedInProblems } from '../contract/openapi.js';
import { ProblemError } from '../contract/problems.js';
import { UUID } from '../signed-in-request.js';
import { actAnswer } from './act-answer.js';
import { ActAnswer, ActsAnswer } from './administrator.dto.js';

const ACT_PARAM = { name: 'actId', schema: { type: 'string', format: 'uuid' } } as const;

/** What needs two people: erasures, enrolments, new keys and resumptions of booths. Who proposed does not approve. */
@ApiTags('Administrators')
@Controller('v1/acts')
export class ActsController {
  constructor(
    private readonly commands: CommandBus,
    private readonly ids: CommandIds,
  ) {}

  @Get()
  @Roles('administrator', 'auditor')
  @ApiOperation({
    operationId: 'listActs',
    summary: 'Everything that was proposed and what became of it, with a certificate of completeness',
  })
  @BoundsQuery()
  @PagingQuery()
  @ApiResponse({ status: 200, type: ActsAnswer, description: 'The proposals' })
  @SignedInProblems('invalid_request', 'audit_log_unavailable')
  async list(@Query() query: QueryParameters, @SignedIn() person: SignedInPerson): Promise<ActsAnswer> {
    const question = new ViewList(randomUUID(), person.subject, listQuestion('acts', query, { isNowOnly: true }));
    const { rows, ...certified } = valueOf(await this.commands.execute<ViewList, Outcome<ListAnswer>>(question));
    return { acts: rows, ...certified };
  }

  @Post(':actId/approval')
  @Roles('administrator')
  @HttpCode(200)
  @ApiOperation({
    operationId: 'approveAct',
    summary:
      'Agrees to what another administrator proposed. It is carried out when the waiting time of the policy is over',
  })
  @ApiParam(ACT_PARAM)
  @ApiResponse({
    status: 200,
    type: ActAnswer,
    description: 'The proposal; `carried_out` where there is no waiting time',
  })
  @CarriedOutOnce('act_unknown', 'act_own_proposal', 'act_closed')
  async approve(
    @Param('actId') actId: string,
    @Req() request: FastifyRequest,
    @SignedIn() person: SignedInPerson,
  ): Promise<ActAnswer> {
    const id = actIdOf(actId);
    const command = new ApproveAct(await this.ids.of(request, person), id, person.subject);
    return actAnswer(await this.commands.execute<ApproveAct, Outcome<ToldAct>>(command));
  }

  @Post(':actId/refusal')
  @Roles('administrator')
  @HttpCode(200)
  @ApiOperation({
    operationId: 'declineAct',
    summary: 'Says no to a proposal, or takes an own one back, until it is carried out',
  })
  @ApiParam(ACT_PARAM)
  @ApiResponse({ status: 200, type: ActAnswer, description: 'The proposal' })
  @CarriedOutOnce('act_unknown', 'act_closed')
  async decline(
    @Param('actId') actId: string,
    @Req() request: FastifyRequest,
    @SignedIn() person: SignedInPerson,
  ): Promise<ActAnswer> {
    const id = actIdOf(actId);
    const command = new DeclineAct(await this.ids.of(request, person), id, person.subject);
    return actAnswer(await this.commands.execute<DeclineAct, Outcome<ToldAct>>(command));
  }
}

function actIdOf(text: string): string {
  if (!UUID.test(text)) throw new ProblemError('act_unknown');
  return text;
}
