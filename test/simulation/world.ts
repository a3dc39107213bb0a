import { createHash, createHmac } from 'node:crypto';
import {
  CardRecordVerifier,
  type CardRecordVerdict,
} from '../../src/application/ports/outside/card-record-verifier.js';
import {
  CertificateVerifier,
  type CertificateCheck,
  type CertificateVerdict,
} from '../../src/application/ports/outside/certificate-verifier.js';
import { Clock } from '../../src/application/ports/store/clock.js';
import {
  EventStore,
  EventStoreUnavailableError,
  type AppendResult,
  type EventAnchor,
  type RecordedAnchor,
  type EventBatch,
  type EventFilter,
  type ExpectedRevision,
  type ReadStreamOptions,
  type SubscribeOptions,
} from '../../src/application/ports/store/event-store.js';
import {
  FaceComparer,
  type FaceComparison,
  type FaceComparisonRequest,
} from '../../src/application/ports/outside/face-comparer.js';
import {
  GovernmentRegistry,
  type GovernmentSubmission,
} from '../../src/application/ports/outside/government-registry.js';
import {
  BlobDiffersError,
  BlobGoneError,
  ImageVault,
  OwnerErasedError,
  type Expected,
  type VaultOwner,
} from '../../src/application/ports/registrant/image-vault.js';
import { PendingEffects } from '../../src/application/ports/store/pending-effects.js';
import {
  PositionStore,
  type Checkpoint,
  type Lease,
  type ParkedEvent,
  type SaveOutcome,
  type StoredPosition,
} from '../../src/application/ports/store/position-store.js';
import { Secrets } from '../../src/application/ports/registrant/secrets.js';
import { SubjectLinker, type CardLinks } from '../../src/application/ports/registrant/subject-linker.js';
import { TransientFailure } from '../../src/application/subscriptions/subscription-handler.js';
import type { NewEvent, Position, StoredEvent } from '../../src/domain/event-envelope.js';
import type { GovernmentAnswer } from '../../src/domain/registration/registration.js';
import {
  evolveSaga,
  SAGA_START,
  type PendingEffect,
  type SagaEvent,
  type SagaState,
} from '../../src/domain/saga/registration.saga.js';
import { AppendSignal, followLog } from '../../src/infrastructure/event-store/log-subscription.js';
import { InMemoryEventStore } from '../../src/infrastructure/event-store/in-memory-event-store.js';
import { KnownCards } from '../support/known-cards.js';
import { LogWatcher, Violation } from './invariants.js';
import { Random } from './random.js';
import { VirtualTime } from './virtual-time.js';

/** What a case is made of: written into its certificate and photograph, where the stand-ins read it. */
export interface CasePlan {
  readonly name: string;
  readonly holder: string;
  readonly certificate: 'valid' | 'revoked' | 'bad_record';
  readonly cardPoints: number;
  readonly registeredPoints: number;
  readonly face: 'compared' | 'no_face';
  readonly government: 'accept' | 'refuse';
}

/** How much goes wrong. Probabilities per step. */
export interface Weather {
  readonly crash: number;
  readonly fault: number;
  readonly slow: number;
  readonly clockJump: number;
  /** That the store begins to be away, for up to a minute. */
  readonly outage: number;
}

export const FAIR: Weather = { crash: 0, fault: 0, slow: 0, clockJump: 0, outage: 0 };
const NEVER = new Promise<never>(() => {});

/** What is stored of a consumer. */
interface KnownConsumer {
  position: Position | null;
  anchor: EventAnchor | null;
  token: number;
  until: number;
}

/** Everything that outlives a crash, and the weather. One process at a time runs on it; each has a number. */
export class World {
  readonly log = new InMemoryEventStore();
  /** Rings for whoever watches the log from outside the processes. */
  readonly appended = new AppendSignal();
  readonly watcher = new LogWatcher();
  readonly vault = new Map<string, Map<string, Buffer>>();
  readonly cards = new KnownCards();
  readonly consumers = new Map<string, KnownConsumer>();
  readonly government = new Map<string, { readonly plan: CasePlan; decided: boolean; times: number }>();
  readonly random: Random;
  readonly time: VirtualTime;
  weather: Weather = FAIR;
  /** Number of the process that runs; what an older one still does has no effect. */
  incarnation = 0;
  steps = 0;
  crashes = 0;
  skewMs = 0;
  outageUntilMs = 0;
  /** When the log last grew. */
  grewAtMs = 0;
  /** Owners whose key was destroyed. */
  readonly erased = new Set<string>();
  violation: Violation | null = null;
  onCrash: () => void = () => {};
  /** Sealed bytes that somebody exchanged or took away, by owner and name. */
  readonly tampered = new Set<string>();
  /** A fault that is built into the process, to see that the rules find it. */
  broken: string | null = null;
  /** The last steps, for people who look at a failure. */
  readonly trace: string[] = [];
  private seen: Position | null = null;
  private checking: Promise<void> = Promise.resolve();

