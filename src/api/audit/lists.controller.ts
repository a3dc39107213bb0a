import { randomUUID } from 'node:crypto';
import { applyDecorators, Controller, Get, Param, Query } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { ApiOperation, ApiParam, ApiQuery, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { ListAnswer } from '../../application/audit/audit-lists.js';
import { CompareLists, ViewList, type ListDifference } from '../../application/access/view-records.js';
import type { Outcome } from '../../application/decisions/outcome.js';
import { LISTS, type ListName } from '../../domain/audit/lists/list-drawer.js';
import { valueOf } from '../contract/answer.js';
import { Roles, SignedIn, type SignedInPerson } from '../auth/roles.js';
import { SignedInProblems } from '../contract/openapi.js';
import { ProblemError } from '../contract/problems.js';
import {
  BoundsQuery,
  EitherMomentQuery,
  eitherMomentOf,
  filterOf,
  filtersOfComparison,
  listQuestion,
  MomentQuery,
  PagingQuery,
  refuseOthers,
  type QueryParameters,
} from './list-question.js';
import { AuditListAnswer, ListDifferenceAnswer } from './list.dto.js';

/** Lists and the dashboard at any moment, each with a certificate that an auditor can hold against the events. */
@ApiTags('Audit')
@Controller('v1/audit/lists')
export class AuditListsController {
  constructor(private readonly commands: CommandBus) {}

  @Get(':list')
  @Roles('auditor')
  @ApiOperation({
    operationId: 'auditList',
    summary: 'A list as of now or any moment of the past, with its certificate',
  })
  @ApiParam({ name: 'list', schema: { type: 'string', enum: [...LISTS] } })
  @MomentQuery()
  @BoundsQuery('requests, holds, acts, accesses, decisions, erasures, exports. ')
  @FiltersQuery()
  @ApiQuery({
    name: 'withNames',
    required: false,
    description: 'Who the tokens stand for',
    schema: { type: 'boolean' },
  })
  @PagingQuery()
  @ApiResponse({ status: 200, type: AuditListAnswer, description: 'A page of the list' })
  @SignedInProblems('invalid_request', 'not_found', 'moment_out_of_range', 'audit_log_unavailable')
  async list(
    @Param('list') name: string,
    @Query() query: QueryParameters,
    @SignedIn() person: SignedInPerson,
  ): Promise<AuditListAnswer> {
    const question = listQuestion(listOf(name), query);
    return valueOf(
      await this.commands.execute<ViewList, Outcome<ListAnswer>>(new ViewList(randomUUID(), person.subject, question)),
    );
  }

  @Get(':list/difference')
  @Roles('auditor')
  @ApiOperation({
    operationId: 'auditListDifference',
    summary: 'What differs in a list between two moments: rows that came, went and changed',
  })
  @ApiParam({ name: 'list', schema: { type: 'string', enum: [...LISTS] } })
  @FiltersQuery()
  @EitherMomentQuery('from')
  @EitherMomentQuery('to')
  @ApiResponse({ status: 200, type: ListDifferenceAnswer, description: 'The differences' })
  @SignedInProblems('invalid_request', 'not_found', 'moment_out_of_range', 'audit_log_unavailable')
  async difference(
    @Param('list') name: string,
    @Query() query: QueryParameters,
    @SignedIn() person: SignedInPerson,
  ): Promise<ListDifferenceAnswer> {
    const list = listOf(name);
    const filters = filtersOfComparison(list);
    refuseOthers(query, [...filters, 'from', 'to']);
    const moments = [eitherMomentOf(query, 'from'), eitherMomentOf(query, 'to')] as const;
    return valueOf(
      await this.commands.execute<CompareLists, Outcome<ListDifference>>(
        new CompareLists(randomUUID(), person.subject, list, filterOf(list, query, filters), moments),
      ),
    );
  }
}

/** Documents which rows are asked for, beside the times of them. */
function FiltersQuery(): MethodDecorator {
  return applyDecorators(
    ApiQuery({
      name: 'boothId',
      required: false,
      description: 'requests, holds, decisions',
      schema: { type: 'string' },
    }),
    ApiQuery({ name: 'stage', required: false, description: 'requests', schema: { type: 'string' } }),
    ApiQuery({
      name: 'include',
      required: false,
      description: 'holds: the resolved ones too',
      schema: { type: 'string', enum: ['resolved'] },
    }),
    ApiQuery({
      name: 'requestId',
      required: false,
      description: 'accesses, decisions, erasures, exports',
      schema: { type: 'string', format: 'uuid' },
    }),
  );
}

function listOf(text: string): ListName {
  const list = LISTS.find((known) => known === text);
  if (!list) throw new ProblemError('not_found');
  return list;
}
