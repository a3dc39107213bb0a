import { boothDecider } from '../../booth/booth.js';
import { dualActDecider } from '../../dual-control/dual-act.js';
import type { DualActEvent } from '../../dual-control/dual-act.events.js';
import type { Decider, DomainEvent } from '../../decider.js';
import { currentVersion, upcast, UnknownEventError } from '../../event-registry.js';
import type { Json } from '../../event-envelope.js';
import { holdReviewDecider, OPINIONS_NEEDED, type HoldReviewState } from '../../hold-review/hold-review.js';
import type { HoldReviewEvent } from '../../hold-review/hold-review.events.js';
import { policyDecider, type ActivePolicy, type PolicyState } from '../../policy/policy.js';
import type { PolicyEvent } from '../../policy/policy.events.js';
import { referenceImage, registrantDecider, type RegistrantState } from '../../registrant/registrant.js';
import type { RegistrantEvent } from '../../registrant/registrant.events.js';
import { captureRefusal } from '../../registration/capture.policy.js';
import { registrationDecider, type RegistrationState } from '../../registration/registration.js';
import type { FaceComparisonFacts, RegistrationEvent } from '../../registration/registration.events.js';
import {
  SAGA_SOURCES,
  sagaDecider,
  type SagaEvent,
  type SagaSource,
  type SagaState,
} from '../../saga/registration.saga.js';
import { canonicalJson } from '../../values/canonical-json.js';
import { isInstant } from '../../values/instant.js';
import { AgreedActs, NOBODY_AGREED, RESTORE_ACTOR } from './agreed-acts.js';
import {
  boothCommandOf,
  dualActCommandOf,
  holdCommandOf,
  policyCommandOf,
  registrantCommandOf,
  registrationCommandOf,
  sagaCommandOf,
} from './command-of.js';
import { registrantOf, type LeafEvent } from '../log/leaf.js';

/** Something that does not follow from what came before it. */
export interface ReplayFinding {
  readonly index: number;
  readonly type: string;
  readonly stream: string;
  readonly problem: string;
}

export interface ReplayReport {
  /** Appends that are decisions of an aggregate and could be made again. */
  readonly decisions: number;
  readonly reproduced: number;
  /** Events that are facts from outside (an access, a refusal at the door, a used nonce): nothing was decided. */
  readonly facts: number;
  /** Decisions whose command cannot be told from the history, and why. Neither reproduced nor contradicted. */
  readonly notReproducible: readonly ReplayFinding[];
  readonly findings: readonly ReplayFinding[];
  /** Events and streams that this version has no rules for: a later one may. */
  readonly unknown: readonly ReplayFinding[];
}

type AnyDecider = Decider<unknown, unknown, DomainEvent>;

interface Placed {
  readonly index: number;
  readonly leaf: LeafEvent;
  /** The version of its shape in which it stands in the log. */
  readonly writtenAs?: number;
  /** Place of the event before it in its stream, -1 for the first: what a decision took from elsewhere, it took after
   * that. */
  readonly after?: number;
}

/** Which registered image a comparison has to use, from this place of the log on; null: none. */
interface Reference {
  readonly index: number;
  readonly imageId: string | null;
}

interface Stream {
  readonly decider: AnyDecider;
  state: unknown;
  /** The newest event: judged when the one after it is known, which may belong to the same decision. */
  waiting: Placed | null;
  /** Events that the last decision also gave. */
  expected: readonly DomainEvent[];
  /** Whether the last decision counts as reproduced so far: all of its events must be the same. */
  isReproduced: boolean;
  lastRevision: number;
  /** False when the history at hand does not begin with the stream's first event. */
  readonly isWhole: boolean;
}

