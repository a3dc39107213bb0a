import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Global, Module } from '@nestjs/common';
import { CqrsModule } from '@nestjs/cqrs';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { FastifyInstance, InjectOptions, LightMyRequestResponse } from 'fastify';
import { ApiModule } from '../../../src/api/api.module.js';
import { ApiSettings } from '../../../src/api/api-settings.js';
import { VerifierPageModule } from '../../../src/api/audit/verifier-page.controller.js';
import { createApp } from '../../../src/api/create-app.js';
import { createLog } from '../../../src/api/log.js';
import { HealthChecks, type Readiness } from '../../../src/api/health-checks.js';
import { AuditLists } from '../../../src/application/audit/audit-lists.js';
import { CaseHistory } from '../../../src/application/audit/case-history.js';
import { caughtUpLog } from '../../../src/application/audit/moments.js';
import { RegistrantErasure } from '../../../src/application/audit/registrant-erasure.js';
import { VerifierPageRecord } from '../../../src/application/audit/verifier-page-record.js';
import { RegistrantGroup } from '../../../src/application/case/registrant-group.js';
import { ListLockoutsHandler, LockOutHandler, Lockouts } from '../../../src/application/access/lockouts.js';
import { AccessLog } from '../../../src/application/access/access-log.js';
import { DecideAndAppend } from '../../../src/application/decisions/decide-and-append.js';
import { Claims } from '../../../src/application/door/claims.js';
import {
  ApproveActHandler,
  DeclineActHandler,
  ProposeActHandler,
} from '../../../src/application/commands/dual-control.js';
import { ExportBundleHandler } from '../../../src/application/access/export-bundle.js';
import { Challenges, IssueChallengeHandler } from '../../../src/application/door/issue-challenge.js';
import { EnrolBoothHandler, SuspendBoothHandler } from '../../../src/application/commands/manage-booth.js';
import {
  ActivatePolicyHandler,
  ApprovePolicyHandler,
  ProposePolicyHandler,
} from '../../../src/application/commands/manage-policy.js';
import { ReceiveRequestHandler } from '../../../src/application/door/receive-request.js';
import { RefuseAtDoor } from '../../../src/application/door/refuse-at-door.js';
import { ResumeEffectHandler } from '../../../src/application/commands/resume-effect.js';
import {
  GiveOpinionHandler,
  ResolveHoldHandler,
  WithdrawOpinionHandler,
} from '../../../src/application/commands/review-hold.js';
import { ReviewDesk } from '../../../src/application/commands/review-desk.js';
import { OfficerLooks } from '../../../src/application/access/officer-looks.js';
import { OpinionNotes } from '../../../src/application/case/opinion-notes.js';
import { EndRequestHandler } from '../../../src/application/commands/end-request.js';
import { RecordAccessRefusedHandler, ViewImageHandler } from '../../../src/application/access/view-image.js';
import {
  CompareListsHandler,
  RecordViewHandler,
  ViewCaseHandler,
  ViewHoldHandler,
  ViewListHandler,
  ViewReceiptHandler,
} from '../../../src/application/access/view-records.js';
import { ViewWaitingCasesHandler } from '../../../src/application/access/view-waiting-cases.js';
import { ViewWhatIfHandler } from '../../../src/application/access/view-what-if.js';
import { CurrentPolicy } from '../../../src/application/decisions/current-policy.js';
import {
  ReplayParkedHandler,
  ResumeConsumerHandler,
  ViewConsumersHandler,
} from '../../../src/application/commands/manage-consumers.js';
import { Consumers } from '../../../src/application/subscriptions/consumers.js';
import { DualActs } from '../../../src/application/dual-acts.js';
import { CardRecordVerifier } from '../../../src/application/ports/outside/card-record-verifier.js';
import { Clock } from '../../../src/application/ports/store/clock.js';
import {
  EventStore,
  type AppendResult,
  type ExpectedRevision,
} from '../../../src/application/ports/store/event-store.js';
import { FaceComparer, type PhotoAssessment } from '../../../src/application/ports/outside/face-comparer.js';
import { ImageRenderer, RendererBusyError } from '../../../src/application/ports/registrant/image-renderer.js';
import { AuditLog } from '../../../src/application/ports/audit/audit-log.js';
import { CheckpointSigner } from '../../../src/application/ports/audit/checkpoint-signer.js';
import { ImageVault } from '../../../src/application/ports/registrant/image-vault.js';
import { PhotoReader, PhotoReaderBusyError } from '../../../src/application/ports/outside/photo-reader.js';
import { Pseudonyms } from '../../../src/application/ports/audit/pseudonyms.js';
import { OpenCases, type WaitingCases } from '../../../src/application/ports/store/open-cases.js';
import { PositionStore } from '../../../src/application/ports/store/position-store.js';
import { ReadModels } from '../../../src/application/ports/store/read-models.js';
import { Secrets } from '../../../src/application/ports/registrant/secrets.js';
import { SessionStore } from '../../../src/application/ports/store/session-store.js';
import { SubjectKeys } from '../../../src/application/ports/registrant/subject-keys.js';
import { SubjectLinker } from '../../../src/application/ports/registrant/subject-linker.js';
import { GetBoothSettingsHandler } from '../../../src/application/queries/booth-settings.js';
import { CheckPhotoHandler } from '../../../src/application/queries/check-photo.js';
import { UploadStandings } from '../../../src/application/queries/upload-standing.js';
import { ListPoliciesHandler } from '../../../src/application/queries/list-policies.js';
import {
  GetAuditKeysHandler,
  ProveConsistencyHandler,
  ProveInclusionHandler,
  ReadAuditFileHandler,
} from '../../../src/application/queries/audit-questions.js';
import { CaseQuestions, GetRequestStatusHandler } from '../../../src/application/queries/questions.js';
import { ReceiptPromises } from '../../../src/application/receipts/receipt-promises.js';
import { PromiseOfRequestHandler, ProveReceiptHandler } from '../../../src/application/receipts/receipt-questions.js';
import type { NewEvent, StoredEvent } from '../../../src/domain/event-envelope.js';
import type { PolicyValues } from '../../../src/domain/policy/policy.events.js';
import { readPhoto, type PhotoReading } from '../../../src/domain/photo/photo-reader.js';
import type { FaceAlgorithm } from '../../../src/domain/values/face-comparison.js';
import { AuditLogConsumer } from '../../../src/infrastructure/audit/log/audit-log-consumer.js';
import { PlainLogBuilder } from '../../../src/infrastructure/audit/log/log-builder.js';
import { LogKeys } from '../../../src/infrastructure/audit/log-keys.js';
import { TileLog } from '../../../src/infrastructure/audit/log/tile-log.js';
import { TileWriter } from '../../../src/infrastructure/audit/log/tile-writer.js';
import { VaultPseudonyms } from '../../../src/infrastructure/audit/vault-pseudonyms.js';
import { InMemoryEventStore } from '../../../src/infrastructure/event-store/in-memory-event-store.js';
import { SqliteSessionStore } from '../../../src/infrastructure/session/sqlite-session-store.js';
import { KeyedSecrets } from '../../../src/infrastructure/settings/keyed-secrets.js';
import { EncryptedImageVault } from '../../../src/infrastructure/vault/encrypted-image-vault.js';
import { KeyRing } from '../../../src/infrastructure/vault/key-ring.js';
import { OPERATOR_TOKEN } from '../../support/operator.js';
import { KnownCards } from '../../support/known-cards.js';
import { ScriptedLinks } from '../../support/scripted-links.js';
import { InMemoryReadModels } from './in-memory-read-models.js';

