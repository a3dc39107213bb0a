import { Injectable, Logger } from '@nestjs/common';
import { assertNever } from '../../domain/decider.js';
import type { ActivePolicy } from '../../domain/policy/policy.js';
import type { RegisteredImage } from '../../domain/registrant/registrant.js';
import type { Refusal } from '../../domain/refusal.js';
import { needsSigningCertificate } from '../../domain/registration/card-agreement.js';
import {
  isRetentionOver,
  registrationDecider,
  type CertificateFinding,
  type FaceFinding,
  type RegistrationCommand,
  type RegistrationState,
} from '../../domain/registration/registration.js';
import type { MaterialUse, ReceivedRequest } from '../../domain/registration/registration.events.js';
import type { Effect } from '../../domain/saga/registration.saga.js';
import { holdReviews, registrants, registrations } from '../decisions/aggregates.js';
import { caseOwner, evidenceOwner, registrantOwner } from '../case/case-material.js';
import { CardCheck, SAME_CARD_RULE } from '../door/card-check.js';
import { DecideAndAppend, type CommandContext, type Executed } from '../decisions/decide-and-append.js';
import { CurrentPolicy } from '../decisions/current-policy.js';
import { materialFault } from '../case/material-fault.js';
import { derivedId } from '../decisions/ids.js';
import { CardRecordVerifier } from '../ports/outside/card-record-verifier.js';
import { CertificateVerifier, type SealedCertificateEvidence } from '../ports/outside/certificate-verifier.js';
import { WorkTally } from '../case/work-tally.js';
import { PhotographTally, verdictOf } from '../door/photograph-tally.js';
import { Clock } from '../ports/store/clock.js';
import { FaceComparer, type FaceComparison } from '../ports/outside/face-comparer.js';
import { GovernmentRegistry } from '../ports/outside/government-registry.js';
import { ImageVault, type VaultOwner } from '../ports/registrant/image-vault.js';
import { assertSigned, ReceivedMaterial } from '../door/received-material.js';
import { referencesIn, RegistrantGroup, type GroupMember, type Reference } from '../case/registrant-group.js';
import {
  evidenceBytes,
  sealedEvidenceId,
  sealedEvidenceSha256,
  type PresentedForEvidence,
} from '../case/sealed-evidence.js';

/** One effect of one case, with everything that its commands need to be repeatable. */
interface Job {
  readonly requestId: string;
  readonly effectId: string;
}

/** Second half of the saga: effect → port → result command. Every branch is safe to repeat: checks and comparisons have
 * no side effects, the submission has one id for ever, and results are commands whose ids derive from the effect. */
@Injectable()
export class PerformEffect {
  /** What became of the photographs that were compared, for metrics. */
  readonly photographs = new PhotographTally();
  /** What the work came to, for metrics. */
  readonly work = new WorkTally();
  private readonly log = new Logger('Faces');
  private readonly received: ReceivedMaterial;

  constructor(
    private readonly aggregates: DecideAndAppend,
    private readonly policies: CurrentPolicy,
    private readonly clock: Clock,
    private readonly vault: ImageVault,
    private readonly certificates: CertificateVerifier,
    private readonly cardRecords: CardRecordVerifier,
    private readonly faces: FaceComparer,
    private readonly government: GovernmentRegistry,
    private readonly cards: CardCheck,
    private readonly group: RegistrantGroup,
  ) {
    this.received = ReceivedMaterial.of(vault, aggregates);
  }

  /** @returns the refusal of the result command (the case has moved on), or null.
   * @throws what its ports throw: bugs, and outages that are no answer. The dispatcher retries and then asks an
   *   operator. */
  async perform(job: Job, effect: Effect): Promise<Refusal | null> {
    const { state } = await this.aggregates.load(registrations, job.requestId);
    if (state.stage === 'none') throw new Error(`there is no request ${job.requestId}`);
    try {
      return await this.carryOut(job, state, effect);
    } catch (error) {
      const use = USE_OF[effect.effect];
      const fault = use ? materialFault(error, use) : null;
      if (fault === null) throw error;
      // Trying again would find the same, and going on would judge, keep or send what nobody signed.
      return this.record(job, { type: 'StopForMaterial', fault }, 'stop');
    }
  }

