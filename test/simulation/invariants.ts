import type { StoredEvent } from '../../src/domain/event-envelope.js';
import type { HoldReviewEvent } from '../../src/domain/hold-review/hold-review.events.js';
import type { ReceivedRequest, RegistrationEvent } from '../../src/domain/registration/registration.events.js';

/** What a story must never show. Thrown from the step in which it happens. */
export class Violation extends Error {}

type FaceFacts = Extract<RegistrationEvent, { type: 'FaceMismatched' }>['data'];

interface Case {
  readonly request: ReceivedRequest;
  certificateVerified: boolean;
  confirmed: boolean;
  held: boolean;
  submissionId: string | null;
  ended: string | null;
  /** Its material was found to be something else or gone, and no operator has ended it. */
  stopped: boolean;
  /** When the certificate was refused, what of it is sealed, until when, and whether it is said to be erased. */
  refused: { readonly atUtc: string; readonly evidenceId: string; eraseAtUtc: string | null; erased: boolean } | null;
}

const ENDS = new Set([
  'CertificateRejected',
  'FaceMismatched',
  'FaceNotComparable',
  'HoldRejected',
  'RecaptureRequested',
  'HoldExpired',
  'GovernmentAccepted',
  'GovernmentRefused',
  'KeptInRegistry',
  'RegistrationWithdrawn',
]);

/** What the government says of a submission of before is heard; nothing else happens to a stopped case. */
const HEARD_WHILE_STOPPED = new Set([
  'SubmittedToGovernment',
  'SubmissionDeferred',
  'GovernmentAccepted',
  'GovernmentRefused',
  'RegistrationWithdrawn',
]);

/** Reads the log as it grows and holds every event against DESIGN.md, "What must never happen". It knows the rules and
 * none of the code. */
export class LogWatcher {
  /** The clock of a process may be ahead of the world's by so much. */
  static readonly SKEW_MS_MAX = 40_000;
  /** Life of a nonce, what clocks may differ, and a quarter of an hour for a booth that repeats. */
  private static readonly CLAIM_MS = (600 + 120) * 1000 + 15 * 60_000;
  readonly cases = new Map<string, Case>();
  /** Requests that nobody completed in time, and that can never be received. */
  readonly lapsed = new Set<string>();
  private readonly claims = new Map<string, string>();
  private readonly lengths = new Map<string, number>();
  private readonly ids = new Map<string, Set<string>>();
  private readonly opinions = new Map<string, Set<string>>();
  private readonly resolved = new Map<string, string>();
  private readonly views = new Set<string>();
  private readonly confirmedImages = new Set<string>();
  private position = -1n;

  /** @throws {Violation} */
  see(event: StoredEvent): void {
    this.seeOrder(event);
    this.seePersonalData(event);
    const requestId = event.metadata.correlationId;
    if (event.stream.startsWith('registration-')) this.seeRegistration(event, requestId);
    else if (event.stream.startsWith('hold-')) this.seeHold(event, requestId);
    else if (event.stream.startsWith('challenge-')) this.rule(event.revision === 0, event, 'a nonce was used twice');
    else if (event.stream.startsWith('registrant-')) this.seeRegistrant(event);
    else if (event.type === 'RequestClaimed')
      this.claims.set(event.data['requestId'] as string, event.metadata.recordedAtUtc);
    else if (event.type === 'BiometricViewed')
      this.views.add(`${event.data['requestId'] as string} ${event.data['officer'] as string}`);
  }

  /** What must hold at the moment in which a photograph leaves for the government. */
  leaves(submissionId: string, commitmentFor: (requestId: string) => string): void {
    const found = [...this.cases.entries()].find(([, c]) => c.submissionId === submissionId);
    if (!found) throw new Violation(`the government got submission ${submissionId}, of which no intent is stored`);
    const [requestId, { certificateVerified, confirmed, held, ended, request }] = found;
    if (commitmentFor(requestId) !== request.material.photo)
      throw new Violation(`${requestId}: the photograph that leaves is not the one that was received`);
    if (!certificateVerified || !confirmed)
      throw new Violation(`${requestId} was submitted without both positive facts`);
    if (held) throw new Violation(`${requestId} was submitted while it was held`);
    if (ended !== null && ended !== 'GovernmentAccepted' && ended !== 'GovernmentRefused')
      throw new Violation(`${requestId} was submitted after ${ended}`);
  }

  /** What must hold at the moment in which evidence is destroyed: no other owner is known, and its time is over. */
  destroysEvidence(requestId: string, nowMs: number): void {
    if (this.lapsed.has(requestId)) return;
    const found = this.cases.get(requestId);
    if (!found || (found.ended === null && !found.certificateVerified))
      throw new Violation(`evidence of ${requestId} was destroyed before its certificate was judged`);
    if (found.refused === null) return;
    const { eraseAtUtc } = found.refused;
    if (eraseAtUtc === null || nowMs + LogWatcher.SKEW_MS_MAX < Date.parse(eraseAtUtc))
      throw new Violation(`evidence of ${requestId} was destroyed before its retention was over (${eraseAtUtc})`);
  }

