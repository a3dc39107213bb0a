import type { Socket } from 'node:net';
import { Injectable } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { UploadStandings, type Standing } from '../../../application/queries/upload-standing.js';
import type { ChallengeRequest } from '../../../domain/booth/challenge-request.js';
import type { PlaceClaim } from '../../../domain/booth/upload-place.js';
import { ApiSettings, type RateLimits } from '../../api-settings.js';
import { isTrusted } from '../../edge/client-address.js';
import { EdgeLimits } from '../../edge/edge-limits.js';
import { HealthChecks } from '../../health-checks.js';
import { Metrics } from '../../metrics.js';
import { ProblemError } from '../../contract/problems.js';
import { BOOTH_ID } from '../../../domain/booth/booth.js';
import { BoothCertificates } from '../booth-certificates.js';
import { Door } from '../door.js';
import { SignatureDoubts } from '../signature-doubts.js';
import { UploadPlaces, type PlacesLimits, type UploadPlace } from './upload-places.js';

/** The header fields by which an upload shows, before its body, whose it is. */
export const BOOTH_ID_HEADER = 'honnin-booth-id';
export const CHALLENGE_HEADER = 'honnin-challenge';
export const BOOTH_SIGNATURE_HEADER = 'honnin-booth-signature';

/** When a booth asked for a challenge, in the text that it signed. */
export const REQUESTED_AT_HEADER = 'honnin-requested-at';

/** When a booth may ask again: a person has to put things right. */
export const NOT_ACCEPTING_SECONDS = 30;

const INSTANT = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{1,3})?Z$/;
const NONCE = /^[A-Za-z0-9_-]{16,128}$/;
const ED25519_SIGNATURE = /^[A-Za-z0-9+/]{86}==$/;

/** What an upload's header fields say and are worth. */
export interface Admission {
  readonly standing: Standing;
  /** The claim that the body must repeat, also one that is worth nothing any more; null when there is none. */
  readonly claim: PlaceClaim | null;
}

/** Whose request it is, as far as its header fields tell before its turn: `booth` waits for nobody. */
export type TurnKind = 'booth' | 'shown' | 'stranger' | 'question';

/** Gives places to uploads by what their header fields prove: an enrolled booth has places of its own that no stranger
 * can take, whoever shows a fresh challenge has those of the address, and everybody else shares a few. */
@Injectable()
export class UploadAdmission {
  private readonly places: Readonly<Record<'booth' | 'challenge' | 'stranger', UploadPlaces>>;
  private readonly doubts = new SignatureDoubts();
  /** What was found before the request's turn, so that nothing is checked twice. */
  private readonly standing = new WeakMap<FastifyRequest, Standing>();
  private readonly asks = new WeakMap<FastifyRequest, boolean>();

  constructor(
    private readonly settings: ApiSettings,
    metrics: Metrics,
    private readonly standings: UploadStandings,
    private readonly limits: EdgeLimits,
    private readonly door: Door,
    private readonly health: HealthChecks,
    private readonly certificates: BoothCertificates,
  ) {
    const { uploads } = settings;
    const pool = (
      kind: 'booth' | 'challenge' | 'stranger',
      given: Omit<PlacesLimits, 'perChallengeMax' | 'pace'>,
    ): UploadPlaces =>
      new UploadPlaces({ ...given, perChallengeMax: uploads.perChallengeMax, pace: uploads.pace }, (places) =>
        metrics.uploads.set({ places: kind }, places),
      );
    this.places = {
      booth: pool('booth', uploads.booth),
      challenge: pool('challenge', uploads.challenge),
      stranger: pool('stranger', uploads.stranger),
    };
  }

  /** Whose turn an upload waits for. */
  async turnOfUpload(request: FastifyRequest): Promise<TurnKind> {
    const { claim, signature, isWhole } = claimOf(request);
    if (!isWhole || claim === null || this.standings.challengeOf(claim) !== 'fresh') return 'stranger';
    if (signature === null || !(await this.mayCheck(request))) return 'shown';
    const standing = await this.standings.of(claim, signature);
    this.standing.set(request, standing);
    return (await this.isRight(request, standing.kind === 'booth')) ? 'booth' : 'shown';
  }

  /** Whose turn a question for a challenge waits for. */
  async turnOfQuestion(request: FastifyRequest): Promise<TurnKind> {
    const question = questionOf(request);
    if (question === null || !(await this.mayCheck(request))) return 'question';
    const asks = await this.standings.isAskedBy(question.request, question.signature);
    this.asks.set(request, asks);
    return (await this.isRight(request, asks)) ? 'booth' : 'question';
  }

  /** Judges the header fields and counts the request. @throws {ProblemError} `too_many_requests`, `not_accepting`, and what is wrong with
   *  the booth's certificate */
  async admit(request: FastifyRequest, kind: keyof RateLimits): Promise<Admission> {
    // A photograph is looked at without anything being taken in.
    if (kind !== 'photoChecksPerMinute') this.assertAccepting();
    const { claim, signature, isWhole } = claimOf(request);
    const judged = async (): Promise<Standing> =>
      !isWhole ? { kind: 'unknown' } : claim === null ? { kind: 'stranger' } : this.standings.of(claim, signature);
    const standing = this.standing.get(request) ?? (await judged());
    if (standing.kind === 'booth') this.limits.provedBy(request, standing.claim.boothId);
    await this.limits.admit(request, kind);
    this.certificates.mustFit(request, claim?.boothId ?? null);
    return { standing, claim };
  }