  private async carryOut(job: Job, state: Known, effect: Effect): Promise<Refusal | null> {
    switch (effect.effect) {
      case 'CheckCertificate':
        return this.checkCertificate(job, state, effect.attempt);
      case 'CompareFaces':
        return this.compareFaces(job, state, effect.attempt);
      case 'OpenHold':
        return refusalOf(
          await this.aggregates.execute(
            holdReviews,
            job.requestId,
            { type: 'OpenHold', requestId: job.requestId, reason: effect.reason, dueAtUtc: effect.dueAtUtc },
            await this.context(job),
          ),
        );
      case 'ExpireHold':
        return refusalOf(
          await this.aggregates.execute(holdReviews, job.requestId, { type: 'ExpireHold' }, await this.context(job)),
        );
      case 'CloseHold':
        return refusalOf(
          await this.aggregates.execute(holdReviews, job.requestId, { type: 'CloseHold' }, await this.context(job)),
        );
      case 'RecordHoldOutcome':
        return this.record(job, { type: 'RecordHoldOutcome', outcome: effect.outcome, officers: effect.officers });
      case 'SubmitToGovernment':
        return this.submit(job, state.request, effect.attempt);
      case 'AskGovernment':
        return this.askGovernment(job, effect.attempt);
      case 'RegisterImage':
        return this.registerImage(job, state);
      case 'ConfirmImage':
        return this.confirmImage(job, state);
      case 'WithdrawImage':
        return this.withdrawImage(job, state);
      case 'KeepInRegistry':
        return this.keepInRegistry(job, state);
      case 'EraseCaseMaterial':
        await this.vault.destroyOwner(caseOwner(job.requestId));
        return null;
      case 'EraseRefusedEvidence':
        return this.eraseEvidence(job, state);
      default:
        return assertNever(effect);
    }
  }

  private async checkCertificate(job: Job, { request, stage }: Known, attempt: number): Promise<Refusal | null> {
    if (stage !== 'received') return { code: 'wrong_stage', data: { stage, command: 'CheckCertificate' } };
    const policy = await this.policies.get();
    const verdict = await this.certificateFinding(job, request, policy);
    const refusal = await this.record(job, {
      type: 'RecordCertificateVerdict',
      verdict,
      attempt,
      policy,
      nowUtc: this.clock.nowUtc(),
    });
    if (verdict.verdict === 'valid') await this.forgetErased(await this.group.members(verdict.subjectKey));
    return refusal;
  }

