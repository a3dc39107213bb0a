import { Controller, Get, Req } from '@nestjs/common';
import { QueryBus } from '@nestjs/cqrs';
import { ApiOperation, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import { GetBoothSettings, type BoothSettings } from '../../application/queries/booth-settings.js';
import { FRAMES_MAX } from '../../domain/booth/capture-envelope.js';
import { ApiSettings } from '../api-settings.js';
import { Open } from '../auth/roles.js';
import { EdgeLimits } from '../edge/edge-limits.js';
import { Problems, QuestionHeaders } from '../contract/openapi.js';
import { BOOTH_CERTIFICATE_PROBLEMS, BoothCertificates } from './booth-certificates.js';
import { BoothSettingsAnswer } from './booth-settings.dto.js';
import { questionOf } from './uploads/upload-admission.js';

/** What a booth asks before its first capture, and again from time to time. */
@ApiTags('Booth')
@Controller('v1/booth-settings')
export class BoothSettingsController {
  constructor(
    private readonly queries: QueryBus,
    private readonly limits: EdgeLimits,
    private readonly settings: ApiSettings,
    private readonly certificates: BoothCertificates,
  ) {}

  @Get()
  @Open()
  @ApiOperation({
    operationId: 'getBoothSettings',
    summary: "Consent texts, limits and the server's time; to a booth that signs its question also how it stands",
  })
  @QuestionHeaders()
  @ApiResponse({ status: 200, type: BoothSettingsAnswer, description: 'What the policy in force asks of booths' })
  @Problems(...BOOTH_CERTIFICATE_PROBLEMS, 'too_many_requests')
  async ask(@Req() request: FastifyRequest): Promise<BoothSettingsAnswer> {
    await this.limits.admit(request, 'statusPerMinute');
    const question = questionOf(request);
    // A booth hears here, before its first capture, that its certificate would not do.
    if (question !== null) this.certificates.mustFit(request, question.request.boothId);
    const asked = new GetBoothSettings(question);
    const { consentTexts, limits, ...rest } = await this.queries.execute<GetBoothSettings, BoothSettings>(asked);
    const edge = this.settings.limits;
    const { frameBytesMax, certificateBytesMax, cardRecordBytesMax, cardIssuerCertificateBytesMax } = edge;
    const bytes = { frameBytesMax, certificateBytesMax, cardRecordBytesMax, cardIssuerCertificateBytesMax };
    const photoBytesMax = Math.min(limits.photoBytesMax, edge.photoBytesMax);
    const untold = { text: null, keepReferenceImage: null };
    return {
      ...rest,
      consentTexts: consentTexts.map(({ version, content }) => ({ version, ...untold, ...content })),
      limits: { ...limits, ...bytes, photoBytesMax, framesMax: FRAMES_MAX },
    };
  }
}
