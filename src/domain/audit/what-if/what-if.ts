import { upcast } from '../../event-registry.js';
import type { PolicyValues } from '../../policy/policy.events.js';
import { policyDecider, type PolicyState } from '../../policy/policy.js';
import type { PolicyEvent } from '../../policy/policy.events.js';
import { NOT_COMPARED } from '../../registration/card-agreement.js';
import { registrationDecider, type CardFacts, type RegistrationState } from '../../registration/registration.js';
import type { ReceivedRequest, RegistrationEvent } from '../../registration/registration.events.js';
import { findingOf } from '../replay/command-of.js';
import type { LeafEvent } from '../log/leaf.js';
import {
  COUNTED_AS,
  countedAs,
  isHeld,
  laterOf,
  type ComparisonOutcome,
  type CountedAs,
  type OfficersLater,
} from './case-outcomes.js';

interface JudgedCase {
  readonly requestId: string;
  readonly boothId: string;
  readonly month: string;
  readonly index: number;
  readonly was: ComparisonOutcome;
  readonly wouldBe: ComparisonOutcome;
  readonly cardPoints: number;
  readonly registeredPoints: number | null;
}

export interface FlippedCase extends JudgedCase {
  /** What became of it while it was held, up to the end of the history. */
  readonly later: OfficersLater;
  readonly countedAs: CountedAs;
}

export interface WhatIfReport {
  readonly changed: Partial<PolicyValues>;
  /** Places in the log that were looked at. */
  readonly events: number;
  readonly comparisons: number;
  readonly flips: readonly FlippedCase[];
  /** `was → wouldBe` and how many. */
  readonly byChange: Readonly<Record<string, number>>;
  /** The cases that flip by what officers decided of them later. */
  readonly officers: Readonly<Record<CountedAs, number>>;
  readonly byBooth: Readonly<
    Record<
      string,
      { readonly comparisons: number; readonly flips: number; readonly heldWas: number; readonly heldWouldBe: number }
    >
  >;
  readonly byMonth: Readonly<
    Record<
      string,
      { readonly comparisons: number; readonly flips: number; readonly heldWas: number; readonly heldWouldBe: number }
    >
  >;
}

type Counts = { comparisons: number; flips: number; heldWas: number; heldWouldBe: number };
const COMPARED = new Set(['FaceMatched', 'FaceReferred', 'FaceMismatched']);

/** Decides every comparison of a history again under other values, with the rules that decided it the first time.
 * Touches nothing. What would have followed later (another reference image, a second registration) is not played on:
 * each case is judged by the scores that were measured. */
export class WhatIf {
  private policies: PolicyState = policyDecider.initial;
  private readonly requests = new Map<string, ReceivedRequest>();
  private readonly cards = new Map<string, CardFacts>();
  /** By their streams. */
  private readonly flips = new Map<string, JudgedCase>();
  /** Streams of cases that flip and were held → how the hold ended. */
  private readonly later = new Map<string, OfficersLater>();
  private readonly byChange: Record<string, number> = {};
  private readonly byBooth: Record<string, Counts> = {};
  private readonly byMonth: Record<string, Counts> = {};
  private comparisons = 0;
  private events = 0;
  /** A comparison whose next event tells whether it was held. */
  private readonly open = new Map<string, { index: number; event: LeafEvent }>();

  constructor(private readonly change: Partial<PolicyValues>) {}

  feed(index: number, original: LeafEvent): void {
    this.events += 1;
    const leaf = upcast(original);
    if (leaf.stream.startsWith('policy-'))
      this.policies = policyDecider.evolve(this.policies, leaf as unknown as PolicyEvent);
    if (leaf.type === 'RequestReceived')
      this.requests.set(leaf.metadata.correlationId, leaf.data as unknown as ReceivedRequest);
    if (leaf.type === 'CertificateVerified')
      this.cards.set(leaf.metadata.correlationId, leaf.data as unknown as CardFacts);
    const waiting = this.open.get(leaf.stream);
    if (waiting) this.judge(leaf.stream, waiting, leaf);
    this.endHold(leaf);
    if (COMPARED.has(leaf.type)) this.open.set(leaf.stream, { index, event: leaf });
  }

