import { createHash } from 'node:crypto';
import { captureEnvelopeText, type CaptureEnvelope } from '../../domain/booth/capture-envelope.js';
import { fold } from '../../domain/decider.js';
import type { BoothEvent } from '../../domain/booth/booth.events.js';
import type { ReceivedRequest } from '../../domain/registration/registration.events.js';
import { booths } from '../decisions/aggregates.js';
import { boothSigned } from './booth-signature.js';
import { CASE_BLOBS, caseOwner, frameBlob, type CaseSignatures, type SignedBlob } from '../case/case-material.js';
import { toDomain, type DecideAndAppend } from '../decisions/decide-and-append.js';
import type { Expected, ImageVault } from '../ports/registrant/image-vault.js';

/** What is there fits its commitment and not what booth and card signed. */
export class SignedTextDiffersError extends Error {
  constructor(
    readonly requestId: string,
    readonly blobId: string,
    /** `signed_text`: the text names another digest, or tells of another request. `signature`: the booth did not sign
     * it. */
    readonly difference: 'signed_text' | 'signature',
  ) {
    super(`${blobId} of request ${requestId} is not what was signed (${difference})`);
  }
}

/** The text that booth and card signed, found to be that of this very request. */
export interface SignedCapture {
  readonly envelope: CaptureEnvelope;
  readonly signatures: CaseSignatures;
}

const DIGEST_OF = {
  photo: 'photoSha256',
  certificate: 'certificateSha256',
  cardRecord: 'cardRecordSha256',
  cardIssuerCertificate: 'cardIssuerCertificateSha256',
} as const satisfies Record<SignedBlob, keyof CaptureEnvelope>;

/** The one way to what a booth sent: opened out of the vault, compared with the commitments of the request's event and
 * with the digests of the signed text, and the text with the booth's signature. Whoever judges, shows, keeps or sends
 * material takes it from here. @req R5 R10 */
export class ReceivedMaterial {
  /** @param historyOf events of a booth, oldest first */
  constructor(
    private readonly vault: ImageVault,
    private readonly historyOf: (boothId: string) => Promise<readonly BoothEvent[]>,
  ) {}

  static of(vault: ImageVault, aggregates: DecideAndAppend): ReceivedMaterial {
    return new ReceivedMaterial(vault, async (boothId) =>
      (await aggregates.load(booths, boothId)).stored.map((event) => toDomain<BoothEvent>(event)),
    );
  }

  /** @throws {BlobGoneError} {BlobDiffersError} {SignedTextDiffersError} */
  async open<Blob extends SignedBlob>(
    request: ReceivedRequest,
    blobs: readonly Blob[],
  ): Promise<{ readonly signed: SignedCapture; readonly bytes: Readonly<Record<Blob, Uint8Array>> }> {
    const [signed, ...opened] = await Promise.all([
      this.signed(request),
      ...blobs.map((blob) =>
        this.vault.open(caseOwner(request.requestId), CASE_BLOBS[blob], { commitment: request.material[blob] }),
      ),
    ] as const);
    const bytes = Object.fromEntries(blobs.map((blob, i) => [blob, opened[i] as Uint8Array])) as Record<
      Blob,
      Uint8Array
    >;
    for (const blob of blobs) assertSigned(request, signed, blob, bytes[blob]);
    return { signed, bytes };
  }

  /** Frames besides the photograph, in their order. */
  async frames(request: ReceivedRequest, { envelope }: SignedCapture): Promise<readonly Uint8Array[]> {
    const { requestId, frames } = request;
    const commitments = frames?.material ?? [];
    const digests = envelope.framesSha256 ?? [];
    if (digests.length !== commitments.length)
      throw new SignedTextDiffersError(requestId, CASE_BLOBS.signatures, 'signed_text');
    return Promise.all(
      commitments.map(async (commitment, i) => {
        const bytes = await this.vault.open(caseOwner(requestId), frameBlob(i), { commitment });
        if (sha256(bytes) !== digests[i]) throw new SignedTextDiffersError(requestId, frameBlob(i), 'signed_text');
        return bytes;
      }),
    );
  }

  private async signed(request: ReceivedRequest): Promise<SignedCapture> {
    const { requestId, material } = request;
    // Without a commitment it is the booth's signature, checked below, that the bytes have to bring.
    const expected: Expected =
      material.signatures === null
        ? { isNamedAfter: (bytes) => parsed(bytes) !== null }
        : { commitment: material.signatures };
    const signed = parsed(await this.vault.open(caseOwner(requestId), CASE_BLOBS.signatures, expected));
    if (signed === null || !isOf(signed.envelope, request))
      throw new SignedTextDiffersError(requestId, CASE_BLOBS.signatures, 'signed_text');
    if (!(await this.isBoothSigned(request, signed)))
      throw new SignedTextDiffersError(requestId, CASE_BLOBS.signatures, 'signature');
    return signed;
  }

  /** By the key that the booth had when the request was received, whatever became of the booth since. */
  private async isBoothSigned(
    { boothId, boothKeyVersion }: ReceivedRequest,
    { signatures }: SignedCapture,
  ): Promise<boolean> {
    const events = await this.historyOf(boothId);
    const then = events.findIndex(
      (event) =>
        (event.type === 'BoothEnrolled' ? 1 : event.type === 'BoothKeyRotated' ? event.data.keyVersion : null) ===
        boothKeyVersion,
    );
    const booth = fold(booths.decider, events.slice(0, then + 1));
    return (
      booth.stage !== 'none' &&
      boothSigned(booth, signatures.envelopeText, Buffer.from(signatures.boothSignature, 'base64'))
    );
  }
}

/** Compares bytes with the digest that booth and card signed. Cheap, so that it can be done again right before the
 * bytes leave.
 * @throws {SignedTextDiffersError} */
export function assertSigned(
  { requestId }: Pick<ReceivedRequest, 'requestId'>,
  { envelope }: SignedCapture,
  blob: SignedBlob,
  bytes: Uint8Array,
): void {
  if (sha256(bytes) !== envelope[DIGEST_OF[blob]])
    throw new SignedTextDiffersError(requestId, CASE_BLOBS[blob], 'signed_text');
}

/** @returns null for bytes that the door would not have sealed */
function parsed(bytes: Uint8Array): SignedCapture | null {
  try {
    const signatures = JSON.parse(Buffer.from(bytes).toString('utf8')) as CaseSignatures;
    const envelope = JSON.parse(signatures.envelopeText) as CaptureEnvelope;
    return captureEnvelopeText(envelope) === signatures.envelopeText ? { envelope, signatures } : null;
  } catch {
    // Not JSON, or of another form: it is something else.
    return null;
  }
}

/** Whether the text tells of this request: what the event took from it must be what it says. */
function isOf(
  envelope: CaptureEnvelope,
  { boothId, counter, mode, certificateType, capturedAtUtc, consent }: ReceivedRequest,
): boolean {
  return (
    envelope.boothId === boothId &&
    envelope.counter === counter &&
    envelope.mode === mode &&
    envelope.certificateType === certificateType &&
    envelope.capturedAtUtc === capturedAtUtc &&
    envelope.consent.textVersion === consent.textVersion &&
    envelope.consent.keepReferenceImage === consent.keepReferenceImage
  );
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