  /** Whether it is on record that this officer looked at a face of this case. */
  viewed(requestId: string, officer: string): boolean {
    return this.views.has(`${requestId} ${officer}`);
  }

  requestOf(submissionId: string): string | undefined {
    return [...this.cases.entries()].find(([, c]) => c.submissionId === submissionId)?.[0];
  }

  private seeOrder(event: StoredEvent): void {
    this.rule(event.position > this.position, event, 'positions do not grow');
    this.position = event.position;
    this.rule(event.revision === (this.lengths.get(event.stream) ?? 0), event, 'a revision is missing or doubled');
    this.lengths.set(event.stream, event.revision + 1);
    const ids = this.ids.get(event.stream) ?? new Set();
    this.rule(!ids.has(event.id), event, 'the same event is stored twice');
    this.ids.set(event.stream, ids.add(event.id));
  }

  private seePersonalData(event: StoredEvent): void {
    // Digests and UUIDs have twelve digits in a row now and then, next to a letter or a hyphen.
    const twelve = /(?<![0-9A-Za-z-])\d{12}(?![0-9A-Za-z-])/;
    this.rule(
      !twelve.test(`${JSON.stringify(event.data)} ${JSON.stringify(event.metadata)} ${event.stream}`),
      event,
      'twelve digits, the form of a My Number, are stored',
    );
  }

  /** A booth that died, or a server that did for half an hour, leaves a claim that nobody will complete. */
  private seeLapse(event: StoredEvent, requestId: string, claimedAtUtc: string | null): void {
    this.rule(!this.cases.has(requestId), event, 'a request lapsed that was received');
    const claimed = this.claims.get(requestId);
    this.rule(
      claimed !== undefined && claimed === claimedAtUtc,
      event,
      'a request lapsed that nobody had claimed then',
    );
    const waitedMs = Date.parse(event.metadata.recordedAtUtc) - Date.parse(claimed as string);
    this.rule(waitedMs >= LogWatcher.CLAIM_MS, event, 'a claim lapsed before its time');
    this.lapsed.add(requestId);
  }

  private seeRegistration(event: StoredEvent, requestId: string): void {
    const typed = { type: event.type, data: event.data } as unknown as RegistrationEvent;
    const found = this.cases.get(requestId);
    if (typed.type === 'RequestReceived') {
      this.rule(!found, event, 'a request was received twice');
      this.rule(!this.lapsed.has(requestId), event, 'a request was received that had lapsed');
      this.cases.set(requestId, {
        request: typed.data,
        certificateVerified: false,
        confirmed: false,
        held: false,
        submissionId: null,
        ended: null,
        stopped: false,
        refused: null,
      });
      return;
    }
    if (typed.type === 'RequestLapsed') return this.seeLapse(event, requestId, typed.data.claimedAtUtc);
    if (!found) throw new Violation(`${event.type} of ${requestId} came before its request`);
    if (typed.type === 'RefusedEvidenceRetained' || typed.type === 'RefusedEvidenceErased')
      return this.seeEvidence(found, typed, event);
    if (typed.type === 'MaterialDiffered' || typed.type === 'MaterialMissing') {
      this.rule(!found.stopped, event, 'a case stopped twice');
      found.stopped = true;
      return;
    }
    if (typed.type === 'RequestEndedByOperator') {
      this.rule(found.stopped || typed.data.stuckEffectId !== null, event, 'an operator ended a case that could go on');
      this.rule(
        (typed.data.earlierOutcome === null) === (found.ended === null),
        event,
        'the outcome before the end is another one',
      );
      found.stopped = false;
      found.ended ??= event.type;
      return;
    }
    this.rule(found.ended === null, event, `comes after ${found.ended}`);
    this.rule(!found.stopped || HEARD_WHILE_STOPPED.has(event.type), event, 'goes on while it is stopped');
    if (typed.type === 'CertificateRejected')
      found.refused = {
        atUtc: event.metadata.recordedAtUtc,
        evidenceId: typed.data.sealedEvidenceId as string,
        eraseAtUtc: null,
        erased: false,
      };
    this.seeStep(found, typed, event, requestId);
    if (ENDS.has(event.type)) found.ended = event.type;
  }

  private seeEvidence(
    { refused }: Case,
    typed: Extract<RegistrationEvent, { type: 'RefusedEvidenceRetained' | 'RefusedEvidenceErased' }>,
    event: StoredEvent,
  ): void {
    if (refused === null) throw new Violation(`${event.type} of a certificate that was not refused`);
    this.rule(typed.data.sealedEvidenceId === refused.evidenceId, event, 'other evidence than the refusal names');
    if (typed.type === 'RefusedEvidenceRetained') {
      this.rule(refused.eraseAtUtc === null, event, 'a second retention');
      this.rule(
        typed.data.refusedAtUtc === refused.atUtc &&
          Date.parse(typed.data.eraseAtUtc) === Date.parse(refused.atUtc) + typed.data.retentionDays * 86_400_000,
        event,
        'a retention that is not counted from the refusal',
      );
      refused.eraseAtUtc = typed.data.eraseAtUtc;
      return;
    }
    this.rule(!refused.erased && refused.eraseAtUtc !== null, event, 'erased twice, or without a retention');
    this.rule(event.metadata.recordedAtUtc >= (refused.eraseAtUtc as string), event, 'erased before its time');
    refused.erased = true;
  }

