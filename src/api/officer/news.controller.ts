import { setTimeout as after } from 'node:timers/promises';
import { Controller, Get, Req, Res } from '@nestjs/common';
import { ApiOperation, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Clock } from '../../application/ports/store/clock.js';
import { OpenCases } from '../../application/ports/store/open-cases.js';
import { Roles, SignedIn, type SignedInPerson } from '../auth/roles.js';
import { EventStreams, type StreamedEvent } from '../booth/event-streams.js';
import { SignedInProblems } from '../contract/openapi.js';
import { EdgeLimits } from '../edge/edge-limits.js';

const LOOK_EVERY_MS = 2_000;

/** That something is new at the desk, as counters. It names nobody and no case, so it is no look, and it does not tell
 * who gave an opinion, or that somebody did. */
@ApiTags('Officers')
@Controller('v1/news')
export class NewsController {
  constructor(
    private readonly cases: OpenCases,
    private readonly clock: Clock,
    private readonly streams: EventStreams,
    private readonly limits: EdgeLimits,
  ) {}

  @Get()
  @Roles('officer', 'auditor')
  @ApiOperation({
    operationId: 'streamNews',
    summary: 'How many holds are open and overdue, told again when that changes. No look, nothing is on record',
  })
  @ApiResponse({
    status: 200,
    description:
      'Server-sent events `news` with `{"open": 3, "overdue": 0}`. Ends after ten minutes; EventSource returns',
    content: { 'text/event-stream': { schema: { type: 'string' } } },
  })
  @SignedInProblems('streams_under_way', 'too_many_streams')
  async stream(
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
    @SignedIn() { subject }: SignedInPerson,
  ): Promise<void> {
    const of = { owner: `news ${subject}`, address: this.limits.addressOf(request), person: subject };
    await this.streams.serve(reply, of, (signal) => this.counted(signal));
  }

  private async *counted(signal: AbortSignal): AsyncIterable<StreamedEvent> {
    while (!signal.aborted) {
      const counts = this.cases.holds({ nowUtc: this.clock.nowUtc() });
      // While rows are being built nothing is known, and nothing is said.
      if (counts !== null) yield { event: 'news', data: counts, last: false };
      await after(LOOK_EVERY_MS, undefined, { signal });
    }
  }
}
