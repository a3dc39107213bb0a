import { randomUUID } from 'node:crypto';
import { Controller, Get, HttpCode, Param, Post, Query, Req, Res } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { ApiExtraModels, ApiOperation, ApiParam, ApiQuery, ApiResponse, ApiTags, getSchemaPath } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { ListAnswer } from '../../application/audit/audit-lists.js';
import type { CasePast } from '../../application/audit/case-history.js';
import { EndRequest } from '../../application/commands/end-request.js';
import { ResumeEffect } from '../../application/commands/resume-effect.js';
import { ViewImage, type ViewedBytes } from '../../application/access/view-image.js';
import { ViewCase, ViewList, ViewReceipt } from '../../application/access/view-records.js';
import type { Outcome } from '../../application/decisions/outcome.js';
import type { RequestStatusRow } from '../../application/ports/store/read-models.js';
import { LOOK_PURPOSES, type LookPurpose } from '../../domain/access/access.events.js';
import { REFERENCE } from '../../domain/values/file-number.js';
import { holdsMyNumber } from '../../domain/values/my-number.js';
import { REQUEST_STAGES } from '../../domain/audit/lists/list-drawer.js';
import { EndBody } from '../administrator/administrator.dto.js';
import {
  BoundsQuery,
  listQuestion,
  momentOf,
  MomentQuery,
  PagingQuery,
  refuseOthers,
  type QueryParameters,
} from '../audit/list-question.js';
import { CasesAnswer } from '../audit/list.dto.js';
import { valueOf } from '../contract/answer.js';
import { writtenReceipt } from '../booth/receipt.js';
import { AccessRefusals } from '../auth/access-refusals.js';
import { Roles, SignedIn, type Role, type SignedInPerson } from '../auth/roles.js';
import { SignedInProblems, StatedIn } from '../contract/openapi.js';
import { ProblemError } from '../contract/problems.js';
import { CommandIds } from '../contract/command-ids.js';
import { invalid, jsonBody, requestIdOf } from '../signed-in-request.js';
import { parameterError } from '../contract/validation.js';
import { LookWatch } from './look-watch.js';
import { CaseAnswer, HistoryAnswer, IMAGE_FORMATS, VIEWED_IMAGES } from './officer.dto.js';

/** Who may look at a face for what. An administrator never does. */
const PURPOSE_ROLES: Readonly<Record<LookPurpose, readonly Role[]>> = {
  hold_review: ['officer'],
  audit: ['auditor'],
  disclosure: ['officer', 'auditor'],
};
const IMAGE_TYPES = ['image/jpeg', 'image/png', 'image/jp2'] as const;
const EFFECT_ID = /^[A-Za-z0-9:._-]{1,200}$/;

/** Single cases: their history at any instant, and their pictures. */
@ApiTags('Officers')
@Controller('v1/cases')
export class CasesController {
  constructor(
    private readonly commands: CommandBus,
    private readonly refusals: AccessRefusals,
    private readonly ids: CommandIds,
    private readonly watch: LookWatch,
  ) {}

  @Get()
  @Roles('officer', 'auditor')
  @ApiOperation({
    operationId: 'listCases',
    summary:
      'The cases, oldest first, with a certificate of completeness; or, with `receipt`, the case that a receipt belongs to. The look is on record',
  })
  @ApiQuery({
    name: 'receipt',
    required: false,
    description: 'Alone: the case of this receipt',
    schema: { type: 'string' },
  })
  @ApiQuery({ name: 'boothId', required: false, schema: { type: 'string' } })
  @ApiQuery({ name: 'stage', required: false, schema: { type: 'string', enum: [...REQUEST_STAGES] } })
  @BoundsQuery()
  @PagingQuery()
  @ApiExtraModels(CaseAnswer, CasesAnswer)
  @ApiResponse({
    status: 200,
    schema: { oneOf: [{ $ref: getSchemaPath(CasesAnswer) }, { $ref: getSchemaPath(CaseAnswer) }] },
    description: 'The cases, or the case',
  })
  @SignedInProblems('invalid_request', 'not_found', 'read_side_behind', 'audit_log_unavailable')
  async list(@Query() query: QueryParameters, @SignedIn() person: SignedInPerson): Promise<CasesAnswer | CaseAnswer> {
    if (query['receipt'] !== undefined) return this.find(query, person);
    const { rows, ...certified } = valueOf(
      await this.commands.execute<ViewList, Outcome<ListAnswer>>(
        new ViewList(randomUUID(), person.subject, listQuestion('requests', query, { isNowOnly: true })),
      ),
    );
    return { cases: rows, ...certified };
  }

