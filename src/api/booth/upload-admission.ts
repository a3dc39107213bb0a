import { Injectable } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { UploadStandings, type Standing } from '../../application/queries/upload-standing.js';
import type { PlaceClaim } from '../../domain/booth/upload-place.js';
import { ApiSettings, type RateLimits } from '../api-settings.js';
import { EdgeLimits } from '../edge-limits.js';
import { Metrics } from '../metrics.js';
import { BOOTH_ID, Door } from './door.js';
import { UploadPlaces, type PlacesLimits, type UploadPlace } from './upload-places.js';

/** The header fields by which an upload shows, before its body, whose it is. */
export const BOOTH_ID_HEADER = 'honnin-booth-id';
export const CHALLENGE_HEADER = 'honnin-challenge';
export const BOOTH_SIGNATURE_HEADER = 'honnin-booth-signature';

const NONCE = /^[A-Za-z0-9_-]{16,128}$/;
const ED25519_SIGNATURE = /^[A-Za-z0-9+/]{86}==$/;

/** What an upload's header fields say and are worth. */
export interface Admission {
  readonly standing: Standing;
  /** The claim that the body must repeat, also one that is worth nothing any more; null when there is none. */
  readonly claim: PlaceClaim | null;
  /** Whom limits count by. */
  readonly holder: string;
}

/** Gives places to uploads by what their header fields prove: an enrolled booth has places of its own that no stranger can take, whoever shows a
 *  fresh challenge has those of the address, and everybody else shares a few. */
@Injectable()
export class UploadAdmission {
  private readonly places: Readonly<Record<'booth' | 'challenge' | 'stranger', UploadPlaces>>;

  constructor(
    settings: ApiSettings,
    metrics: Metrics,
    private readonly standings: UploadStandings,
    private readonly limits: EdgeLimits,
    private readonly door: Door,
  ) {
    const { uploads } = settings;
    const pool = (kind: 'booth' | 'challenge' | 'stranger', given: Omit<PlacesLimits, 'perChallengeMax' | 'pace'>): UploadPlaces =>
      new UploadPlaces({ ...given, perChallengeMax: uploads.perChallengeMax, pace: uploads.pace }, (places) => metrics.uploads.set({ places: kind }, places));
    this.places = { booth: pool('booth', uploads.booth), challenge: pool('challenge', uploads.challenge), stranger: pool('stranger', uploads.stranger) };
  }

  /** Judges the header fields and counts the request. @throws {ProblemError} `too_many_requests` */
  async admit(request: FastifyRequest, kind: keyof RateLimits): Promise<Admission> {
    const { claim, signature, isWhole } = claimOf(request);
    const standing: Standing = !isWhole ? { kind: 'unknown' } : claim === null ? { kind: 'stranger' } : await this.standings.of(claim, signature);
    const holder = standing.kind === 'booth' ? `booth ${standing.claim.boothId}` : this.limits.addressOf(request);
    await this.limits.admit(holder, kind);
    return { standing, claim, holder };
  }

  /** Runs the work of one upload in a place. @throws {ProblemError} also for header fields that are none of ours, which are refused before the body. */
  async upload<T>(request: FastifyRequest, { standing, claim, holder }: Admission, work: (place: UploadPlace) => Promise<T>): Promise<T> {
    if (standing.kind === 'unknown') return claim === null ? this.refuseForm() : this.door.refuse('nonce_unknown', { boothId: claim.boothId });
    const place = this.places[standing.kind].take({ name: holder, challenge: claim?.nonce ?? null });
    this.limits.holdsPlace(request, standing.kind !== 'stranger');
    try {
      return await work(place);
    } finally {
      place.release();
      this.limits.holdsPlace(request, false);
    }
  }

  /** The body must be that of the claim: else one challenge would open the door for other requests.
   *  @throws {ProblemError} */
  async mustRepeat(claim: PlaceClaim | null, { boothId, nonce }: PlaceClaim): Promise<void> {
    if (claim === null || (claim.boothId === boothId && claim.nonce === nonce)) return;
    await this.door.refuse('malformed_request', { boothId, errors: [{ pointer: claim.boothId === boothId ? '/envelope/nonce' : '/envelope/boothId', expected: 'what the header fields Honnin-Booth-Id and Honnin-Challenge say' }] });
  }

  private refuseForm(): Promise<never> {
    return this.door.refuse('malformed_request', { errors: [{ pointer: '', expected: "header fields Honnin-Booth-Id and Honnin-Challenge together: the booth's id and the nonce of its challenge" }] });
  }
}

/** `isWhole` is false for header fields of another form, or one without the other. */
function claimOf({ headers }: FastifyRequest): { readonly claim: PlaceClaim | null; readonly signature: Uint8Array | null; readonly isWhole: boolean } {
  const boothId = headers[BOOTH_ID_HEADER];
  const nonce = headers[CHALLENGE_HEADER];
  if (boothId === undefined && nonce === undefined) return { claim: null, signature: null, isWhole: true };
  if (typeof boothId !== 'string' || typeof nonce !== 'string' || !BOOTH_ID.test(boothId) || !NONCE.test(nonce)) return { claim: null, signature: null, isWhole: false };
  const signature = headers[BOOTH_SIGNATURE_HEADER];
  return { claim: { boothId, nonce }, signature: typeof signature === 'string' && ED25519_SIGNATURE.test(signature) ? Buffer.from(signature, 'base64') : null, isWhole: true };
}
