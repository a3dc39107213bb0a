import { Injectable } from '@nestjs/common';
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
    const expiresAtUtc = this.challenges.expiryOf(claim.boothId, claim.nonce);
    if (expiresAtUtc === null) return { kind: 'unknown' };
    // A repeated request may be older than its challenge and still gets its first answer, through the places of everybody.
    if (Date.parse(this.clock.nowUtc()) > Date.parse(expiresAtUtc)) return { kind: 'stranger' };
    const isSigned = signature !== null && (await this.isSigned(claim, signature));
    return { kind: isSigned ? 'booth' : 'challenge', claim };
  }

  private async isSigned(claim: PlaceClaim, signature: Uint8Array): Promise<boolean> {
    const { state } = await this.aggregates.load(booths, claim.boothId);
    return state.stage === 'enrolled' && boothSigned(state, uploadPlaceText(claim), signature);
  }
}