  constructor(seed: number, time: VirtualTime) {
    this.random = new Random(seed);
    this.time = time;
  }

  /** One step of a process towards the world. The process may die before it, during it (done, but nobody knows) and
   * after it, and it may take its time. */
  async step<Result>(incarnation: number, what: string, act: () => Promise<Result> | Result): Promise<Result> {
    if (incarnation !== this.incarnation || this.violation) return NEVER;
    this.note(what);
    if (this.random.chance(this.weather.crash)) return this.crash(`before ${what}`);
    if (this.random.chance(this.weather.slow))
      await new Promise<void>((resolve) => void setTimeout(resolve, this.random.between(1, 3000)));
    if (incarnation !== this.incarnation) return NEVER;
    if (this.random.chance(this.weather.clockJump)) this.skewMs = this.random.between(-40_000, 40_000);
    const result = await act();
    await this.check();
    if (this.random.chance(this.weather.crash)) return this.crash(`after ${what}`);
    return result;
  }

  fault(): boolean {
    if (this.random.chance(this.weather.outage))
      this.outageUntilMs = this.time.nowMs + this.random.between(1_000, 60_000);
    return this.random.chance(this.weather.fault);
  }

  /** Somebody gets at the vault: one blob of a case or a registered image becomes something else, somebody else's, or
   * nothing. */
  tamper(): void {
    const blobs = [...this.vault].flatMap(([owner, of]) => [...of.keys()].map((blobId) => ({ owner, blobId })));
    const inReach = blobs.filter(({ owner, blobId }) =>
      owner.startsWith('case:') ? this.watcher.cases.has(owner.slice(5)) : blobId.startsWith('image-'),
    );
    if (inReach.length === 0) return;
    const { owner, blobId } = this.random.pick(inReach);
    const mine = this.vault.get(owner) as Map<string, Buffer>;
    const other = this.random.pick(inReach);
    const kind = this.random.pick(['changed', 'exchanged', 'gone']);
    this.note(`TAMPER ${blobId} of ${owner}: ${kind}`);
    this.tampered.add(`${owner} ${blobId}`);
    if (kind === 'gone') mine.delete(blobId);
    else if (kind === 'changed') mine.set(blobId, Buffer.concat([mine.get(blobId) as Buffer, Buffer.of(0)]));
    else mine.set(blobId, Buffer.from(this.vault.get(other.owner)?.get(other.blobId) as Buffer));
  }

  storeFault(): boolean {
    const fault = this.fault();
    return fault || this.time.nowMs < this.outageUntilMs;
  }

  nowUtc(): string {
    return new Date(this.time.nowMs + this.skewMs).toISOString();
  }

  /** Shows everything new in the log to the watcher, one caller after the other. */
  check(): Promise<void> {
    return (this.checking = this.checking.then(() => this.checkNew()));
  }

  private async checkNew(): Promise<void> {
    try {
      for (;;) {
        const batch = await this.log.readAll(this.seen, { limit: 4096 });
        for (const event of batch.events) this.watcher.see(event);
        if (batch.events.length > 0) {
          this.grewAtMs = this.time.nowMs;
          this.appended.notify();
        }
        this.seen = batch.position;
        if (batch.caughtUp) return;
      }
    } catch (error) {
      this.report(error);
    }
  }

  report(error: unknown): void {
    this.violation ??=
      error instanceof Violation
        ? error
        : new Violation(`the simulation itself failed: ${error instanceof Error ? error.stack : String(error)}`);
  }