const DECIDERS: readonly [prefix: string, decider: AnyDecider][] = [
  ['registration-', registrationDecider as unknown as AnyDecider],
  ['registrant-', registrantDecider as unknown as AnyDecider],
  ['hold-', holdReviewDecider as unknown as AnyDecider],
  ['policy-', policyDecider as unknown as AnyDecider],
  ['booth-', boothDecider as unknown as AnyDecider],
  ['act-', dualActDecider as unknown as AnyDecider],
  ['saga-', sagaDecider as unknown as AnyDecider],
];
const FACTS = new Set([
  'BiometricViewed',
  'AccessRefused',
  'AuditExported',
  'RecordsViewed',
  'RequestRefusedAtDoor',
  'RequestsRefusedAtDoor',
  'ChallengeConsumed',
  'RequestClaimed',
  'CommandClaimed',
  'StaffLockedOut',
  'StaffReadmitted',
  'EventParked',
  'ConsumerStopped',
  'ConsumerResumed',
  'ParkedReplayed',
  'EventSkipped',
  'UnknownEventMet',
  'InstallationClaimed',
  'ServerBegan',
  'ServerAsked',
  'ServerAnswered',
  'ServerEnded',
  'CheckpointRecorded',
  'VerifierPageGivenOut',
  'LossProposed',
  'LossAccepted',
]);
const SOURCES: ReadonlySet<string> = new Set(SAGA_SOURCES);
/** How long a decision may still name the policy that was in force before: the reading of a policy leaves no trace in
 * the log. It is the only tolerance that is left. */
const SLACK_MS = 60_000;
/** What a submission ends in, under the policy under which it began however long the call took: the order of the log
 * tells that exactly. */
const SUBMISSION_ANSWERS: ReadonlySet<string> = new Set([
  'SubmittedToGovernment',
  'GovernmentAccepted',
  'GovernmentRefused',
  'SubmissionDeferred',
]);
/** With what a person who was erased comes back: a new consent, or another certificate. */
const RETURNS: ReadonlySet<string> = new Set(['ConsentGiven', 'CertificateAdded', 'CertificateLinked']);
const FINDINGS_MAX = 1000;

/** A third opinion comes with the resolution that it decides, in one append; a range can end between them. */
function isHalfOfAResolution({ state, expected }: Stream, { leaf }: Placed): boolean {
  const review = state as HoldReviewState;
  return (
    leaf.type === 'OpinionGiven' &&
    expected.length === 0 &&
    review.stage === 'open' &&
    review.opinions.length >= OPINIONS_NEEDED
  );
}

/** Makes every decision of a history again with the same pure rules, in log order, and compares. Fed one event at a
 * time. */
export class DecisionReplay {
  private readonly streams = new Map<string, Stream>();
  private readonly sources = new Map<
    string,
    { readonly id: string; readonly recordedAtUtc: string; readonly event: SagaSource }
  >();
  /** Effects that waited for an operator at some time. */
  private readonly stuckSteps = new Set<string>();
  private readonly resolved = new Map<string, { readonly outcome: string; readonly officers: readonly string[] }>();
  /** When a certificate was refused, by request. */
  private readonly refusals = new Map<string, string>();
  /** How an algorithm's points follow from its distances, by its name and version. */
  private readonly scorings = new Map<string, string>();
  private readonly references = new Map<string, { state: RegistrantState; readonly changes: Reference[] }>();
  private readonly joined = new Map<string, { readonly other: string; readonly index: number }[]>();
  private readonly activations: { readonly version: number; readonly index: number; readonly atMs: number }[] = [];
  private readonly acts = new AgreedActs();
  /** Kinds of streams in which an event was met that this program does not know: what they say to others is not known
   * either. */
  private readonly lost = new Set<string>();
  /** Policies as of the event that is fed, not as of the one that is judged. */
  private policies: PolicyState = policyDecider.initial;
  private decisions = 0;
  private reproduced = 0;
  private facts = 0;
  private readonly notReproducible: ReplayFinding[] = [];
  private readonly unknown: ReplayFinding[] = [];
  private readonly findings: ReplayFinding[] = [];

  /** @param options.isPartial true where only some streams are at hand, or not from their beginning */
  constructor(private readonly options: { readonly isPartial: boolean }) {}

  /** @returns false for an event that this program does not know, or has no rules for where it stands: nothing can be
   *  drawn from it either */
  feed(index: number, original: LeafEvent): boolean {
    const leaf = this.inTodaysShape(index, original);
    if (leaf) this.take(index, leaf, original.schemaVersion);
    else this.loseTrack(original);
    return leaf !== null && hasPlace(leaf);
  }