const [fileSha256, engineSha256, sourceSha256] = ['f1', 'e1', '51'].map((byte) => byte.repeat(32)) as [
  string,
  string,
  string,
];
export const VERIFIER_PAGE = {
  html: '<!doctype html>the verifier',
  digests: { version: '0.0.1', fileSha256, engineSha256, sourceSha256 },
};
export const NOW = '2026-11-23T08:05:00.000Z';

export class SettableClock extends Clock {
  now = NOW;
  nowUtc(): string {
    return this.now;
  }
}

/** The real in-memory store; a test can make appends to some streams fail, or leave their outcome unknown. */
export class TroubledEventStore extends InMemoryEventStore {
  trouble: { readonly streamPrefix: string; readonly kind: 'throws' | 'unknown' } | null = null;
  /** Appends to streams with this beginning wait until it is opened. */
  gate: { readonly streamPrefix: string; readonly opened: Promise<void> } | null = null;

  override async append(
    stream: string,
    events: readonly NewEvent[],
    expected: ExpectedRevision,
  ): Promise<AppendResult> {
    if (this.trouble && stream.startsWith(this.trouble.streamPrefix)) {
      if (this.trouble.kind === 'throws') throw new Error('the disk is full');
      return { outcome: 'unknown', cause: 'the connection broke' };
    }
    if (this.gate && stream.startsWith(this.gate.streamPrefix)) await this.gate.opened;
    return super.append(stream, events, expected);
  }
}