  private seeStep(found: Case, typed: RegistrationEvent, event: StoredEvent, requestId: string): void {
    switch (typed.type) {
      case 'CertificateVerified':
        this.rule(!found.certificateVerified, event, 'the certificate was verified twice');
        this.rule(
          typed.data.material.certificate === found.request.material.certificate,
          event,
          'another certificate was checked than was received',
        );
        found.certificateVerified = true;
        return;
      case 'FaceMatched':
        this.seeFaces(found, typed.data, event);
        this.rule(typed.data.cardPoints >= typed.data.thresholdPoints, event, 'matched below the mark');
        found.confirmed = typed.data.confirmation === 'confirmed';
        return;
      case 'FaceReferred':
      case 'FaceMismatched':
        return this.seeFaces(found, typed.data, event);
      case 'Held':
        this.rule(!found.confirmed, event, 'held after it was confirmed');
        found.held = true;
        return;
      case 'HoldReleased':
        this.rule(found.held && this.resolved.get(requestId) === 'released', event, 'released without a resolution');
        this.rule((this.opinions.get(requestId)?.size ?? 0) >= 2, event, 'released without two officers');
        found.held = false;
        found.confirmed = true;
        return;
      case 'HoldRejected':
      case 'RecaptureRequested':
      case 'HoldExpired':
        this.rule(found.held, event, 'the end of a hold that is none');
        found.held = false;
        return;
      case 'SubmissionAttempted':
        this.rule(
          found.certificateVerified && found.confirmed && !found.held,
          event,
          'submission without both positive facts, or while held',
        );
        this.rule(
          found.request.mode === 'GOVERNMENT_SUBMISSION',
          event,
          'submission of a request that is for the registry only',
        );
        this.rule(
          found.submissionId === null || found.submissionId === typed.data.submissionId,
          event,
          'a second submission id',
        );
        this.rule(typed.data.photo === found.request.material.photo, event, 'another photograph than was received');
        found.submissionId = typed.data.submissionId;
        return;
      case 'SubmittedToGovernment':
      case 'GovernmentAccepted':
      case 'GovernmentRefused':
        return this.rule(
          found.submissionId === typed.data.submissionId,
          event,
          'an answer to a submission that was not attempted',
        );
      case 'KeptInRegistry':
        this.rule(
          found.certificateVerified && found.confirmed && !found.held,
          event,
          'kept without both positive facts, or while held',
        );
        return this.rule(found.request.mode === 'REGISTRY_ONLY', event, 'kept instead of submitted');
      default:
        return;
    }
  }

  private seeFaces(found: Case, { material, registered, cardPoints }: FaceFacts, event: StoredEvent): void {
    this.rule(found.certificateVerified, event, 'faces were compared before the certificate was verified');
    this.rule(
      material.photo === found.request.material.photo && material.cardRecord === found.request.material.cardRecord,
      event,
      'other images were compared than were received',
    );
    this.rule(Number.isInteger(cardPoints), event, 'points are not whole');
    if (registered.comparison === 'compared')
      this.rule(this.confirmedImages.has(registered.imageId), event, 'compared with an image that was never confirmed');
  }

  private seeHold(event: StoredEvent, requestId: string): void {
    const typed = { type: event.type, data: event.data } as unknown as HoldReviewEvent;
    if (typed.type === 'OpinionGiven') {
      const officers = this.opinions.get(requestId) ?? new Set();
      this.rule(!officers.has(typed.data.officer), event, 'one officer gave two opinions');
      this.opinions.set(requestId, officers.add(typed.data.officer));
    }
    if (typed.type === 'HoldClosed')
      this.rule(
        this.cases.get(requestId)?.stopped || this.cases.get(requestId)?.ended === 'RequestEndedByOperator',
        event,
        'the hold of a case that goes on was closed',
      );
    if (typed.type === 'HoldResolved') {
      this.rule(!this.resolved.has(requestId), event, 'a hold was resolved twice');
      this.resolved.set(requestId, typed.data.outcome);
    }
  }

  private seeRegistrant(event: StoredEvent): void {
    if (event.type !== 'FaceImageConfirmed') return;
    const owner = [...this.cases.values()].find((c) => c.request.requestId === event.metadata.correlationId);
    const allowed =
      owner?.ended === 'GovernmentAccepted' ||
      (owner?.request.mode === 'REGISTRY_ONLY' && owner.confirmed && !owner.held);
    this.rule(allowed, event, 'an image became a reference before the government accepted it');
    this.confirmedImages.add(event.data['imageId'] as string);
  }

  private rule(holds: boolean | undefined, event: StoredEvent, broken: string): void {
    if (!holds) throw new Violation(`${broken}: ${event.type} at revision ${event.revision} of ${event.stream}`);
  }
}