  private take(index: number, leaf: LeafEvent, writtenAs: number): void {
    // In a stream without rules anything can have any name, and says nothing to others.
    if (kindOf(leaf.stream)) this.learn(index, leaf);
    if (FACTS.has(leaf.type)) {
      this.facts += 1;
      this.checkAgreement({ index, leaf, writtenAs });
      return;
    }
    const stream = this.streamOf(index, leaf);
    if (!stream) return;
    if (leaf.revision !== stream.lastRevision + 1)
      this.find(
        { index, leaf },
        `revision ${stream.lastRevision + 1} of its stream was expected, not ${leaf.revision}`,
      );
    stream.lastRevision = leaf.revision;
    const after = stream.waiting?.index ?? -1;
    if (stream.waiting) this.judge(stream, stream.waiting, leaf);
    stream.waiting = { index, leaf, writtenAs, after };
  }

  /** After an event that is not known its stream is like one whose beginning is missing: whatever comes may follow from
   * it. */
  private loseTrack({ stream: name, revision }: LeafEvent): void {
    const kind = kindOf(name);
    if (!kind) return;
    const [prefix, decider] = kind;
    this.lost.add(prefix);
    const { waiting } = this.streams.get(name) ?? {};
    if (waiting) this.leaveOpen(waiting, 'what comes after it is of a later version');
    this.streams.set(name, { ...streamStart(decider), lastRevision: revision, isWhole: false });
  }

  /** Judges what was still waiting. @param isCut true where the history ends in the middle: a decision's last events
   * may be missing. */
  finish({ isCut }: { readonly isCut: boolean }): ReplayReport {
    for (const stream of this.streams.values()) {
      const last = stream.waiting;
      if (!last) continue;
      if (isCut && isHalfOfAResolution(stream, last))
        this.leaveOpen(last, 'the bundle ends between this opinion and what it decided');
      else this.judge(stream, last, null);
      stream.waiting = null;
      if (stream.expected.length > 0 && !isCut) this.takeBack(stream);
      if (stream.expected.length > 0 && !isCut)
        this.find(
          last,
          `the rules also give ${stream.expected.map((e) => e.type).join(', ')} here, which is not in the history`,
        );
    }
    const { decisions, reproduced, facts, notReproducible, unknown, findings } = this;
    return {
      decisions,
      reproduced,
      facts,
      notReproducible,
      unknown,
      findings: findings.toSorted((a, b) => a.index - b.index),
    };
  }