  /** Certificate, then card record, then whether both are one card and whose: each only when the one before is good.
   * @req R5 R6 */
  private async certificateFinding(
    job: Job,
    request: ReceivedRequest,
    policy: ActivePolicy,
  ): Promise<CertificateFinding> {
    const {
      signed: { signatures },
      bytes,
    } = await this.received.open(request, ['certificate', 'cardRecord', 'cardIssuerCertificate']);
    const signedBytes = Buffer.from(signatures.envelopeText);
    const at = this.clock.nowUtc();
    const verdict = await this.certificates.verify({
      certificate: bytes.certificate,
      certificateType: request.certificateType,
      signedBytes,
      signature: Buffer.from(signatures.cardSignature, 'base64'),
      at,
    });
    this.work.answered('certificate_authority', verdict.verdict);
    if (verdict.verdict === 'unknown') return { verdict: 'unknown', cause: verdict.cause };
    const verifier = this.certificates.algorithm;
    const presented: PresentedForEvidence = {
      certificateType: request.certificateType,
      signedText: signatures.envelopeText,
      signature: signatures.cardSignature,
      at,
      faceRecord: null,
    };
    if (verdict.verdict === 'invalid') {
      const named = await this.sealEvidence(evidenceOwner(job.requestId), job, verdict.sealed, presented);
      return {
        verdict: 'invalid',
        reason: verdict.reason,
        cardRecordReason: null,
        evidence: verdict.evidence,
        verifier,
        ...named,
      };
    }
    const record = this.cardRecords.verify({
      cardRecord: bytes.cardRecord,
      issuerCertificate: bytes.cardIssuerCertificate,
      challengeSignature: Buffer.from(signatures.cardChallengeSignature, 'base64'),
      challenge: signedBytes,
    });
    const refused = async (
      why: Pick<Refused, 'reason' | 'cardRecordReason' | 'verifier'>,
    ): Promise<CertificateFinding> => {
      const shown = { ...presented, faceRecord: record.verdict === 'valid' ? record.statements : null };
      const named = await this.sealEvidence(evidenceOwner(job.requestId), job, verdict.sealed, shown);
      return { verdict: 'invalid', ...why, evidence: verdict.evidence, ...named };
    };
    if (record.verdict === 'invalid')
      return refused({ reason: 'card_record', cardRecordReason: record.reason, verifier: this.cardRecords.algorithm });
    const card = await this.cards.check(verdict, record, job.requestId);
    if (card.finding === 'unknown') return { verdict: 'unknown', cause: 'link_unknown' };
    if (card.finding === 'other_card')
      return refused({ reason: 'card_record', cardRecordReason: 'other_card', verifier: SAME_CARD_RULE });
    const { subjectKey, agreement, otherCertificate, isRegistered, erasedBefore } = card;
    if (needsSigningCertificate({ certificateType: request.certificateType, isRegistered }, policy.values))
      return refused({ reason: 'signing_certificate_needed', cardRecordReason: null, verifier });
    return {
      verdict: 'valid',
      subjectKey,
      evidence: verdict.evidence,
      cardRecordIssuerKeyId: record.issuerKeyId,
      verifier,
      cardRecordVerifier: this.cardRecords.algorithm,
      agreement,
      otherCertificate,
      erasedBefore,
      material: { certificate: request.material.certificate, cardRecord: request.material.cardRecord },
      ...(await this.sealEvidence(registrantOwner(subjectKey), job, verdict.sealed, {
        ...presented,
        faceRecord: record.statements,
      })),
    };
  }

  /** @returns how the event names what was sealed */
  private async sealEvidence(
    owner: VaultOwner,
    job: Job,
    sealed: SealedCertificateEvidence,
    presented: PresentedForEvidence,
  ) {
    const bytes = evidenceBytes(sealed, presented);
    const id = sealedEvidenceId(job.effectId, bytes);
    await this.vault.seal(owner, id, bytes);
    return { sealedEvidenceId: id, sealedEvidenceSha256: sealedEvidenceSha256(bytes) };
  }

  private async compareFaces(job: Job, state: Known, attempt: number): Promise<Refusal | null> {
    if (state.stage !== 'certificate_verified')
      return { code: 'wrong_stage', data: { stage: state.stage, command: 'CompareFaces' } };
    const finding = await this.faceFinding(state.request, state.subjectKey);
    const command = {
      type: 'RecordFaceComparison',
      finding,
      attempt,
      policy: await this.policies.get(),
      nowUtc: this.clock.nowUtc(),
    } as const;
    const refusal = await this.record(job, command);
    const decision = registrationDecider.decide(state, command);
    const verdict = refusal === null && 'events' in decision ? verdictOf(decision.events, command.policy.values) : null;
    if (verdict) this.photographs.add(verdict);
    return refusal;
  }