  /** Counts a question for a challenge: an enrolled booth's by the booth, every other by its address.
   *  @throws {ProblemError} `too_many_requests`, `not_accepting`, and what is wrong with the booth's certificate */
  async admitQuestion(request: FastifyRequest): Promise<void> {
    this.assertAccepting();
    const question = questionOf(request);
    if (question && (this.asks.get(request) ?? (await this.standings.isAskedBy(question.request, question.signature))))
      this.limits.provedBy(request, question.request.boothId);
    await this.limits.admit(request, 'challengesPerMinute');
    this.certificates.mustFit(request, null);
  }

  private mayCheck(request: FastifyRequest): Promise<boolean> {
    return this.doubts.mayCheck(this.limits.addressOf(request), this.socketOf(request));
  }

  private async isRight(request: FastifyRequest, isRight: boolean): Promise<boolean> {
    if (isRight) this.doubts.right(this.socketOf(request));
    else await this.doubts.wrong(this.limits.addressOf(request), this.socketOf(request));
    return isRight;
  }

  private socketOf({ socket }: FastifyRequest): Socket | null {
    return isTrusted(this.settings.trustProxy, socket.remoteAddress ?? '') ? null : socket;
  }

  /** Runs the work of one upload in a place. @throws {ProblemError} also for header fields that are none of ours, which
   * are refused before the body. */
  async upload<T>(
    request: FastifyRequest,
    { standing, claim }: Admission,
    work: (place: UploadPlace) => Promise<T>,
  ): Promise<T> {
    if (standing.kind === 'unknown')
      return claim === null
        ? this.refuseForm(request)
        : this.door.refuse(request, 'nonce_unknown', { boothId: claim.boothId });
    const place = this.places[standing.kind].take({
      name: this.limits.holderOf(request).name,
      challenge: claim?.nonce ?? null,
    });
    this.limits.holdsPlace(request, standing.kind !== 'stranger');
    try {
      return await work(place);
    } finally {
      place.release();
      this.limits.holdsPlace(request, false);
    }
  }

  /** The body must be that of the claim, and of the certificate: else one challenge would open the door for other requests.
   *  @throws {ProblemError} */
  async mustRepeat(request: FastifyRequest, claim: PlaceClaim | null, { boothId, nonce }: PlaceClaim): Promise<void> {
    this.certificates.mustFit(request, boothId);
    if (claim === null || (claim.boothId === boothId && claim.nonce === nonce)) return;
    await this.door.refuse(request, 'malformed_request', {
      boothId,
      errors: [
        {
          pointer: claim.boothId === boothId ? '/envelope/nonce' : '/envelope/boothId',
          expected: 'what the header fields Honnin-Booth-Id and Honnin-Challenge say',
        },
      ],
    });
  }

  private assertAccepting(): void {
    if (!this.health.isAccepting())
      throw new ProblemError('not_accepting', { retryAfterSeconds: NOT_ACCEPTING_SECONDS });
  }

  private refuseForm(request: FastifyRequest): Promise<never> {
    return this.door.refuse(request, 'malformed_request', {
      errors: [
        {
          pointer: '',
          header: 'Honnin-Booth-Id',
          expected:
            "header fields Honnin-Booth-Id and Honnin-Challenge together: the booth's id and the nonce of its challenge",
        },
      ],
    });
  }
}

/** `isWhole` is false for header fields of another form, or one without the other. */
function claimOf({ headers }: FastifyRequest): {
  readonly claim: PlaceClaim | null;
  readonly signature: Uint8Array | null;
  readonly isWhole: boolean;
} {
  const boothId = headers[BOOTH_ID_HEADER];
  const nonce = headers[CHALLENGE_HEADER];
  if (boothId === undefined && nonce === undefined) return { claim: null, signature: null, isWhole: true };
  if (typeof boothId !== 'string' || typeof nonce !== 'string' || !BOOTH_ID.test(boothId) || !NONCE.test(nonce))
    return { claim: null, signature: null, isWhole: false };
  return { claim: { boothId, nonce }, signature: signatureOf({ headers }), isWhole: true };
}

/** A question for a challenge that a booth signed, or null when the header fields have not the form of one. */
export function questionOf(
  request: FastifyRequest,
): { readonly request: ChallengeRequest; readonly signature: Uint8Array } | null {
  const { [BOOTH_ID_HEADER]: boothId, [REQUESTED_AT_HEADER]: requestedAtUtc } = request.headers;
  const signature = signatureOf(request);
  if (!signature || typeof boothId !== 'string' || typeof requestedAtUtc !== 'string') return null;
  return BOOTH_ID.test(boothId) && INSTANT.test(requestedAtUtc)
    ? { request: { boothId, requestedAtUtc }, signature }
    : null;
}

function signatureOf({ headers }: Pick<FastifyRequest, 'headers'>): Uint8Array | null {
  const signature = headers[BOOTH_SIGNATURE_HEADER];
  return typeof signature === 'string' && ED25519_SIGNATURE.test(signature) ? Buffer.from(signature, 'base64') : null;
}
