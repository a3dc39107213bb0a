import { Injectable } from '@nestjs/common';
import { challengeRequestText, type ChallengeRequest } from '../../domain/booth/challenge-request.js';
import { uploadPlaceText, type PlaceClaim } from '../../domain/booth/upload-place.js';
import { booths } from '../aggregates.js';
import { boothSigned } from '../booth-signature.js';
import { DecideAndAppend } from '../commands/decide-and-append.js';
import { Challenges } from '../commands/issue-challenge.js';
import { Clock } from '../ports/clock.js';

/** Who stands at the door with an upload whose body nobody has read yet.
 *  `booth`: an enrolled booth signed for this very challenge. `challenge`: somebody whom we gave this challenge for this booth id a short
 *  while ago; anybody gets one. `stranger`: nothing is shown, or a challenge whose time is over. `unknown`: a challenge that we never gave out. */
export type Standing = { readonly kind: 'booth' | 'challenge'; readonly claim: PlaceClaim } | { readonly kind: 'stranger' | 'unknown' };

/** How far the clocks of booth and server may be apart. */
const REQUEST_AGE_MS_MAX = 10 * 60_000;

/** Judges header fields alone: a keyed hash, and a signature where there is one. Nothing is stored. */
@Injectable()
export class UploadStandings {
  constructor(
    private readonly challenges: Challenges,
    private readonly clock: Clock,
    private readonly aggregates: DecideAndAppend,
  ) {}

  /** @param signature 64 bytes by the booth's key over `uploadPlaceText`, or null. A signature that does not fit counts as none: what is wrong
   *  with the booth is said, and put on record, when its request is judged. */
  async of(claim: PlaceClaim, signature: Uint8Array | null): Promise<Standing> {
    const shown = this.challengeOf(claim);
    if (shown === 'unknown') return { kind: 'unknown' };
    // A repeated request may be older than its challenge and still gets its first answer, through the places of everybody.
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

  /** Whether an enrolled booth asks for a challenge. A signature serves for some minutes: what was seen once must not open the door for ever. */
  async isAskedBy(request: ChallengeRequest, signature: Uint8Array): Promise<boolean> {
    const ageMs = Math.abs(Date.parse(this.clock.nowUtc()) - Date.parse(request.requestedAtUtc));
    return ageMs <= REQUEST_AGE_MS_MAX && (await this.isSigned(request.boothId, challengeRequestText(request), signature));
  }

  private async isSigned(boothId: string, text: string, signature: Uint8Array): Promise<boolean> {
    const { state } = await this.aggregates.load(booths, boothId);
    return state.stage === 'enrolled' && boothSigned(state, text, signature);
  }
}