  /** Compares with the card's face out of the verified record, and with the reference image if there is one. Two
   * certificates that were two registrants until they were joined can have brought one each: then the photograph is
   * compared with both, and the one that is less like it counts, of equal ones the older (decision 0071). @req R5 R7
   * R13 R14 */
  private async faceFinding(request: ReceivedRequest, subjectKey: string): Promise<FaceFinding> {
    const { signed, bytes } = await this.received.open(request, ['photo', 'cardRecord']);
    const frames = await this.received.frames(request, signed);
    const cardFace = this.cardRecords.faceImageOf(bytes.cardRecord);
    if (cardFace === null) throw new Error('the verified card record has no face image');
    const members = await this.group.members(subjectKey);
    const isErased = await this.forgetErased(members);
    const references = isErased ? [] : referencesIn(members);
    let weakest:
      (Extract<FaceComparison, { outcome: 'compared' }> & { readonly reference: RegisteredImage | null }) | null = null;
    for (const reference of references.length > 0 ? references : [null]) {
      const registered = reference && (await this.openReference(reference));
      const result = await this.work.timed(() =>
        this.faces.compare({
          captured: bytes.photo,
          card: cardFace,
          registered,
          frames,
          ...(request.frames && { prompt: request.frames.prompt }),
        }),
      );
      if (result.outcome === 'unknown') return { outcome: 'unknown', cause: result.cause };
      if (result.outcome === 'not_comparable') {
        const { image, reason, algorithm, detail } = result;
        const said = detail === undefined ? '' : ` (${detail})`;
        this.log.log(`faces of ${request.requestId} not comparable: ${image}, ${reason}${said}`);
        return { outcome: 'not_comparable', image, reason, algorithm };
      }
      if ((result.registeredPoints === null) !== (registered === null))
        throw new Error('the comparer did not compare what it was given');
      if (weakest === null || (result.registeredPoints ?? 0) < (weakest.registeredPoints ?? 0))
        weakest = { ...result, reference: reference?.image ?? null };
    }
    if (weakest === null) throw new Error('nothing was compared');
    const { cardPoints, registeredPoints, evidence = null, reference, algorithm, quality, signals } = weakest;
    return {
      outcome: 'compared',
      cardPoints,
      registered:
        reference && registeredPoints !== null
          ? {
              comparison: 'compared',
              points: registeredPoints,
              imageId: reference.imageId,
              imageCommitment: reference.image,
            }
          : {
              comparison: 'not_applicable',
              reason: isErased ? 'erased' : request.consent.keepReferenceImage ? 'first_registration' : 'no_consent',
            },
      algorithm,
      evidence,
      material: {
        photo: request.material.photo,
        cardRecord: request.material.cardRecord,
        frames: request.frames?.material ?? [],
      },
      quality,
      signals,
    };
  }

  /** Whether the registrant was erased while the request is worked on. What was sealed under the key since its erasure
   * was carried out goes here: nobody else looks at it again. */
  private async forgetErased(members: readonly GroupMember[]): Promise<boolean> {
    const erased = members.filter(({ state }) => state.tombstone !== null);
    for (const member of erased) await this.vault.destroyOwner(registrantOwner(member.subjectKey));
    return erased.length > 0;
  }

  /** A registered image to compare with. While it is opened another case may replace it, or the registrant be erased:
   *  only what is still a reference afterwards can be missing. */
  private async openReference({ subjectKey, image }: Reference): Promise<Uint8Array> {
    try {
      return await this.vault.open(registrantOwner(subjectKey), image.imageId, { commitment: image.image });
    } catch (error) {
      const references = await this.group.references(subjectKey);
      if (references.some((each) => each.image.imageId === image.imageId)) throw error;
      throw new Error('the registered image was replaced or erased while it was opened', { cause: error });
    }
  }

  /** The material first, because an intent says that the government may have it; then the intent, the call, and what
   * came of it. @req R8 R11 */
  private async submit(job: Job, request: ReceivedRequest, attempt: number): Promise<Refusal | null> {
    const submissionId = submissionIdOf(job.requestId);
    const { signed, bytes } = await this.received.open(request, ['photo', 'certificate']);
    const intent = await this.record(job, { type: 'BeginSubmission', submissionId, attempt }, 'begin');
    if (intent) return intent;
    const policy = await this.policies.get();
    // The very bytes that leave, right before they do: nothing that happened to them in between goes out.
    for (const blob of ['photo', 'certificate'] as const) assertSigned(request, signed, blob, bytes[blob]);
    const answer = await this.government.submit({
      submissionId,
      photo: bytes.photo,
      capturedAtUtc: request.capturedAtUtc,
      certificate: bytes.certificate,
      certificateType: request.certificateType,
      policyVersion: policy.version,
    });
    this.work.answered('government', answer.answer);
    return this.record(job, {
      type: 'RecordSubmission',
      submissionId,
      attempt,
      answer,
      policy,
      nowUtc: this.clock.nowUtc(),
    });
  }

  private async askGovernment(job: Job, attempt: number): Promise<Refusal | null> {
    const submissionId = submissionIdOf(job.requestId);
    const answer = await this.government.ask(submissionId);
    this.work.answered('government', answer.answer);
    return this.record(job, {
      type: 'RecordSubmission',
      submissionId,
      attempt,
      answer,
      policy: await this.policies.get(),
      nowUtc: this.clock.nowUtc(),
    });
  }

