import { Injectable } from '@nestjs/common';
import { challengeRequestText, type ChallengeRequest } from '../../domain/booth/challenge-request.js';
import { uploadPlaceText, type PlaceClaim } from '../../domain/booth/upload-place.js';
import { booths } from '../decisions/aggregates.js';
import { boothSigned } from '../door/booth-signature.js';
import { DecideAndAppend } from '../decisions/decide-and-append.js';
import { Challenges } from '../door/issue-challenge.js';
import { Clock } from '../ports/store/clock.js';

/** Who stands at the door with an upload whose body nobody has read yet.
 * `booth`: an enrolled booth signed for this very challenge. `challenge`: somebody whom we gave this challenge for this
 * booth id a short while ago; anybody gets one. `stranger`: nothing is shown, or a challenge whose time is over.
 * `unknown`: a challenge that we never gave out. */
export type Standing =
  { readonly kind: 'booth' | 'challenge'; readonly claim: PlaceClaim } | { readonly kind: 'stranger' | 'unknown' };

/** A booth whose enrolled key signed. */
export interface ProvenBooth {
  readonly boothId: string;
  readonly standing: 'enrolled' | 'suspended';
  readonly keyVersion: number;
}

/** How far the clocks of booth and server may be apart. */
export const REQUEST_AGE_MS_MAX = 10 * 60_000;

/** Judges header fields alone: a keyed hash, and a signature where there is one. Nothing is stored. */
@Injectable()
export class UploadStandings {
  constructor(
    private readonly challenges: Challenges,
    private readonly clock: Clock,
    private readonly aggregates: DecideAndAppend,
  ) {}

  /** @param signature 64 bytes by the booth's key over `uploadPlaceText`, or null. A signature that does not fit counts
   *   as none: what is wrong with the booth is said, and put on record, when its request is judged. */
  async of(claim: PlaceClaim, signature: Uint8Array | null): Promise<Standing> {
    const shown = this.challengeOf(claim);
    if (shown === 'unknown') return { kind: 'unknown' };
    // A repeated request may be older than its challenge and still gets its first answer, through the places of
    // everybody.
    if (shown === 'expired') return { kind: 'stranger' };
    const isSigned = signature !== null && (await this.isSigned(claim.boothId, uploadPlaceText(claim), signature));
    return { kind: isSigned ? 'booth' : 'challenge', claim };
  }

  /** What a keyed hash alone tells of a challenge. */
  challengeOf({ boothId, nonce }: PlaceClaim): 'fresh' | 'expired' | 'unknown' {
    const expiresAtUtc = this.challenges.expiryOf(boothId, nonce);
    if (expiresAtUtc === null) return 'unknown';
    return Date.parse(this.clock.nowUtc()) > Date.parse(expiresAtUtc) ? 'expired' : 'fresh';
  }

  /** Whether an enrolled booth asks for a challenge. A signature serves for some minutes: what was seen once must not
   * open the door for ever. */
  async isAskedBy(request: ChallengeRequest, signature: Uint8Array): Promise<boolean> {
    return this.isTimely(request) && (await this.isSigned(request.boothId, challengeRequestText(request), signature));
  }

  /** How a booth stands that signed a question with its enrolled key; null for whoever did not, also where there is no
   * such booth. A suspended booth may know that it is: the key is its own. */
  async provenBooth(request: ChallengeRequest, signature: Uint8Array): Promise<ProvenBooth | null> {
    if (!this.isTimely(request)) return null;
    const { state } = await this.aggregates.load(booths, request.boothId);
    if (state.stage === 'none' || !boothSigned(state, challengeRequestText(request), signature)) return null;
    return { boothId: state.boothId, standing: state.stage, keyVersion: state.keyVersion };
  }

  private isTimely({ requestedAtUtc }: ChallengeRequest): boolean {
    return Math.abs(Date.parse(this.clock.nowUtc()) - Date.parse(requestedAtUtc)) <= REQUEST_AGE_MS_MAX;
  }

  private async isSigned(boothId: string, text: string, signature: Uint8Array): Promise<boolean> {
    const { state } = await this.aggregates.load(booths, boothId);
    return state.stage === 'enrolled' && boothSigned(state, text, signature);
  }
}