  /** Data of a strange shape can make the rules throw; a forged history must be named, not end the check. */
  private judge(stream: Stream, placed: Placed, next: LeafEvent | null): void {
    try {
      this.judgeEvent(stream, placed, next);
    } catch (error) {
      this.find(placed, `the rules cannot read it: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  private judgeEvent(stream: Stream, placed: Placed, next: LeafEvent | null): void {
    const event = toDomain(placed.leaf);
    const expected = stream.expected[0];
    if (expected !== undefined) {
      stream.expected = stream.expected.slice(1);
      if (!this.compare(placed, event, expected)) this.takeBack(stream);
    } else this.decideAgain(stream, placed, event, next);
    stream.state = stream.decider.evolve(stream.state, event);
  }

  private decideAgain(stream: Stream, placed: Placed, event: DomainEvent, next: LeafEvent | null): void {
    if (!stream.isWhole) return this.leaveOpen(placed, 'the beginning of its stream is not in this bundle');
    const policy = this.policyOf(placed);
    const command = this.commandOf(stream, placed, event, next, policy);
    if (command === null) return this.leaveOpen(placed, this.whyNoCommand(placed));
    this.decisions += 1;
    stream.isReproduced = false;
    const decision = stream.decider.decide(stream.state, command);
    if ('refused' in decision) return this.find(placed, `the rules refuse it: ${decision.refused.code}`);
    const [first, ...rest] = decision.events;
    stream.expected = rest;
    if (!first) return this.find(placed, 'the rules give nothing here');
    stream.isReproduced = this.compare(placed, event, first) && this.inputsHold(stream, placed, event);
    if (stream.isReproduced) this.reproduced += 1;
  }

  /** A later event of a decision is not what the rules give: then the decision as a whole is not. */
  private takeBack(stream: Stream): void {
    if (stream.isReproduced) this.reproduced -= 1;
    stream.isReproduced = false;
  }

  private commandOf(
    stream: Stream,
    { leaf }: Placed,
    event: DomainEvent,
    next: LeafEvent | null,
    policy: ActivePolicy | null,
  ): unknown {
    const following = next && toDomain(next);
    switch (leaf.stream.slice(0, leaf.stream.indexOf('-') + 1)) {
      case 'registration-':
        return registrationCommandOf(
          event as RegistrationEvent,
          following as RegistrationEvent | null,
          policy,
          leaf.metadata.recordedAtUtc,
        );
      case 'registrant-':
        return registrantCommandOf(event as RegistrantEvent, policy, leaf.metadata.recordedAtUtc);
      case 'hold-':
        return holdCommandOf(
          stream.state as Parameters<typeof holdCommandOf>[0],
          event as HoldReviewEvent,
          following as HoldReviewEvent | null,
          leaf.metadata.actor,
        );
      case 'policy-':
        return policyCommandOf(event as PolicyEvent);
      case 'booth-':
        return boothCommandOf(event as Parameters<typeof boothCommandOf>[0]);
      case 'act-':
        return dualActCommandOf(event as DualActEvent, policy, leaf.metadata.recordedAtUtc);
      default: {
        if (event.type === 'SagaReacted' && this.lost.has('policy-')) return null;
        const attemptsMax = this.activeValues()?.retry.attemptsMax ?? Number.MAX_SAFE_INTEGER;
        return sagaCommandOf(
          stream.state as SagaState,
          event as Parameters<typeof sagaCommandOf>[1],
          (id) => this.sources.get(id) ?? null,
          attemptsMax,
        );
      }
    }
  }

  private whyNoCommand({ leaf }: Placed): string {
    if (leaf.type === 'SagaReacted') return 'the event that it reacts to, or the policy, is not known from this bundle';
    if (
      leaf.metadata.policyVersion !== null &&
      !this.policies.versions.some((v) => v.version === leaf.metadata.policyVersion)
    )
      return `policy ${leaf.metadata.policyVersion} is not in this bundle`;
    return 'no command is known that gives it';
  }

  private compare(placed: Placed, event: DomainEvent, expected: DomainEvent): boolean {
    if (event.type !== expected.type) this.find(placed, `the rules give ${expected.type} here`);
    else if (canonicalJson(event.data as Json) !== canonicalJson(expected.data as Json))
      this.find(placed, `the rules give other data here: ${difference(event.data, expected.data)}`);
    else return true;
    return false;
  }

  /** What a decision took from elsewhere must be what is there. */
  private inputsHold(stream: Stream, placed: Placed, event: DomainEvent): boolean {
    const before = this.findings.length;
    const { leaf } = placed;
    this.checkPolicy(placed);
    this.checkAgreement(placed);
    // Which image is the newest will be asked of it.
    if (event.type === 'FaceImageRegistered' && !isMoment((event.data as { capturedAtUtc?: unknown }).capturedAtUtc))
      this.find(placed, 'it was captured at no instant');
    if (leaf.stream.startsWith('registration-'))
      this.checkRegistration(stream.state as RegistrationState, placed, event as RegistrationEvent);
    return this.findings.length === before;
  }

  private checkRegistration(state: RegistrationState, placed: Placed, event: RegistrationEvent): void {
    const { leaf } = placed;
    switch (event.type) {
      case 'RequestReceived': {
        const values = this.policyOf(placed)?.values;
        const refusal = values
          ? captureRefusal(
              event.data as unknown as Parameters<typeof captureRefusal>[0],
              event.data.receivedAtUtc,
              values,
            )
          : null;
        if (refusal) this.find(placed, `the door should have refused it: ${refusal}`);
        return;
      }
      case 'CertificateVerified':
        if (state.stage !== 'none' && state.request.material.certificate !== event.data.material.certificate)
          this.find(placed, 'the certificate that was verified is not the one that was received');
        if (state.stage !== 'none' && state.request.material.cardRecord !== event.data.material.cardRecord)
          this.find(placed, 'the card record that was verified is not the one that was received');
        return;
      case 'FaceMatched':
      case 'FaceReferred':
      case 'FaceMismatched':
        if (state.stage !== 'none' && state.request.material.photo !== event.data.material.photo)
          this.find(placed, 'the photograph that was compared is not the one that was received');
        this.checkReference(state, placed, event.data.registered);
        this.checkScoring(placed, event.data);
        return;
      case 'HoldReleased':
      case 'HoldRejected':
      case 'RecaptureRequested': {
        const review = this.resolved.get(leaf.metadata.correlationId);
        if (this.lost.has('hold-')) return;
        if (!review) return void (this.options.isPartial || this.find(placed, 'no review resolved the hold'));
        if (canonicalJson(review.officers) !== canonicalJson(event.data.officers))
          this.find(placed, 'the officers are not those of the review');
        return;
      }
      case 'RefusedEvidenceRetained':
        if (this.refusals.get(leaf.metadata.correlationId) !== event.data.refusedAtUtc)
          this.find(placed, 'its retention does not begin with the refusal');
        return;
      case 'RequestEndedByOperator': {
        const { stuckEffectId } = event.data;
        if (this.lost.has('saga-')) return;
        if (
          stuckEffectId !== null &&
          !this.stuckSteps.has(stuckEffectId) &&
          this.isWholeStream(`saga-${leaf.metadata.correlationId}`)
        )
          this.find(placed, 'the step that it names did not wait for an operator');
        return;
      }
      default:
        // The others take nothing from elsewhere that the state does not have.
        return;
    }
  }

  private checkAgreement(placed: Placed): void {
    const { index, leaf, writtenAs = leaf.schemaVersion } = placed;
    if (this.lost.has('act-') || (leaf.type === 'RegistrantErased' && this.lost.has('registrant-'))) return;
    const fault = this.acts.fault(index, leaf, { writtenAs, isPartial: this.options.isPartial });
    // What two people agreed to was lost with the newer log: nothing here says that they did, nor that they did not.
    if (fault === NOBODY_AGREED && leaf.type === 'RegistrantErased' && leaf.data['by'] === RESTORE_ACTOR)
      this.doNotKnow(placed, 'it was told again after a restore, and the agreement of two people is not in this log');
    else if (fault) this.find(placed, fault);
  }

  /** One version of an algorithm turns distances into points in one way, and states what they follow from always or
   * never: else a score could be made up by leaving that out, or by another curve. */
  private checkScoring(placed: Placed, { algorithm, basis }: Pick<FaceComparisonFacts, 'algorithm' | 'basis'>): void {
    const name = `${algorithm.id} ${algorithm.version}`;
    const way = basis === null ? 'its points alone' : canonicalJson(basis.scoring);
    const known = this.scorings.get(name) ?? way;
    this.scorings.set(name, known);
    if (way !== known) this.find(placed, `${name} states ${way} here and ${known} elsewhere`);
  }

  /** Claim 3 compares with the registrant's newest confirmed image, and "first registration" means that there was none.
   * The image was looked up between the event before this one and this one, so it must be the reference at some place
   * in between. */
  private checkReference(
    state: RegistrationState,
    placed: Placed,
    registered: { readonly comparison: string; readonly imageId?: string; readonly reason?: string },
  ): void {
    const subjectKey = 'subjectKey' in state ? state.subjectKey : null;
    if (subjectKey === null || this.lost.has('registrant-')) return;
    // A person has as many keys as certificates. What was joined while the comparison ran may or may not have been
    // looked at.
    const [certain, perhaps] = [this.keysOf(subjectKey, placed.after ?? -1), this.keysOf(subjectKey, placed.index)];
    if (![...perhaps].every((key) => this.isWholeStream(`registrant-${key}`))) return;
    const images = (keys: ReadonlySet<string>) =>
      [...keys].map((key) => this.referencesBetween(key, placed.after ?? -1, placed.index));
    const possible = images(perhaps).flat();
    const couldBeNone = images(certain).every((references) => references.includes(null));
    if (registered.comparison === 'compared' && !possible.includes(registered.imageId ?? null))
      this.find(
        placed,
        `the registered image that was compared is not the registrant's: it was never confirmed, was withdrawn, or is not the newest`,
      );
    if (registered.comparison === 'not_applicable' && registered.reason === 'first_registration' && !couldBeNone)
      this.find(placed, 'it says first registration and the registrant had a confirmed image');
  }

  /** Every key that the log, up to a place, says to be the same person's. */
  private keysOf(subjectKey: string, before: number): ReadonlySet<string> {
    const keys = new Set([subjectKey]);
    for (const key of keys) {
      for (const { other, index } of this.joined.get(key) ?? []) if (index <= before) keys.add(other);
    }
    return keys;
  }

  private referencesBetween(subjectKey: string, after: number, before: number): readonly (string | null)[] {
    const changes = this.references.get(subjectKey)?.changes ?? [];
    const atStart = changes.findLast((change) => change.index <= after)?.imageId ?? null;
    return [atStart, ...changes.filter(({ index }) => index > after && index < before).map(({ imageId }) => imageId)];
  }

  private isWholeStream(name: string): boolean {
    const stream = this.streams.get(name);
    return stream ? stream.isWhole : !this.options.isPartial;
  }

  /** The policy that an event names must have been in force. */
  private checkPolicy(placed: Placed): void {
    const { policyVersion, recordedAtUtc } = placed.leaf.metadata;
    if (policyVersion === null || this.activations.length === 0 || this.lost.has('policy-')) return;
    const cutMs = Date.parse(recordedAtUtc) - SLACK_MS;
    // What comes later in the log cannot have been read: the order of the log decides that, no clock.
    const inForce = this.activations.filter(({ index }) => index < placed.index);
    const newest = inForce.at(-1);
    const isStillNamed = (next: { readonly index: number; readonly atMs: number }) =>
      SUBMISSION_ANSWERS.has(placed.leaf.type) ? next.index > (placed.after ?? -1) : next.atMs >= cutMs;
    const isRecent = inForce.some(
      ({ version }, i) =>
        version === policyVersion &&
        (inForce[i + 1] === undefined || isStillNamed(inForce[i + 1] as { index: number; atMs: number })),
    );
    if (!isRecent)
      this.find(
        placed,
        newest
          ? `it names policy ${policyVersion}, and policy ${newest.version} was in force`
          : `it names policy ${policyVersion}, and none was in force`,
      );
  }

  private policyOf({ leaf }: Placed): ActivePolicy | null {
    const found = this.policies.versions.find((v) => v.version === leaf.metadata.policyVersion);
    return found ? { version: found.version, values: found.values } : null;
  }

  private activeValues() {
    return this.policies.versions.find((v) => v.version === this.policies.active)?.values;
  }

  /** What other streams will be asked for. */
  private learn(index: number, leaf: LeafEvent): void {
    const event = toDomain(leaf);
    this.acts.learn(index, leaf);
    if (leaf.stream.startsWith('policy-')) {
      this.policies = policyDecider.evolve(this.policies, event as PolicyEvent);
      if (leaf.type === 'PolicyActivated')
        this.activations.push({
          version: (event.data as { version: number }).version,
          index,
          atMs: Date.parse(leaf.metadata.recordedAtUtc),
        });
    }
    if (SOURCES.has(leaf.type))
      this.sources.set(leaf.id, {
        id: leaf.id,
        recordedAtUtc: leaf.metadata.recordedAtUtc,
        event: event as SagaSource,
      });
    if (leaf.type === 'CertificateRejected')
      this.refusals.set(leaf.metadata.correlationId, leaf.metadata.recordedAtUtc);
    if (leaf.type === 'EffectStuck') this.stuckSteps.add(String(leaf.data['effectId']));
    if (leaf.type === 'SagaReacted')
      for (const effect of (event as Extract<SagaEvent, { type: 'SagaReacted' }>).data.effects)
        if (effect.stuck !== null) this.stuckSteps.add(effect.effectId);
    if (leaf.type === 'HoldResolved')
      this.resolved.set(
        (leaf.data as { requestId: string }).requestId,
        leaf.data as unknown as { outcome: string; officers: readonly string[] },
      );
    const registrant = registrantOf(leaf.stream);
    if (registrant === null) return;
    this.learnReference(registrant, index, event as RegistrantEvent);
    const other =
      leaf.type === 'CertificateAdded'
        ? leaf.data['subjectKey']
        : leaf.type === 'CertificateLinked'
          ? leaf.data['registrantKey']
          : null;
    if (typeof other !== 'string') return;
    for (const [key, another] of [
      [registrant, other],
      [other, registrant],
    ] as const)
      this.joined.set(key, [...(this.joined.get(key) ?? []), { other: another, index }]);
  }

  private learnReference(registrant: string, index: number, event: RegistrantEvent): void {
    const known = this.references.get(registrant) ?? { state: registrantDecider.initial, changes: [] };
    known.state = registrantDecider.evolve(known.state, event);
    const imageId = referenceImage(known.state)?.imageId ?? null;
    if (imageId !== (known.changes.at(-1)?.imageId ?? null)) known.changes.push({ index, imageId });
    this.references.set(registrant, known);
  }

  private streamOf(index: number, leaf: LeafEvent): Stream | null {
    const known = this.streams.get(leaf.stream);
    if (known) return known;
    const decider = kindOf(leaf.stream)?.[1];
    if (!decider) {
      this.doNotKnow({ index, leaf }, 'no rules are known for this kind of stream');
      return null;
    }
    // A registrant who comes back after an erasure has a new salt, hence a new token, and the stream goes on under it.
    const returned = leaf.revision > 0 && registrantOf(leaf.stream) !== null && RETURNS.has(leaf.type);
    const state = returned ? { ...(decider.initial as RegistrantState), erased: true } : decider.initial;
    const stream: Stream = {
      ...streamStart(decider),
      state,
      lastRevision: leaf.revision - 1,
      isWhole: leaf.revision === 0 || returned,
    };
    if (!stream.isWhole && !this.options.isPartial && registrantOf(leaf.stream) === null)
      this.find({ index, leaf }, `its stream begins with revision ${leaf.revision}: what came before is missing`);
    this.streams.set(leaf.stream, stream);
    return stream;
  }

  private inTodaysShape(index: number, leaf: LeafEvent): LeafEvent | null {
    try {
      return { ...upcast(leaf), schemaVersion: currentVersion(leaf.type) };
    } catch (error) {
      if (!(error instanceof UnknownEventError)) throw error;
      // A later version may know it: nobody is accused of what this program does not know.
      this.doNotKnow({ index, leaf }, error.message);
      return null;
    }
  }

  private doNotKnow({ index, leaf }: Placed, problem: string): void {
    if (this.unknown.length < FINDINGS_MAX) this.unknown.push({ index, type: leaf.type, stream: leaf.stream, problem });
  }

  private leaveOpen({ index, leaf }: Placed, problem: string): void {
    if (this.notReproducible.length < FINDINGS_MAX)
      this.notReproducible.push({ index, type: leaf.type, stream: leaf.stream, problem });
  }

  private find({ index, leaf }: Placed, problem: string): void {
    if (this.findings.length < FINDINGS_MAX)
      this.findings.push({ index, type: leaf.type, stream: leaf.stream, problem });
  }
}

function kindOf(stream: string): (typeof DECIDERS)[number] | undefined {
  return DECIDERS.find(([prefix]) => stream.startsWith(prefix));
}

function isMoment(value: unknown): boolean {
  return typeof value === 'string' && isInstant(value);
}

/** Whether an event is where its kind has rules, or is a fact, which needs none. */
function hasPlace({ type, stream }: LeafEvent): boolean {
  return FACTS.has(type) || kindOf(stream) !== undefined;
}

function streamStart(decider: AnyDecider): Omit<Stream, 'lastRevision' | 'isWhole'> {
  return { decider, state: decider.initial, waiting: null, expected: [], isReproduced: false };
}

function toDomain({ type, data }: LeafEvent): DomainEvent {
  return { type, data };
}

/** Names the first members that differ, with both values. */
function difference(found: object, expected: object): string {
  const [a, b] = [found as Record<string, Json>, expected as Record<string, Json>];
  const names = [...new Set([...Object.keys(a), ...Object.keys(b)])].filter((name) => text(a[name]) !== text(b[name]));
  return names
    .slice(0, 3)
    .map((name) => `${name} is ${text(a[name])} and would be ${text(b[name])}`)
    .join('; ');
}

function text(value: Json | undefined): string {
  return value === undefined ? 'absent' : canonicalJson(value);
}
