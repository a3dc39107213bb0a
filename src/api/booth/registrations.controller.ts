import { Controller, Get, Header, HttpCode, Param, Post, Req, Res } from '@nestjs/common';
import { CommandBus, QueryBus } from '@nestjs/cqrs';
import {
  ApiBody,
  ApiConsumes,
  ApiHeader,
  ApiOperation,
  ApiParam,
  ApiResponse,
  ApiTags,
  getSchemaPath,
  ApiExtraModels,
} from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { ReceiveRequest, type Receipt } from '../../application/door/receive-request.js';
import type { Outcome } from '../../application/decisions/outcome.js';
import { ReadModels, type RequestStatusRow } from '../../application/ports/store/read-models.js';
import { GetRequestStatus } from '../../application/queries/questions.js';
import type { ReceiptProof } from '../../application/receipts/receipt-promises.js';
import { PromiseOfRequest, ProveReceipt } from '../../application/receipts/receipt-questions.js';
import type { PlaceClaim } from '../../domain/booth/upload-place.js';
import { found, valueOf } from '../contract/answer.js';
import { ApiSettings } from '../api-settings.js';
import { Open } from '../auth/roles.js';
import { EdgeLimits } from '../edge/edge-limits.js';
import { headersHoldMyNumber, parseJson } from '../contract/json-body.js';
import { PlaceHeaders, Problems } from '../contract/openapi.js';
import { validated } from '../contract/validation.js';
import {
  RECEIPT_EXAMPLE,
  ReceiptAnswer,
  ReceiptProofAnswer,
  RegistrationRequestBody,
  StatusAnswer,
} from './booth.dto.js';
import { BOOTH_CERTIFICATE_PROBLEMS } from './booth-certificates.js';
import { Door, statedBoothId } from './door.js';
import { EventStreams, type StreamedEvent } from './event-streams.js';
import { readOnWhenRefused, readUpload, UploadRefused, type RegistrationParts } from './uploads/multipart-reader.js';
import { TYPED_RECEIPT_MAX, writtenReceipt } from './receipt.js';
import { UploadAdmission } from './uploads/upload-admission.js';
import type { UploadPlace } from './uploads/upload-places.js';

const IDEMPOTENCY_KEY = /^[\x21-\x7e]{1,128}$/;
const FINAL = new Set<RequestStatusRow['status']>(['registered', 'not_registered', 'visit_again']);

/** Where booths hand in requests and holders of a receipt ask about them. Says nothing about scores or suspicion.
 * @req R4 R21 */
@ApiTags('Booth')
@ApiExtraModels(RegistrationRequestBody)
@Controller('v1/registrations')
export class RegistrationsController {
  constructor(
    private readonly commands: CommandBus,
    private readonly queries: QueryBus,
    private readonly rows: ReadModels,
    private readonly door: Door,
    private readonly limits: EdgeLimits,
    private readonly admission: UploadAdmission,
    private readonly streams: EventStreams,
    private readonly settings: ApiSettings,
  ) {}

