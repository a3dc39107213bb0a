import { createHash, randomUUID } from 'node:crypto';
import { QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import { photoCheckText, type PhotoCheck } from '../../domain/booth/photo-check.js';
import type { BoothState } from '../../domain/booth/booth.js';
import { photoProblem, type PhotoProblem } from '../../domain/photo/photo-problem.js';
import type { DoorRefusalCode, Refusal } from '../../domain/refusal.js';
import { photoGuidance, type PhotoGuidance } from '../../domain/registration/photo-guidance.js';
import { booths } from '../decisions/aggregates.js';
import { verdictOfCheck, type PhotographVerdict } from '../door/photograph-tally.js';
import { boothSigned } from '../door/booth-signature.js';
import { DecideAndAppend } from '../decisions/decide-and-append.js';
import { Challenges } from '../door/issue-challenge.js';
import { RefuseAtDoor } from '../door/refuse-at-door.js';
import { CurrentPolicy } from '../decisions/current-policy.js';
import type { RefusalSource } from '../door/refusal-budget.js';
import { Clock } from '../ports/store/clock.js';
import { FaceComparer } from '../ports/outside/face-comparer.js';
import { PhotoReader } from '../ports/outside/photo-reader.js';

/** A booth asks whether a photograph would do, before it is part of a request. Parsed and bounded, not yet believed. */
export class CheckPhoto {
  constructor(
    readonly check: PhotoCheck,
    readonly boothSignature: Uint8Array,
    readonly photo: Uint8Array,
    /** Whom a refusal is counted by. */
    readonly source?: RefusalSource,
  ) {}
}

/** `unknown`: the machine could not look at it now; nothing is said about the photograph. */
export type PhotoCheckAnswer =
  | { readonly answer: 'guidance'; readonly guidance: PhotoGuidance; readonly verdict: PhotographVerdict }
  | { readonly answer: 'refused'; readonly refusal: Extract<Refusal, { code: DoorRefusalCode }> }
  | { readonly answer: 'unknown' };

/** Looks at a photograph for an enrolled booth and forgets it: no event, no blob, no row. The nonce shows that the
 * question is fresh, and stays good for the capture. Of a refused question the refusal is on record, as of everything
 * else that is turned away. @req R21 */
@QueryHandler(CheckPhoto)
export class CheckPhotoHandler implements IQueryHandler<CheckPhoto, PhotoCheckAnswer> {
  constructor(
    private readonly aggregates: DecideAndAppend,
    private readonly policies: CurrentPolicy,
    private readonly challenges: Challenges,
    private readonly clock: Clock,
    private readonly faces: FaceComparer,
    private readonly door: RefuseAtDoor,
    private readonly photos: PhotoReader,
  ) {}

  async execute(query: CheckPhoto): Promise<PhotoCheckAnswer> {
    const { version, values } = await this.policies.get();
    const { boothId } = query.check;
    const { state: booth } = await this.aggregates.load(booths, boothId);
    const code = refusalOf(booth, query) ?? this.cheapRefusal(query, values.photoBytesMax);
    const refusal = code === null ? await this.photoRefusal(query) : { code };
    if (refusal !== null) {
      await this.door.record({
        code: refusal.code,
        boothId,
        policyVersion: version,
        refusalId: randomUUID(),
        ...(query.source && { source: query.source }),
      });
      return { answer: 'refused', refusal };
    }
    const assessment = await this.faces.assess(query.photo);
    if (assessment.outcome === 'unknown') return { answer: 'unknown' };
    return {
      answer: 'guidance',
      guidance: photoGuidance(assessment, values),
      verdict: verdictOfCheck(assessment, values),
    };
  }

  private cheapRefusal({ check, photo }: CheckPhoto, bytesMax: number): DoorRefusalCode | null {
    const expiresAtUtc = this.challenges.expiryOf(check.boothId, check.nonce);
    if (expiresAtUtc === null) return 'nonce_unknown';
    if (Date.parse(this.clock.nowUtc()) > Date.parse(expiresAtUtc)) return 'nonce_expired';
    return photo.length > bytesMax ? 'photo_too_large' : null;
  }

  /** By the same reader as at a registration, so that nothing is guided that would be refused there. */
  private async photoRefusal({ photo }: CheckPhoto): Promise<PhotoProblem | null> {
    return photoProblem('photo', await this.photos.read(photo));
  }
}

function refusalOf(booth: BoothState, { check, boothSignature, photo }: CheckPhoto): DoorRefusalCode | null {
  if (booth.stage === 'none') return 'booth_not_enrolled';
  if (booth.stage === 'suspended') return 'booth_is_suspended';
  if (!boothSigned(booth, photoCheckText(check), boothSignature)) return 'booth_signature_invalid';
  return createHash('sha256').update(photo).digest('hex') === check.photoSha256 ? null : 'digest_mismatch';
}
