import { Module, type DynamicModule, type FactoryProvider, type Provider } from '@nestjs/common';
import { ClockWatch } from '../application/installation/clock-watch.js';
import { Intake } from '../application/installation/intake.js';
import { AuditLog } from '../application/ports/audit/audit-log.js';
import { CardRecordVerifier } from '../application/ports/outside/card-record-verifier.js';
import { CertificateVerifier } from '../application/ports/outside/certificate-verifier.js';
import { CheckpointOutlets } from '../application/ports/audit/checkpoint-outlets.js';
import { CheckpointSigner } from '../application/ports/audit/checkpoint-signer.js';
import { Clock } from '../application/ports/store/clock.js';
import { ErasureConfirmationSource } from '../application/ports/registrant/erasure-confirmations.js';
import { ErasureConsumers } from '../application/ports/registrant/erasure-consumers.js';
import { EventPublisher } from '../application/ports/outside/event-publisher.js';
import { EventStore } from '../application/ports/store/event-store.js';
import { FaceComparer } from '../application/ports/outside/face-comparer.js';
import { GovernmentRegistry } from '../application/ports/outside/government-registry.js';
import { ImageRenderer } from '../application/ports/registrant/image-renderer.js';
import { ImageVault } from '../application/ports/registrant/image-vault.js';
import { FirstStartValues } from '../application/first-start.js';
import { OutsideClocks } from '../application/ports/outside/outside-clocks.js';
import { LogConsumers } from '../application/ports/store/log-consumers.js';
import { OpenCases } from '../application/ports/store/open-cases.js';
import { PendingEffects } from '../application/ports/store/pending-effects.js';
import { PhotoReader } from '../application/ports/outside/photo-reader.js';
import { SessionStore } from '../application/ports/store/session-store.js';
import { PositionStore } from '../application/ports/store/position-store.js';
import { PublicationDirectory } from '../application/ports/outside/publication-directory.js';
import { Pseudonyms } from '../application/ports/audit/pseudonyms.js';
import { ReadModelConsumers } from '../application/ports/store/read-model-consumers.js';
import { ReadModels } from '../application/ports/store/read-models.js';
import { Secrets } from '../application/ports/registrant/secrets.js';
import { SignedLog } from '../application/ports/audit/signed-log.js';
import { SubjectKeys } from '../application/ports/registrant/subject-keys.js';
import { SubjectLinker } from '../application/ports/registrant/subject-linker.js';
import { TimestampAuthority } from '../application/ports/audit/timestamp-authority.js';
import { AsyncApiSettings } from '../application/publication/asyncapi-settings.js';
import { upcast } from '../domain/event-registry.js';
import { ALL_PROJECTIONS } from '../projections/all-projections.js';
import { AuditLogConsumer } from './audit/log/audit-log-consumer.js';
import { ConfiguredOutlets, timestampAuthority } from './audit/outlets/configured-outlets.js';
import { lostEvents } from './audit/fsck/lost-events.js';
import { LogKeys } from './audit/log-keys.js';
import { ThreadedLogBuilder } from './audit/log/threaded-log-builder.js';
import { TileLog } from './audit/log/tile-log.js';
import { VaultPseudonyms } from './audit/vault-pseudonyms.js';
import { certificateVerifier, cardRecordVerifier } from './jpki/configured-verifiers.js';
import { Config } from './settings/config.js';
import { serviceTls } from './settings/service-tls.js';
import { GuardedEventStore } from './event-store/guarded-event-store.js';
import { EVENTS_FILE } from './event-store/open-event-store.js';
import { SqliteEventStore } from './event-store/sqlite/sqlite-event-store.js';
import { loadModelSet } from './face/model-set/model-set-file.js';
import { defaultModelCacheDir, OnnxFaceComparer } from './face/onnx-face-comparer.js';
import { governmentRegistry } from './government/configured-registry.js';
import { asyncApiOptions } from './kafka/asyncapi-options.js';
import { kafkaSettings } from './kafka/kafka-client.js';
import { KafkaErasureConfirmations } from './kafka/kafka-erasure-confirmations.js';
import { KafkaEventPublisher, NoEventPublisher } from './kafka/kafka-event-publisher.js';
import { HttpOutsideClocks } from './clock/http-outside-clocks.js';
import { KeyedSecrets } from './settings/keyed-secrets.js';
import { Foundation } from './installation/foundation.js';
import { Installation } from './installation/installation.js';
import { VaultWatch } from './installation/vault-watch.js';
import { HttpSubjectLinker } from './linking/http-subject-linker.js';
import { ThreadedPhotoReader } from './photo/threaded-photo-reader.js';
import { ReadModelDatabase } from './read-model/read-model-database.js';
import { SqlOpenCases } from './read-model/sql-open-cases.js';
import { SqlPendingEffects } from './read-model/sql-pending-effects.js';
import { SqlPublicationDirectory } from './read-model/sql-publication-directory.js';
import { SqlReadModels } from './read-model/sql-read-models.js';
import { SqlitePositionStore } from './read-model/sqlite-position-store.js';
import { SqliteReadModel } from './read-model/sqlite-read-model.js';
import { firstStartFiles } from './settings/first-start-files.js';
import { Resources } from './resources.js';
import { SESSIONS_FILE, SqliteSessionStore } from './session/sqlite-session-store.js';
import { SystemClock } from './clock/system-clock.js';
import { EncryptedImageVault } from './vault/encrypted-image-vault.js';
import { ErasedFile } from './vault/erased-file.js';
import { KeyRing } from './vault/key-ring.js';
import { ThreadedKeyRing } from './vault/threaded-key-ring.js';
import { VaultHealth } from './vault/vault-health.js';
import { VaultSubjectKeys } from './vault/vault-subject-keys.js';