  note(what: string): void {
    this.steps += 1;
    this.trace.push(`${new Date(this.time.nowMs).toISOString()} #${this.incarnation} ${what}`);
    if (this.trace.length > 400) this.trace.splice(0, 200);
  }

  crash(when: string): Promise<never> {
    this.note(`CRASH ${when}`);
    this.crashes += 1;
    this.incarnation += 1;
    this.time.dropInside();
    this.onCrash();
    return NEVER;
  }
}

/** The event store as one process sees it. */
export class SimulatedStore extends EventStore {
  private readonly world: World;
  private readonly me: number;
  private readonly appended = new AppendSignal();

  constructor(world: World) {
    super();
    this.world = world;
    this.me = world.incarnation;
  }

  override append(stream: string, events: readonly NewEvent[], expected: ExpectedRevision): Promise<AppendResult> {
    return this.world.step(this.me, `append ${events.map((event) => event.type).join('+')} to ${stream}`, async () => {
      if (this.world.storeFault()) return this.faulty(stream, events, expected);
      if (this.loses(events))
        return { outcome: 'appended', revision: events.length - 1, position: 0n as Position, repeated: false };
      const result = await this.world.log.append(stream, events, expected);
      this.appended.notify();
      return result;
    });
  }

  override readStream(stream: string, options?: ReadStreamOptions): Promise<readonly StoredEvent[]> {
    return this.world.step(this.me, `read ${stream}`, () => {
      this.mayFail();
      return this.world.log.readStream(stream, options);
    });
  }

  override readAll(
    after: Position | null,
    options: { readonly filter?: EventFilter; readonly limit: number },
  ): Promise<EventBatch> {
    return this.world.step(this.me, 'read the log', () => {
      this.mayFail();
      return this.world.log.readAll(after, options);
    });
  }

  override subscribe(options: SubscribeOptions): AsyncIterable<EventBatch> {
    return followLog(options, {
      readPage: (after, limit) => this.readAll(after, { filter: options.filter, limit }),
      appended: this.appended,
      pollMs: 60_000,
    });
  }

  override head(): Promise<Position | null> {
    return this.world.step(this.me, 'head', () => this.world.log.head());
  }

  override async anchorAt(position: Position): Promise<RecordedAnchor | null> {
    // It changes nothing, so a death here is a death before the next step; the start asks for many.
    if (this.me !== this.world.incarnation || this.world.violation) return NEVER;
    this.mayFail();
    return this.world.log.anchorAt(position);
  }

  override async close(): Promise<void> {}

  /** A store that acknowledges what it has not written. */
  private loses(events: readonly NewEvent[]): boolean {
    const { broken, random } = this.world;
    if (broken === 'view-without-record') return events[0]?.type === 'BiometricViewed';
    if (broken === 'submit-without-intent') return events[0]?.type === 'SubmissionAttempted';
    return broken === 'lose-requests' && events[0]?.type === 'RequestReceived' && random.chance(0.2);
  }

  private async faulty(stream: string, events: readonly NewEvent[], expected: ExpectedRevision): Promise<AppendResult> {
    const kind = this.world.random.pick(['lost before', 'lost after', 'busy']);
    this.world.note(`  fault: ${kind}`);
    if (kind === 'busy') throw new EventStoreUnavailableError('busy', 'the disk is slow today');
    if (kind === 'lost after') await this.world.log.append(stream, events, expected);
    if (kind === 'lost after') this.appended.notify();
    return { outcome: 'unknown', cause: kind };
  }

  private mayFail(): void {
    if (this.world.storeFault()) throw new EventStoreUnavailableError('unreachable', 'nobody answers');
  }
}

export class SimulatedPositions extends PositionStore {
  private readonly world: World;
  private readonly me: number;

  constructor(world: World) {
    super();
    this.world = world;
    this.me = world.incarnation;
  }

  override find(consumer: string): Promise<StoredPosition | null> {
    return this.world.step(this.me, `load position of ${consumer}`, () => {
      const { position, anchor } = this.of(consumer);
      return position === null ? null : { position, anchor };
    });
  }

