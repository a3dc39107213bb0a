import { ApiProperty } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import {
  ArrayMaxSize,
  Equals,
  IsArray,
  IsBoolean,
  IsDefined,
  IsIn,
  IsInt,
  IsObject,
  Matches,
  Max,
  Min,
  ValidateIf,
  ValidateNested,
} from 'class-validator';
import {
  FRAMES_MAX,
  REGISTRATION_MODES,
  type CaptureEnvelope,
  type RegistrationMode,
} from '../../domain/booth/capture-envelope.js';
import { CERTIFICATE_TYPES, type CertificateType } from '../../domain/values/certificate-status.js';
import type { PhotoCheck } from '../../domain/booth/photo-check.js';
import type { PhotoGuidance } from '../../domain/registration/photo-guidance.js';
import {
  HEAD_TURNS,
  PHOTO_MEASURES,
  type HeadTurn,
  type NotComparableReason,
  type PhotoMeasure,
} from '../../domain/values/face-comparison.js';
import type { PublicStatus } from '../../application/ports/store/read-models.js';
import type { ReceiptProof } from '../../application/receipts/receipt-promises.js';
import { base64Schema, IsBase64Bytes, IsUtcInstant, SIGNED_INSTANT } from '../contract/validation.js';
import { BOOTH_ID } from '../../domain/booth/booth.js';

const SHA256 = /^[0-9a-f]{64}$/;
const DIGEST = {
  description: 'SHA-256 of the exact bytes of the part, lower-case hexadecimal',
  pattern: SHA256.source,
} as const;
const COUNTER_MAX = 2 ** 31;
const SIGNATURE_BYTES = { min: 1, max: 1_024 } as const;
const ED25519_BYTES = { min: 64, max: 64 } as const;

export class ChallengeBody {
  @ApiProperty({ description: 'The enrolled id of the booth', pattern: BOOTH_ID.source, example: 'booth-0001' })
  @Matches(BOOTH_ID, { message: `must match ${BOOTH_ID.source}` })
  boothId!: string;
}

export class ChallengeAnswer {
  @ApiProperty({ description: 'Single-use nonce, base64url', pattern: '^[A-Za-z0-9_-]+$' })
  nonce!: string;

  @ApiProperty({ format: 'date-time' })
  expiresAtUtc!: string;

  @ApiProperty({
    enum: HEAD_TURNS,
    description:
      "How the person turns the head after the photograph, for booths that send further frames; left and right are the person's own",
  })
  prompt!: HeadTurn;
}

export class ConsentBody {
  @ApiProperty({
    description: 'Version of the text that was shown and agreed to before the capture',
    pattern: '^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$',
    example: '2026-11',
  })
  @Matches(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, { message: 'must be the version of a consent text' })
  textVersion!: string;

  @ApiProperty({ description: 'Whether the holder also agreed that the photograph is kept for later comparisons' })
  @IsBoolean({ message: 'must be true or false' })
  keepReferenceImage!: boolean;
}

/** What booth and card signed. Exact formats: what is signed has one spelling. @req R10 */
export class CaptureEnvelopeBody implements CaptureEnvelope {
  @ApiProperty({ description: 'As given by POST /v1/challenges', pattern: '^[A-Za-z0-9_-]{16,128}$' })
  @Matches(/^[A-Za-z0-9_-]{16,128}$/, { message: 'must be base64url of 16 to 128 characters' })
  nonce!: string;

  @ApiProperty({ pattern: BOOTH_ID.source })
  @Matches(BOOTH_ID, { message: `must match ${BOOTH_ID.source}` })
  boothId!: string;

  @ApiProperty({ type: 'integer', minimum: 0, maximum: COUNTER_MAX, description: 'Counts the captures of this booth' })
  @IsInt({ message: 'must be an integer' })
  @Min(0, { message: 'must not be negative' })
  @Max(COUNTER_MAX, { message: `must not be above ${COUNTER_MAX}` })
  counter!: number;

  @ApiProperty({ enum: CERTIFICATE_TYPES })
  @IsIn(CERTIFICATE_TYPES, { message: `must be one of ${CERTIFICATE_TYPES.join(', ')}` })
  certificateType!: CertificateType;