  finish(): WhatIfReport {
    for (const [stream, waiting] of this.open) this.judge(stream, waiting, null);
    const { change: changed, events, comparisons, byChange, byBooth, byMonth } = this;
    const flips = [...this.flips].map(([stream, flip]) => {
      const later = this.later.get(stream) ?? 'never_held';
      return { ...flip, later, countedAs: countedAs(flip.wouldBe, later) };
    });
    const officers = Object.fromEntries(
      COUNTED_AS.map((name) => [name, flips.filter((flip) => flip.countedAs === name).length]),
    ) as Record<CountedAs, number>;
    return { changed, events, comparisons, flips, byChange, officers, byBooth, byMonth };
  }

  /** The case's own stream alone tells: what officers say in a review shows there when it is over. */
  private endHold({ stream, type }: LeafEvent): void {
    const later = laterOf(type);
    if (later && this.later.get(stream) === 'open') this.later.set(stream, later);
  }

  private judge(stream: string, { index, event }: { index: number; event: LeafEvent }, next: LeafEvent | null): void {
    this.open.delete(stream);
    const requestId = event.metadata.correlationId;
    const request = this.requests.get(requestId);
    const policy = this.policies.versions.find((v) => v.version === event.metadata.policyVersion);
    if (!request || !policy) return;
    const card = this.cards.get(requestId) ?? {
      agreement: NOT_COMPARED,
      otherCertificate: 'not_asked',
      erasedBefore: false,
    };
    this.requests.delete(requestId);
    this.cards.delete(requestId);
    const facts = (event as unknown as Extract<RegistrationEvent, { type: 'FaceMatched' }>).data;
    const state: RegistrationState = { stage: 'certificate_verified', subjectKey: 'unknown', card, request };
    const decision = registrationDecider.decide(state, {
      type: 'RecordFaceComparison',
      finding: findingOf(facts),
      attempt: 1,
      policy: { version: policy.version, values: { ...policy.values, ...this.change } },
      nowUtc: event.metadata.recordedAtUtc,
    });
    if (!('events' in decision)) return;
    const was = outcomeOf([event, ...(next ? [next] : [])] as unknown as RegistrationEvent[]);
    this.count(stream, {
      requestId,
      boothId: request.boothId,
      month: event.metadata.recordedAtUtc.slice(0, 7),
      index,
      was,
      wouldBe: outcomeOf(decision.events),
      cardPoints: facts.cardPoints,
      registeredPoints: facts.registered.comparison === 'compared' ? facts.registered.points : null,
    });
  }

  private count(stream: string, one: JudgedCase): void {
    this.comparisons += 1;
    const flipped = one.was !== one.wouldBe;
    if (flipped) this.flips.set(stream, one);
    if (flipped && isHeld(one.was)) this.later.set(stream, 'open');
    if (flipped) this.byChange[`${one.was} → ${one.wouldBe}`] = (this.byChange[`${one.was} → ${one.wouldBe}`] ?? 0) + 1;
    for (const [table, name] of [
      [this.byBooth, one.boothId],
      [this.byMonth, one.month],
    ] as const) {
      const counts = (table[name] ??= { comparisons: 0, flips: 0, heldWas: 0, heldWouldBe: 0 });
      counts.comparisons += 1;
      if (flipped) counts.flips += 1;
      if (isHeld(one.was)) counts.heldWas += 1;
      if (isHeld(one.wouldBe)) counts.heldWouldBe += 1;
    }
  }
}

function outcomeOf(events: readonly RegistrationEvent[]): ComparisonOutcome {
  const held = events.find((e) => e.type === 'Held');
  if (held) return `held:${held.data.reason}`;
  if (events.some((e) => e.type === 'FaceNotComparable')) return 'not_comparable';
  return events.some((e) => e.type === 'FaceMismatched') ? 'mismatched' : 'confirmed';
}