  override save({ consumer, previous, next, anchor, fencingToken }: Checkpoint): Promise<SaveOutcome> {
    return this.world.step(this.me, `save position of ${consumer}`, async () => {
      const known = this.of(consumer);
      if (this.world.fault()) throw new TransientFailure('the position cannot be stored now');
      if (known.token !== fencingToken) return 'fenced';
      if (known.position !== previous) return 'moved';
      const found = await this.world.log.anchorAt(next);
      if (!anchor || found?.id !== anchor.id)
        this.world.report(new Violation(`${consumer} stores ${next} without its event`));
      known.position = next;
      known.anchor = anchor;
      return 'saved';
    });
  }

  override acquire(consumer: string, holder: string, ttlMs: number): Promise<Lease | null> {
    return this.world.step(this.me, `lease of ${consumer}`, () => {
      const known = this.of(consumer);
      known.token += 1;
      known.until = this.world.time.nowMs + ttlMs;
      return { consumer, owner: holder, fencingToken: known.token };
    });
  }

  override renew(lease: Lease, ttlMs: number): Promise<boolean> {
    return this.world.step(this.me, `renew ${lease.consumer}`, () => {
      const known = this.of(lease.consumer);
      known.until = this.world.time.nowMs + ttlMs;
      return known.token === lease.fencingToken;
    });
  }

  override async release(): Promise<void> {}

  override park(): Promise<SaveOutcome> {
    this.world.report(new Violation('the saga parked an event'));
    return NEVER;
  }

  override async parked(): Promise<readonly ParkedEvent[]> {
    return [];
  }

  override async unpark(): Promise<SaveOutcome> {
    return 'saved';
  }

  private of(consumer: string): KnownConsumer {
    let known = this.world.consumers.get(consumer);
    if (!known) this.world.consumers.set(consumer, (known = { position: null, anchor: null, token: 0, until: 0 }));
    return known;
  }
}

/** The read model of pending effects at some moment of the past: a projection is always a little behind, and sometimes
 * new. */
export class SimulatedPendingEffects extends PendingEffects {
  private readonly events: readonly StoredEvent[];

  /** @param events the saga events that were projected before this process began */
  constructor(events: readonly StoredEvent[]) {
    super();
    this.events = events;
  }

  override snapshot(): {
    readonly position: Position | null;
    readonly effects: readonly { readonly requestId: string; readonly effect: PendingEffect }[];
  } {
    const states = new Map<string, SagaState>();
    for (const { type, data, metadata } of this.events)
      states.set(
        metadata.correlationId,
        evolveSaga(states.get(metadata.correlationId) ?? SAGA_START, { type, data } as unknown as SagaEvent),
      );
    const effects = [...states].flatMap(([requestId, state]) => state.pending.map((effect) => ({ requestId, effect })));
    return { position: this.events.at(-1)?.position ?? null, effects };
  }
}

export class SimulatedClock extends Clock {
  private readonly world: World;

  constructor(world: World) {
    super();
    this.world = world;
  }

  override nowUtc(): string {
    return this.world.nowUtc();
  }
}

export class SimulatedSecrets extends Secrets {
  override keyedHash(purpose: string, data: Uint8Array): Uint8Array {
    return createHmac('sha256', `secret of ${purpose}`).update(data).digest();
  }
}

export class SimulatedVault extends ImageVault {
  private readonly world: World;
  private readonly me: number;

  constructor(world: World) {
    super();
    this.world = world;
    this.me = world.incarnation;
  }

  override seal(owner: VaultOwner, blobId: string, bytes: Uint8Array): Promise<string> {
    return this.world.step(this.me, `seal ${blobId} of ${owner}`, () => {
      this.mayFail();
      if (this.world.erased.has(owner) && !owner.startsWith('registrant:')) throw new OwnerErasedError(owner);
      const blobs = this.world.vault.get(owner) ?? new Map<string, Buffer>();
      const before = blobs.get(blobId);
      if (before && !before.equals(bytes)) throw new BlobDiffersError(owner, blobId, 'other_bytes');
      this.world.vault.set(owner, blobs.set(blobId, Buffer.from(bytes)));
      return commitment(owner, bytes);
    });
  }

  override open(owner: VaultOwner, blobId: string, expected: Expected): Promise<Uint8Array> {
    return this.world.step(this.me, `open ${blobId} of ${owner}`, () => {
      this.mayFail();
      const bytes = this.world.vault.get(owner)?.get(blobId);
      if (!bytes) throw new BlobGoneError(owner, blobId);
      const isExpected =
        'commitment' in expected ? expected.commitment === commitment(owner, bytes) : expected.isNamedAfter(bytes);
      if (!isExpected) throw new BlobDiffersError(owner, blobId, 'other_bytes');
      return bytes;
    });
  }

