import { Readable } from 'node:stream';
import { Controller, Get, HttpCode, Param, Post, Query, Req, StreamableFile } from '@nestjs/common';
import { CommandBus, QueryBus } from '@nestjs/cqrs';
import { ApiBody, ApiOperation, ApiParam, ApiQuery, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import type { BundleQuery } from '../../application/audit/bundle-maker.js';
import { EraseRegistrant } from '../../application/commands/erase-registrant.js';
import { ExportBundle, type ExportedBundle } from '../../application/commands/export-bundle.js';
import type { Outcome } from '../../application/outcome.js';
import type { TimelineRow } from '../../application/ports/read-models.js';
import { ReplayCase } from '../../application/queries/questions.js';
import { explain } from '../../domain/audit/explain.js';
import type { LeafEvent } from '../../domain/audit/leaf.js';
import { caseState, differences } from '../../domain/audit/time-travel.js';
import type { Json, JsonObject } from '../../domain/event-envelope.js';
import { currentVersion } from '../../domain/event-registry.js';
import { isInstant } from '../../domain/values/instant.js';
import { valueOf } from '../answer.js';
import { Roles, SignedIn, type SignedInPerson } from '../auth/roles.js';
import { SignedInProblems } from '../openapi.js';
import { ProblemError } from '../problems.js';
import { commandIdOf, invalid, jsonBody, requestIdOf } from '../signed-in-request.js';
import { DifferenceAnswer, ErasureAnswer, ErasureBody, ExplanationAnswer, ExportBody, PastStateAnswer } from './audit.dto.js';

/** What auditors ask: bundles to take away, the past, and why. */
@ApiTags('Audit')
@Controller('v1/audit')
export class AuditController {
  constructor(
    private readonly commands: CommandBus,
    private readonly queries: QueryBus,
  ) {}

  @Post('exports')
  @Roles('auditor')
  @HttpCode(200)
  @ApiOperation({ operationId: 'exportBundle', summary: 'A bundle that proves itself offline. That it was handed out is on record before its first line is' })
  @ApiBody({ type: ExportBody })
  @ApiResponse({ status: 200, description: 'The bundle, one line per entry', content: { 'text/plain': { schema: { type: 'string' } } } })
  @SignedInProblems('invalid_request', 'my_number_present', 'unsupported_media_type', 'request_too_large', 'not_found', 'outcome_unknown')
  async export(@Req() request: FastifyRequest, @SignedIn() person: SignedInPerson): Promise<StreamableFile> {
    const body = jsonBody(ExportBody, request);
    const options = { lists: body.lists ?? [], known: body.known ?? [], withOpenings: body.withOpenings ?? false, withEvidence: body.withEvidence ?? false };
    const { lines } = valueOf(await this.commands.execute<ExportBundle, Outcome<ExportedBundle>>(new ExportBundle(commandIdOf(request, person), person.subject, queryOf(body), options)));
    return new StreamableFile(Readable.from(chunks(lines)), { type: 'text/plain; charset=utf-8', disposition: 'attachment; filename="bundle.honnin"' });
  }

  @Post('erasures')
  @Roles('administrator')
  @HttpCode(200)
  @ApiOperation({ operationId: 'eraseRegistrant', summary: 'Erases the registrant of a closed request: images, sealed evidence, and the link from the log to the person' })
  @ApiBody({ type: ErasureBody })
  @ApiResponse({ status: 200, type: ErasureAnswer, description: 'On record; carried out as soon as the record is in the signed log' })
  @SignedInProblems('invalid_request', 'my_number_present', 'unsupported_media_type', 'request_too_large', 'not_found', 'wrong_stage', 'outcome_unknown')
  async erase(@Req() request: FastifyRequest, @SignedIn() person: SignedInPerson): Promise<ErasureAnswer> {
    const { requestId, rule } = jsonBody(ErasureBody, request);
    return valueOf(await this.commands.execute<EraseRegistrant, Outcome<ErasureAnswer>>(new EraseRegistrant(commandIdOf(request, person), requestId, rule, person.subject)));
  }

  @Get('cases/:requestId/state')
  @Roles('auditor')
  @ApiOperation({ operationId: 'caseStateAt', summary: 'What was known of a case at an instant' })
  @ApiParam({ name: 'requestId', schema: { type: 'string', format: 'uuid' } })
  @ApiQuery({ name: 'at', required: false, schema: { type: 'string', format: 'date-time' } })
  @ApiResponse({ status: 200, type: PastStateAnswer, description: 'The state' })
  @SignedInProblems('invalid_request', 'not_found')
  async state(@Param('requestId') text: string, @Query('at') at: unknown): Promise<PastStateAnswer> {
    const [requestId, atUtc] = [requestIdOf(text), instantOf(at, 'at')];
    return { requestId, atUtc, state: caseState(await this.events(requestId, atUtc)) };
  }

  @Get('cases/:requestId/difference')
  @Roles('auditor')
  @ApiOperation({ operationId: 'caseDifference', summary: 'What changed in a case between two instants' })
  @ApiParam({ name: 'requestId', schema: { type: 'string', format: 'uuid' } })
  @ApiQuery({ name: 'from', schema: { type: 'string', format: 'date-time' } })
  @ApiQuery({ name: 'to', schema: { type: 'string', format: 'date-time' } })
  @ApiResponse({ status: 200, type: DifferenceAnswer, description: 'Each member that differs, with both values' })
  @SignedInProblems('invalid_request', 'not_found')
  async difference(@Param('requestId') text: string, @Query('from') from: unknown, @Query('to') to: unknown): Promise<DifferenceAnswer> {
    const requestId = requestIdOf(text);
    const [before, after] = await Promise.all([this.timeline(requestId, instantOf(from, 'from')), this.timeline(requestId, instantOf(to, 'to'))]);
    if (after.length === 0) throw new ProblemError('not_found');
    return { differences: differences(caseState(before) as Json, caseState(after) as Json) };
  }

  @Get('cases/:requestId/explanation')
  @Roles('auditor')
  @ApiOperation({ operationId: 'explainCase', summary: 'Why it was decided so, in plain words' })
  @ApiParam({ name: 'requestId', schema: { type: 'string', format: 'uuid' } })
  @ApiQuery({ name: 'at', required: false, schema: { type: 'string', format: 'date-time' } })
  @ApiQuery({ name: 'lang', required: false, schema: { type: 'string', enum: ['ja', 'en'], default: 'ja' } })
  @ApiResponse({ status: 200, type: ExplanationAnswer, description: 'The story' })
  @SignedInProblems('invalid_request', 'not_found')
  async explanation(@Param('requestId') text: string, @Query('at') at: unknown, @Query('lang') lang: unknown): Promise<ExplanationAnswer> {
    if (lang !== undefined && lang !== 'ja' && lang !== 'en') throw invalid({ pointer: '', expected: 'the query parameter lang is ja or en' });
    const requestId = requestIdOf(text);
    const events = await this.events(requestId, instantOf(at, 'at'));
    const lines = events.filter(({ stream }) => !/^(?:saga|challenge)-/.test(stream)).map((e) => ({ atUtc: e.metadata.recordedAtUtc, type: e.type, text: explain(e, lang ?? 'ja') }));
    return { requestId, lines };
  }

  private async events(requestId: string, atUtc: string | null): Promise<readonly LeafEvent[]> {
    const events = await this.timeline(requestId, atUtc);
    if (events.length === 0) throw new ProblemError('not_found');
    return events;
  }

  private async timeline(requestId: string, atUtc: string | null): Promise<readonly LeafEvent[]> {
    const rows = await this.queries.execute<ReplayCase, readonly TimelineRow[]>(new ReplayCase(requestId, atUtc));
    return rows.map((row) => ({
      stream: row.stream, revision: row.revision, id: row.position, type: row.type, schemaVersion: currentVersion(row.type), data: row.data as JsonObject,
      metadata: { actor: row.actor, correlationId: requestId, causationId: requestId, recordedAtUtc: row.recordedAtUtc, policyVersion: row.policyVersion },
    }));
  }
}

function queryOf({ requestId, from, to, fromUtc, toUtc }: ExportBody): BundleQuery {
  const given = [requestId, from, fromUtc].filter((value) => value !== undefined).length;
  if (given !== 1 || (toUtc === undefined) !== (fromUtc === undefined) || (to !== undefined && from === undefined)) throw invalid({ pointer: '', expected: 'exactly one of requestId, from (with or without to), fromUtc with toUtc' });
  if (requestId !== undefined) return { kind: 'registration', requestId };
  if (fromUtc !== undefined && toUtc !== undefined) return { kind: 'time', fromUtc, toUtc };
  return { kind: 'range', from: from ?? 0, to: to ?? null };
}

function instantOf(at: unknown, name: string): string | null {
  if (at === undefined) return null;
  if (typeof at !== 'string' || !isInstant(at)) throw invalid({ pointer: '', expected: `the query parameter ${name} is an ISO-8601 instant in UTC` });
  return at;
}

/** Lines joined into pieces of a size that a socket likes. */
function* chunks(lines: Iterable<string>): Iterable<Buffer> {
  let text = '';
  for (const line of lines) {
    text += `${line}\n`;
    if (text.length < 65_536) continue;
    yield Buffer.from(text);
    text = '';
  }
  yield Buffer.from(text);
}