function provide(
  token: FactoryProvider['provide'],
  inject: FactoryProvider['inject'],
  useFactory: (...args: never[]) => unknown,
): Provider {
  return { provide: token, inject: inject ?? [], useFactory: useFactory as FactoryProvider['useFactory'] };
}

const providers: Provider[] = [
  // With the foundation it closes what is opened here, also when a later one cannot be opened.
  provide(Resources, [Foundation], ({ resources }: Foundation) => resources),
  { provide: Clock, useClass: SystemClock },
  // Opened before all of this, so that a second server on the same folder goes away before more is opened. Closed last.
  Intake,
  provide(
    EventStore,
    [Foundation, Intake],
    ({ store }: Foundation, intake: Intake) => new GuardedEventStore(store, intake),
  ),
  provide(OutsideClocks, [Config, Clock, Resources], (config: Config, clock: Clock, resources: Resources) =>
    resources.opened(HttpOutsideClocks.of(config, clock).start(), (outside) => outside.close()),
  ),
  provide(
    ClockWatch,
    [EventStore, Clock, Config, OutsideClocks],
    (store: EventStore, clock: Clock, { values }: Config, outside: OutsideClocks) =>
      new ClockWatch(store, clock, values.clockWasAhead, outside),
  ),
  provide(Installation, [Foundation], ({ installation }: Foundation) => installation),
  provide(ReadModelDatabase, [Config, Resources, EventStore], (config: Config, resources: Resources) =>
    resources.opened(ReadModelDatabase.open(config.inData('readmodel.db')), (db) => db.close()),
  ),
  provide(SqlitePositionStore, [ReadModelDatabase], (db: ReadModelDatabase) => SqlitePositionStore.alone(db)),
  { provide: PositionStore, useExisting: SqlitePositionStore },
  provide(
    SqliteReadModel,
    [ReadModelDatabase, SqlitePositionStore],
    (db: ReadModelDatabase, positions: SqlitePositionStore) => new SqliteReadModel(db, positions, ALL_PROJECTIONS),
  ),
  provide(
    SqlReadModels,
    [SqliteReadModel, EventStore],
    (model: SqliteReadModel, store: EventStore) => new SqlReadModels(model, store),
  ),
  { provide: ReadModels, useExisting: SqlReadModels },
  provide(PublicationDirectory, [SqliteReadModel], (model: SqliteReadModel) => new SqlPublicationDirectory(model)),
  provide(EventPublisher, [Config, Resources], (config: Config, resources: Resources) => {
    const settings = kafkaSettings(config);
    return settings === null
      ? new NoEventPublisher()
      : resources.opened(new KafkaEventPublisher(settings), (publisher) => publisher.close());
  }),
  provide(AsyncApiSettings, [Config], (config: Config): AsyncApiSettings => ({ options: asyncApiOptions(config) })),
  provide(ErasureConsumers, [Config], (config: Config): ErasureConsumers => ({
    names: config.values.erasureConsumers,
  })),
  provide(
    ErasureConfirmationSource,
    [Config],
    (config: Config) => new KafkaErasureConfirmations(kafkaSettings(config)),
  ),
  provide(PendingEffects, [SqliteReadModel], (model: SqliteReadModel) => new SqlPendingEffects(model)),
  provide(OpenCases, [SqliteReadModel], (model: SqliteReadModel) => new SqlOpenCases(model)),
  provide(
    ReadModelConsumers,
    [SqliteReadModel, EventStore],
    (model: SqliteReadModel, store: EventStore): ReadModelConsumers => ({
      all: () =>
        ALL_PROJECTIONS.map(({ name, handles }) => ({
          name,
          types: handles,
          handler: model.handler(name, { store, upcast: (event) => [upcast(event)] }),
        })),
    }),
  ),
  provide(FirstStartValues, [Config], firstStartFiles),
  provide(Secrets, [Installation], ({ serverSecret }: Installation) => new KeyedSecrets(serverSecret)),
  provide(KeyRing, [Config, Installation, Resources], (config: Config, own: Installation, resources: Resources) =>
    resources.opened(new KeyRing(config.inData('vault', 'keys.db'), own.masterKey), (ring) => ring.close()),
  ),
  // The vault makes and destroys a key for every case, and each time waits for the disk several times: not on the
  // thread that answers. After the ring above, which makes the file.
  provide(
    ThreadedKeyRing,
    [Config, Installation, Resources, KeyRing],
    async (config: Config, own: Installation, resources: Resources) => {
      const ring = await ThreadedKeyRing.open(config.inData('vault', 'keys.db'), own.masterKey);
      return resources.opened(ring, (opened) => opened.close());
    },
  ),
  provide(
    VaultHealth,
    [Config, ThreadedKeyRing],
    (config: Config, keys: ThreadedKeyRing) => new VaultHealth(config.inData('vault', 'sealed'), keys),
  ),
  provide(
    ImageVault,
    [Config, ThreadedKeyRing, VaultHealth],
    (config: Config, keys: ThreadedKeyRing, health: VaultHealth) =>
      new EncryptedImageVault(config.inData('vault', 'sealed'), keys, new ErasedFile(config.erasedFile), health),
  ),
  provide(
    SubjectKeys,
    [ThreadedKeyRing, Secrets],
    (keys: ThreadedKeyRing, secrets: Secrets) => new VaultSubjectKeys(keys, secrets),
  ),
  provide(Pseudonyms, [KeyRing, Secrets], (keys: KeyRing, secrets: Secrets) => new VaultPseudonyms(keys, secrets)),
  provide(
    VaultWatch,
    [Installation, KeyRing, ReadModelDatabase, Resources],
    ({ id }: Installation, ring: KeyRing, database: ReadModelDatabase, resources: Resources) =>
      resources.opened(new VaultWatch(id, ring, database), (watch) => watch.close()),
  ),
  provide(CheckpointSigner, [Config, Installation], (config: Config) =>
    LogKeys.open({
      origin: config.values.auditOrigin,
      secretFolder: config.inData('keys', 'audit'),
      auditFolder: config.inData('audit'),
      create: false,
    }),
  ),
  provide(AuditLog, [Config], (config: Config) => new TileLog(config.inData('audit'))),
  provide(TimestampAuthority, [Config], timestampAuthority),
  provide(
    CheckpointOutlets,
    [Config, Resources, AuditLog, TimestampAuthority, EventStore],
    (config: Config, resources: Resources, log: TileLog, authority: TimestampAuthority) =>
      resources.opened(ConfiguredOutlets.from(config, log, authority).start(), (outlets) => outlets.stop()),
  ),
  provide(
    ThreadedLogBuilder,
    [Config, Resources, Foundation, Installation, EventStore, KeyRing, CheckpointSigner],
    (config: Config, resources: Resources, { store }: Foundation, { masterKey, serverSecret }: Installation) =>
      resources.opened(
        new ThreadedLogBuilder(
          store instanceof SqliteEventStore ? { eventsFile: config.inData(EVENTS_FILE) } : { store },
          {
            auditFolder: config.inData('audit'),
            origin: config.values.auditOrigin,
            signingKeyFolder: config.inData('keys', 'audit'),
            keyRingFile: config.inData('vault', 'keys.db'),
            masterKey,
            serverSecret,
          },
        ),
        (b) => b.close(),
      ),
  ),
  provide(
    SignedLog,
    [Config, ThreadedLogBuilder, EventStore],
    (config: Config, builder: ThreadedLogBuilder, store: EventStore): SignedLog => ({
      checkEveryMs: config.values.auditCheckSeconds * 1000,
      check: (recorded) => builder.check(recorded),
      lost: () => lostEvents(config, store),
    }),
  ),
  provide(
    LogConsumers,
    [Config, ThreadedLogBuilder, AuditLog],
    (config: Config, builder: ThreadedLogBuilder, log: TileLog): LogConsumers => {
      const consumer = new AuditLogConsumer(builder, config.values.auditIntervalMs, log);
      return { all: () => [{ name: consumer.name, types: null, shape: 'stored', handler: consumer }] };
    },
  ),
  provide(CertificateVerifier, [Config], certificateVerifier),
  provide(CardRecordVerifier, [Config], cardRecordVerifier),
  provide(GovernmentRegistry, [Config], governmentRegistry),
  provide(SubjectLinker, [Config], (config: Config) => {
    const { linkUrl: url, jpkiTimeoutMs: timeoutMs } = config.values;
    return new HttpSubjectLinker({ url, timeoutMs, tls: serviceTls(config, 'link') });
  }),
  provide(FaceComparer, [Config, Resources, EventStore], async (config: Config, resources: Resources) => {
    const { faceWorkers, faceQueueMax, faceModelSet, modelCacheDir } = config.values;
    const cacheDir = modelCacheDir ?? defaultModelCacheDir();
    const modelSet = await loadModelSet(faceModelSet, cacheDir);
    const comparer = new OnnxFaceComparer({
      cacheDir,
      modelSet,
      queueLimit: faceQueueMax,
      ...(faceWorkers === null ? {} : { workers: faceWorkers }),
    });
    await comparer.start();
    return resources.opened(comparer, (c) => c.close());
  }),
  provide(SessionStore, [Config, Resources, Installation], (config: Config, resources: Resources) =>
    resources.opened(SqliteSessionStore.open(config.inData(SESSIONS_FILE)), (sessions) => sessions.close()),
  ),
  { provide: ImageRenderer, useExisting: FaceComparer },
  provide(PhotoReader, [Resources, EventStore], async (resources: Resources) =>
    resources.opened(await ThreadedPhotoReader.open(), (reader) => reader.close()),
  ),
];

/** Binds every port to its adapter, nothing else. */
@Module({})
export class InfrastructureModule {
  static with(config: Config, foundation: Foundation): DynamicModule {
    const all = [{ provide: Config, useValue: config }, { provide: Foundation, useValue: foundation }, ...providers];
    return {
      module: InfrastructureModule,
      global: true,
      providers: all,
      exports: all.map((p) => (typeof p === 'function' ? p : p.provide)),
    };
  }
}