  override remove(owner: VaultOwner, blobId: string): Promise<void> {
    return this.world.step(
      this.me,
      `remove ${blobId} of ${owner}`,
      () => void this.world.vault.get(owner)?.delete(blobId),
    );
  }

  override destroyOwner(owner: VaultOwner): Promise<void> {
    return this.world.step(this.me, `destroy ${owner}`, () => {
      this.mayFail();
      if (owner.startsWith('evidence:')) this.seeEvidenceEnd(owner.slice(9));
      if (this.world.broken === 'keep-evidence' && owner.startsWith('evidence:')) return;
      if (this.world.broken === 'lose-evidence' && owner.startsWith('case:'))
        this.world.vault.delete(`evidence:${owner.slice(5)}`);
      this.world.vault.delete(owner);
      this.world.erased.add(owner);
    });
  }

  override caseOwners(after: VaultOwner | null, limit: number): Promise<readonly VaultOwner[]> {
    return this.world.step(this.me, 'list owners of cases', () => {
      this.mayFail();
      const owners = [...this.world.vault.keys()].filter((owner) => /^(?:case|evidence):/.test(owner)).sort();
      return owners.filter((owner) => owner > (after ?? '')).slice(0, limit) as VaultOwner[];
    });
  }

  private seeEvidenceEnd(requestId: string): void {
    try {
      this.world.watcher.destroysEvidence(requestId, this.world.time.nowMs);
    } catch (error) {
      this.world.report(error);
    }
  }

  private mayFail(): void {
    if (this.world.fault()) throw new Error('the vault cannot be reached');
  }
}

function commitment(owner: string, bytes: Uint8Array): string {
  return createHash('sha256').update(owner).update(bytes).digest('hex');
}