  @ApiProperty({ enum: REGISTRATION_MODES })
  @IsIn(REGISTRATION_MODES, { message: `must be one of ${REGISTRATION_MODES.join(', ')}` })
  mode!: RegistrationMode;

  @ApiProperty({
    pattern: SIGNED_INSTANT.source,
    description: "The booth's clock at the capture, in UTC: it is signed, so there is one way to write it",
    example: '2026-11-23T08:15:30.123Z',
  })
  @IsUtcInstant()
  capturedAtUtc!: string;

  @ApiProperty(DIGEST)
  @Matches(SHA256, { message: 'must be 64 lower-case hexadecimal digits' })
  photoSha256!: string;

  @ApiProperty(DIGEST)
  @Matches(SHA256, { message: 'must be 64 lower-case hexadecimal digits' })
  certificateSha256!: string;

  @ApiProperty(DIGEST)
  @Matches(SHA256, { message: 'must be 64 lower-case hexadecimal digits' })
  cardRecordSha256!: string;

  @ApiProperty(DIGEST)
  @Matches(SHA256, { message: 'must be 64 lower-case hexadecimal digits' })
  cardIssuerCertificateSha256!: string;

  @ApiProperty({
    type: 'array',
    items: { type: 'string', pattern: SHA256.source },
    maxItems: FRAMES_MAX,
    required: false,
    description: 'SHA-256 of the parts frame0 to frame3 in their order; absent where there are none',
  })
  @ValidateIf((body: CaptureEnvelopeBody) => body.framesSha256 !== undefined)
  @IsArray({ message: 'must be a list' })
  @ArrayMaxSize(FRAMES_MAX, { message: `must not name more than ${FRAMES_MAX} frames` })
  @Matches(SHA256, { each: true, message: 'must be 64 lower-case hexadecimal digits each' })
  framesSha256?: string[];

  @ApiProperty({ type: ConsentBody })
  @IsDefined({ message: 'is missing' })
  @IsObject({ message: 'must be an object' })
  @ValidateNested({ message: 'must be an object' })
  @Type(() => ConsentBody)
  consent!: ConsentBody;
}

/** The part `request` of a registration. */
export class RegistrationRequestBody {
  @ApiProperty({ type: CaptureEnvelopeBody })
  @IsDefined({ message: 'is missing' })
  @IsObject({ message: 'must be an object' })
  @ValidateNested({ message: 'must be an object' })
  @Type(() => CaptureEnvelopeBody)
  envelope!: CaptureEnvelopeBody;

  @ApiProperty({ ...base64Schema(ED25519_BYTES), description: "Ed25519 by the booth's enrolled key" })
  @IsBase64Bytes(ED25519_BYTES)
  boothSignature!: string;

  @ApiProperty({ ...base64Schema(SIGNATURE_BYTES), description: "By the certificate's key" })
  @IsBase64Bytes(SIGNATURE_BYTES)
  cardSignature!: string;

  @ApiProperty({ ...base64Schema(SIGNATURE_BYTES), description: "By the key in the card's face record" })
  @IsBase64Bytes(SIGNATURE_BYTES)
  cardChallengeSignature!: string;
}

export const RECEIPT_EXAMPLE = '7K3M-9QXD-2VTB-HW60';
const PUBLIC_STATUSES = [
  'received',
  'processing',
  'registered',
  'not_registered',
  'visit_again',
] as const satisfies readonly PublicStatus[];

export class ReceiptAnswer {
  @ApiProperty({ description: 'Printed for the holder', example: RECEIPT_EXAMPLE })
  receipt!: string;

  @ApiProperty({ enum: ['received'] })
  @Equals('received')
  status!: 'received';

  @ApiProperty({
    type: String,
    nullable: true,
    description:
      'Signed note: the log will hold the entry of this request within 60 s. Keep it. null where nothing can be ' +
      'promised; the request is received all the same',
  })
  promise!: string | null;
}

export class ReceiptInclusionAnswer {
  @ApiProperty({ type: 'integer', minimum: 0, description: 'Place in the log' })
  index!: number;

  @ApiProperty({ type: 'integer', minimum: 1, description: 'Entries of the checkpoint' })
  size!: number;

  @ApiProperty({ description: 'Base64; the same as in the promise' })
  leafHash!: string;