  private async registerImage(job: Job, state: Known): Promise<Refusal | null> {
    const subjectKey = await this.group.registrantOf(subjectKeyOf(state));
    const imageId = imageIdOf(job.requestId);
    const refusal = await this.registerUnder(subjectKey, job, state);
    if (refusal?.code === 'registrant_erased') await this.forgetErased(await this.group.members(subjectKey));
    if (refusal?.code !== 'registrant_linked') return refusal;
    // Another certificate of the person was resolved in between: it is the same person under another key now, and this
    // step is done again.
    await this.vault.remove(registrantOwner(subjectKey), imageId);
    throw new Error(`the registrant of ${job.requestId} stands for another one since a moment ago`);
  }

  private async registerUnder(subjectKey: string, job: Job, state: Known): Promise<Refusal | null> {
    const imageId = imageIdOf(job.requestId);
    const context = await this.context(job);
    const { request } = state;
    const { bytes } = await this.received.open(request, ['photo']);
    const image = await this.vault.seal(registrantOwner(subjectKey), imageId, bytes.photo);
    const consent = {
      type: 'GiveConsent',
      textVersion: request.consent.textVersion,
      requestId: job.requestId,
    } as const;
    const refusal = refusalOf(
      await this.aggregates.execute(registrants, subjectKey, consent, {
        ...context,
        commandId: derivedId(job.effectId, 'consent'),
      }),
    );
    if (refusal) return refusal;
    return refusalOf(
      await this.aggregates.execute(
        registrants,
        subjectKey,
        { type: 'RegisterImage', imageId, requestId: job.requestId, capturedAtUtc: request.capturedAtUtc, image },
        context,
      ),
    );
  }

  private async confirmImage(job: Job, state: Known): Promise<Refusal | null> {
    const subjectKey = await this.group.homeOf(subjectKeyOf(state), imageIdOf(job.requestId));
    const result = await this.aggregates.execute(
      registrants,
      subjectKey,
      { type: 'ConfirmImage', imageId: imageIdOf(job.requestId) },
      await this.context(job, 'confirm'),
    );
    for (const image of result.state.images.filter((i) => i.status === 'withdrawn'))
      await this.vault.remove(registrantOwner(subjectKey), image.imageId);
    return refusalOf(result) ?? this.replaceOthers(job, subjectKey);
  }

  /** One reference image per person, also where two of the person's keys brought one each: the newest stays. */
  private async replaceOthers(job: Job, subjectKey: string): Promise<Refusal | null> {
    for (const { subjectKey: home, image } of (await this.group.references(subjectKey)).slice(0, -1)) {
      const refusal = refusalOf(
        await this.aggregates.execute(
          registrants,
          home,
          { type: 'WithdrawImage', imageId: image.imageId, reason: 'replaced' },
          await this.context(job, `replaced-${image.imageId}`),
        ),
      );
      if (refusal) return refusal;
      await this.vault.remove(registrantOwner(home), image.imageId);
    }
    return null;
  }

  private async withdrawImage(job: Job, state: Known): Promise<Refusal | null> {
    const isEnded = state.stage === 'closed' && state.ended !== null;
    // An operator may end a case before anybody knows whose it is.
    if (isEnded && state.subjectKey === null) return null;
    const imageId = imageIdOf(job.requestId);
    const subjectKey = await this.group.homeOf(subjectKeyOf(state), imageId);
    const result = await this.aggregates.execute(
      registrants,
      subjectKey,
      { type: 'WithdrawImage', imageId, reason: isEnded ? 'request_ended' : 'government_refused' },
      await this.context(job),
    );
    // One that was confirmed stays, also when an operator ends what is left of its case.
    if (!result.state.images.some((image) => image.imageId === imageId && image.status === 'confirmed'))
      await this.vault.remove(registrantOwner(subjectKey), imageId);
    return refusalOf(result);
  }

