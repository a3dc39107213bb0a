import { ClockWatch } from '../../src/application/installation/clock-watch.js';
import { Intake } from '../../src/application/installation/intake.js';
import type { ErasureDesk } from '../../src/application/publication/erasure-desk.js';
import type { LogWatch } from '../../src/application/audit/log-watch.js';
import type { RegistrantErasure } from '../../src/application/audit/registrant-erasure.js';
import type { PublicationRelay } from '../../src/application/publication/publication-relay.js';
import { createHash, generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import { booths } from '../../src/application/decisions/aggregates.js';
import { Background } from '../../src/application/background.js';
import { Claims } from '../../src/application/door/claims.js';
import { DecideAndAppend } from '../../src/application/decisions/decide-and-append.js';
import { Challenges, IssueChallenge, IssueChallengeHandler } from '../../src/application/door/issue-challenge.js';
import { ReceiveRequest, ReceiveRequestHandler } from '../../src/application/door/receive-request.js';
import { RefuseAtDoor } from '../../src/application/door/refuse-at-door.js';
import { AccessLog } from '../../src/application/access/access-log.js';
import { ViewImage, ViewImageHandler } from '../../src/application/access/view-image.js';
import {
  GiveOpinion,
  GiveOpinionHandler,
  ResolveHold,
  ResolveHoldHandler,
} from '../../src/application/commands/review-hold.js';
import { ReviewDesk } from '../../src/application/commands/review-desk.js';
import { OfficerLooks } from '../../src/application/access/officer-looks.js';
import { OpinionNotes } from '../../src/application/case/opinion-notes.js';
import { opinionOf } from '../../src/domain/hold-review/hold-review.js';
import { EndRequest, EndRequestHandler } from '../../src/application/commands/end-request.js';
import { ResumeEffect, ResumeEffectHandler } from '../../src/application/commands/resume-effect.js';
import { CurrentPolicy } from '../../src/application/decisions/current-policy.js';
import { derivedId } from '../../src/application/decisions/ids.js';
import type { ImageRenderer } from '../../src/application/ports/registrant/image-renderer.js';
import { PhotoReader } from '../../src/application/ports/outside/photo-reader.js';
import { ReadModelConsumers } from '../../src/application/ports/store/read-model-consumers.js';
import { EvidenceRetention } from '../../src/application/saga/evidence-retention.js';
import { ClaimSweep } from '../../src/application/saga/claim-sweep.js';
import { DualActs } from '../../src/application/dual-acts.js';
import { FirstStart } from '../../src/application/first-start.js';
import { DualActRunner } from '../../src/application/saga/dual-act-runner.js';
import { EffectDispatcher } from '../../src/application/saga/effect-dispatcher.js';
import { PerformEffect } from '../../src/application/saga/perform-effect.js';
import { SagaReactor } from '../../src/application/saga/saga-reactor.js';
import { CardCheck } from '../../src/application/door/card-check.js';
import { RegistrantGroup } from '../../src/application/case/registrant-group.js';
import { SubjectResolver } from '../../src/application/case/subject-resolver.js';
import { captureEnvelopeText, type CaptureEnvelope } from '../../src/domain/booth/capture-envelope.js';
import type { PhotoReading } from '../../src/domain/photo/photo-reader.js';
import { DEFAULT_POLICY } from '../../src/domain/policy/policy.js';
import { Violation } from './invariants.js';
import { Consumers } from '../../src/application/subscriptions/consumers.js';
import { UnknownEvents } from '../../src/application/subscriptions/unknown-events.js';
import type { AuditLists } from '../../src/application/audit/audit-lists.js';
import type { TombstoneSweep } from '../../src/application/case/tombstone-sweep.js';
import { SimulatedReadModels } from './read-models.js';
import { VirtualTime } from './virtual-time.js';

import {
  bytesWith,
  FAIR,
  SimulatedCardRecords,
  SimulatedCertificates,
  SimulatedClock,
  SimulatedFaces,
  SimulatedGovernment,
  SimulatedLinker,
  SimulatedPendingEffects,
  SimulatedPositions,
  SimulatedSecrets,
  SimulatedStore,
  SimulatedVault,
  World,
  type CasePlan,
  type Weather,
} from './world.js';

/** Without a broker events wait in the log; publication has its own tests with a real one. */
const NO_PUBLICATION = {
  relay: { configured: false } as PublicationRelay,
  erasures: { start: () => {}, stop: async () => {} } as unknown as ErasureDesk,
};
/** Signing the log and erasing registrants have tests of their own; no story erases anybody. */
const NO_AUDIT = {
  consumers: { all: () => [] },
  erasure: {
    name: 'registrant-erasure',
    types: ['RegistrantErased'],
    handle: async () => {},
  } as unknown as RegistrantErasure,
  watch: { start: async () => {}, stop: async () => {}, lost: async () => null } as unknown as LogWatch,
  tombstones: { start: () => {}, stop: async () => {} } as unknown as TombstoneSweep,
  lists: { start: () => {}, stop: async () => {} } as unknown as AuditLists,
};

/** Nobody looks at the face of a card in a story. */
const NO_RENDERER = {} as ImageRenderer;
/** In earlier stories no officer looks at a picture; they stay as they were when they found something. */
const FIRST_SEED_WITH_VIEWS = 1000;
/** And in them sealed evidence had no end. */
const FIRST_SEED_WITH_RETENTION = 1000;

/** And nobody got at the vault. */
const FIRST_SEED_WITH_TAMPERING = 2000;

/** The program, made of its real parts on simulated ports. */
interface Process {
  readonly incarnation: number;
  readonly challenges: IssueChallengeHandler;
  readonly door: ReceiveRequestHandler;
  readonly opinions: GiveOpinionHandler;
  readonly resolutions: ResolveHoldHandler;
  readonly resume: ResumeEffectHandler;
  readonly end: EndRequestHandler;
  readonly views: ViewImageHandler;
  readonly background: Background;
  readonly dispatcher: EffectDispatcher;
}

export interface StoryResult {
  readonly seed: number;
  readonly cases: number;
  readonly steps: number;
  readonly crashes: number;
  readonly virtualMs: number;
  readonly ends: Readonly<Record<string, number>>;
  readonly views: number;
  readonly evidenceErased: number;
  /** How often a read model was built again and compared with the rows that were served. */
  readonly comparisons: number;
  /** Steps of dead processes on the read models that were refused. */
  readonly refused: number;
  readonly violation: string | null;
  readonly trace: readonly string[];
}

const HOUR = 3_600_000;
const JPEG = Buffer.from([0xff, 0xd8, 0xff, 0xe0]);
const boothId = 'booth-1';

/** The program of the stories, without a consumer that only reads: it would take numbers from the dice of everything
 * else. */
class StoryBackground extends Background {
  protected override run(...args: Parameters<Background['run']>): void {
    if (args[0] !== 'unknown-events') super.run(...args);
  }
}

/** The program of the earlier stories: the very same without the consumer that came later. */
class EarlierBackground extends StoryBackground {
  protected override run(...args: Parameters<Background['run']>): void {
    if (args[0] !== 'evidence-retention') super.run(...args);
  }
}

/** Nobody proposes anything in a story, and a look at it would take numbers from the dice of everything else. */
class NoDualActs extends DualActRunner {
  override start(): void {}
}

/** The photographs of a story carry its plan, which no plain JPEG could: each is taken for one. */
class SimulatedPhotos extends PhotoReader {
  override async read(): Promise<PhotoReading> {
    return { outcome: 'plain', width: 1, height: 1, components: 1, progressive: false, scans: 1 };
  }
}

/** The officers of a story decide without the read models; what they had seen is no part of what it promises. */
class NoLooks extends OfficerLooks {
  constructor() {
    super(undefined as never, undefined as never);
  }

  override async seenBy(): Promise<readonly []> {
    return [];
  }
}

/** A reason that does not contradict the opinion. */
function reasonFor(opinion: 'release' | 'reject' | 'recapture') {
  return opinion === 'reject' ? 'different_person' : 'same_person';
}

class NoReadModels extends ReadModelConsumers {
  override all() {
    return [];
  }
}

/** Tells one story: some cases in bad weather, then fair weather until everything that was begun has ended. */
export async function tellStory(seed: number, time: VirtualTime, broken?: string): Promise<StoryResult> {
  time.nowMs = Date.parse('2026-11-23T00:00:00.000Z');
  time.coarseMs = 1_000;
  const begin = time.nowMs;
  const world = new World(seed, time);
  world.broken = broken ?? null;
  const story = new Story(world, seed);
  try {
    await story.play();
  } catch (error) {
    world.report(error);
  }
  const ends: Record<string, number> = {};
  for (const { ended } of world.watcher.cases.values()) ends[ended ?? 'open'] = (ends[ended ?? 'open'] ?? 0) + 1;
  void world.crash('at the end of the story');
  story.readModels.close();
  time.clear();
  return {
    seed,
    cases: story.sent,
    steps: world.steps,
    crashes: world.crashes - 1,
    virtualMs: time.nowMs - begin - story.sleptMs,
    ends,
    views: story.views,
    evidenceErased: story.evidenceErased,
    comparisons: story.readModels.comparisons,
    refused: story.readModels.refused,
    violation: world.violation?.message ?? null,
    trace: world.trace,
  };
}

class Story {
  sent = 0;
  /** Photographs that officers were shown. */
  views = 0;
  /** Cases whose evidence was seen until its time and gone after it. */
  evidenceErased = 0;
  /** How long everything slept between. */
  sleptMs = 0;
  readonly readModels: SimulatedReadModels;
  private readonly world: World;
  private readonly seed: number;
  private process: Process | null = null;
  /** Number of the process that was started last. */
  private begun: number | null = null;
  private readonly key: KeyObject;
  private readonly publicKey: string;
  private readonly accepted = new Map<string, CasePlan>();
  private booths = 0;

  constructor(world: World, seed: number) {
    this.world = world;
    this.seed = seed;
    this.readModels = new SimulatedReadModels(world, seed);
    const { privateKey, publicKey } = generateKeyPairSync('ed25519');
    this.key = privateKey;
    this.publicKey = publicKey.export({ type: 'spki', format: 'der' }).toString('base64');
    world.onCrash = () => {
      this.process = null;
      world.time.outside(world.random.between(10, 5000), () => this.startProcess());
    };
  }

  async play(): Promise<void> {
    const { random, time } = this.world;
    this.startProcess();
    await this.wait(() => this.process !== null, 60_000, 'the first start');
    await this.enrol();
    this.world.weather = this.badWeather();
    const cases = random.between(1, 8);
    const holders = Array.from({ length: random.between(1, 4) }, (_, n) => `aa${n}`);
    this.booths = cases;
    for (let n = 0; n < cases; n += 1)
      time.outside(
        random.between(0, 20_000),
        () => void this.booth(n, this.plan(n, holders)).catch((error: unknown) => this.world.report(error)),
      );
    this.watchHolds();
    if (this.seed >= FIRST_SEED_WITH_TAMPERING) this.tamper();
    this.watchReadModels();
    await this.wait(() => this.booths === 0, 48 * HOUR, 'the booths');
    await this.pass(random.between(0, 120_000));
    await this.clearUp();
  }

  /** Fair weather until nothing is left to do; then the books must balance. */
  private async clearUp(): Promise<void> {
    this.world.weather = FAIR;
    this.world.skewMs = 0;
    this.world.outageUntilMs = 0;
    this.world.time.coarseMs = 120_000;
    const settled = (): boolean =>
      [...this.world.watcher.cases.values()].every((c) => c.ended !== null && !c.stopped) &&
      this.process?.dispatcher.status().open === 0;
    void this.operate(settled).catch((error: unknown) => this.world.report(error));
    await this.wait(
      settled,
      30 * 24 * HOUR,
      () =>
        `the end of every case; open: ${[...this.world.watcher.cases]
          .filter(([, c]) => c.ended === null)
          .map(([id]) => id)
          .join()}; process: ${this.process ? JSON.stringify(this.process.dispatcher.status()) + JSON.stringify(this.process.background.status().map(({ state, lastError }) => ({ state, lastError }))) : 'none'}`,
    );
    // The saga itself may be waiting before it tries an event again: longer than its longest delay must nothing new
    // appear.
    do {
      await this.pass(65_000);
      await this.wait(
        settled,
        30 * 24 * HOUR,
        () =>
          `the end of every case; open: ${[...this.world.watcher.cases]
            .filter(([, c]) => c.ended === null)
            .map(([id]) => id)
            .join()}; process: ${this.process ? JSON.stringify(this.process.dispatcher.status()) + JSON.stringify(this.process.background.status().map(({ state, lastError }) => ({ state, lastError }))) : 'none'}`,
      );
    } while (this.world.time.nowMs - this.world.grewAtMs < 60_000);
    await this.world.check();
    this.balance();
    if (this.hasRetention) await this.endRetention();
    const head = await this.world.log.head();
    await this.wait(() => this.readModels.caughtUp(head), HOUR, 'the read models');
    await this.finish(this.readModels.compare(), 'the comparison of the read models');
    this.readModels.balance();
  }

  private get hasRetention(): boolean {
    return this.seed >= FIRST_SEED_WITH_RETENTION;
  }

  /** Everything sleeps until shortly before the evidence of refused certificates is due, or the process is down for so
   * long. Until then all of it is there; then it goes, in bad weather, and nothing of it is left when the weather is
   * fair again. */
  private async endRetention(): Promise<void> {
    const { world } = this;
    const refused = [...world.watcher.cases].flatMap(([id, c]) => (c.refused ? [{ id, ...c.refused }] : []));
    const named = new Map(refused.map(({ id, evidenceId }) => [`evidence:${id}`, evidenceId]));
    for (const owner of world.vault.keys())
      if (owner.startsWith('evidence:') && !named.has(owner))
        throw new Violation(`${owner} is there, and no refusal names it`);
    if (refused.length === 0) return;
    const unset = refused.find(({ eraseAtUtc }) => eraseAtUtc === null);
    if (unset) throw new Violation(`the evidence of ${unset.id} has no end`);
    const due = refused.map(({ eraseAtUtc }) => Date.parse(eraseAtUtc as string));
    if (world.random.chance(0.5)) void world.crash('for long');
    this.sleepUntil(Math.min(...due) - 300_000);
    await this.pass(60_000);
    for (const [owner, evidenceId] of named)
      if (!world.vault.get(owner)?.has(evidenceId))
        throw new Violation(`${evidenceId} of ${owner} vanished before its retention was over`);
    world.weather = this.badWeather();
    this.sleepUntil(Math.max(...due));
    await this.pass(world.random.between(1_000, 120_000));
    world.weather = FAIR;
    world.skewMs = 0;
    world.outageUntilMs = 0;
    const isOver = (): boolean =>
      [...world.watcher.cases.values()].every((c) => c.refused === null || c.refused.erased) &&
      this.process?.dispatcher.status().retained === 0 &&
      this.process.dispatcher.status().open === 0;
    void this.operate(isOver).catch((error: unknown) => world.report(error));
    await this.wait(
      isOver,
      24 * HOUR,
      () =>
        `the end of the evidence of ${refused.map(({ id }) => id).join()}; process: ${this.process ? JSON.stringify(this.process.dispatcher.status()) + JSON.stringify(this.process.background.status().map(({ state, lastError }) => ({ state, lastError }))) : 'none'}`,
    );
    for (const owner of world.vault.keys())
      if (owner.startsWith('evidence:')) throw new Violation(`${owner} outlives its retention`);
    this.evidenceErased = refused.length;
    // Longer than any delay of the read models, which are looked at next.
    await this.pass(65_000);
  }

  /** The clock goes on and nothing happens, as on a machine that was suspended: what was due meanwhile comes at once
   * afterwards. */
  private sleepUntil(ms: number): void {
    this.sleptMs += Math.max(0, ms - this.world.time.nowMs);
    this.world.time.nowMs = Math.max(this.world.time.nowMs, ms);
  }

  /** The rows are compared in the middle of everything, too. */
  private watchReadModels(): void {
    const look = (): void => void this.readModels.compare().catch((error: unknown) => this.world.report(error));
    for (const ms of [2_000, 15_000, 60_000, 600_000]) this.world.time.outside(ms, look);
  }

  private async finish(work: Promise<void>, what: string): Promise<void> {
    let done = false;
    work
      .catch((error: unknown) => this.world.report(error))
      .finally(() => (done = true))
      .catch(() => {});
    await this.wait(() => done, HOUR, what);
  }

  /** An operator looks after cases that are stuck, and resumes them. */
  private async operate(settled: () => boolean): Promise<void> {
    for (let round = 0; !settled() && !this.world.violation; round += 1) {
      const { events } = await this.world.log.readAll(null, { limit: 4096, filter: { streamPrefixes: ['saga-'] } });
      const stuck = new SimulatedPendingEffects(events)
        .snapshot()
        .effects.filter(({ effect }) => effect.stuck !== null);
      for (const { requestId, effect } of stuck)
        await this.insist((process) =>
          process.resume.execute(
            new ResumeEffect(derivedId(effect.effectId, 'resume', round), requestId, effect.effectId, 'operator'),
          ),
        );
      for (const [requestId, { stopped }] of this.world.watcher.cases) {
        if (stopped)
          await this.insist((process) =>
            process.end.execute(
              new EndRequest(derivedId(requestId, 'end', round), requestId, 'tampering_suspected', 'I-1', 'operator'),
            ),
          );
      }
      await this.world.time.outsideSleep(HOUR);
    }
  }

  private balance(): void {
    const { watcher, government, vault } = this.world;
    for (const requestId of this.accepted.keys())
      if (!watcher.cases.has(requestId)) throw new Violation(`request ${requestId} was accepted and is lost`);
    // Of a case that an operator ended nobody asks any more what the government said.
    const isEnded = (id: string) => watcher.cases.get(watcher.requestOf(id) ?? '')?.ended === 'RequestEndedByOperator';
    const acceptedThere = [...government]
      .filter(([id, g]) => g.decided && g.plan.government === 'accept' && !isEnded(id))
      .map(([id]) => id)
      .sort();
    const acceptedHere = [...watcher.cases.values()]
      .filter((c) => c.ended === 'GovernmentAccepted')
      .map((c) => c.submissionId)
      .sort();
    if (JSON.stringify(acceptedThere) !== JSON.stringify(acceptedHere))
      throw new Violation(`the government accepted ${acceptedThere.join()} and the log says ${acceptedHere.join()}`);
    for (const [id] of government)
      if (watcher.requestOf(id) === undefined) throw new Violation(`the government knows ${id}, the log does not`);
    for (const [owner, blobs] of vault)
      if (owner.startsWith('case:') && blobs.size > 0 && watcher.cases.has(owner.slice(5)))
        throw new Violation(`the material of ${owner} is still there after the end of the case`);
    for (const [owner, blobs] of vault) {
      const images = [...blobs.keys()].filter((id) => id.startsWith('image-'));
      if (images.length > 1)
        throw new Violation(`${owner} has ${images.length} registered images in the vault: ${images.join()}`);
    }
    this.expectedEnds();
  }

  /** Whatever went wrong on the way, a case ends as its facts say. */
  private expectedEnds(): void {
    for (const [requestId, { ended, request }] of this.world.watcher.cases) {
      const plan = this.accepted.get(requestId);
      if (!plan) continue;
      const allowed = [
        ...endsOf(plan, request.mode),
        ...(this.isTampered(requestId) ? ['RequestEndedByOperator'] : []),
      ];
      if (!allowed.includes(ended ?? 'open'))
        throw new Violation(`${requestId} ended as ${ended}, which ${JSON.stringify(plan)} does not allow`);
    }
  }

  private badWeather(): Weather {
    const { random } = this.world;
    const some = (max: number): number => (random.chance(0.25) ? 0 : random.next() * max);
    return { crash: some(0.02), fault: some(0.15), slow: some(0.1), clockJump: some(0.02), outage: some(0.002) };
  }

  private plan(n: number, holders: readonly string[]): CasePlan {
    const { random } = this.world;
    return {
      name: `case-${n}`,
      holder: random.pick(holders),
      certificate: random.pick(['valid', 'valid', 'valid', 'valid', 'revoked', 'bad_record']),
      cardPoints: random.pick([
        10_000,
        9_700,
        9_500,
        DEFAULT_POLICY.cardMatchPointsMin,
        DEFAULT_POLICY.cardMatchPointsMin - 1,
        3_000,
      ]),
      registeredPoints: random.pick([9_900, 7_701, 7_700, 7_500, 5_000]),
      face: random.chance(0.1) ? 'no_face' : 'compared',
      government: random.chance(0.8) ? 'accept' : 'refuse',
    };
  }

  /** A booth sends its request until it has an answer, sometimes twice at once, and again after every silence. */
  private async booth(n: number, plan: CasePlan): Promise<void> {
    const { random, time } = this.world;
    const keep = random.chance(0.7);
    const mode = keep && random.chance(0.2) ? 'REGISTRY_ONLY' : 'GOVERNMENT_SUBMISSION';
    for (let session = 0; session < 200; session += 1) {
      const challenge = await this.ask((process) => process.challenges.execute(new IssueChallenge(boothId)));
      if (!challenge) {
        await time.outsideSleep(random.between(100, 20_000));
        continue;
      }
      const command = this.request(`${n}-${session}`, plan, challenge.nonce, { mode, keep });
      this.sent += 1;
      for (let attempt = 0; attempt < 100; attempt += 1) {
        if (random.chance(0.15)) void this.ask((process) => process.door.execute(command));
        const outcome = await this.ask((process) => process.door.execute(command));
        if (!outcome) {
          await time.outsideSleep(random.between(100, 20_000));
          continue;
        }
        if ('ok' in outcome) {
          this.accepted.set(outcome.ok.requestId, plan);
          this.booths -= 1;
          return;
        }
        // The nonce ran out, the server's clock jumped, or half an hour passed in between: the person begins again.
        const beginAgain = [
          'nonce_expired',
          'captured_in_future',
          ...(this.world.watcher.lapsed.size > 0 ? ['idempotency_key_reused'] : []),
        ];
        if (!beginAgain.includes(outcome.refused.code))
          throw new Violation(`the door refused a good request: ${JSON.stringify(outcome.refused)}`);
        break;
      }
    }
    throw new Violation('a booth never got an answer');
  }

  private request(
    name: string,
    plan: CasePlan,
    nonce: string,
    { mode, keep }: { mode: CaptureEnvelope['mode']; keep: boolean },
  ): ReceiveRequest {
    const material = {
      photo: bytesWith(plan, JPEG),
      certificate: bytesWith(plan),
      cardRecord: bytesWith(plan),
      cardIssuerCertificate: Buffer.from('issuer'),
    };
    const sha = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
    const envelope: CaptureEnvelope = {
      nonce,
      boothId,
      counter: this.sent + 1,
      mode,
      certificateType: 'user_authentication',
      capturedAtUtc: new Date(this.world.time.nowMs - 5000).toISOString(),
      photoSha256: sha(material.photo),
      certificateSha256: sha(material.certificate),
      cardRecordSha256: sha(material.cardRecord),
      cardIssuerCertificateSha256: sha(material.cardIssuerCertificate),
      consent: { textVersion: DEFAULT_POLICY.consentTextVersions[0] as string, keepReferenceImage: keep },
    };
    const booth = sign(null, Buffer.from(captureEnvelopeText(envelope)), this.key);
    return new ReceiveRequest(
      `key-${name}`,
      envelope,
      { booth, card: Buffer.from('card'), cardChallenge: Buffer.from('challenge') },
      material,
    );
  }

  /** A few blobs change at random moments, from the first seconds to the middle of the holds. */
  private tamper(): void {
    const { random, time } = this.world;
    const times = random.between(0, 4);
    for (let n = 0; n < times; n += 1)
      time.outside(random.pick([30_000, 120_000, 600_000]) * random.next(), () => this.world.tamper());
  }

  /** Whether bytes of this case, or of the person whom it was compared with, were got at. */
  private isTampered(requestId: string): boolean {
    return [...this.world.tampered].some(
      (blob) => blob.startsWith(`case:${requestId} `) || blob.startsWith('registrant:'),
    );
  }

  /** Officers look in from time to time. Some holds they forget, and those run out. */
  private watchHolds(): void {
    const { time, random, watcher } = this.world;
    const busy = new Set<string>();
    const look = (): void => {
      for (const [requestId, { held }] of watcher.cases) {
        if (!held || busy.has(requestId)) continue;
        busy.add(requestId);
        if (random.chance(0.75)) void this.review(requestId).catch((error: unknown) => this.world.report(error));
      }
      if (this.booths > 0 || watcher.cases.size > busy.size) time.outside(random.between(1000, 600_000), look);
    };
    time.outside(1000, look);
  }

  private async review(requestId: string): Promise<void> {
    const { random } = this.world;
    if (this.seed >= FIRST_SEED_WITH_VIEWS) await this.look(requestId);
    const opinions = [
      random.pick(['release', 'reject', 'recapture'] as const),
      random.pick(['release', 'release', 'reject', 'recapture'] as const),
    ];
    for (const [n, opinion] of opinions.entries())
      await this.insist((process) =>
        process.opinions.execute(
          new GiveOpinion(derivedId(requestId, 'opinion', n), requestId, `officer-${n}`, opinion, reasonFor(opinion)),
        ),
      );
    const outcome =
      opinions[0] === opinions[1]
        ? ({ release: 'released', reject: 'rejected', recapture: 'recapture' } as const)[opinions[0] as 'release']
        : random.pick(['released', 'rejected'] as const);
    const officer = opinions[0] === opinions[1] ? 'officer-0' : 'officer-2';
    await this.insist((process) =>
      process.resolutions.execute(
        new ResolveHold(derivedId(requestId, 'resolve'), requestId, officer, outcome, reasonFor(opinionOf(outcome))),
      ),
    );
  }

  /** Both officers look at the photograph. What they are shown must be on record before they are. */
  private async look(requestId: string): Promise<void> {
    for (const officer of ['officer-0', 'officer-1']) {
      for (let attempt = 0; attempt < 5; attempt += 1) {
        const answer = await this.ask((process) =>
          process.views.execute(
            new ViewImage(
              derivedId(requestId, officer, attempt),
              requestId,
              officer,
              'photo',
              'hold_review',
              null,
              'original',
            ),
          ),
        );
        if (!answer || !('ok' in answer)) continue;
        await this.world.check();
        if (!this.world.watcher.viewed(requestId, officer))
          throw new Violation(`${officer} was shown the photograph of ${requestId}, of which no view is stored`);
        this.views += 1;
        break;
      }
    }
  }

  /** Asks until there is an answer, whatever it is. A click is repeated with the same command id. */
  private async insist<Answer>(call: (process: Process) => Promise<Answer>): Promise<void> {
    for (let attempt = 0; attempt < 300; attempt += 1) {
      const answer = await this.ask(call);
      const tooEarly =
        answer !== null &&
        typeof answer === 'object' &&
        'refused' in answer &&
        (answer.refused as { code: string }).code === 'not_found';
      if (answer !== null && !tooEarly) return;
      await this.world.time.outsideSleep(this.world.random.between(500, 10_000));
    }
  }

  /** One call from outside. @returns null when nobody answered: the process was down, died, failed, or took too
   * long. */
  private async ask<Answer>(call: (process: Process) => Promise<Answer>): Promise<Answer | null> {
    const { process } = this;
    const { time } = this.world;
    if (!process) {
      await time.outsideSleep(this.world.random.between(50, 1000));
      return null;
    }
    // A failure is answered with 500; whoever asked waits a moment before asking again.
    return Promise.race([
      call(process).catch(() => time.outsideSleep(this.world.random.between(50, 2000)).then((): null => null)),
      time.outsideSleep(30_000).then((): null => null),
    ]);
  }

  private startProcess(): void {
    // A step of a dead process may crash the next one before it began; then two starts are on their way, and one
    // process is enough. Earlier stories had both.
    if (this.hasRetention && this.begun === this.world.incarnation) return;
    this.begun = this.world.incarnation;
    void this.boot().catch((error: unknown) => {
      // A start that fails is a process that ends.
      if (error instanceof Violation) this.world.report(error);
      else void this.world.crash(`at the start: ${String(error)}`);
    });
  }

  private async boot(): Promise<void> {
    const { world } = this;
    const incarnation = world.incarnation;
    const store = new SimulatedStore(world);
    const clock = new SimulatedClock(world);
    const aggregates = new DecideAndAppend(store, clock);
    const policies = new CurrentPolicy(aggregates);
    const secrets = new SimulatedSecrets();
    const vault = new SimulatedVault(world);
    const desk = new ReviewDesk(aggregates, policies, new NoLooks(), new OpinionNotes(aggregates, vault));
    const linker = new SimulatedLinker(world);
    const group = new RegistrantGroup(aggregates);
    const cards = new CardCheck(
      linker,
      new SubjectResolver(secrets, linker, aggregates, group, world.cards, policies, clock),
      group,
    );
    const performer = new PerformEffect(
      aggregates,
      policies,
      clock,
      vault,
      new SimulatedCertificates(world),
      new SimulatedCardRecords(),
      new SimulatedFaces(world),
      new SimulatedGovernment(world),
      cards,
      group,
    );
    const sagaEvents = (await world.log.readAll(null, { limit: 4096, filter: { streamPrefixes: ['saga-'] } })).events;
    const projected = sagaEvents.slice(0, world.random.chance(0.3) ? 0 : world.random.between(0, sagaEvents.length));
    const intake = new Intake();
    const clocks = new ClockWatch(store, clock);
    const dispatcher = new EffectDispatcher(
      store,
      aggregates,
      performer,
      policies,
      clock,
      new SimulatedPendingEffects(projected),
      intake,
    );
    const BackgroundOfStory = this.hasRetention ? StoryBackground : EarlierBackground;
    const retention = new EvidenceRetention(aggregates, policies, vault);
    const claims = new Claims(store, aggregates, secrets);
    const sweep = new ClaimSweep(store, new SimulatedPositions(world), aggregates, claims, policies, vault, clock);
    const handles = new Consumers(aggregates, new SimulatedPositions(world));
    const runner = new NoDualActs(
      store,
      new SimulatedPositions(world),
      new DualActs(aggregates, group, clock, policies, handles),
    );
    const firstStart = new FirstStart(aggregates, policies, { policy: null, booths: [] });
    const background = new BackgroundOfStory(
      store,
      new SimulatedPositions(world),
      new NoReadModels(),
      NO_AUDIT.consumers,
      NO_AUDIT.erasure,
      retention,
      sweep,
      runner,
      new SagaReactor(aggregates, policies),
      dispatcher,
      policies,
      firstStart,
      NO_PUBLICATION.relay,
      NO_PUBLICATION.erasures,
      NO_AUDIT.watch,
      intake,
      clocks,
      NO_AUDIT.tombstones,
      NO_AUDIT.lists,
      handles,
      new UnknownEvents(aggregates),
    );
    const challenges = new Challenges(secrets);
    await background.onApplicationBootstrap();
    if (incarnation === world.incarnation) this.readModels.start();
    if (incarnation !== world.incarnation) return;
    this.process = {
      incarnation,
      background,
      dispatcher,
      challenges: new IssueChallengeHandler(challenges, policies, clock),
      door: new ReceiveRequestHandler(
        aggregates,
        policies,
        challenges,
        claims,
        vault,
        secrets,
        clock,
        store,
        new RefuseAtDoor(store, aggregates),
        new SimulatedPhotos(),
        linker,
      ),
      opinions: new GiveOpinionHandler(desk),
      resolutions: new ResolveHoldHandler(desk),
      resume: new ResumeEffectHandler(aggregates),
      end: new EndRequestHandler(aggregates),
      views: new ViewImageHandler(
        aggregates,
        new AccessLog(store, aggregates, clock),
        vault,
        new SimulatedCardRecords(),
        NO_RENDERER,
        group,
      ),
    };
  }

  private async enrol(): Promise<void> {
    const aggregates = new DecideAndAppend(new SimulatedStore(this.world), new SimulatedClock(this.world));
    const commandId = derivedId('enrol', boothId);
    await aggregates.execute(
      booths,
      boothId,
      { type: 'EnrolBooth', boothId, publicKey: this.publicKey, by: 'officer-0' },
      { commandId, actor: 'officer:officer-0', correlationId: boothId, causationId: commandId, policyVersion: null },
    );
  }

  private async pass(ms: number): Promise<void> {
    let over = false;
    this.world.time.outside(ms, () => {
      over = true;
    });
    await this.wait(() => over, ms + 1, 'time to pass');
  }

  private async wait(done: () => boolean, limitMs: number, what: string | (() => string)): Promise<void> {
    const reached = await this.world.time.runUntil(() => this.world.violation !== null || done(), limitMs);
    if (!reached && !this.world.violation)
      throw new Violation(`waited in vain for ${typeof what === 'string' ? what : what()}`);
    if (this.world.violation) throw this.world.violation;
  }
}

function endsOf(plan: CasePlan, mode: CaptureEnvelope['mode']): string[] {
  if (plan.certificate !== 'valid') return ['CertificateRejected'];
  if (plan.face === 'no_face') return ['FaceNotComparable'];
  if (plan.cardPoints < DEFAULT_POLICY.cardMatchPointsMin) return ['FaceMismatched'];
  const granted =
    mode === 'REGISTRY_ONLY'
      ? ['KeptInRegistry']
      : [plan.government === 'accept' ? 'GovernmentAccepted' : 'GovernmentRefused'];
  // Held only where an earlier image was there to compare with, which depends on the order of the cases.
  const mayBeHeld = plan.cardPoints - plan.registeredPoints >= DEFAULT_POLICY.holdMarginPoints;
  return mayBeHeld ? [...granted, 'HoldRejected', 'RecaptureRequested', 'HoldExpired'] : granted;
}
