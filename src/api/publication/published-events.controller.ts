import { Controller, Get, Header, Query, Req, Res } from '@nestjs/common';
import { ApiHeader, ApiOperation, ApiQuery, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { attributesOf } from '../../application/publication/cloud-event-attributes.js';
import {
  PublishedFacts,
  SizesOutOfRangeError,
  type FactsOfEntry,
  type FactsReached,
  type PublicationCertificate,
} from '../../application/publication/published-facts.js';
import { Roles, SignedIn, type SignedInPerson } from '../auth/roles.js';
import { EventStreams, type StreamedEvent } from '../booth/event-streams.js';
import { SignedInProblems } from '../contract/openapi.js';
import { parameterError, PLACE } from '../contract/validation.js';
import { EdgeLimits } from '../edge/edge-limits.js';
import { invalid } from '../signed-in-request.js';
import { PublicationCertificateAnswer } from './published-events.dto.js';

/** What is published, without a broker: the facts as server-sent events, and the log's word on how many there are. */
@ApiTags('Consumers')
@Controller('v1/published-events')
export class PublishedEventsController {
  constructor(
    private readonly facts: PublishedFacts,
    private readonly streams: EventStreams,
    private readonly limits: EdgeLimits,
  ) {}

  @Get()
  @Roles('consumer')
  @ApiOperation({
    operationId: 'streamPublishedEvents',
    summary: 'Published facts as server-sent events, in the order of the signed log; each is a CloudEvent as JSON',
  })
  @ApiHeader({
    name: 'Last-Event-ID',
    required: false,
    description: 'The last id that was seen: the stream goes on after that entry. EventSource sends it by itself',
    schema: PLACE,
  })
  @ApiQuery({
    name: 'from',
    required: false,
    schema: PLACE,
    description: 'Entry of the log to begin at, where no Last-Event-ID is given; absent: only what comes from now on',
  })
  @ApiResponse({
    status: 200,
    description:
      'Events `fact`: CloudEvents. Events `reached`: everything before this size of the log was told. Ends after ten ' +
      'minutes, and the client comes back with the last id',
    content: { 'text/event-stream': { schema: { type: 'string' } } },
  })
  @SignedInProblems('invalid_request', 'streams_under_way', 'too_many_streams')
  async stream(
    @Query('from') from: unknown,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
    @SignedIn() { subject }: SignedInPerson,
  ): Promise<void> {
    const seen = request.headers['last-event-id'];
    const begin =
      seen !== undefined
        ? wholeNumber(seen, { header: 'Last-Event-ID' }) + 1
        : from === undefined
          ? this.facts.size()
          : wholeNumber(from, 'from');
    const of = { owner: `consumer ${subject}`, address: this.limits.addressOf(request), person: subject };
    await this.streams.serve(reply, of, (signal) => cloudEvents(this.facts.follow(begin, signal), this.facts.source));
  }

  @Get('certificate')
  @Roles('consumer', 'auditor')
  @Header('cache-control', 'no-store')
  @ApiOperation({
    operationId: 'certifyPublishedEvents',
    summary: 'What is published of the entries between two sizes of the log, as a number and a digest that it signs',
  })
  @ApiQuery({ name: 'from', schema: PLACE, description: 'Size of the earlier checkpoint: the first entry that counts' })
  @ApiQuery({ name: 'to', required: false, schema: PLACE, description: 'Size of the later one; absent: the newest' })
  @ApiResponse({ status: 200, type: PublicationCertificateAnswer, description: 'The certificate' })
  @SignedInProblems('invalid_request', 'audit_log_unavailable', 'outcome_unknown')
  async certificate(@Query('from') from: unknown, @Query('to') to: unknown): Promise<PublicationCertificate> {
    const sizes = [wholeNumber(from, 'from'), to === undefined ? undefined : wholeNumber(to, 'to')] as const;
    try {
      return await this.facts.certificate(...sizes);
    } catch (error) {
      if (error instanceof SizesOutOfRangeError) throw invalid(parameterError('to', error.message));
      throw error;
    }
  }
}

/** The last fact of an entry carries its id: who comes back in the middle of one gets it once more as a whole. */
async function* cloudEvents(
  entries: AsyncIterable<FactsOfEntry | FactsReached>,
  source: string,
): AsyncIterable<StreamedEvent> {
  for await (const entry of entries) {
    if ('size' in entry) {
      if (entry.size > 0) yield { event: 'reached', id: String(entry.size - 1), data: entry, last: false };
      continue;
    }
    const { leaf, facts } = entry;
    for (const [i, fact] of facts.entries())
      yield {
        event: 'fact',
        data: { ...attributesOf(fact, source), data: fact.data },
        last: false,
        ...(i === facts.length - 1 && { id: String(leaf.index) }),
      };
  }
}

function wholeNumber(value: unknown, of: string | { readonly header: string }): number {
  if (typeof value === 'string' && /^\d{1,15}$/.test(value)) return Number(value);
  throw invalid(
    typeof of === 'string'
      ? parameterError(of, 'is a whole number')
      : { pointer: '', header: of.header, expected: 'is a whole number: the last id that was seen' },
  );
}
