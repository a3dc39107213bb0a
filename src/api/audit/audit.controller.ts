import { randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import { Controller, Get, HttpCode, Param, Post, Query, Req, StreamableFile } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { ApiBody, ApiOperation, ApiParam, ApiQuery, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import { asEvents, type CasePast } from '../../application/audit/case-history.js';
import type { AskedMoment } from '../../application/audit/moments.js';
import type { BundleQuery } from '../../application/audit/bundle-maker.js';
import { ProposeAct, type ToldAct } from '../../application/commands/dual-control.js';
import { ExportBundle, type ExportedBundle } from '../../application/access/export-bundle.js';
import { ViewCase } from '../../application/access/view-records.js';
import { ViewWhatIf } from '../../application/access/view-what-if.js';
import type { Outcome } from '../../application/decisions/outcome.js';
import { explain } from '../../domain/audit/story/explain.js';
import type { AsOf } from '../../domain/audit/lists/list-certificate.js';
import type { SignedWhatIf } from '../../domain/audit/what-if/what-if-report.js';
import { caseState, differences } from '../../domain/audit/story/time-travel.js';
import type { PolicyValues } from '../../domain/policy/policy.events.js';
import type { Json } from '../../domain/event-envelope.js';
import { valueOf } from '../contract/answer.js';
import { Roles, SignedIn, type SignedInPerson } from '../auth/roles.js';
import { actAnswer } from '../administrator/act-answer.js';
import { ActAnswer } from '../administrator/administrator.dto.js';
import { SignedInProblems } from '../contract/openapi.js';
import { CommandIds } from '../contract/command-ids.js';
import { invalid, jsonBody, requestIdOf } from '../signed-in-request.js';
import { parameterError } from '../contract/validation.js';
import {
  EitherMomentQuery,
  eitherMomentOf,
  momentOf,
  MomentQuery,
  refuseOthers,
  type QueryParameters,
} from './list-question.js';
import {
  DifferenceAnswer,
  ErasureBody,
  ExplanationAnswer,
  ExportBody,
  PastStateAnswer,
  WhatIfAnswer,
  WhatIfBody,
} from './audit.dto.js';

/** What auditors ask: bundles to take away, the past, and why. Officers ask why of the cases that they decide; what a
 * blind review withholds from them is withheld here as in the history. */
@ApiTags('Audit')
@Controller('v1/audit')
export class AuditController {
  constructor(
    private readonly commands: CommandBus,
    private readonly ids: CommandIds,
  ) {}

  @Post('exports')
  @Roles('auditor')
  @HttpCode(200)
  @ApiOperation({
    operationId: 'exportBundle',
    summary: 'A bundle that proves itself offline. That it was handed out is on record before its first line is',
  })
  @ApiBody({ type: ExportBody })
  @ApiResponse({
    status: 200,
    description: 'The bundle, one line per entry',
    content: { 'text/plain': { schema: { type: 'string' } } },
  })
  @SignedInProblems(
    'invalid_request',
    'my_number_present',
    'unsupported_media_type',
    'request_too_large',
    'not_found',
    'reference_missing',
    'lists_of_a_case',
    'checkpoint_unknown',
    'idempotency_key_reused',
    'outcome_unknown',
  )
  async export(@Req() request: FastifyRequest, @SignedIn() person: SignedInPerson): Promise<StreamableFile> {
    const body = jsonBody(ExportBody, request);
    const options = {
      lists: body.lists ?? [],
      known: body.known ?? [],
      withOpenings: body.withOpenings ?? false,
      withEvidence: body.withEvidence ?? false,
    };
    const query = queryOf(body);
    const why = { purpose: body.purpose ?? 'audit', reference: body.reference ?? null };
    const command = new ExportBundle(await this.ids.of(request, person), person.subject, query, options, why);
    const { lines } = valueOf(await this.commands.execute<ExportBundle, Outcome<ExportedBundle>>(command));
    return new StreamableFile(Readable.from(chunks(lines)), {
      type: 'text/plain; charset=utf-8',
      disposition: 'attachment; filename="bundle.honnin"',
    });
  }

  @Post('erasures')
  @Roles('administrator')
  @HttpCode(202)
  @ApiOperation({
    operationId: 'proposeErasure',
    summary:
      'Proposes to erase the registrant of a closed request: images, sealed evidence, and the link from the log to the person. Another administrator agrees (`/v1/acts`)',
  })
  @ApiBody({ type: ErasureBody })
  @ApiResponse({
    status: 202,
    type: ActAnswer,
    description: 'Proposed. Once approved and on record it is carried out as soon as the record is in the signed log',
  })
  @SignedInProblems(
    'invalid_request',
    'my_number_present',
    'unsupported_media_type',
    'request_too_large',
    'not_found',
    'wrong_stage',
    'registrant_erased',
    'idempotency_key_reused',
    'outcome_unknown',
  )
  async erase(@Req() request: FastifyRequest, @SignedIn() person: SignedInPerson): Promise<ActAnswer> {
    const { requestId, rule, reference } = jsonBody(ErasureBody, request);
    const command = new ProposeAct(
      await this.ids.of(request, person),
      { act: 'erase_registrant', requestId, rule },
      rule,
      reference,
      person.subject,
    );
    return actAnswer(await this.commands.execute<ProposeAct, Outcome<ToldAct>>(command));
  }

  @Post('what-ifs')
  @Roles('auditor', 'administrator')
  @HttpCode(200)
  @ApiOperation({
    operationId: 'whatIf',
    summary:
      'What other thresholds would have done to the whole history: which cases flip, by booth and month, ' +
      'and what officers decided of them later. Touches nothing; the look is on record',
  })
  @ApiBody({ type: WhatIfBody })
  @ApiResponse({
    status: 200,
    type: WhatIfAnswer,
    description: 'The report with its signed statement, which can be attached to a proposal',
  })
  @SignedInProblems(
    'invalid_request',
    'my_number_present',
    'unsupported_media_type',
    'request_too_large',
    'audit_log_unavailable',
  )
  async whatIf(@Req() request: FastifyRequest, @SignedIn() person: SignedInPerson): Promise<WhatIfAnswer> {
    const change = Object.fromEntries(
      Object.entries(jsonBody(WhatIfBody, request)).filter(([, value]) => value !== undefined),
    ) as Partial<PolicyValues>;
    if (Object.keys(change).length === 0) throw invalid({ pointer: '', expected: 'at least one other value' });
    return this.commands.execute<ViewWhatIf, SignedWhatIf>(new ViewWhatIf(person.subject, change));
  }

  @Get('cases/:requestId/state')
  @Roles('auditor', 'officer')
  @ApiOperation({ operationId: 'caseStateAt', summary: 'What was known of a case at a moment' })
  @ApiParam({ name: 'requestId', schema: { type: 'string', format: 'uuid' } })
  @MomentQuery()
  @ApiResponse({ status: 200, type: PastStateAnswer, description: 'The state' })
  @SignedInProblems(
    'invalid_request',
    'not_found',
    'nothing_known_then',
    'moment_out_of_range',
    'read_side_behind',
    'audit_log_unavailable',
  )
  async state(
    @Param('requestId') text: string,
    @Query() query: QueryParameters,
    @SignedIn() person: SignedInPerson,
  ): Promise<PastStateAnswer> {
    refuseOthers(query, ['at', 'position']);
    const requestId = requestIdOf(text);
    const [{ asOf, rows }] = await this.view(person, requestId, 'case_state', [momentOf(query)]);
    return { requestId, ...momentAnswer(asOf), state: caseState(asEvents(requestId, rows)) };
  }

  @Get('cases/:requestId/difference')
  @Roles('auditor', 'officer')
  @ApiOperation({ operationId: 'caseDifference', summary: 'What changed in a case between two moments' })
  @ApiParam({ name: 'requestId', schema: { type: 'string', format: 'uuid' } })
  @EitherMomentQuery('from')
  @EitherMomentQuery('to')
  @ApiResponse({ status: 200, type: DifferenceAnswer, description: 'Each member that differs, with both values' })
  @SignedInProblems(
    'invalid_request',
    'not_found',
    'nothing_known_then',
    'moment_out_of_range',
    'read_side_behind',
    'audit_log_unavailable',
  )
  async difference(
    @Param('requestId') text: string,
    @Query() query: QueryParameters,
    @SignedIn() person: SignedInPerson,
  ): Promise<DifferenceAnswer> {
    refuseOthers(query, ['from', 'to']);
    const requestId = requestIdOf(text);
    const [from, to] = await this.view(person, requestId, 'case_difference', [
      eitherMomentOf(query, 'from'),
      eitherMomentOf(query, 'to'),
    ]);
    const stateOf = (past: CasePast) => caseState(asEvents(requestId, past.rows)) as Json;
    return {
      from: from.asOf ?? {},
      to: (to as CasePast).asOf ?? {},
      clipped: [from.clipped, (to as CasePast).clipped].filter((clipped) => clipped !== null),
      differences: differences(stateOf(from), stateOf(to as CasePast)),
    };
  }

  @Get('cases/:requestId/explanation')
  @Roles('auditor', 'officer')
  @ApiOperation({ operationId: 'explainCase', summary: 'Why it was decided so, in plain words' })
  @ApiParam({ name: 'requestId', schema: { type: 'string', format: 'uuid' } })
  @MomentQuery()
  @ApiQuery({ name: 'lang', required: false, schema: { type: 'string', enum: ['ja', 'en'], default: 'ja' } })
  @ApiResponse({ status: 200, type: ExplanationAnswer, description: 'The story' })
  @SignedInProblems(
    'invalid_request',
    'not_found',
    'nothing_known_then',
    'moment_out_of_range',
    'read_side_behind',
    'audit_log_unavailable',
  )
  async explanation(
    @Param('requestId') text: string,
    @Query() query: QueryParameters,
    @SignedIn() person: SignedInPerson,
  ): Promise<ExplanationAnswer> {
    refuseOthers(query, ['at', 'position', 'lang']);
    const { lang } = query;
    if (lang !== undefined && lang !== 'ja' && lang !== 'en') throw invalid(parameterError('lang', 'is ja or en'));
    const requestId = requestIdOf(text);
    const [{ asOf, rows }] = await this.view(person, requestId, 'case_explanation', [momentOf(query)]);
    const told = asEvents(requestId, rows).filter(({ stream }) => !/^(?:saga|challenge)-/.test(stream));
    return {
      requestId,
      ...momentAnswer(asOf),
      lines: told.map((e) => ({ atUtc: e.metadata.recordedAtUtc, type: e.type, text: explain(e, lang ?? 'ja') })),
    };
  }

  private async view(
    person: SignedInPerson,
    requestId: string,
    what: ViewCase['what'],
    moments: readonly AskedMoment[],
  ): Promise<readonly [CasePast, ...CasePast[]]> {
    const pasts = valueOf(
      await this.commands.execute<ViewCase, Outcome<readonly CasePast[]>>(
        new ViewCase(randomUUID(), person.subject, requestId, what, moments),
      ),
    );
    return pasts as readonly [CasePast, ...CasePast[]];
  }
}

function queryOf({ requestId, from, to, fromUtc, toUtc }: ExportBody): BundleQuery {
  const given = [requestId, from, fromUtc].filter((value) => value !== undefined).length;
  if (given !== 1 || (toUtc === undefined) !== (fromUtc === undefined) || (to !== undefined && from === undefined))
    throw invalid({ pointer: '', expected: 'exactly one of requestId, from (with or without to), fromUtc with toUtc' });
  if (requestId !== undefined) return { kind: 'registration', requestId };
  if (fromUtc !== undefined && toUtc !== undefined) return { kind: 'time', fromUtc, toUtc };
  return { kind: 'range', from: from ?? 0, to: to ?? null };
}

/** The moment that an answer speaks of; both null: now. */
function momentAnswer(asOf: AsOf | null): { readonly atUtc: string | null; readonly position: number | null } {
  return {
    atUtc: asOf && 'atUtc' in asOf ? asOf.atUtc : null,
    position: asOf && 'position' in asOf ? asOf.position : null,
  };
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
