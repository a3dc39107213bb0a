import { randomUUID } from 'node:crypto';
import { Controller, Get, HttpCode, Param, Post, Query, Req } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { ApiOperation, ApiParam, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import type { ListAnswer } from '../../application/audit/audit-lists.js';
import { ProposeAct, type ToldAct } from '../../application/commands/dual-control.js';
import { SuspendBooth } from '../../application/commands/manage-booth.js';
import { ViewList } from '../../application/access/view-records.js';
import type { Outcome } from '../../application/decisions/outcome.js';
import { BOOTH_ID, type BoothState } from '../../domain/booth/booth.js';
import { listQuestion, PagingQuery, type QueryParameters } from '../audit/list-question.js';
import { BoothsAnswer } from '../audit/list.dto.js';
import { valueOf } from '../contract/answer.js';
import { Roles, SignedIn, type SignedInPerson } from '../auth/roles.js';
import { SignedInProblems, StatedIn } from '../contract/openapi.js';
import { ProblemError } from '../contract/problems.js';
import { CommandIds } from '../contract/command-ids.js';
import { jsonBody } from '../signed-in-request.js';
import { actAnswer } from './act-answer.js';
import { ActAnswer, BoothAnswer, EnrolmentBody, KeyBody, ResumptionBody, SuspensionBody } from './administrator.dto.js';

const BOOTH_PARAM = { name: 'boothId', schema: { type: 'string', pattern: BOOTH_ID.source } } as const;

/** Which photographing devices may send requests. @req R21 */
@ApiTags('Administrators')
@Controller('v1/booths')
export class BoothsController {
  constructor(
    private readonly commands: CommandBus,
    private readonly ids: CommandIds,
  ) {}

  @Get()
  @Roles('administrator', 'auditor')
  @ApiOperation({ operationId: 'listBooths', summary: 'Every booth, with a certificate of completeness' })
  @PagingQuery()
  @ApiResponse({ status: 200, type: BoothsAnswer, description: 'The booths' })
  @SignedInProblems('invalid_request', 'audit_log_unavailable')
  async list(@Query() query: QueryParameters, @SignedIn() person: SignedInPerson): Promise<BoothsAnswer> {
    const { rows, ...certified } = valueOf(
      await this.commands.execute<ViewList, Outcome<ListAnswer>>(
        new ViewList(randomUUID(), person.subject, listQuestion('booths', query, { isNowOnly: true })),
      ),
    );
    return { booths: rows, ...certified };
  }

  @Post()
  @Roles('administrator')
  @HttpCode(202)
  @ApiOperation({
    operationId: 'proposeBooth',
    summary: 'Proposes to enrol a booth with its public key. Another administrator agrees (`/v1/acts`)',
  })
  @ApiResponse({ status: 202, type: ActAnswer, description: 'The proposal' })
  @StatedIn(EnrolmentBody, 'booth_exists')
  async enrol(@Req() request: FastifyRequest, @SignedIn() person: SignedInPerson): Promise<ActAnswer> {
    const { boothId, publicKey, reason, reference } = jsonBody(EnrolmentBody, request);
    const proposal = { act: 'enrol_booth', boothId, publicKey } as const;
    return this.propose(
      new ProposeAct(await this.ids.of(request, person), proposal, reason, reference, person.subject),
    );
  }

  @Post(':boothId/keys')
  @Roles('administrator')
  @HttpCode(202)
  @ApiOperation({
    operationId: 'proposeBoothKey',
    summary: 'Proposes to give a booth a new public key. Another administrator agrees (`/v1/acts`)',
  })
  @ApiParam(BOOTH_PARAM)
  @ApiResponse({ status: 202, type: ActAnswer, description: 'The proposal' })
  @StatedIn(KeyBody, 'booth_unknown', 'booth_retired')
  async rotate(
    @Param('boothId') boothId: string,
    @Req() request: FastifyRequest,
    @SignedIn() person: SignedInPerson,
  ): Promise<ActAnswer> {
    const { publicKey, reason, reference } = jsonBody(KeyBody, request);
    const proposal = { act: 'rotate_booth_key', boothId: boothIdOf(boothId), publicKey } as const;
    return this.propose(
      new ProposeAct(await this.ids.of(request, person), proposal, reason, reference, person.subject),
    );
  }

  @Post(':boothId/resumption')
  @Roles('administrator')
  @HttpCode(202)
  @ApiOperation({
    operationId: 'proposeResumption',
    summary: 'Proposes to bring a suspended booth back. Another administrator agrees (`/v1/acts`)',
  })
  @ApiParam(BOOTH_PARAM)
  @ApiResponse({ status: 202, type: ActAnswer, description: 'The proposal' })
  @StatedIn(ResumptionBody, 'booth_unknown', 'booth_retired')
  async resume(
    @Param('boothId') boothId: string,
    @Req() request: FastifyRequest,
    @SignedIn() person: SignedInPerson,
  ): Promise<ActAnswer> {
    const { reason, reference } = jsonBody(ResumptionBody, request);
    const proposal = { act: 'resume_booth', boothId: boothIdOf(boothId) } as const;
    return this.propose(
      new ProposeAct(await this.ids.of(request, person), proposal, reason, reference, person.subject),
    );
  }

  @Post(':boothId/suspension')
  @Roles('administrator')
  @HttpCode(200)
  @ApiOperation({
    operationId: 'suspendBooth',
    summary: 'Suspends a booth at once. It comes back when two administrators agree to it, unless it was retired',
  })
  @ApiParam(BOOTH_PARAM)
  @ApiResponse({ status: 200, type: BoothAnswer, description: 'The booth' })
  @StatedIn(SuspensionBody, 'booth_unknown')
  async suspend(
    @Param('boothId') boothId: string,
    @Req() request: FastifyRequest,
    @SignedIn() person: SignedInPerson,
  ): Promise<BoothAnswer> {
    const { reason } = jsonBody(SuspensionBody, request);
    const id = boothIdOf(boothId);
    const command = new SuspendBooth(await this.ids.of(request, person), id, reason, person.subject);
    return boothAnswer(await this.commands.execute<SuspendBooth, Outcome<BoothState>>(command));
  }

  private async propose(command: ProposeAct): Promise<ActAnswer> {
    return actAnswer(await this.commands.execute<ProposeAct, Outcome<ToldAct>>(command));
  }
}

function boothIdOf(text: string): string {
  if (!BOOTH_ID.test(text)) throw new ProblemError('booth_unknown');
  return text;
}

function boothAnswer(outcome: Outcome<BoothState>): BoothAnswer {
  const state = valueOf(outcome);
  if (state.stage === 'none') throw new ProblemError('booth_unknown');
  const { boothId, stage, publicKey, keyVersion } = state;
  return { boothId, stage, publicKey, keyVersion };
}
