import { QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import type { ChallengeRequest } from '../../domain/booth/challenge-request.js';
import { CONSENT_TEXTS, type ConsentText } from '../../domain/booth/consent-texts.js';
import { CurrentPolicy } from '../decisions/current-policy.js';
import { Clock } from '../ports/store/clock.js';
import { REQUEST_AGE_MS_MAX, UploadStandings, type ProvenBooth } from './upload-standing.js';

/** What a booth has to know before it begins. */
export class GetBoothSettings {
  /** @param signed a question that a booth signed, not yet believed; null: anybody asks */
  constructor(readonly signed: { readonly request: ChallengeRequest; readonly signature: Uint8Array } | null) {}
}

export interface BoothSettings {
  readonly serverTimeUtc: string;
  readonly policyVersion: number;
  /** Whose key signed the question; null for everybody else, whatever there is of the stated booth. */
  readonly booth: ProvenBooth | null;
  /** In the order of the policy. `null`: the office gives out this text itself. */
  readonly consentTexts: readonly { readonly version: string; readonly content: ConsentText | null }[];
  readonly limits: {
    readonly photoBytesMax: number;
    readonly clockSkewSecondsMax: number;
    readonly captureAgeMinutesMax: number;
    readonly challengeLifetimeSeconds: number;
    readonly questionClockSkewSecondsMax: number;
  };
}

/** Tells everybody what the policy in force asks of booths, and a booth that proves itself how it stands. @req R21 */
@QueryHandler(GetBoothSettings)
export class GetBoothSettingsHandler implements IQueryHandler<GetBoothSettings, BoothSettings> {
  constructor(
    private readonly policies: CurrentPolicy,
    private readonly standings: UploadStandings,
    private readonly clock: Clock,
  ) {}

  async execute({ signed }: GetBoothSettings): Promise<BoothSettings> {
    const { version, values } = await this.policies.get();
    const { photoBytesMax, clockSkewSecondsMax, captureAgeMinutesMax, challengeLifetimeSeconds } = values;
    const questionClockSkewSecondsMax = REQUEST_AGE_MS_MAX / 1_000;
    return {
      policyVersion: version,
      booth: signed && (await this.standings.provenBooth(signed.request, signed.signature)),
      consentTexts: values.consentTextVersions.map((text) => ({ version: text, content: CONSENT_TEXTS[text] ?? null })),
      limits: {
        photoBytesMax,
        clockSkewSecondsMax,
        captureAgeMinutesMax,
        challengeLifetimeSeconds,
        questionClockSkewSecondsMax,
      },
      // Last: what a booth's clock is compared with should be as young as can be.
      serverTimeUtc: this.clock.nowUtc(),
    };
  }
}
