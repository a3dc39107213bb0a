import { Controller, HttpCode, Post, Req } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { ApiBody, ApiOperation, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import { IssueChallenge, type Challenge } from '../../application/door/issue-challenge.js';
import { Open } from '../auth/roles.js';
import { headersHoldMyNumber, parseJson } from '../contract/json-body.js';
import { Problems, QuestionHeaders } from '../contract/openapi.js';
import { validated } from '../contract/validation.js';
import { ChallengeAnswer, ChallengeBody } from './booth.dto.js';
import { BOOTH_CERTIFICATE_PROBLEMS, BoothCertificates } from './booth-certificates.js';
import { Door, statedBoothId } from './door.js';
import { UploadAdmission } from './uploads/upload-admission.js';

@ApiTags('Booth')
@Controller('v1/challenges')
export class ChallengesController {
  constructor(
    private readonly commands: CommandBus,
    private readonly door: Door,
    private readonly admission: UploadAdmission,
    private readonly certificates: BoothCertificates,
  ) {}

  @Post()
  @Open()
  @HttpCode(201)
  @ApiOperation({ operationId: 'issueChallenge', summary: 'A single-use nonce at the start of a card session' })
  @QuestionHeaders()
  @ApiBody({ type: ChallengeBody })
  @ApiResponse({ status: 201, type: ChallengeAnswer, description: 'The nonce and its expiry' })
  @Problems(
    'malformed_request',
    'my_number_present',
    'request_too_large',
    ...BOOTH_CERTIFICATE_PROBLEMS,
    'too_many_requests',
    'outcome_unknown',
  )
  async issue(@Req() request: FastifyRequest): Promise<Challenge> {
    await this.admission.admitQuestion(request);
    if (headersHoldMyNumber(request.headers)) return this.door.refuse(request, 'my_number_present');
    const parsed = Buffer.isBuffer(request.body) ? parseJson(request.body) : ({ outcome: 'malformed' } as const);
    if (parsed.outcome === 'my_number') return this.door.refuse(request, 'my_number_present');
    if (parsed.outcome === 'malformed')
      return this.door.refuse(request, 'malformed_request', {
        errors: [{ pointer: '', expected: 'a JSON object as application/json' }],
      });
    const body = validated(ChallengeBody, parsed.value);
    if ('errors' in body)
      return this.door.refuse(request, 'malformed_request', {
        boothId: statedBoothId((parsed.value as { boothId?: unknown } | null)?.boothId),
        errors: body.errors,
      });
    this.certificates.mustFit(request, body.value.boothId);
    return this.commands.execute<IssueChallenge, Challenge>(new IssueChallenge(body.value.boothId));
  }
}