  @ApiProperty({ type: [String], description: 'RFC 9162, section 2.1.3; base64' })
  proof!: readonly string[];

  @ApiProperty({ description: 'The signed checkpoint of these entries' })
  checkpoint!: string;
}

export class ReceiptProofAnswer implements ReceiptProof {
  @ApiProperty({ example: RECEIPT_EXAMPLE })
  receipt!: string;

  @ApiProperty({ description: 'What was promised with the receipt; signed by the key of today' })
  promise!: string;

  @ApiProperty({ type: ReceiptInclusionAnswer, nullable: true, description: 'null until the log holds the entry' })
  inclusion!: ReceiptInclusionAnswer | null;

  @ApiProperty({
    type: String,
    nullable: true,
    description: 'Signed note: the newest checkpoint does not hold the entry. null once one does',
  })
  absence!: string | null;

  @ApiProperty({ type: [String], description: 'Notes in which a key of the log vouches for the next' })
  successions!: readonly string[];

  @ApiProperty({ type: [String], description: 'Declarations of loss: each begins another name of the log' })
  losses!: readonly string[];
}

export class StatusAnswer {
  @ApiProperty({ example: RECEIPT_EXAMPLE })
  receipt!: string;

  @ApiProperty({ enum: PUBLIC_STATUSES, description: 'Neutral: a held case and a slow case both say `processing`' })
  status!: PublicStatus;

  @ApiProperty({ format: 'date-time' })
  updatedAtUtc!: string;
}

/** The part `request` of a photo check. */
export class PhotoCheckBody implements PhotoCheck {
  @ApiProperty({ pattern: BOOTH_ID.source })
  @Matches(BOOTH_ID, { message: `must match ${BOOTH_ID.source}` })
  boothId!: string;

  @ApiProperty({
    description: 'As given by POST /v1/challenges; it stays good for the capture',
    pattern: '^[A-Za-z0-9_-]{16,128}$',
  })
  @Matches(/^[A-Za-z0-9_-]{16,128}$/, { message: 'must be base64url of 16 to 128 characters' })
  nonce!: string;

  @ApiProperty(DIGEST)
  @Matches(SHA256, { message: 'must be 64 lower-case hexadecimal digits' })
  photoSha256!: string;

  @ApiProperty({
    ...base64Schema(ED25519_BYTES),
    description: "Ed25519 by the booth's enrolled key over the photo check text",
  })
  @IsBase64Bytes(ED25519_BYTES)
  boothSignature!: string;
}

export class HintAnswer {
  @ApiProperty()
  ja!: string;

  @ApiProperty()
  en!: string;
}

const NOT_COMPARABLE_REASONS = [
  'no_face',
  'several_faces',
  'face_too_small',
  'too_blurred',
  'turned_away',
  'not_upright',
  'eyes_closed',
  'eyes_covered',
  'mouth_covered',
  'printed_frame',
  'unreadable_image',
  'image_too_large',
  'poor_quality',
] as const satisfies readonly NotComparableReason[];

export class PhotoReasonAnswer {
  @ApiProperty({ enum: NOT_COMPARABLE_REASONS })
  reason!: NotComparableReason;

  @ApiProperty({ type: HintAnswer })
  hint!: HintAnswer;
}

export class PhotoMeasureAnswer {
  @ApiProperty({ enum: PHOTO_MEASURES, description: 'Name of ISO/IEC 29794-5' })
  measure!: PhotoMeasure;

  @ApiProperty({ type: 'integer', minimum: 0, maximum: 100, description: '100 is best' })
  value!: number;

  @ApiProperty({ type: HintAnswer })
  hint!: HintAnswer;
}

export class PhotoCheckAnswerBody implements PhotoGuidance {
  @ApiProperty({ description: 'Whether the photograph would be compared at all; nothing about the outcome' })
  usable!: boolean;

  @ApiProperty({
    description: 'Whether two officers would look at it before it is used, because something about it cannot be told',
  })
  review!: boolean;

  @ApiProperty({ type: [PhotoReasonAnswer], description: 'Why it would not be compared' })
  reasons!: readonly PhotoReasonAnswer[];

  @ApiProperty({ type: [PhotoMeasureAnswer], description: 'What could be better, worst first' })
  guidance!: readonly PhotoMeasureAnswer[];
}
