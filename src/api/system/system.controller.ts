import { Controller, Get, Param, Req, Res } from '@nestjs/common';
import { ApiOperation, ApiParam, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { ApiSettings } from '../api-settings.js';
import { Open } from '../auth/roles.js';
import { HealthChecks, troublesOf, type Readiness } from '../health-checks.js';
import { Metrics } from '../metrics.js';
import { Problems } from '../contract/openapi.js';
import { showsToken } from '../edge/operator-token.js';
import { ProblemError, PROBLEMS, type ProblemCode } from '../contract/problems.js';

interface ReadyAnswer {
  readonly status: 'ok' | 'degraded';
  readonly troubles: readonly string[];
  readonly parts?: Readiness['parts'];
}

/** For orchestrators, for Prometheus, and for people who follow a problem's `type`. */
@ApiTags('System')
@Controller()
export class SystemController {
  constructor(
    private readonly health: HealthChecks,
    private readonly metrics: Metrics,
    private readonly settings: ApiSettings,
  ) {}

  @Get('health/live')
  @Open()
  @ApiOperation({ operationId: 'live', summary: 'Whether the process answers at all' })
  @ApiResponse({
    status: 200,
    description: 'It does',
    content: {
      'application/json': {
        schema: { type: 'object', required: ['status'], properties: { status: { type: 'string', enum: ['ok'] } } },
      },
    },
  })
  @Problems()
  live(): { status: 'ok' } {
    return { status: 'ok' };
  }

  @Get('health/ready')
  @Open()
  @ApiOperation({
    operationId: 'ready',
    summary: 'Whether it can do its work now. What is wrong is said to who shows the token of the operator',
  })
  @ApiResponse({
    status: 200,
    description: 'It can; degraded: it can, and something needs a person: `troubles` names the parts that are not ok',
    content: {
      'application/json': {
        schema: {
          type: 'object',
          required: ['status', 'troubles'],
          properties: {
            status: { type: 'string', enum: ['ok', 'degraded'] },
            troubles: { type: 'array', items: { type: 'string' } },
            parts: {
              type: 'object',
              additionalProperties: {
                type: 'object',
                required: ['ok', 'detail'],
                properties: { ok: { type: 'boolean' }, detail: { type: 'string' } },
              },
            },
          },
        },
      },
    },
  })
  @Problems('not_ready')
  async ready(@Req() request: FastifyRequest): Promise<ReadyAnswer> {
    const readiness = await this.health.ready();
    const isOperator = showsToken(this.settings, request.headers.authorization);
    const shown = { troubles: troublesOf(readiness), ...(isOperator && { parts: readiness.parts }) };
    if (!readiness.ok) throw new ProblemError('not_ready', { extensions: shown, retryAfterSeconds: 5 });
    return { status: readiness.degraded ? 'degraded' : 'ok', ...shown };
  }

  @Get('metrics')
  @Open()
  @ApiOperation({
    operationId: 'metrics',
    summary: 'Measurements in the Prometheus text format, for who shows the token of the operator',
  })
  @ApiResponse({
    status: 200,
    description: 'The measurements',
    content: { 'text/plain': { schema: { type: 'string' } } },
  })
  @Problems('unauthenticated')
  async measurements(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    if (!showsToken(this.settings, request.headers.authorization))
      throw new ProblemError('unauthenticated', { wwwAuthenticate: 'Bearer' });
    reply.header('content-type', this.metrics.registry.contentType).send(await this.metrics.registry.metrics());
  }

  @Get('problems/:code')
  @Open()
  @ApiOperation({ operationId: 'explainProblem', summary: 'What a problem code means' })
  @ApiParam({ name: 'code', schema: { type: 'string' } })
  @ApiResponse({
    status: 200,
    description: 'The explanation',
    content: {
      'application/json': {
        schema: {
          type: 'object',
          required: ['code', 'status', 'title', 'en', 'ja'],
          properties: {
            code: { type: 'string' },
            status: { type: 'integer' },
            title: { type: 'string' },
            en: { type: 'string' },
            ja: { type: 'string' },
          },
        },
      },
    },
  })
  @Problems('not_found')
  explain(@Param('code') code: string) {
    if (!Object.hasOwn(PROBLEMS, code)) throw new ProblemError('not_found');
    return { code, ...PROBLEMS[code as ProblemCode] };
  }
}