  @Get(':requestId/history')
  @Roles('officer', 'auditor')
  @ApiOperation({
    operationId: 'replayCase',
    summary: "A case's history now, or as it was known at a moment. The look is on record",
  })
  @ApiParam({ name: 'requestId', schema: { type: 'string', format: 'uuid' } })
  @MomentQuery()
  @ApiResponse({ status: 200, type: HistoryAnswer, description: 'The events in log order' })
  @SignedInProblems(
    'invalid_request',
    'not_found',
    'nothing_known_then',
    'moment_out_of_range',
    'read_side_behind',
    'audit_log_unavailable',
  )
  async history(
    @Param('requestId') text: string,
    @Query() query: QueryParameters,
    @SignedIn() person: SignedInPerson,
  ): Promise<HistoryAnswer> {
    refuseOthers(query, ['at', 'position']);
    const moment = momentOf(query);
    const requestId = requestIdOf(text);
    const [past] = valueOf(
      await this.commands.execute<ViewCase, Outcome<readonly CasePast[]>>(
        new ViewCase(randomUUID(), person.subject, requestId, 'case_history', [moment]),
      ),
    ) as [CasePast];
    const { asOf, rows } = past;
    return {
      requestId,
      atUtc: asOf && 'atUtc' in asOf ? asOf.atUtc : null,
      position: asOf && 'position' in asOf ? asOf.position : null,
      events: rows,
    };
  }

  @Get(':requestId/images/:image')
  @Roles('officer', 'auditor')
  @ApiOperation({
    operationId: 'viewImage',
    summary: 'A picture of the case. That somebody looked, and why, is on record before it is given out',
  })
  @ApiParam({ name: 'requestId', schema: { type: 'string', format: 'uuid' } })
  @ApiParam({ name: 'image', schema: { type: 'string', enum: [...VIEWED_IMAGES] } })
  @ApiQuery({
    name: 'purpose',
    required: true,
    description:
      'hold_review: the case has an open hold on which you still have a say. disclosure: for the person, or for who ' +
      'may ask about them; with a reference. audit: the own audit of the office',
    schema: { type: 'string', enum: [...LOOK_PURPOSES] },
  })
  @ApiQuery({
    name: 'reference',
    required: false,
    description: 'The number of a request, an order or a file; needed with disclosure. No names, no sentences',
    schema: { type: 'string', pattern: REFERENCE.source },
  })
  @ApiQuery({
    name: 'format',
    required: false,
    description:
      'The face of a card is JPEG 2000, which no browser shows: displayable (default) gives it as PNG, original as it came from the card',
    schema: { type: 'string', enum: [...IMAGE_FORMATS], default: 'displayable' },
  })
  @ApiResponse({
    status: 200,
    description: 'The picture',
    content: Object.fromEntries(IMAGE_TYPES.map((type) => [type, { schema: { type: 'string', format: 'binary' } }])),
  })
  @SignedInProblems(
    'invalid_request',
    'my_number_present',
    'not_found',
    'purpose_does_not_fit',
    'image_erased',
    'material_differs',
    'material_missing',
    'outcome_unknown',
    'picture_busy',
  )
  async image(
    @Param('requestId') text: string,
    @Param('image') imageText: string,
    @Query() query: QueryParameters,
    @SignedIn() person: SignedInPerson,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const image = VIEWED_IMAGES.find((known) => known === imageText);
    if (!image) throw new ProblemError('not_found');
    const { purpose, reference, format } = lookOf(query);
    const requestId = requestIdOf(text);
    const seen = await this.watch.over({ person: person.subject, purpose }, async () => {
      if (!PURPOSE_ROLES[purpose].some((role) => person.roles.includes(role)))
        await this.refusals.refuse(
          person,
          `GET /v1/cases/:requestId/images/${image}`,
          `purpose_not_for_role:${purpose}`,
        );
      // A fresh id every time: each look is a look of its own on record.
      const look = new ViewImage(randomUUID(), requestId, person.subject, image, purpose, reference, format);
      return valueOf(await this.commands.execute<ViewImage, Outcome<ViewedBytes>>(look));
    });
    reply
      .header('content-type', seen.contentType)
      .header('content-disposition', 'inline')
      .header('content-security-policy', "default-src 'none'; sandbox")
      .send(Buffer.from(seen.bytes));
  }

