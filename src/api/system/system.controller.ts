import { timingSafeEqual } from 'node:crypto';
import { Controller, Get, Param, Req, Res } from '@nestjs/common';
import { ApiOperation, ApiParam, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { ApiSettings } from '../api-settings.js';
import { Open } from '../auth/roles.js';
import { HealthChecks, type Readiness } from '../health-checks.js';
import { Metrics } from '../metrics.js';
import { Problems } from '../openapi.js';
import { ProblemError, PROBLEMS, type ProblemCode } from '../problems.js';

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
  @ApiResponse({ status: 200, description: 'It does', content: { 'application/json': { schema: { type: 'object', required: ['status'], properties: { status: { type: 'string', enum: ['ok'] } } } } } })
  @Problems()
  live(): { status: 'ok' } {
    return { status: 'ok' };
  }

  @Get('health/ready')
  @Open()
  @ApiOperation({ operationId: 'ready', summary: 'Whether it can do its work now, part by part' })
  @ApiResponse({
    status: 200,
    description: 'It can; degraded: it can, and something needs a person: the parts that are not ok say what',
    content: {
      'application/json': {
        schema: {
          type: 'object',
          required: ['status', 'parts'],
          properties: {
            status: { type: 'string', enum: ['ok', 'degraded'] },
            parts: { type: 'object', additionalProperties: { type: 'object', required: ['ok', 'detail'], properties: { ok: { type: 'boolean' }, detail: { type: 'string' } } } },
          },
        },
      },
    },
  })
  @Problems('not_ready')
  async ready(): Promise<{ status: 'ok' | 'degraded'; parts: Readiness['parts'] }> {
    const { ok, degraded, parts } = await this.health.ready();
    if (!ok) throw new ProblemError('not_ready', { extensions: { parts }, retryAfterSeconds: 5 });
    return { status: degraded ? 'degraded' : 'ok', parts };
  }

  @Get('metrics')
  @Open()
  @ApiOperation({ operationId: 'metrics', summary: 'Measurements in the Prometheus text format' })
  @ApiResponse({ status: 200, description: 'The measurements', content: { 'text/plain': { schema: { type: 'string' } } } })
  @Problems('unauthenticated')
  async measurements(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const { metricsToken } = this.settings;
    if (metricsToken !== null && !sameText(request.headers.authorization ?? '', `Bearer ${metricsToken}`)) throw new ProblemError('unauthenticated', { wwwAuthenticate: 'Bearer' });
    reply.header('content-type', this.metrics.registry.contentType).send(await this.metrics.registry.metrics());
  }

  @Get('problems/:code')
  @Open()
  @ApiOperation({ operationId: 'explainProblem', summary: 'What a problem code means' })
  @ApiParam({ name: 'code', schema: { type: 'string' } })
  @ApiResponse({
    status: 200,
    description: 'The explanation',
    content: { 'application/json': { schema: { type: 'object', required: ['code', 'status', 'title', 'en', 'ja'], properties: { code: { type: 'string' }, status: { type: 'integer' }, title: { type: 'string' }, en: { type: 'string' }, ja: { type: 'string' } } } } },
  })
  @Problems('not_found')
  explain(@Param('code') code: string) {
    if (!Object.hasOwn(PROBLEMS, code)) throw new ProblemError('not_found');
    return { code, ...PROBLEMS[code as ProblemCode] };
  }
}

function sameText(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
}
