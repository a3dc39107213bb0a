import { Controller, HttpCode, Post, Req, Res } from '@nestjs/common';
import { QueryBus } from '@nestjs/cqrs';
import {
  ApiBody,
  ApiConsumes,
  ApiExtraModels,
  ApiOperation,
  ApiResponse,
  ApiTags,
  getSchemaPath,
} from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { CheckPhoto, type PhotoCheckAnswer } from '../../application/queries/check-photo.js';
import type { PlaceClaim } from '../../domain/booth/upload-place.js';
import type { PhotoGuidance } from '../../domain/registration/photo-guidance.js';
import { valueOf } from '../contract/answer.js';
import { ApiSettings } from '../api-settings.js';
import { Open } from '../auth/roles.js';
import { EdgeLimits } from '../edge/edge-limits.js';
import { headersHoldMyNumber, parseJson } from '../contract/json-body.js';
import { Metrics } from '../metrics.js';
import { PlaceHeaders, Problems } from '../contract/openapi.js';
import { ProblemError } from '../contract/problems.js';
import { validated } from '../contract/validation.js';
import { PhotoCheckAnswerBody, PhotoCheckBody } from './booth.dto.js';
import { BOOTH_CERTIFICATE_PROBLEMS } from './booth-certificates.js';
import { Door, statedBoothId } from './door.js';
import { readOnWhenRefused, readPhotoCheck, UploadRefused } from './uploads/multipart-reader.js';
import { UploadAdmission } from './uploads/upload-admission.js';
import type { UploadPlace } from './uploads/upload-places.js';

const BUSY_SECONDS = 2;

/** Tells an enrolled booth what to say to the person before the capture is sent. Nothing of the photograph is kept, and
 * nothing is said about whom it shows. @req R21 */
@ApiTags('Booth')
@ApiExtraModels(PhotoCheckBody)
@Controller('v1/photo-checks')
export class PhotoChecksController {
  constructor(
    private readonly queries: QueryBus,
    private readonly door: Door,
    private readonly admission: UploadAdmission,
    private readonly limits: EdgeLimits,
    private readonly settings: ApiSettings,
    private readonly metrics: Metrics,
  ) {}

  @Post()
  @Open()
  @HttpCode(200)
  @ApiOperation({
    operationId: 'checkPhoto',
    summary: 'Whether a photograph would be compared at all, and what could be better; nothing is stored',
  })
  @PlaceHeaders()
  @ApiConsumes('multipart/form-data')
  @ApiBody({
    schema: {
      type: 'object',
      required: ['request', 'photo'],
      additionalProperties: false,
      properties: { request: { $ref: getSchemaPath(PhotoCheckBody) }, photo: { description: 'The photograph' } },
    },
  })
  @ApiResponse({ status: 200, type: PhotoCheckAnswerBody, description: 'What to tell the person' })
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
    'too_many_requests',
    'uploads_under_way',
    'too_many_uploads',
    'upload_too_slow',
    'request_timeout',
    'photo_check_busy',
    'outcome_unknown',
  )
  async check(@Req() request: FastifyRequest, @Res({ passthrough: true }) reply: FastifyReply): Promise<PhotoGuidance> {
    return readOnWhenRefused(request, reply, async () => {
      const admission = await this.admission.admit(request, 'photoChecksPerMinute');
      if (headersHoldMyNumber(request.headers)) return this.door.refuse(request, 'my_number_present');
      return this.admission.upload(request, admission, (place) =>
        this.answer(request, { place, claim: admission.claim }),
      );
    });
  }

  private async answer(
    request: FastifyRequest,
    { place, claim }: { readonly place: UploadPlace; readonly claim: PlaceClaim | null },
  ): Promise<PhotoGuidance> {
    const { question, photo } = await this.questionOf(request, place);
    const { boothId, nonce, photoSha256, boothSignature } = question;
    await this.admission.mustRepeat(request, claim, question);
    const answer = await this.queries.execute<CheckPhoto, PhotoCheckAnswer>(
      new CheckPhoto(
        { boothId, nonce, photoSha256 },
        Buffer.from(boothSignature, 'base64'),
        photo,
        this.limits.holderOf(request),
      ),
    );
    if (answer.answer === 'unknown') throw new ProblemError('photo_check_busy', { retryAfterSeconds: BUSY_SECONDS });
    if (answer.answer === 'guidance') {
      this.metrics.photoChecks.inc({ ...answer.verdict });
      return answer.guidance;
    }
    this.door.count(answer.refusal.code);
    return valueOf({ refused: answer.refusal });
  }

  private async questionOf(
    request: FastifyRequest,
    place: UploadPlace,
  ): Promise<{ readonly question: PhotoCheckBody; readonly photo: Buffer }> {
    const parts = await readPhotoCheck(request, this.settings.limits, place).catch((error: unknown) => {
      if (!(error instanceof UploadRefused)) throw error;
      return this.door.refuse(request, error.code, { errors: error.errors });
    });
    const parsed = parseJson(parts.request);
    if (parsed.outcome === 'my_number') return this.door.refuse(request, 'my_number_present');
    if (parsed.outcome === 'malformed')
      return this.door.refuse(request, 'malformed_request', {
        errors: [{ pointer: '', part: 'request', expected: 'a JSON object' }],
      });
    const body = validated(PhotoCheckBody, parsed.value);
    if ('value' in body) return { question: body.value, photo: parts.photo };
    return this.door.refuse(request, 'malformed_request', {
      boothId: statedBoothId((parsed.value as { boothId?: unknown } | null)?.boothId),
      errors: body.errors.map((error) => ({ ...error, part: 'request' })),
    });
  }
}
