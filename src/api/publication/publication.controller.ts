import { Controller, Get, Header, Param } from '@nestjs/common';
import { ApiOperation, ApiParam, ApiResponse, ApiTags } from '@nestjs/swagger';
import { asyncApiDocument } from '../../application/publication/asyncapi.js';
import { AsyncApiSettings } from '../../application/publication/asyncapi-settings.js';
import { EVENT_CONTRACTS, parseSchemaId, type PublishedType } from '../../domain/publication/event-contracts.js';
import { Open } from '../auth/roles.js';
import { Problems } from '../contract/openapi.js';
import { ProblemError } from '../contract/problems.js';
import { contractPage } from './contract-page.js';

/** A page without scripts; nothing from elsewhere. */
const PAGE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

/** The contract of what is published on Kafka, for the people and programs that consume it. */
@ApiTags('System')
@Controller()
export class PublicationController {
  constructor(private readonly settings: AsyncApiSettings) {}

  @Get('asyncapi.json')
  @Open()
  @Header('access-control-allow-origin', '*')
  @ApiOperation({ operationId: 'asyncApi', summary: 'AsyncAPI 3 document of the published events' })
  @ApiResponse({
    status: 200,
    description: 'The document',
    content: { 'application/json': { schema: { type: 'object' } } },
  })
  @Problems()
  document() {
    return asyncApiDocument(this.settings.options);
  }

  @Get('asyncapi')
  @Open()
  @Header('content-type', 'text/html; charset=utf-8')
  @Header('content-security-policy', PAGE_POLICY)
  @ApiOperation({ operationId: 'asyncApiPage', summary: 'The published events as a page for people' })
  @ApiResponse({ status: 200, description: 'The page', content: { 'text/html': { schema: { type: 'string' } } } })
  @Problems()
  page(): string {
    return contractPage(asyncApiDocument(this.settings.options));
  }

  @Get('schemas/:type')
  @Open()
  @ApiOperation({ operationId: 'eventSchema', summary: 'JSON Schema of a published event type' })
  @ApiParam({
    name: 'type',
    description: 'A type, or the `dataschema` of an event',
    schema: { type: 'string' },
    example: 'jp.honnin.registration.held.v1',
  })
  @ApiResponse({
    status: 200,
    description: 'The newest revision of the schema',
    content: { 'application/json': { schema: { type: 'object' } } },
  })
  @Problems('not_found')
  schema(@Param('type') type: string) {
    const named = parseSchemaId(type);
    const of = named?.type ?? type;
    if (!Object.hasOwn(EVENT_CONTRACTS, of)) throw new ProblemError('not_found');
    const contract = EVENT_CONTRACTS[of as PublishedType];
    if (named && named.revision !== contract.revision) throw new ProblemError('not_found');
    return contract.schema;
  }
}
