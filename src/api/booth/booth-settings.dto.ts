import { ApiExtraModels, ApiProperty, getSchemaPath } from '@nestjs/swagger';
import { BOOTH_ID } from '../../domain/booth/booth.js';
import { HintAnswer } from './booth.dto.js';

const BYTES = { type: 'integer', minimum: 1 } as const;
const TIME = { type: 'integer', minimum: 0 } as const;
const WORDS = { oneOf: [{ $ref: getSchemaPath(HintAnswer) }, { type: 'null' }] };

export class ConsentTextAnswer {
  @ApiProperty({ description: 'What `consent.textVersion` says when this text was agreed to', example: '2026-11' })
  version!: string;

  @ApiProperty({ ...WORDS, description: 'Shown before the capture; null: the office gives out this text itself' })
  text!: HintAnswer | null;

  @ApiProperty({ ...WORDS, description: 'The question whose answer is `consent.keepReferenceImage`' })
  keepReferenceImage!: HintAnswer | null;
}

export class BoothLimitsAnswer {
  @ApiProperty(BYTES)
  photoBytesMax!: number;

  @ApiProperty(BYTES)
  frameBytesMax!: number;

  @ApiProperty({ type: 'integer', minimum: 0, description: 'Further frames of one capture' })
  framesMax!: number;

  @ApiProperty(BYTES)
  certificateBytesMax!: number;

  @ApiProperty(BYTES)
  cardRecordBytesMax!: number;

  @ApiProperty(BYTES)
  cardIssuerCertificateBytesMax!: number;

  @ApiProperty({ ...TIME, description: "So far a capture's time may be ahead of the server's clock" })
  clockSkewSecondsMax!: number;

  @ApiProperty({ ...TIME, description: 'So old a capture may be when it comes' })
  captureAgeMinutesMax!: number;

  @ApiProperty({ ...TIME, description: 'So long a challenge serves' })
  challengeLifetimeSeconds!: number;

  @ApiProperty({ ...TIME, description: "So far Honnin-Requested-At may be from the server's clock" })
  questionClockSkewSecondsMax!: number;
}

export class ProvenBoothAnswer {
  @ApiProperty({ pattern: BOOTH_ID.source })
  boothId!: string;

  @ApiProperty({ enum: ['enrolled', 'suspended'] })
  standing!: 'enrolled' | 'suspended';

  @ApiProperty({ type: 'integer', minimum: 1, description: 'Which of its keys signed, counted from 1' })
  keyVersion!: number;
}

@ApiExtraModels(ProvenBoothAnswer, HintAnswer)
export class BoothSettingsAnswer {
  @ApiProperty({ format: 'date-time', description: "The server's clock; a booth knows by it how far its own is off" })
  serverTimeUtc!: string;

  @ApiProperty({ type: 'integer', minimum: 1 })
  policyVersion!: number;

  @ApiProperty({
    oneOf: [{ $ref: getSchemaPath(ProvenBoothAnswer) }, { type: 'null' }],
    description: 'How the booth stands whose key signed the question; null for everybody else, known booth or not',
  })
  booth!: ProvenBoothAnswer | null;

  @ApiProperty({ type: [ConsentTextAnswer], description: 'Texts that a capture may name' })
  consentTexts!: readonly ConsentTextAnswer[];

  @ApiProperty({ type: BoothLimitsAnswer })
  limits!: BoothLimitsAnswer;
}