  @Post(':requestId/effects/:effectId/resumption')
  @Roles('administrator')
  @HttpCode(204)
  @ApiTags('Administrators')
  @ApiOperation({ operationId: 'resumeEffect', summary: 'Lets a step that was given up on be tried again' })
  @ApiParam({ name: 'requestId', schema: { type: 'string', format: 'uuid' } })
  @ApiParam({ name: 'effectId', schema: { type: 'string', pattern: EFFECT_ID.source } })
  @ApiResponse({ status: 204, description: 'It will be tried again' })
  @SignedInProblems('not_found', 'wrong_stage', 'idempotency_key_reused', 'outcome_unknown')
  async resume(
    @Param('requestId') requestId: string,
    @Param('effectId') effectId: string,
    @Req() request: FastifyRequest,
    @SignedIn() person: SignedInPerson,
  ): Promise<void> {
    if (!EFFECT_ID.test(effectId)) throw new ProblemError('not_found');
    const id = requestIdOf(requestId);
    const command = new ResumeEffect(await this.ids.of(request, person), id, effectId, person.subject);
    valueOf(await this.commands.execute<ResumeEffect, Outcome<void>>(command));
  }

  @Post(':requestId/end')
  @Roles('administrator')
  @HttpCode(204)
  @ApiTags('Administrators')
  @ApiOperation({
    operationId: 'endRequest',
    summary:
      'Ends a case that can never go on: stopped because its material is gone or is not what was received, or with a step that waits for an operator. What was sealed of it is erased; the holder is asked to come again, unless the case had an outcome before',
  })
  @ApiParam({ name: 'requestId', schema: { type: 'string', format: 'uuid' } })
  @ApiResponse({ status: 204, description: 'It is ended, or was so before for the same reason and reference' })
  @StatedIn(EndBody, 'not_found', 'wrong_stage', 'case_can_go_on')
  async end(
    @Param('requestId') requestId: string,
    @Req() request: FastifyRequest,
    @SignedIn() person: SignedInPerson,
  ): Promise<void> {
    const { reason, reference } = jsonBody(EndBody, request);
    const id = requestIdOf(requestId);
    const command = new EndRequest(await this.ids.of(request, person), id, reason, reference, person.subject);
    valueOf(await this.commands.execute<EndRequest, Outcome<void>>(command));
  }

  private async find(query: QueryParameters, person: SignedInPerson): Promise<CaseAnswer> {
    refuseOthers(query, ['receipt']);
    const written = writtenReceipt(query['receipt']);
    if (written === null) throw new ProblemError('not_found');
    return valueOf(
      await this.commands.execute<ViewReceipt, Outcome<RequestStatusRow>>(
        new ViewReceipt(randomUUID(), person.subject, written),
      ),
    );
  }
}

/** How somebody wants to look. @throws {ProblemError} `invalid_request`, `my_number_present` */
function lookOf(query: QueryParameters): Pick<ViewImage, 'purpose' | 'reference' | 'format'> {
  refuseOthers(query, ['purpose', 'reference', 'format']);
  const purpose = LOOK_PURPOSES.find((known) => known === query['purpose']);
  if (!purpose) throw invalid(parameterError('purpose', `is one of ${LOOK_PURPOSES.join(', ')}`));
  const { reference = null, format: asked = 'displayable' } = query;
  const isText = typeof reference === 'string';
  if (isText && holdsMyNumber(reference)) throw new ProblemError('my_number_present');
  if (isText ? !REFERENCE.test(reference) : reference !== null || purpose === 'disclosure')
    throw invalid(parameterError('reference', `is the number of a request, an order or a file: ${REFERENCE.source}`));
  const format = IMAGE_FORMATS.find((known) => known === asked);
  if (!format) throw invalid(parameterError('format', `is one of ${IMAGE_FORMATS.join(', ')}`));
  return { purpose, reference: isText ? reference : null, format };
}
