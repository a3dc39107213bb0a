import { randomUUID } from 'node:crypto';
import { Controller, Get, Header, Query, Req, StreamableFile } from '@nestjs/common';
import { CommandBus, QueryBus } from '@nestjs/cqrs';
import { ApiExcludeEndpoint, ApiOperation, ApiQuery, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import {
  GetAuditKeys,
  ProveConsistency,
  ProveInclusion,
  ReadAuditFile,
  type ConsistencyAnswer,
  type InclusionAnswer,
} from '../../application/queries/audit-questions.js';
import { RecordView } from '../../application/access/view-records.js';
import { found } from '../contract/answer.js';
import { Open, Roles, SignedIn, type SignedInPerson } from '../auth/roles.js';
import { Problems } from '../contract/openapi.js';
import { invalid } from '../signed-in-request.js';
import { parameterError, PLACE } from '../contract/validation.js';
import { AuditKeysAnswer, ConsistencyProofAnswer, InclusionProofAnswer } from './audit.dto.js';

const PREFIX = '/v1/audit/log/';

/** The log as C2SP tlog-tiles asks for it, for monitors and witnesses. Hashes and checkpoints tell nothing about
 * anybody and are open to everybody: the more copies there are, the harder it is to rewrite history. Entries are for
 * auditors. */
@ApiTags('Audit')
@Controller('v1/audit')
export class AuditLogController {
  constructor(
    private readonly commands: CommandBus,
    private readonly queries: QueryBus,
  ) {}

  @Get('log/checkpoint')
  @Open()
  @Header('content-type', 'text/plain; charset=utf-8')
  @Header('cache-control', 'no-cache')
  @ApiOperation({ operationId: 'auditCheckpoint', summary: 'The newest signed checkpoint (C2SP tlog-checkpoint)' })
  @ApiResponse({ status: 200, description: 'The note', content: { 'text/plain': { schema: { type: 'string' } } } })
  @Problems('not_found')
  async checkpoint(): Promise<StreamableFile> {
    return this.file('checkpoint', 'text/plain; charset=utf-8');
  }

  @Get('log/cosigned')
  @Open()
  @Header('content-type', 'text/plain; charset=utf-8')
  @Header('cache-control', 'no-cache')
  @ApiOperation({
    operationId: 'auditCosigned',
    summary: 'The newest checkpoint that witnesses have cosigned, with their lines (C2SP tlog-cosignature)',
  })
  @ApiResponse({ status: 200, description: 'The note', content: { 'text/plain': { schema: { type: 'string' } } } })
  @Problems('not_found')
  async cosigned(): Promise<StreamableFile> {
    return this.file('cosigned', 'text/plain; charset=utf-8');
  }

  @Get('log/tile/entries/*')
  @Roles('auditor')
  @Header('cache-control', 'private, max-age=31536000, immutable')
  @ApiExcludeEndpoint()
  async entries(@Req() request: FastifyRequest, @SignedIn() person: SignedInPerson): Promise<StreamableFile> {
    const path = pathOf(request);
    const file = await this.file(path);
    // Entries hold scores and booths of single cases, so reading them is a look at records like any other.
    await this.commands.execute(new RecordView(randomUUID(), person.subject, 'log_entries', null, { path }));
    return file;
  }

  @Get('log/tile/*')
  @Open()
  @Header('cache-control', 'public, max-age=31536000, immutable')
  @ApiExcludeEndpoint()
  async tile(@Req() request: FastifyRequest): Promise<StreamableFile> {
    const path = pathOf(request);
    // The route of entries comes first; nothing that names them in another way may pass here.
    return this.file(path.startsWith('tile/entries') ? 'none' : path);
  }

  @Get('keys')
  @Open()
  @ApiOperation({
    operationId: 'auditKeys',
    summary: "The log's public keys. Get them by another way too before trusting them",
  })
  @ApiResponse({ status: 200, type: AuditKeysAnswer, description: 'The keys' })
  @Problems()
  keys(): Promise<AuditKeysAnswer> {
    return this.queries.execute(new GetAuditKeys());
  }

  @Get('proofs/inclusion')
  @Open()
  @ApiOperation({ operationId: 'proveInclusion', summary: 'That an entry is in the log of the newest checkpoint' })
  @ApiQuery({ name: 'index', schema: PLACE })
  @ApiResponse({ status: 200, type: InclusionProofAnswer, description: 'The proof' })
  @Problems('invalid_request', 'not_found')
  async inclusion(@Query('index') index: unknown): Promise<InclusionProofAnswer> {
    return found(
      await this.queries.execute<ProveInclusion, InclusionAnswer | null>(
        new ProveInclusion(wholeNumber(index, 'index')),
      ),
    );
  }

  @Get('proofs/consistency')
  @Open()
  @ApiOperation({ operationId: 'proveConsistency', summary: 'That an earlier log is the beginning of a later one' })
  @ApiQuery({ name: 'first', schema: PLACE })
  @ApiQuery({ name: 'second', required: false, schema: PLACE })
  @ApiResponse({ status: 200, type: ConsistencyProofAnswer, description: 'The proof' })
  @Problems('invalid_request', 'not_found')
  async consistency(@Query('first') first: unknown, @Query('second') second: unknown): Promise<ConsistencyProofAnswer> {
    return found(
      await this.queries.execute<ProveConsistency, ConsistencyAnswer | null>(
        new ProveConsistency(wholeNumber(first, 'first'), second === undefined ? null : wholeNumber(second, 'second')),
      ),
    );
  }

  private async file(path: string, type = 'application/octet-stream'): Promise<StreamableFile> {
    return new StreamableFile(
      found(await this.queries.execute<ReadAuditFile, Uint8Array | null>(new ReadAuditFile(path))),
      { type },
    );
  }
}

function pathOf(request: FastifyRequest): string {
  return request.url.split('?')[0]?.slice(PREFIX.length) ?? '';
}

function wholeNumber(value: unknown, name: string): number {
  if (typeof value !== 'string' || !/^\d{1,15}$/.test(value)) throw invalid(parameterError(name, 'is a whole number'));
  return Number(value);
}