  /** REGISTRY_ONLY: registered and confirmed at once, then the request is closed. @req R18 */
  private async keepInRegistry(job: Job, state: Known): Promise<Refusal | null> {
    if (state.stage !== 'confirmed')
      return { code: 'wrong_stage', data: { stage: state.stage, command: 'KeepInRegistry' } };
    const refusal = await this.registerImage(job, state);
    // Nothing is kept of who was erased, and nothing else was asked for: an administrator ends it, and the holder comes
    // again.
    if (refusal?.code === 'registrant_erased')
      throw new Error(`the registrant of ${job.requestId} was erased in the meantime`);
    return (
      refusal ??
      (await this.confirmImage(job, state)) ??
      (await this.record(job, { type: 'RecordKeptInRegistry', imageId: imageIdOf(job.requestId) }, 'kept'))
    );
  }

  /** Not before its time, whatever was asked for: nothing brings it back. The key goes before the event that says so; a
   * crash in between does it again. */
  private async eraseEvidence(job: Job, state: Known): Promise<Refusal | null> {
    const nowUtc = this.clock.nowUtc();
    const evidence = state.stage === 'closed' ? state.refusedEvidence : null;
    if (!evidence || !isRetentionOver(evidence, nowUtc))
      throw new Error(`the retention of the evidence of ${job.requestId} is not over`);
    await this.vault.destroyOwner(evidenceOwner(job.requestId));
    return this.record(job, { type: 'RecordEvidenceErased', nowUtc });
  }

  /** A decision names the very policy that it used, also when another one comes into force in between, and is recorded
   * at the very instant that it reckoned with. */
  private async record(job: Job, command: RegistrationCommand, step?: string): Promise<Refusal | null> {
    const context = await this.context(job, step);
    const ofDecision = {
      ...('policy' in command && { policyVersion: command.policy.version }),
      ...('nowUtc' in command && { decidedAtUtc: command.nowUtc }),
    };
    const result = await this.aggregates.execute(registrations, job.requestId, command, { ...context, ...ofDecision });
    if (result.outcome === 'decided' && result.events > 0 && !result.repeated) this.tallyEnd(command, result.state);
    return refusalOf(result);
  }

  private tallyEnd(command: RegistrationCommand, state: RegistrationState): void {
    if (state.stage === 'stopped' && command.type === 'StopForMaterial') this.work.ended('stopped');
    if (state.stage === 'closed' && ENDS_CASES.has(command.type)) this.work.ended(state.outcome);
  }

  private async context({ requestId, effectId }: Job, step?: string): Promise<CommandContext> {
    const { version } = await this.policies.get();
    return {
      commandId: step ? derivedId(effectId, step) : effectId,
      actor: 'system:registration-saga',
      correlationId: requestId,
      causationId: effectId,
      policyVersion: version,
    };
  }
}

/** What closes a case; what is recorded of a closed one (evidence that was erased) is no outcome. */
const ENDS_CASES: ReadonlySet<RegistrationCommand['type']> = new Set([
  'RecordCertificateVerdict',
  'RecordFaceComparison',
  'RecordHoldOutcome',
  'RecordSubmission',
  'RecordKeptInRegistry',
] as const);

/** What an effect opens material for; the others open none. */
const USE_OF: Readonly<Partial<Record<Effect['effect'], MaterialUse>>> = {
  CheckCertificate: 'certificate_check',
  CompareFaces: 'face_comparison',
  SubmitToGovernment: 'submission',
  RegisterImage: 'image_registration',
  KeepInRegistry: 'image_registration',
};

type Refused = Extract<CertificateFinding, { verdict: 'invalid' }>;
type Known = Exclude<RegistrationState, { stage: 'none' }>;

/** One submission id for all attempts of a request. */
export function submissionIdOf(requestId: string): string {
  return derivedId(requestId, 'submission');
}

export function imageIdOf(requestId: string): string {
  return `image-${derivedId(requestId, 'image')}`;
}

function subjectKeyOf(state: Known): string {
  const subjectKey = 'subjectKey' in state ? state.subjectKey : null;
  if (subjectKey === null)
    throw new Error(`request ${state.request.requestId} has no registrant in stage ${state.stage}`);
  return subjectKey;
}

function refusalOf<S>(result: Executed<S>): Refusal | null {
  return result.outcome === 'refused' ? result.refusal : null;
}