  @Post()
  @Open()
  @HttpCode(202)
  @ApiOperation({
    operationId: 'receiveRegistration',
    summary: 'Card and photograph of one session; sending them is the application',
  })
  @ApiHeader({
    name: 'Idempotency-Key',
    required: true,
    description: '1 to 128 visible ASCII characters. Same key and body: same answer',
    schema: { type: 'string', pattern: IDEMPOTENCY_KEY.source },
  })
  @PlaceHeaders()
  @ApiConsumes('multipart/form-data')
  @ApiBody({
    schema: {
      type: 'object',
      required: ['request', 'certificate', 'cardRecord', 'cardIssuerCertificate', 'photo'],
      additionalProperties: false,
      properties: {
        request: { $ref: getSchemaPath(RegistrationRequestBody) },
        certificate: { description: "The card's certificate, DER" },
        cardRecord: { description: 'EF 0002 of the surface application' },
        cardIssuerCertificate: { description: 'EF 0004, the 7F21 certificate' },
        photo: { description: 'The photograph' },
        ...Object.fromEntries(
          [0, 1, 2, 3].map((i) => [
            `frame${i}`,
            { description: `Further frame ${i + 1} of the session, JPEG; optional, counted without gaps` },
          ]),
        ),
      },
    },
  })
  @ApiResponse({
    status: 202,
    type: ReceiptAnswer,
    description: 'The request is stored and will be worked on, whatever fails from now on',
    headers: { Location: { description: 'Where its status is', schema: { type: 'string', format: 'uri-reference' } } },
  })
  @Problems(
    'malformed_request',
    'request_too_large',
    'photo_too_large',
    'photo_unsupported',
    'photo_damaged',
    'my_number_present',
    'booth_not_enrolled',
    'booth_is_suspended',
    'booth_signature_invalid',
    ...BOOTH_CERTIFICATE_PROBLEMS,
    'digest_mismatch',
    'nonce_unknown',
    'nonce_expired',
    'nonce_replayed',
    'captured_in_future',
    'captured_too_long_ago',
    'consent_text_unknown',
    'consent_needed_for_registry',
    'certificate_type_not_accepted',
    'idempotency_key_missing',
    'idempotency_key_reused',
    'too_many_requests',
    'uploads_under_way',
    'too_many_uploads',
    'upload_too_slow',
    'request_timeout',
    'outcome_unknown',
  )
  async receive(
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<ReceiptAnswer> {
    return readOnWhenRefused(request, reply, async () => {
      const admission = await this.admission.admit(request, 'registrationsPerMinute');
      const key = await this.idempotencyKeyOf(request);
      const { receipt, requestId } = await this.admission.upload(request, admission, (place) =>
        this.handIn(request, { key, place, claim: admission.claim }),
      );
      reply.header('location', `/v1/registrations/${receipt}`);
      const asked = new PromiseOfRequest(requestId);
      const promise = await this.queries.execute<PromiseOfRequest, string | null>(asked);
      return { receipt, status: 'received', promise };
    });
  }

  @Get(':receipt')
  @Open()
  @ApiOperation({ operationId: 'getRegistrationStatus', summary: 'The neutral status of a request' })
  @ReceiptParam()
  @ApiResponse({ status: 200, type: StatusAnswer, description: 'The status' })
  @Problems('not_found', 'too_many_requests', 'read_side_behind')
  async status(@Param('receipt') receipt: string, @Req() request: FastifyRequest): Promise<StatusAnswer> {
    await this.limits.admit(request, 'statusPerMinute');
    return publicRow(await this.rowOf(receipt));
  }

  @Get(':receipt/proof')
  @Open()
  @Header('cache-control', 'no-store')
  @ApiOperation({
    operationId: 'proveReceipt',
    summary: 'What was promised with a receipt, and the proof that the log holds the entry; to be kept as a file',
  })
  @ReceiptParam()
  @ApiResponse({ status: 200, type: ReceiptProofAnswer, description: 'Promise, and proof or statement of absence' })
  @Problems('not_found', 'too_many_requests', 'read_side_behind', 'audit_log_unavailable')
  async proof(@Param('receipt') receipt: string, @Req() request: FastifyRequest): Promise<ReceiptProofAnswer> {
    await this.limits.admit(request, 'statusPerMinute');
    const { requestId } = await this.rowOf(receipt);
    return found(await this.queries.execute<ProveReceipt, ReceiptProof | null>(new ProveReceipt(requestId)));
  }

  @Get(':receipt/events')
  @Open()
  @ApiOperation({
    operationId: 'streamRegistrationStatus',
    summary: 'The same status with each change, as server-sent events named `status`; ends with the final one',
  })
  @ReceiptParam()
  @ApiResponse({
    status: 200,
    description: 'A stream of the status object',
    content: { 'text/event-stream': { schema: { type: 'string' } } },
  })
  @Problems('not_found', 'too_many_requests', 'streams_under_way', 'too_many_streams', 'read_side_behind')
  async events(
    @Param('receipt') receipt: string,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const address = this.limits.addressOf(request);
    await this.limits.admit(request, 'statusPerMinute');
    const known = await this.rowOf(receipt);
    await this.streams.serve(reply, { owner: known.receipt, address }, (signal) =>
      statusEvents(this.rows.watchRequest(known.receipt, signal)),
    );
  }

  private async handIn(
    request: FastifyRequest,
    { key, place, claim }: { readonly key: string; readonly place: UploadPlace; readonly claim: PlaceClaim | null },
  ): Promise<Receipt> {
    const parts = await this.partsOf(request, place);
    const { envelope, boothSignature, cardSignature, cardChallengeSignature } = await this.requestOf(
      request,
      parts.request,
    );
    await this.admission.mustRepeat(request, claim, envelope);
    const signatures = {
      booth: Buffer.from(boothSignature, 'base64'),
      card: Buffer.from(cardSignature, 'base64'),
      cardChallenge: Buffer.from(cardChallengeSignature, 'base64'),
    };
    const { photo, certificate, cardRecord, cardIssuerCertificate, frames } = parts;
    const outcome = await this.commands.execute<ReceiveRequest, Outcome<Receipt>>(
      new ReceiveRequest(
        key,
        envelope,
        signatures,
        { photo, certificate, cardRecord, cardIssuerCertificate, frames },
        this.limits.holderOf(request),
      ),
    );
    if ('refused' in outcome) this.door.count(outcome.refused.code);
    return valueOf(outcome);
  }

  /** Looks for a My Number in the header fields first: a request with one is not looked at any further. */
  private async idempotencyKeyOf(request: FastifyRequest): Promise<string> {
    if (headersHoldMyNumber(request.headers)) return this.door.refuse(request, 'my_number_present');
    const key = request.headers['idempotency-key'];
    if (key === undefined || key === '') return this.door.refuse(request, 'idempotency_key_missing');
    if (typeof key !== 'string' || !IDEMPOTENCY_KEY.test(key))
      return this.door.refuse(request, 'malformed_request', {
        errors: [
          {
            pointer: '',
            header: 'Idempotency-Key',
            expected: 'one header Idempotency-Key of 1 to 128 visible ASCII characters',
          },
        ],
      });
    return key;
  }

  private async partsOf(request: FastifyRequest, place: UploadPlace): Promise<RegistrationParts> {
    try {
      return await readUpload(request, this.settings.limits, place);
    } catch (error) {
      if (error instanceof UploadRefused) return this.door.refuse(request, error.code, { errors: error.errors });
      throw error;
    }
  }

  private async requestOf(request: FastifyRequest, bytes: Buffer): Promise<RegistrationRequestBody> {
    const parsed = parseJson(bytes);
    if (parsed.outcome === 'my_number') return this.door.refuse(request, 'my_number_present');
    if (parsed.outcome === 'malformed')
      return this.door.refuse(request, 'malformed_request', {
        errors: [{ pointer: '', part: 'request', expected: 'a JSON object' }],
      });
    const body = validated(RegistrationRequestBody, parsed.value);
    if ('value' in body) return body.value;
    const stated = (parsed.value as { envelope?: { boothId?: unknown } | null } | null)?.envelope?.boothId;
    return this.door.refuse(request, 'malformed_request', {
      boothId: statedBoothId(stated),
      errors: body.errors.map((error) => ({ ...error, part: 'request' })),
    });
  }

  /** Nothing is told about the form of a wrong receipt. */
  private async rowOf(receipt: string): Promise<RequestStatusRow> {
    const written = writtenReceipt(receipt);
    return found(
      written !== null
        ? await this.queries.execute<GetRequestStatus, RequestStatusRow | null>(new GetRequestStatus(written))
        : null,
    );
  }
}

/** Documents the number of a receipt in an address. */
function ReceiptParam(): MethodDecorator {
  const description =
    'As printed, XXXX-XXXX-XXXX-XXXX. What a person types for it is read as well: small letters, no ' +
    'dashes, O for 0, I and L for 1';
  const schema = { type: 'string', minLength: 1, maxLength: TYPED_RECEIPT_MAX, example: RECEIPT_EXAMPLE };
  return ApiParam({ name: 'receipt', description, schema });
}

/** The row without the request id, which is not for the public. */
function publicRow({ receipt, status, updatedAtUtc }: RequestStatusRow): StatusAnswer {
  return { receipt, status, updatedAtUtc };
}

async function* statusEvents(rows: AsyncIterable<RequestStatusRow>): AsyncIterable<StreamedEvent> {
  for await (const row of rows) yield { event: 'status', data: publicRow(row), last: FINAL.has(row.status) };
}