export class SettableHealth extends HealthChecks {
  readiness: Readiness = { ok: true, parts: { store: { ok: true, detail: 'writes' } } };
  async ready(): Promise<Readiness> {
    return this.readiness;
  }
}

/** Card records in these tests are what `faceImageOf` gives back with a mark in front. */
class MarkedCardRecords extends CardRecordVerifier {
  readonly algorithm = { id: 'test', version: '1' };
  verify(): never {
    throw new Error('the API never verifies a card record');
  }
  faceImageOf(cardRecord: Uint8Array): Uint8Array {
    return Buffer.concat([Buffer.from('jp2:'), cardRecord.subarray(0, 16)]);
  }
}

/** The real reader, without its thread. */
export class InlinePhotoReader extends PhotoReader {
  busy = false;
  async read(photo: Uint8Array): Promise<PhotoReading> {
    if (this.busy) throw new PhotoReaderBusyError('the thread is busy');
    return readPhoto(photo);
  }
}

/** What the face comparer would say about a photograph; the comparer itself is tested where it is. */
export class SettableFaces extends FaceComparer {
  assessment: PhotoAssessment = { outcome: 'assessed', reasons: [], quality: {} };
  readonly assessed: Buffer[] = [];
  algorithm(): FaceAlgorithm {
    return { id: 'test', version: '1' };
  }
  compare(): never {
    throw new Error('the API never compares faces');
  }
  async assess(photo: Uint8Array): Promise<PhotoAssessment> {
    this.assessed.push(Buffer.from(photo));
    return this.assessment;
  }
}

/** The real workers decode in their own tests; here only who is asked for what. */
export class MarkedRenderer extends ImageRenderer {
  busy = false;
  async renderPng(image: Uint8Array): Promise<Uint8Array> {
    if (this.busy) throw new RendererBusyError('no worker is free');
    return Buffer.concat([Buffer.from('png:'), image]);
  }
}