/** The plan of a case as its bytes carry it. A photograph begins as a JPEG does. */
export function planIn(bytes: Uint8Array): CasePlan {
  return JSON.parse(
    Buffer.from(bytes)
      .toString('utf8')
      .replace(/^[^{]*/, ''),
  ) as CasePlan;
}

export function bytesWith(plan: CasePlan, head: Uint8Array = Buffer.alloc(0)): Buffer {
  return Buffer.concat([head, Buffer.from(JSON.stringify(plan))]);
}

export class SimulatedCertificates extends CertificateVerifier {
  readonly algorithm = { id: 'simulated', version: '1' };
  private readonly world: World;
  private readonly me: number;

  constructor(world: World) {
    super();
    this.world = world;
    this.me = world.incarnation;
  }

  override verify({ certificate, at }: CertificateCheck): Promise<CertificateVerdict> {
    return this.world.step(this.me, 'check certificate', (): CertificateVerdict => {
      if (this.world.fault()) return { verdict: 'unknown', cause: 'responder_unreachable', detail: 'down' };
      const plan = planIn(certificate);
      const revoked = plan.certificate === 'revoked';
      const evidence = {
        method: 'ocsp',
        source: 'simulated',
        status: revoked ? 'revoked' : 'good',
        revocationReason: null,
        revokedAtUtc: null,
        thisUpdateUtc: at,
        nextUpdateUtc: null,
        responderKeySha256: null,
        trustAnchorSha256: null,
        pathLength: 2,
        checkedAtUtc: at,
      } as const;
      // A new answer with a new nonce at every call, as a real responder gives.
      const sealed = {
        certificate,
        statusResponse: Buffer.from(String(this.world.random.next())),
        statusKind: 'ocsp',
        ocspNonce: null,
        settings: null,
      } as const;
      return revoked
        ? { verdict: 'invalid', reason: 'revoked', detail: '', evidence, sealed }
        : {
            verdict: 'valid',
            evidence,
            sealed,
            holder: { issuerName: Buffer.from('issuer'), serialNumber: plan.holder },
            statements: { birthDate: null, sex: null, notAfterUtc: '2030-02-17T14:59:59.000Z' },
          };
    });
  }
}

export class SimulatedCardRecords extends CardRecordVerifier {
  readonly algorithm = { id: 'simulated', version: '1' };

  override verify({ cardRecord }: { readonly cardRecord: Uint8Array }): CardRecordVerdict {
    return planIn(cardRecord).certificate === 'bad_record'
      ? { verdict: 'invalid', reason: 'record_signature', detail: '' }
      : {
          verdict: 'valid',
          faceImage: cardRecord,
          issuerKeyId: '1',
          statements: { birthDate: '19800217', sex: '2', expiry: '20350217' },
          cardKeySha256: '00',
        };
  }

  override faceImageOf(cardRecord: Uint8Array): Uint8Array {
    return cardRecord;
  }
}

export class SimulatedFaces extends FaceComparer {
  private readonly world: World;
  private readonly me: number;

  constructor(world: World) {
    super();
    this.world = world;
    this.me = world.incarnation;
  }

  override algorithm() {
    return { id: 'simulated', version: '1' };
  }

  override assess(): Promise<never> {
    throw new Error('the stories never check a photograph beforehand');
  }

  override compare({ captured, registered }: FaceComparisonRequest): Promise<FaceComparison> {
    return this.world.step(this.me, 'compare faces', (): FaceComparison => {
      if (this.world.fault())
        return { outcome: 'unknown', cause: this.world.random.pick(['busy', 'timeout', 'worker_failed']), detail: '' };
      const { face, cardPoints, registeredPoints } = planIn(captured);
      if (face === 'no_face')
        return { outcome: 'not_comparable', image: 'captured', reason: 'no_face', algorithm: this.algorithm() };
      return {
        outcome: 'compared',
        cardPoints,
        registeredPoints: registered ? registeredPoints : null,
        algorithm: this.algorithm(),
        quality: {},
        signals: { nearDuplicateOfCard: false, nearDuplicateOfRegistered: false, frames: 'not_assessed' },
      };
    });
  }
}

export class SimulatedLinker extends SubjectLinker {
  private readonly world: World;
  private readonly me: number;

  constructor(world: World) {
    super();
    this.world = world;
    this.me = world.incarnation;
  }

  override readonly isConfigured = true;

  override linksOf(): Promise<CardLinks> {
    return this.world.step(this.me, 'ask about the card', (): CardLinks =>
      this.world.fault()
        ? { answer: 'unknown', cause: 'down' }
        : { answer: 'known', previous: null, otherCertificate: null, faceRecord: 'same_card', source: 'simulated' },
    );
  }
}

/** Remembers submissions by their id, decides once, and may be down, slow, or lose its answer. */
export class SimulatedGovernment extends GovernmentRegistry {
  private readonly world: World;
  private readonly me: number;

  constructor(world: World) {
    super();
    this.world = world;
    this.me = world.incarnation;
  }

  override submit({ submissionId, photo }: GovernmentSubmission): Promise<GovernmentAnswer> {
    return this.world.step(this.me, `submit ${submissionId}`, async (): Promise<GovernmentAnswer> => {
      if (this.world.fault()) return { answer: 'unknown', cause: 'unreachable' };
      await this.world.check();
      try {
        this.world.watcher.leaves(submissionId, (requestId) => commitment(`case:${requestId}`, photo));
      } catch (error) {
        this.world.report(error);
      }
      const known = this.world.government.get(submissionId) ?? { plan: planIn(photo), decided: false, times: 0 };
      known.times += 1;
      this.world.government.set(submissionId, known);
      known.decided ||= this.world.random.chance(0.6);
      return this.world.fault() ? { answer: 'unknown', cause: 'the answer was lost' } : this.answer(submissionId);
    });
  }

  override ask(submissionId: string): Promise<GovernmentAnswer> {
    return this.world.step(this.me, `ask about ${submissionId}`, (): GovernmentAnswer => {
      const known = this.world.government.get(submissionId);
      if (!known || this.world.fault()) return { answer: 'unknown', cause: 'unreachable' };
      known.decided ||= this.world.random.chance(0.6);
      return this.answer(submissionId);
    });
  }

  private answer(submissionId: string): GovernmentAnswer {
    const known = this.world.government.get(submissionId);
    if (!known?.decided) return { answer: 'submitted' };
    return known.plan.government === 'accept'
      ? { answer: 'accepted', reference: `ref-${submissionId.slice(0, 8)}` }
      : { answer: 'refused', reason: 'photograph_rejected' };
  }
}
