import { createHash, randomUUID, timingSafeEqual } from 'node:crypto';
import { CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { captureEnvelopeText, type CaptureEnvelope } from '../../domain/booth/capture-envelope.js';
import type { ActivePolicy } from '../../domain/policy/policy.js';
import { photoProblem, type PhotoProblem } from '../../domain/photo/photo-problem.js';
import type { DoorRefusalCode, Refusal } from '../../domain/refusal.js';
import { standsAlone } from '../../domain/registration/card-agreement.js';
import { captureRefusal } from '../../domain/registration/capture.policy.js';
import type { ReceivedRequest, RegistrationEvent } from '../../domain/registration/registration.events.js';
import { booths, registrations } from '../decisions/aggregates.js';
import { boothSigned, type KnownBooth } from './booth-signature.js';
import { CASE_BLOBS, caseOwner, frameBlob, type CaseSignatures } from '../case/case-material.js';
import { CurrentPolicy } from '../decisions/current-policy.js';
import { derivedId, uuidFrom } from '../decisions/ids.js';
import { ok, refused, type Outcome } from '../decisions/outcome.js';
import { Clock } from '../ports/store/clock.js';
import { EventStore } from '../ports/store/event-store.js';
import { BlobDiffersError, ImageVault, OwnerErasedError } from '../ports/registrant/image-vault.js';
import { PhotoReader } from '../ports/outside/photo-reader.js';
import { Secrets } from '../ports/registrant/secrets.js';
import { SubjectLinker } from '../ports/registrant/subject-linker.js';
import { Claims } from './claims.js';
import { DecideAndAppend, toDomain, type CommandContext } from '../decisions/decide-and-append.js';
import { Challenges } from './issue-challenge.js';
import { RefuseAtDoor } from './refuse-at-door.js';
import type { RefusalSource } from './refusal-budget.js';

/** A booth's request as it came in: parsed and bounded, not yet believed. Signatures are raw bytes. @req R4 */
export class ReceiveRequest {
  constructor(
    readonly idempotencyKey: string,
    readonly envelope: CaptureEnvelope,
    readonly signatures: { readonly booth: Uint8Array; readonly card: Uint8Array; readonly cardChallenge: Uint8Array },
    readonly material: {
      readonly photo: Uint8Array;
      readonly certificate: Uint8Array;
      readonly cardRecord: Uint8Array;
      readonly cardIssuerCertificate: Uint8Array;
      readonly frames?: readonly Uint8Array[];
    },
    /** Whom a refusal is counted by. */
    readonly source?: RefusalSource,
  ) {}
}

export interface Receipt {
  readonly requestId: string;
  readonly receipt: string;
  /** True when this request had been received before and nothing new was stored. */
  readonly repeated: boolean;
}

/** How the stream of a request begins: with its receipt, or with the end of what was never received. */
type RequestBegun = Extract<RegistrationEvent, { readonly type: 'RequestReceived' | 'RequestLapsed' }>;

/** The door: everything that can be refused without the outside world is refused here, and leaves nothing but the
 * refusal. The order is from cheap to dear, and from "who are you" to "what do you bring"; then who owns key and nonce
 * is decided, and only the owner's material is stored. Whoever does not own both touches nothing. */
@CommandHandler(ReceiveRequest)
export class ReceiveRequestHandler implements ICommandHandler<ReceiveRequest, Outcome<Receipt>> {
  constructor(
    private readonly aggregates: DecideAndAppend,
    private readonly policies: CurrentPolicy,
    private readonly challenges: Challenges,
    private readonly claims: Claims,
    private readonly vault: ImageVault,
    private readonly secrets: Secrets,
    private readonly clock: Clock,
    private readonly store: EventStore,
    private readonly door: RefuseAtDoor,
    private readonly photos: PhotoReader,
    private readonly linker: SubjectLinker,
  ) {}

  async execute(command: ReceiveRequest): Promise<Outcome<Receipt>> {
    const { envelope } = command;
    const policy = await this.policies.get();
    const { state: booth } = await this.aggregates.load(booths, envelope.boothId);
    if (booth.stage === 'none') return this.refuse('booth_not_enrolled', command, policy);
    const strange = boothRefusal(booth, command);
    if (strange) return this.refuse(strange, command, policy);

    const requestId = this.requestIdOf(command);
    const requestDigest = this.requestDigestOf(command);
    // A repeated request gets its first answer, also after its nonce has expired: the booth may have been offline in
    // between.
    const earlier = await this.firstOf(requestId);
    if (earlier) return this.answerOf(earlier, requestDigest, command, policy);

    // A request that owns its key and died before it was received goes on as of the moment at which it came.
    const claimed = await this.claims.ofRequest(requestId);
    if (claimed && !sameHex(claimed.digest, requestDigest))
      return this.refuse('idempotency_key_reused', command, policy);
    const problem = this.materialRefusal(command, policy, claimed?.claimedAtUtc ?? this.clock.nowUtc());
    if (problem) return this.refuse(problem, command, policy);
    const unplain = await this.photoRefusal(command);
    if (unplain) return this.refuse(unplain.code, command, policy, unplain);

    const context: CommandContext = {
      commandId: derivedId('receive', requestId),
      actor: `booth:${envelope.boothId}`,
      correlationId: requestId,
      causationId: requestId,
      policyVersion: policy.version,
    };
    const owned = await this.own(
      { requestId, boothId: envelope.boothId, digest: requestDigest, nonce: envelope.nonce },
      context,
    );
    if ('lost' in owned) return this.refuse(owned.lost, command, policy);

    // Images before the event: a 202 promises that they are there.
    const sealed = await this.sealed(requestId, command);
    if (!sealed) return this.answerAgain(requestId, requestDigest, command, policy);
    const receipt = this.receiptOf(requestId);
    const request: ReceivedRequest = {
      requestId,
      receipt,
      boothId: envelope.boothId,
      boothKeyVersion: booth.keyVersion,
      counter: envelope.counter,
      mode: envelope.mode,
      certificateType: envelope.certificateType,
      capturedAtUtc: envelope.capturedAtUtc,
      receivedAtUtc: owned.claimedAtUtc,
      consent: { textVersion: envelope.consent.textVersion, keepReferenceImage: envelope.consent.keepReferenceImage },
      ...sealed,
      requestDigest,
    };
    const result = await this.aggregates.execute(
      registrations,
      requestId,
      { type: 'ReceiveRequest', request },
      context,
    );
    if (result.outcome === 'decided' && !result.repeated) return ok({ requestId, receipt, repeated: false });
    // The same request came in twice at the same time and the other one was first, or it came back after it had lapsed.
    return this.answerAgain(requestId, requestDigest, command, policy);
  }

  /** Makes key and nonce this request's, or says which of them is another's. Nothing of a request is stored before it
   * owns both.
   * @returns since when; a request that comes again owns what it owned */
  private async own(
    { requestId, boothId, digest, nonce }: { requestId: string; boothId: string; digest: string; nonce: string },
    context: CommandContext,
  ): Promise<{ readonly claimedAtUtc: string } | { readonly lost: DoorRefusalCode }> {
    // A look first, so that a nonce of old does not burn a key that is new.
    const user = await this.claims.userOfNonce(nonce);
    if (user !== null && user !== requestId) return { lost: 'nonce_replayed' };
    const claim = await this.claims.claimRequest({ requestId, boothId, digest }, context);
    if (!sameHex(claim.digest, digest)) return { lost: 'idempotency_key_reused' };
    if ((await this.claims.claimNonce(nonce, { requestId, boothId }, context)) !== requestId)
      return { lost: 'nonce_replayed' };
    return claim;
  }

  /** The answer of a request whose story has begun meanwhile. One whose material was destroyed without a story can
   * never be received. */
  private async answerAgain(
    requestId: string,
    requestDigest: string,
    command: ReceiveRequest,
    policy: ActivePolicy,
  ): Promise<Outcome<Receipt>> {
    const first = await this.firstOf(requestId);
    return first
      ? this.answerOf(first, requestDigest, command, policy)
      : this.refuse('idempotency_key_reused', command, policy);
  }

  /** @returns null where the vault takes nothing of it: a duplicate that was so slow that its case has ended meanwhile,
   *   a request that has lapsed, or a key under which a version of before left something else. */
  private async sealed(
    requestId: string,
    command: ReceiveRequest,
  ): Promise<Pick<ReceivedRequest, 'material' | 'frames'> | null> {
    try {
      return {
        material: await this.sealMaterial(requestId, command),
        frames: await this.sealFrames(requestId, command),
      };
    } catch (error) {
      if (error instanceof OwnerErasedError || error instanceof BlobDiffersError) return null;
      throw error;
    }
  }

  private materialRefusal(
    { envelope, material, signatures }: ReceiveRequest,
    policy: ActivePolicy,
    receivedAtUtc: string,
  ): DoorRefusalCode | null {
    const expiresAtUtc = this.challenges.expiryOf(envelope.boothId, envelope.nonce);
    if (expiresAtUtc === null) return 'nonce_unknown';
    if (Date.parse(receivedAtUtc) > Date.parse(expiresAtUtc)) return 'nonce_expired';
    if (material.photo.length > policy.values.photoBytesMax) return 'photo_too_large';
    if (signatures.card.length === 0 || signatures.cardChallenge.length === 0) return 'malformed_request';
    // Without anybody who knows which two certificates are on one card, the second type would make a second registrant
    // of the same person.
    const known = this.linker.isConfigured ? 'told' : 'no_service';
    if (!standsAlone(known, envelope.certificateType, policy.values.certificateTypesWithoutSameCard)) {
      return 'certificate_type_not_accepted';
    }
    return captureRefusal(envelope, receivedAtUtc, policy.values);
  }

  /** The photograph and every frame are one picture for every reader, before anything of them is kept: what is judged
   *  is what people see. */
  private async photoRefusal({ material }: ReceiveRequest): Promise<PhotoProblem | null> {
    const frames = framesOf(material).map((bytes, i) => ({ part: `frame${i}`, bytes }));
    for (const { part, bytes } of [{ part: 'photo', bytes: material.photo }, ...frames]) {
      const problem = photoProblem(part, await this.photos.read(bytes));
      if (problem) return problem;
    }
    return null;
  }

  private async sealMaterial(
    requestId: string,
    { envelope, signatures, material }: ReceiveRequest,
  ): Promise<ReceivedRequest['material']> {
    const owner = caseOwner(requestId);
    const kept: CaseSignatures = {
      envelopeText: captureEnvelopeText(envelope),
      boothSignature: base64(signatures.booth),
      cardSignature: base64(signatures.card),
      cardChallengeSignature: base64(signatures.cardChallenge),
    };
    const [photo, certificate, cardRecord, cardIssuerCertificate, sealedSignatures] = await Promise.all([
      this.vault.seal(owner, CASE_BLOBS.photo, material.photo),
      this.vault.seal(owner, CASE_BLOBS.certificate, material.certificate),
      this.vault.seal(owner, CASE_BLOBS.cardRecord, material.cardRecord),
      this.vault.seal(owner, CASE_BLOBS.cardIssuerCertificate, material.cardIssuerCertificate),
      this.vault.seal(owner, CASE_BLOBS.signatures, Buffer.from(JSON.stringify(kept))),
    ]);
    return { photo, certificate, cardRecord, cardIssuerCertificate, signatures: sealedSignatures };
  }

  private async sealFrames(
    requestId: string,
    { envelope, material }: ReceiveRequest,
  ): Promise<ReceivedRequest['frames']> {
    const frames = framesOf(material);
    if (frames.length === 0) return null;
    const sealed = await Promise.all(
      frames.map((frame, i) => this.vault.seal(caseOwner(requestId), frameBlob(i), frame)),
    );
    return { prompt: this.challenges.promptOf(envelope.boothId, envelope.nonce), material: sealed };
  }

  private async firstOf(requestId: string): Promise<RequestBegun | null> {
    const [first] = await this.store.readStream(registrations.streamOf(requestId), { limit: 1 });
    return first ? toDomain<RequestBegun>(first) : null;
  }

  private answerOf(
    first: RequestBegun,
    requestDigest: string,
    command: ReceiveRequest,
    policy: ActivePolicy,
  ): Promise<Outcome<Receipt>> | Outcome<Receipt> {
    if (first.type === 'RequestLapsed')
      return this.refuse(
        this.materialRefusal(command, policy, this.clock.nowUtc()) ?? 'idempotency_key_reused',
        command,
        policy,
      );
    if (!sameHex(first.data.requestDigest, requestDigest))
      return this.refuse('idempotency_key_reused', command, policy);
    return ok({ requestId: first.data.requestId, receipt: first.data.receipt, repeated: true });
  }

  private async refuse(
    code: DoorRefusalCode,
    { envelope, source }: ReceiveRequest,
    policy: ActivePolicy,
    refusal: Refusal = { code },
  ): Promise<Outcome<Receipt>> {
    await this.door.record({
      code,
      boothId: envelope.boothId,
      policyVersion: policy.version,
      refusalId: randomUUID(),
      ...(source && { source }),
    });
    return refused(refusal);
  }

  /** One id per booth and idempotency key. Keyed, so that nobody outside can compute the id of somebody's request. */
  private requestIdOf({ envelope, idempotencyKey }: ReceiveRequest): string {
    return uuidFrom(
      this.secrets.keyedHash('request-id', Buffer.from(JSON.stringify([envelope.boothId, idempotencyKey]))),
      8,
    );
  }

  private requestDigestOf({ envelope, signatures, material }: ReceiveRequest): string {
    const hash = createHash('sha256').update(captureEnvelopeText(envelope));
    for (const bytes of [
      signatures.booth,
      signatures.card,
      signatures.cardChallenge,
      material.photo,
      material.certificate,
      material.cardRecord,
      material.cardIssuerCertificate,
      ...framesOf(material),
    ]) {
      hash.update(createHash('sha256').update(bytes).digest());
    }
    return Buffer.from(this.secrets.keyedHash('request-digest', hash.digest())).toString('hex');
  }

  private receiptOf(requestId: string): string {
    const text = crockford(this.secrets.keyedHash('receipt', Buffer.from(requestId)).subarray(0, 10));
    return (text.match(/.{4}/g) as string[]).join('-');
  }
}

/** Who is at the door: an enrolled booth whose signature covers exactly these bytes. @req R21 R31 */
function boothRefusal(booth: KnownBooth, { envelope, signatures, material }: ReceiveRequest): DoorRefusalCode | null {
  if (booth.stage === 'suspended') return 'booth_is_suspended';
  if (!boothSigned(booth, captureEnvelopeText(envelope), signatures.booth)) return 'booth_signature_invalid';
  const frames = framesOf(material);
  const statedFrames = envelope.framesSha256 ?? [];
  if (statedFrames.length !== frames.length) return 'digest_mismatch';
  const digests: readonly (readonly [string, Uint8Array])[] = [
    [envelope.photoSha256, material.photo],
    [envelope.certificateSha256, material.certificate],
    [envelope.cardRecordSha256, material.cardRecord],
    [envelope.cardIssuerCertificateSha256, material.cardIssuerCertificate],
    ...frames.map((frame, i) => [statedFrames[i] ?? '', frame] as const),
  ];
  return digests.every(([stated, bytes]) => createHash('sha256').update(bytes).digest('hex') === stated)
    ? null
    : 'digest_mismatch';
}

function framesOf({ frames }: ReceiveRequest['material']): readonly Uint8Array[] {
  return frames ?? [];
}

function sameHex(a: string, b: string): boolean {
  return a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b));
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64');
}

const CROCKFORD = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

/** Base 32 without letters that look like digits, because people read receipts aloud. @param bytes a multiple of 5
 * bytes */
function crockford(bytes: Uint8Array): string {
  let bits = 0n;
  for (const byte of bytes) bits = (bits << 8n) | BigInt(byte);
  return Array.from(
    { length: (bytes.length * 8) / 5 },
    (_, i) => CROCKFORD[Number((bits >> BigInt(bytes.length * 8 - 5 * (i + 1))) & 31n)],
  ).join('');
}