const HANDLERS = [
  ViewConsumersHandler,
  ResumeConsumerHandler,
  ReplayParkedHandler,

  IssueChallengeHandler,
  ReceiveRequestHandler,
  GiveOpinionHandler,
  WithdrawOpinionHandler,
  ResolveHoldHandler,
  EnrolBoothHandler,
  SuspendBoothHandler,
  ProposeActHandler,
  ApproveActHandler,
  DeclineActHandler,
  ProposePolicyHandler,
  ApprovePolicyHandler,
  ActivatePolicyHandler,
  ViewImageHandler,
  RecordAccessRefusedHandler,
  ResumeEffectHandler,
  EndRequestHandler,
  ViewCaseHandler,
  ViewHoldHandler,
  ViewListHandler,
  CompareListsHandler,
  ViewReceiptHandler,
  RecordViewHandler,
  ViewWhatIfHandler,
  ViewWaitingCasesHandler,
  LockOutHandler,
  ListLockoutsHandler,
  ExportBundleHandler,
  ReadAuditFileHandler,
  GetAuditKeysHandler,
  ProveInclusionHandler,
  ProveConsistencyHandler,
  GetRequestStatusHandler,
  PromiseOfRequestHandler,
  ProveReceiptHandler,
  ListPoliciesHandler,
  CheckPhotoHandler,
  GetBoothSettingsHandler,
];
const SERVICES = [
  DecideAndAppend,
  CurrentPolicy,
  Consumers,
  DualActs,
  Challenges,
  Claims,
  UploadStandings,
  RefuseAtDoor,
  AccessLog,
  Lockouts,
  AuditLists,
  CaseHistory,
  CaseQuestions,
  OfficerLooks,
  OpinionNotes,
  ReviewDesk,
  ReceiptPromises,
  RegistrantErasure,
  RegistrantGroup,
  VerifierPageRecord,
];

/** The whole HTTP edge over the real commands, the real in-memory event store and the real vault in a temporary
 * folder. */
export class ApiServer {
  readonly store = new TroubledEventStore();
  readonly rows = new InMemoryReadModels();
  readonly clock = new SettableClock();
  readonly health = new SettableHealth();
  readonly faces = new SettableFaces();
  readonly renderer = new MarkedRenderer();
  readonly photos = new InlinePhotoReader();
  readonly logLines: string[] = [];
  readonly folder = mkdtempSync(path.join(tmpdir(), 'honnin-api-'));
  private readonly keys = new KeyRing(path.join(this.folder, 'keys.db'), Buffer.alloc(32, 9));
  readonly pseudonyms = new VaultPseudonyms(this.keys, new KeyedSecrets(Buffer.alloc(32, 8)));
  readonly vault = new EncryptedImageVault(path.join(this.folder, 'sealed'), this.keys);
  /** The real audit log, written as events are stored. */
  readonly log = new TileLog(path.join(this.folder, 'audit'));
  signer!: LogKeys;
  /** Whether anybody knows which certificates belong together. */
  readonly links = new ScriptedLinks();
  private readonly ending = new AbortController();
  private publishing: Promise<void> = Promise.resolve();
  /** Set, the log is not carried on: it stays behind the store. */
  logWaits = false;
  /** What the rows of open cases say; null while they are being built. */
  holdCounts: ReturnType<OpenCases['holds']> = { open: 0, overdue: 0 };
  waiting: WaitingCases | null = { stopped: [], stuck: [] };
  app!: NestFastifyApplication;

