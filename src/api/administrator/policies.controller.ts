import { randomUUID } from 'node:crypto';
import { Controller, Get, HttpCode, Param, Post, Query, Req } from '@nestjs/common';
import { CommandBus, QueryBus } from '@nestjs/cqrs';
import { ApiOperation, ApiParam, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import type { ListAnswer } from '../../application/audit/audit-lists.js';
import { ActivatePolicy, ApprovePolicy, ProposePolicy } from '../../application/commands/manage-policy.js';
import { ViewList } from '../../application/access/view-records.js';
import type { Outcome } from '../../application/decisions/outcome.js';
import { ListPolicies } from '../../application/queries/list-policies.js';
import type { PolicyState } from '../../domain/policy/policy.js';
import type { PolicyValues } from '../../domain/policy/policy.events.js';
import { olderThanShipped } from '../../domain/policy/shipped-default.js';
import { listQuestion, PagingQuery, type QueryParameters } from '../audit/list-question.js';
import { valueOf } from '../contract/answer.js';
import { Roles, SignedIn, type SignedInPerson } from '../auth/roles.js';
import { CarriedOutOnce, SignedInProblems, StatedIn } from '../contract/openapi.js';
import { CommandIds } from '../contract/command-ids.js';
import { jsonBody, versionOf } from '../signed-in-request.js';
import {
  CertifiedPoliciesAnswer,
  PoliciesAnswer,
  ProposalBody,
  ShippedDefaultAnswer,
  type PolicyBody,
} from './administrator.dto.js';

const VERSION_PARAM = { name: 'version', schema: { type: 'integer', minimum: 1, maximum: 999_999_999 } } as const;

/** Thresholds and limits, versioned; who proposes one does not approve it. */
@ApiTags('Administrators')
@Controller('v1/policies')
export class PoliciesController {
  constructor(
    private readonly commands: CommandBus,
    private readonly queries: QueryBus,
    private readonly ids: CommandIds,
  ) {}

  @Get()
  @Roles('administrator', 'auditor')
  @ApiOperation({ operationId: 'listPolicies', summary: 'Every version, and the one in force' })
  @PagingQuery()
  @ApiResponse({
    status: 200,
    type: CertifiedPoliciesAnswer,
    description: 'The policies: `versions` with names, and the same as `rows` of the log with their certificate',
  })
  @SignedInProblems('invalid_request', 'audit_log_unavailable')
  async list(@Query() query: QueryParameters, @SignedIn() person: SignedInPerson): Promise<CertifiedPoliciesAnswer> {
    const certified = valueOf(
      await this.commands.execute<ViewList, Outcome<ListAnswer>>(
        new ViewList(randomUUID(), person.subject, listQuestion('policies', query, { isNowOnly: true })),
      ),
    );
    return {
      ...policiesAnswer(await this.queries.execute<ListPolicies, PolicyState>(new ListPolicies())),
      ...certified,
    };
  }

  @Get('shipped-default')
  @Roles('administrator', 'auditor')
  @ApiOperation({
    operationId: 'compareWithShippedDefault',
    summary: 'What the default of this version asks of photographs and the policy in force does not',
  })
  @ApiResponse({
    status: 200,
    type: ShippedDefaultAnswer,
    description: 'Whether the policy in force is older, and what to propose then',
  })
  @SignedInProblems()
  async shippedDefault(): Promise<ShippedDefaultAnswer> {
    const older = olderThanShipped(await this.queries.execute<ListPolicies, PolicyState>(new ListPolicies()));
    return { isOlder: older !== null, differences: older?.differences ?? [], proposal: older?.proposal ?? null };
  }

  @Post()
  @Roles('administrator')
  @HttpCode(201)
  @ApiOperation({ operationId: 'proposePolicy', summary: 'Proposes a new version' })
  @ApiResponse({ status: 201, type: PoliciesAnswer, description: 'The policies with the new version' })
  @StatedIn(ProposalBody, 'policy_invalid', 'policy_version_unknown', 'policy_report_invalid')
  async propose(@Req() request: FastifyRequest, @SignedIn() person: SignedInPerson): Promise<PoliciesAnswer> {
    const { reportNote, basedOn, ...body } = jsonBody(ProposalBody, request);
    const values = plainValues(body);
    const command = new ProposePolicy(
      await this.ids.of(request, person),
      values,
      person.subject,
      reportNote ?? null,
      basedOn,
    );
    return policiesAnswer(valueOf(await this.commands.execute<ProposePolicy, Outcome<PolicyState>>(command)));
  }

  @Post(':version/approval')
  @Roles('administrator')
  @HttpCode(200)
  @ApiOperation({ operationId: 'approvePolicy', summary: "Approves another administrator's proposal" })
  @ApiParam(VERSION_PARAM)
  @ApiResponse({ status: 200, type: PoliciesAnswer, description: 'The policies' })
  @CarriedOutOnce('policy_version_unknown', 'policy_own_proposal')
  async approve(
    @Param('version') version: string,
    @Req() request: FastifyRequest,
    @SignedIn() person: SignedInPerson,
  ): Promise<PoliciesAnswer> {
    const asked = versionOf(version);
    const command = new ApprovePolicy(await this.ids.of(request, person), asked, person.subject);
    return policiesAnswer(valueOf(await this.commands.execute<ApprovePolicy, Outcome<PolicyState>>(command)));
  }

  @Post(':version/activation')
  @Roles('administrator')
  @HttpCode(200)
  @ApiOperation({ operationId: 'activatePolicy', summary: 'Puts an approved version in force' })
  @ApiParam(VERSION_PARAM)
  @ApiResponse({ status: 200, type: PoliciesAnswer, description: 'The policies' })
  @CarriedOutOnce('policy_version_unknown', 'policy_not_approved', 'policy_outdated')
  async activate(
    @Param('version') version: string,
    @Req() request: FastifyRequest,
    @SignedIn() person: SignedInPerson,
  ): Promise<PoliciesAnswer> {
    const asked = versionOf(version);
    const command = new ActivatePolicy(await this.ids.of(request, person), asked, person.subject);
    return policiesAnswer(valueOf(await this.commands.execute<ActivatePolicy, Outcome<PolicyState>>(command)));
  }
}

/** Plain objects: these go into an event. */
function plainValues({ retry, ...values }: PolicyBody): PolicyValues {
  return { ...values, retry: { ...retry } };
}

function policiesAnswer({ active, versions }: PolicyState): PoliciesAnswer {
  return { active, versions };
}
