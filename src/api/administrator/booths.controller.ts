import { randomUUID } from 'node:crypto';
import { Controller, Get, HttpCode, Param, Post, Query, Req } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { ApiBody, ApiHeader, ApiOperation, ApiParam, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import type { ListAnswer } from '../../application/audit/audit-lists.js';
import { EnrolBooth, isBoothKey, RotateBoothKey, SuspendBooth } from '../../application/commands/manage-booth.js';
import { ViewList } from '../../application/commands/view-records.js';
import type { Outcome } from '../../application/outcome.js';
import type { BoothState } from '../../domain/booth/booth.js';
import { listQuestion, PagingQuery, type QueryParameters } from '../audit/list-question.js';
import { BoothsAnswer } from '../audit/list.dto.js';
import { valueOf } from '../answer.js';
import { Roles, SignedIn, type SignedInPerson } from '../auth/roles.js';
import { BOOTH_ID } from '../booth/door.js';
import { SignedInProblems } from '../openapi.js';
import { ProblemError } from '../problems.js';
import { CommandIds } from '../command-ids.js';
import { invalid, jsonBody } from '../signed-in-request.js';
import { BoothAnswer, EnrolmentBody, KeyBody, SuspensionBody } from './administrator.dto.js';

const IDEMPOTENCY = { name: 'Idempotency-Key', required: false, description: 'The same key, person and body: carried out once', schema: { type: 'string' } } as const;
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
    const { rows, ...certified } = valueOf(await this.commands.execute<ViewList, Outcome<ListAnswer>>(new ViewList(randomUUID(), person.subject, listQuestion('booths', query, { isNowOnly: true }))));
    return { booths: rows, ...certified };
  }

  @Post()
  @Roles('administrator')
  @HttpCode(201)
  @ApiOperation({ operationId: 'enrolBooth', summary: 'Enrols a booth with its public key' })
  @ApiHeader(IDEMPOTENCY)
  @ApiBody({ type: EnrolmentBody })
  @ApiResponse({ status: 201, type: BoothAnswer, description: 'The booth' })
  @SignedInProblems('invalid_request', 'my_number_present', 'unsupported_media_type', 'request_too_large', 'booth_exists', 'idempotency_key_reused', 'outcome_unknown')
  async enrol(@Req() request: FastifyRequest, @SignedIn() person: SignedInPerson): Promise<BoothAnswer> {
    const { boothId, publicKey } = jsonBody(EnrolmentBody, request);
    requireBoothKey(publicKey);
    const command = new EnrolBooth(await this.ids.of(request, person), boothId, publicKey, person.subject);
    return boothAnswer(await this.commands.execute<EnrolBooth, Outcome<BoothState>>(command));
  }

  @Post(':boothId/keys')
  @Roles('administrator')
  @HttpCode(200)
  @ApiOperation({ operationId: 'rotateBoothKey', summary: 'Gives a booth a new public key' })
  @ApiParam(BOOTH_PARAM)
  @ApiHeader(IDEMPOTENCY)
  @ApiBody({ type: KeyBody })
  @ApiResponse({ status: 200, type: BoothAnswer, description: 'The booth' })
  @SignedInProblems('invalid_request', 'my_number_present', 'unsupported_media_type', 'request_too_large', 'booth_unknown', 'booth_suspended', 'idempotency_key_reused', 'outcome_unknown')
  async rotate(@Param('boothId') boothId: string, @Req() request: FastifyRequest, @SignedIn() person: SignedInPerson): Promise<BoothAnswer> {
    const { publicKey } = jsonBody(KeyBody, request);
    requireBoothKey(publicKey);
    const id = boothIdOf(boothId);
    const command = new RotateBoothKey(await this.ids.of(request, person), id, publicKey, person.subject);
    return boothAnswer(await this.commands.execute<RotateBoothKey, Outcome<BoothState>>(command));
  }

  @Post(':boothId/suspension')
  @Roles('administrator')
  @HttpCode(200)
  @ApiOperation({ operationId: 'suspendBooth', summary: 'Suspends a booth for good' })
  @ApiParam(BOOTH_PARAM)
  @ApiHeader(IDEMPOTENCY)
  @ApiBody({ type: SuspensionBody })
  @ApiResponse({ status: 200, type: BoothAnswer, description: 'The booth' })
  @SignedInProblems('invalid_request', 'my_number_present', 'unsupported_media_type', 'request_too_large', 'booth_unknown', 'idempotency_key_reused', 'outcome_unknown')
  async suspend(@Param('boothId') boothId: string, @Req() request: FastifyRequest, @SignedIn() person: SignedInPerson): Promise<BoothAnswer> {
    const { reason } = jsonBody(SuspensionBody, request);
    const id = boothIdOf(boothId);
    const command = new SuspendBooth(await this.ids.of(request, person), id, reason, person.subject);
    return boothAnswer(await this.commands.execute<SuspendBooth, Outcome<BoothState>>(command));
  }
}

function requireBoothKey(publicKey: string): void {
  if (!isBoothKey(publicKey)) throw invalid({ pointer: '/publicKey', expected: 'an Ed25519 public key (SubjectPublicKeyInfo, DER, base64)' });
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