  static async start(
    given: ConstructorParameters<typeof ApiSettings>[0] = {},
    { policy }: { readonly policy?: PolicyValues } = {},
  ): Promise<ApiServer> {
    const api = new ApiServer();
    api.signer = await LogKeys.open({
      origin: 'log.example/api',
      secretFolder: path.join(api.folder, 'secret'),
      auditFolder: api.log.folder,
    });
    const settings = new ApiSettings({
      logLevel: 'trace',
      refusals: { perSourcePerMinute: 10_000, perMinute: 10_000 },
      metricsToken: OPERATOR_TOKEN,
      ...given,
    });
    const ports = [
      { provide: EventStore, useValue: api.store },
      { provide: ReadModels, useValue: api.rows },
      { provide: Clock, useValue: api.clock },
      { provide: HealthChecks, useValue: api.health },
      { provide: FaceComparer, useValue: api.faces },
      { provide: ImageRenderer, useValue: api.renderer },
      { provide: PhotoReader, useValue: api.photos },
      { provide: Secrets, useValue: new KeyedSecrets(Buffer.alloc(32, 8)) },
      { provide: SessionStore, useValue: SqliteSessionStore.open(':memory:') },
      { provide: ImageVault, useValue: api.vault },
      { provide: SubjectKeys, useValue: new KnownCards() },
      // No consumer runs here, and none has parked anything.
      { provide: PositionStore, useValue: { parked: async () => [] } },
      { provide: OpenCases, useValue: { waiting: () => api.waiting, holds: () => api.holdCounts } },
      { provide: AuditLog, useValue: api.log },
      { provide: CheckpointSigner, useValue: api.signer },
      { provide: Pseudonyms, useValue: api.pseudonyms },
      { provide: CardRecordVerifier, useValue: new MarkedCardRecords() },
      { provide: SubjectLinker, useValue: api.links },
    ];
    class Application {}
    Global()(Application);
    Module({
      imports: [CqrsModule.forRoot()],
      providers: [...ports, ...SERVICES, ...HANDLERS],
      exports: [CqrsModule, ...SERVICES, ReadModels, OpenCases, HealthChecks, Clock, Secrets, SessionStore],
    })(Application);
    class Root {}
    Module({
      imports: [
        Application,
        ApiModule.register({ settings, imports: [Application] }),
        VerifierPageModule.with(() => VERIFIER_PAGE, [Application]),
      ],
    })(Root);
    api.app = await createApp(
      Root,
      settings,
      createLog(settings, { write: (line: string) => void api.logLines.push(line) }),
    );
    await api.app.init();
    await api.server.ready();
    api.publishing = api.publish();
    await api.app.get(CurrentPolicy, { strict: false }).ensureDefault(policy);
    return api;
  }

  private async publish(): Promise<void> {
    const { signal } = this.ending;
    const consumer = new AuditLogConsumer(
      new PlainLogBuilder(this.store, this.pseudonyms, () => TileWriter.open(this.log.folder, this.signer), 1024),
      0,
    );
    for await (const { events } of this.store.subscribe({ after: null, signal })) {
      while (this.logWaits && !signal.aborted) await new Promise((resolve) => setTimeout(resolve, 5));
      if (!signal.aborted) await consumer.handle(events, { signal });
    }
  }

  /** Resolves when the signed log holds everything that is stored. */
  async caughtUp(): Promise<void> {
    const head = await this.store.head();
    const checkpoint = await caughtUpLog(this.log, head, 5_000);
    if (head !== null && (!checkpoint || this.log.positionOf(checkpoint.size - 1) < head))
      throw new Error('the audit log did not catch up');
  }

  /** What the timeline projection would have written by now. */
  async projectTimeline(): Promise<void> {
    this.rows.timelineRows = (await this.events()).map((e) => ({
      requestId: e.metadata.correlationId,
      position: String(e.position),
      recordedAtUtc: e.metadata.recordedAtUtc,
      stream: e.stream,
      revision: e.revision,
      type: e.type,
      actor: e.metadata.actor,
      policyVersion: e.metadata.policyVersion,
      data: e.data,
    }));
  }

  get server(): FastifyInstance {
    return this.app.getHttpAdapter().getInstance() as unknown as FastifyInstance;
  }

  inject(options: InjectOptions): Promise<LightMyRequestResponse> {
    return this.server.inject(options);
  }

  /** Every stored event, oldest first. */
  async events(): Promise<readonly StoredEvent[]> {
    return (await this.store.readAll(null, { limit: 4096 })).events;
  }

  async doorRefusals(): Promise<readonly StoredEvent[]> {
    return (await this.events()).filter((e) => e.type === 'RequestRefusedAtDoor');
  }

  /** Starts listening on a free port. @returns the base address */
  async listen(): Promise<string> {
    await this.app.listen(0, '127.0.0.1');
    return this.app.getUrl();
  }

  async close(): Promise<void> {
    this.ending.abort();
    await this.publishing;
    await this.app.close();
    this.keys.close();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
