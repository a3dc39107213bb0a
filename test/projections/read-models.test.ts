import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { SubscriptionRunner } from '../../src/application/subscriptions/subscription-runner.js';
import type { DomainEvent } from '../../src/domain/decider.js';
import type { EventMetadata, JsonObject, Position } from '../../src/domain/event-envelope.js';
import { currentVersion, upcast } from '../../src/domain/event-registry.js';
import type { HoldReviewEvent } from '../../src/domain/hold-review/hold-review.events.js';
import type { RegistrationEvent } from '../../src/domain/registration/registration.events.js';
import type { SagaEvent, ScheduledEffect } from '../../src/domain/saga/registration.saga.js';
import { InMemoryEventStore } from '../../src/infrastructure/event-store/in-memory-event-store.js';
import { ReadModelDatabase } from '../../src/infrastructure/read-model/read-model-database.js';
import { SqlPendingEffects } from '../../src/infrastructure/read-model/sql-pending-effects.js';
import { SqlOpenCases } from '../../src/infrastructure/read-model/sql-open-cases.js';
import { SqlReadModels } from '../../src/infrastructure/read-model/sql-read-models.js';
import { SqlitePositionStore } from '../../src/infrastructure/read-model/sqlite-position-store.js';
import { SqliteReadModel } from '../../src/infrastructure/read-model/sqlite-read-model.js';
import type { RequestStatusRow } from '../../src/application/ports/store/read-models.js';
import { ALL_PROJECTIONS } from '../../src/projections/all-projections.js';
import { newId } from '../contract/event-store.contract.js';
import {
  attempted,
  certificateVerified,
  faceMatched,
  held,
  received,
  submitted,
} from '../support/registration-facts.js';

const opened = (requestId = 'r1'): HoldReviewEvent => ({
  type: 'HoldOpened',
  data: { requestId, reason: 'registered_gap', dueAtUtc: '2026-11-26T09:00:00.000Z' },
});
const opinion = (officer: string): HoldReviewEvent => ({
  type: 'OpinionGiven',
  data: { officer, opinion: 'release', reason: 'same_person', seen: null, note: null },
});
const differed = (): RegistrationEvent => ({
  type: 'MaterialDiffered',
  data: { material: 'photo', difference: 'other_bytes', foundAt: 'submission', submission: 'not_attempted' },
});
const resolved = (requestId = 'r1'): HoldReviewEvent => ({
  type: 'HoldResolved',
  data: { requestId, outcome: 'released', officers: ['o1', 'o2'] },
});
const released = (): RegistrationEvent => ({ type: 'HoldReleased', data: { officers: ['o1', 'o2'] } });
const accepted = (): RegistrationEvent => ({
  type: 'GovernmentAccepted',
  data: { submissionId: 'sub1', reference: 'ref' },
});
const deferred = (): RegistrationEvent => ({
  type: 'CertificateCheckDeferred',
  data: { cause: 'responder_unreachable', attempt: 1, nextAttemptAtUtc: '2026-11-23T09:01:00.000Z' },
});
const scheduled = (effectId: string, change: Partial<ScheduledEffect> = {}): ScheduledEffect => ({
  effectId,
  effect: { effect: 'CheckCertificate', attempt: 1 },
  dueAtUtc: null,
  stuck: null,
  ...change,
});
const reacted = (effects: readonly ScheduledEffect[], cancelled: readonly string[] = []): SagaEvent => ({
  type: 'SagaReacted',
  data: { sourceEventId: newId(), sourceType: 'RequestReceived', effects, cancelled, learned: null },
});

describe('the read models of the server', () => {
  let folder: string;
  let store: InMemoryEventStore;
  let database: ReadModelDatabase;
  let positions: SqlitePositionStore;
  let model: SqliteReadModel;
  let models: SqlReadModels;
  let runners: SubscriptionRunner[];
  let clock: number;

  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'honnin-models-'));
    store = new InMemoryEventStore();
    database = ReadModelDatabase.open(path.join(folder, 'readmodel.db'));
    positions = new SqlitePositionStore(database);
    model = new SqliteReadModel(database, positions, ALL_PROJECTIONS);
    models = new SqlReadModels(model, store);
    clock = Date.parse('2026-11-23T09:00:00.000Z');
    runners = ALL_PROJECTIONS.map(
      ({ name, handles }) =>
        new SubscriptionRunner({
          consumer: name,
          store,
          positions,
          handler: model.handler(name, { store, upcast: (event) => [upcast(event)] }),
          poison: 'stop',
          filter: { types: handles },
          upcast: (event) => [upcast(event)],
          batchSize: 7,
        }),
    );
    for (const runner of runners) runner.start();
  });
  afterEach(async () => {
    await Promise.all(runners.map((runner) => runner.stop()));
    database.close();
    rmSync(folder, { recursive: true });
  });

  /** Appends events to a stream, each a second later than the one before; the last part of the stream's name is the
   * case. */
  async function happened(stream: string, ...events: readonly DomainEvent[]): Promise<Position> {
    let position = 0n as Position;
    for (const { type, data } of events) {
      const last = (await store.readStream(stream)).at(-1)?.revision ?? 'no_stream';
      const metadata: EventMetadata = {
        actor: 'system:test',
        correlationId: stream.slice(stream.indexOf('-') + 1),
        causationId: 'c',
        recordedAtUtc: new Date((clock += 1000)).toISOString(),
        policyVersion: type === 'Held' ? 3 : null,
      };
      const result = await store.append(
        stream,
        [{ id: newId(), type, schemaVersion: currentVersion(type), data: data as JsonObject, metadata }],
        last,
      );
      if (result.outcome !== 'appended') throw new Error(JSON.stringify(result));
      position = result.position;
    }
    return position;
  }

  async function projected(): Promise<void> {
    const head = await store.head();
    if (head !== null) expect(await models.caughtUpTo(head, 5000)).toBe(true);
  }

  describe('the status of a request @req R21 A11', () => {
    it('says the same neutral words whether a case is slow or held, and changes its time only with the words', async () => {
      await happened('registration-r1', received());
      await projected();
      expect(models.requestByReceipt('AAAA-BBBB-CCCC-DDDD')).toEqual({
        requestId: 'r1',
        receipt: 'AAAA-BBBB-CCCC-DDDD',
        status: 'received',
        updatedAtUtc: '2026-11-23T09:00:01.000Z',
      });
      await happened(
        'registration-r1',
        deferred(),
        certificateVerified(),
        faceMatched('on_hold'),
        held(),
        released(),
        attempted(),
        submitted(),
      );
      await projected();
      expect(models.requestById('r1')).toMatchObject({
        status: 'processing',
        updatedAtUtc: '2026-11-23T09:00:02.000Z',
      });
      await happened('registration-r1', accepted());
      await projected();
      expect(models.requestById('r1')).toMatchObject({
        status: 'registered',
        updatedAtUtc: '2026-11-23T09:00:09.000Z',
      });
    });

    it('knows nothing of a receipt that was never given', () => {
      expect(models.requestByReceipt('ZZZZ-ZZZZ-ZZZZ-ZZZZ')).toBeNull();
      expect(models.requestById('r9')).toBeNull();
    });

    it('is watched from its present state through every change, and the watch ends with its signal', async () => {
      await happened('registration-r1', received());
      await projected();
      const ended = new AbortController();
      const seen: RequestStatusRow['status'][] = [];
      const watching = (async () => {
        for await (const row of models.watchRequest('AAAA-BBBB-CCCC-DDDD', ended.signal)) {
          seen.push(row.status);
          if (row.status === 'received') await happened('registration-r1', certificateVerified());
          if (row.status === 'processing')
            await happened('registration-r1', faceMatched(), attempted(), submitted(), accepted());
          if (row.status === 'registered') ended.abort();
        }
      })();
      const start = performance.now();
      await watching;
      expect(seen).toEqual(['received', 'processing', 'registered']);
      // Woken by the projection: two more looks by the slow poll take two seconds.
      expect(performance.now() - start).toBeLessThan(1900);
    });

    it('is watched from before the row exists', async () => {
      const ended = new AbortController();
      const first = (async () => {
        for await (const row of models.watchRequest('AAAA-BBBB-CCCC-DDDD', ended.signal)) return row.status;
        return null;
      })();
      await happened('registration-r1', received());
      expect(await first).toBe('received');
      ended.abort();
    });
  });

  describe('the hold desk @req R16', () => {
    it('shows an open hold with its reason, its points and how many opinions are in, never what they say', async () => {
      await happened('registration-r1', received(), certificateVerified(), faceMatched('on_hold'), held());
      await happened('hold-r1', opened(), opinion('o1'));
      await projected();
      expect(models.hold('r1')).toEqual({
        requestId: 'r1',
        boothId: 'booth-1',
        reason: 'registered_gap',
        cardPoints: 9500,
        registeredPoints: 7500,
        differencePoints: 2000,
        boundPoints: 2000,
        policyVersion: 3,
        openedAtUtc: '2026-11-23T09:00:04.000Z',
        dueAtUtc: '2026-11-26T09:00:00.000Z',
        opinions: 1,
        outcome: null,
      });
      const everything = JSON.stringify(models.hold('r1'));
      expect(everything).not.toContain('same_person');
      expect(everything).not.toContain('o1');
    });

    it('says how a resolved hold ended', async () => {
      await happened('registration-r1', received(), certificateVerified(), faceMatched('on_hold'), held());
      await happened('hold-r1', opened(), opinion('o1'), opinion('o2'), resolved());
      await projected();
      expect(models.hold('r1')).toMatchObject({ requestId: 'r1', opinions: 2, outcome: 'released' });
      expect(models.hold('r2')).toBeNull();
    });
  });

  describe('the timeline of a case @req R18', () => {
    it('tells every event of every stream of the case in log order, with its data, and nothing of another case', async () => {
      await happened('registration-r1', received());
      await happened('registration-r2', received({ requestId: 'r2', receipt: 'other' }));
      await happened('registration-r1', certificateVerified(), faceMatched('on_hold'), held());
      await happened('hold-r1', opened());
      await happened('saga-r1', reacted([scheduled('e1')]));
      await projected();
      const timeline = models.timeline('r1', { atUtc: null });
      expect(timeline.map((row) => `${row.stream} ${row.revision} ${row.type}`)).toEqual([
        'registration-r1 0 RequestReceived',
        'registration-r1 1 CertificateVerified',
        'registration-r1 2 FaceMatched',
        'registration-r1 3 Held',
        'hold-r1 0 HoldOpened',
        'saga-r1 0 SagaReacted',
      ]);
      const log = await store.readAll(null, { limit: 100 });
      const own = log.events.filter((event) => event.metadata.correlationId === 'r1');
      expect(timeline.map((row) => row.position)).toEqual(own.map((event) => String(event.position)));
      expect(timeline.map((row) => row.data)).toEqual(own.map((event) => event.data));
      expect(timeline.map((row) => row.policyVersion)).toEqual([null, null, null, 3, null, null]);
      expect(models.timeline('r9', { atUtc: null })).toEqual([]);
    });

    it('tells the case as it was known at an instant, which counts itself', async () => {
      await happened('registration-r1', received(), certificateVerified(), faceMatched());
      await projected();
      const known = (atUtc: string): number => models.timeline('r1', { atUtc }).length;
      expect([
        known('2026-11-23T09:00:00.999Z'),
        known('2026-11-23T09:00:01.000Z'),
        known('2026-11-23T09:00:01.999Z'),
        known('2026-11-23T09:00:02Z'),
        known('2027-01-01T00:00:00Z'),
      ]).toEqual([0, 1, 1, 2, 3]);
      expect(() => known('yesterday')).toThrow(RangeError);
      expect(() => known('2026-11-23T09:00:01+09:00')).toThrow(RangeError);
    });
  });

  describe('pending effects', () => {
    const pending = (): {
      requestId: string;
      effectId: string;
      dueAtUtc: string | null;
      stuck: string | null;
      failures: number;
    }[] =>
      new SqlPendingEffects(model)
        .snapshot()
        .effects.map(({ requestId, effect: { effectId, dueAtUtc, stuck, failures } }) => ({
          requestId,
          effectId,
          dueAtUtc,
          stuck,
          failures,
        }));

    it('are what was asked for and is not done, in the order of asking, with what has become of each', async () => {
      await happened(
        'saga-r1',
        reacted([scheduled('e1'), scheduled('e2', { dueAtUtc: '2026-11-24T00:00:00.000Z' })]),
        reacted([scheduled('e3')]),
      );
      await happened(
        'saga-r2',
        reacted([scheduled('f1'), scheduled('f2'), scheduled('f3', { stuck: 'attempts_exhausted' })]),
      );
      await happened('saga-r1', { type: 'EffectPerformed', data: { effectId: 'e1', result: 'done', refusal: null } });
      await happened(
        'saga-r2',
        {
          type: 'EffectFailed',
          data: { effectId: 'f1', failures: 2, error: 'TypeError', nextAttemptAtUtc: '2026-11-23T10:00:00.000Z' },
        },
        { type: 'EffectStuck', data: { effectId: 'f2', error: 'TypeError' } },
      );
      await projected();
      expect(pending()).toEqual([
        { requestId: 'r1', effectId: 'e2', dueAtUtc: '2026-11-24T00:00:00.000Z', stuck: null, failures: 0 },
        { requestId: 'r1', effectId: 'e3', dueAtUtc: null, stuck: null, failures: 0 },
        { requestId: 'r2', effectId: 'f1', dueAtUtc: '2026-11-23T10:00:00.000Z', stuck: null, failures: 2 },
        { requestId: 'r2', effectId: 'f2', dueAtUtc: null, stuck: 'attempts_exhausted', failures: 0 },
        { requestId: 'r2', effectId: 'f3', dueAtUtc: null, stuck: 'attempts_exhausted', failures: 0 },
      ]);
      await happened(
        'saga-r2',
        { type: 'EffectResumed', data: { effectId: 'f2', by: 'operator' } },
        reacted([], ['f1', 'f3']),
      );
      await projected();
      expect(pending().filter((effect) => effect.requestId === 'r2')).toEqual([
        { requestId: 'r2', effectId: 'f2', dueAtUtc: null, stuck: null, failures: 0 },
      ]);
    });

    it('come with the position that they stand for, also while events go on being projected', async () => {
      const snapshots: { position: Position | null; ids: string[] }[] = [];
      for (let n = 0; n < 60; n += 1) {
        await happened(`saga-r${n % 5}`, reacted([scheduled(`e${n}`)]));
        if (n % 3 === 0)
          await happened(`saga-r${n % 5}`, {
            type: 'EffectPerformed',
            data: { effectId: `e${n}`, result: 'done', refusal: null },
          });
        const { position, effects } = new SqlPendingEffects(model).snapshot();
        snapshots.push({ position, ids: effects.map(({ effect }) => effect.effectId).sort() });
        await sleep(0);
      }
      const log = (await store.readAll(null, { limit: 1000 })).events;
      for (const { position, ids } of snapshots) {
        const open = new Set<string>();
        for (const { type, data } of log.filter((event) => position !== null && event.position <= position)) {
          if (type === 'SagaReacted')
            open.add(((data as { effects: { effectId: string }[] }).effects[0] as { effectId: string }).effectId);
          else open.delete(data['effectId'] as string);
        }
        expect(ids).toEqual([...open].sort());
      }
      expect(new Set(snapshots.map(({ position }) => position)).size).toBeGreaterThan(3);
    });

    it('begin at the start of the log where nothing has been projected yet', () => {
      const fresh = ReadModelDatabase.open(path.join(folder, 'fresh.db'));
      expect(
        new SqlPendingEffects(new SqliteReadModel(fresh, new SqlitePositionStore(fresh), ALL_PROJECTIONS)).snapshot(),
      ).toEqual({ position: null, effects: [] });
      fresh.close();
    });

    it('begin at the start of the log while rows of an older version are being built again', async () => {
      await happened('saga-r1', reacted([scheduled('e1')]));
      await projected();
      const newer = new SqliteReadModel(
        database,
        positions,
        ALL_PROJECTIONS.map((projection) => ({ ...projection, version: projection.version + 1 })),
      );
      expect(new SqlPendingEffects(newer).snapshot()).toEqual({ position: null, effects: [] });
    });
  });

  describe('catching up', () => {
    it('is said at once for a position that ends in events which nobody projects', async () => {
      await happened('registration-r1', received());
      await projected();
      // Within a second of the last step the runner stores no position for such events.
      const took: number[] = [];
      for (const booth of ['b1', 'b2', 'b3', 'b4', 'b5']) {
        const position = await happened(`booth-${booth}`, {
          type: 'BoothEnrolled',
          data: { boothId: booth, publicKey: 'k', by: 'o' },
        });
        const start = performance.now();
        expect(await models.caughtUpTo(position, 5000)).toBe(true);
        took.push(performance.now() - start);
      }
      // One of them may have met a busy machine; all of them would have waited for the second.
      expect(Math.min(...took)).toBeLessThan(900);
    });

    it('is not said before the slowest projection is there', async () => {
      await happened('registration-r1', received());
      await projected();
      await runners[1]?.stop();
      const position = await happened('registration-r1', held());
      expect(await models.caughtUpTo(position, 100)).toBe(false);
      runners[1]?.start();
      expect(await models.caughtUpTo(position, 5000)).toBe(true);
      expect(models.hold('r1')).not.toBeNull();
    });
  });

  describe('the cases that are not over', () => {
    const counts = (receivedBeforeUtc = '1970-01-01T00:00:00.000Z') =>
      new SqlOpenCases(model).count({ receivedBeforeUtc });
    const end = (earlierOutcome: 'accepted' | null): RegistrationEvent => ({
      type: 'RequestEndedByOperator',
      data: {
        cause: 'material_differed',
        stuckEffectId: null,
        reason: 'storage_failed',
        reference: 'I-1',
        by: 'a',
        earlierOutcome,
      },
    });

    it('are named where they wait for an administrator, with the steps that were given up on', async () => {
      const waiting = () => new SqlOpenCases(model).waiting();
      expect(waiting()).toEqual({ stopped: [], stuck: [] });
      await happened('registration-r1', received());
      await happened('registration-r2', received({ requestId: 'r2', receipt: 'other' }), differed());
      await happened('saga-r1', reacted([scheduled('e1'), scheduled('e2')]), {
        type: 'EffectStuck',
        data: { effectId: 'e2', error: 'TypeError' },
      });
      await projected();
      const { effect } = scheduled('e2').effect;
      expect(waiting()).toEqual({
        stopped: [{ requestId: 'r2', cause: 'material_differed', receivedAtUtc: expect.any(String) }],
        stuck: [{ requestId: 'r1', effectId: 'e2', effect, error: 'TypeError' }],
      });
      await happened('saga-r1', { type: 'EffectResumed', data: { effectId: 'e2', by: 'a' } });
      await projected();
      expect(waiting()?.stuck).toEqual([]);
    });

    it('are counted until they end, and stopped ones until an operator ends them', async () => {
      await happened('registration-r1', received());
      await happened('registration-r2', received({ requestId: 'r2', receipt: 'other' }), differed());
      await projected();
      const [first] = (await store.readAll(null, { limit: 1 })).events;
      const { recordedAtUtc } = first!.metadata;
      expect(counts(recordedAtUtc)).toEqual({
        stopped: { material_differed: 1, material_missing: 0 },
        overdue: 0,
        oldestReceivedAtUtc: recordedAtUtc,
      });
      expect(counts('2999-01-01T00:00:00.000Z')).toMatchObject({ overdue: 1 });
      await happened('registration-r1', { type: 'RegistrationWithdrawn', data: { by: 'holder' } });
      await happened('registration-r2', end(null));
      await projected();
      expect(counts('2999-01-01T00:00:00.000Z')).toEqual({
        stopped: { material_differed: 0, material_missing: 0 },
        overdue: 0,
        oldestReceivedAtUtc: null,
      });
      expect(models.requestById('r2')).toMatchObject({ status: 'visit_again' });
    });

    it('come back when something is found after their end, and what the holder was told stays', async () => {
      await happened(
        'registration-r1',
        received(),
        certificateVerified(),
        faceMatched(),
        attempted(),
        submitted(),
        accepted(),
        {
          type: 'MaterialMissing',
          data: { material: 'certificate_evidence', foundAt: 'export', submission: 'submitted' },
        },
      );
      await projected();
      expect(counts()).toMatchObject({ stopped: { material_differed: 0, material_missing: 1 } });
      await happened('registration-r1', end('accepted'));
      await projected();
      expect(counts()).toMatchObject({ stopped: { material_differed: 0, material_missing: 0 } });
      expect(models.requestById('r1')).toMatchObject({ status: 'registered' });
    });
  });

  it('count the holds that wait, and those whose time is over: at the instant itself too', async () => {
    const holds = (nowUtc: string) => new SqlOpenCases(model).holds({ nowUtc });
    expect(holds('2026-11-26T09:00:00.000Z')).toEqual({ open: 0, overdue: 0 });
    await happened('registration-r1', received(), certificateVerified(), faceMatched('on_hold'), held());
    await projected();
    expect(holds('2026-11-26T08:59:59.999Z')).toEqual({ open: 1, overdue: 0 });
    expect(holds('2026-11-26T09:00:00.000Z')).toEqual({ open: 1, overdue: 1 });
    await happened('registration-r1', released());
    await projected();
  });

  it('are equal to a rebuild from the first event, all of them', async () => {
    await happened('registration-r1', received(), deferred(), certificateVerified(), faceMatched('on_hold'), held());
    await happened('saga-r1', reacted([scheduled('e1'), scheduled('e2')]), {
      type: 'EffectPerformed',
      data: { effectId: 'e1', result: 'done', refusal: null },
    });
    await happened('hold-r1', opened(), opinion('o1'), opinion('o2'), resolved());
    await happened('registration-r1', released(), attempted(), submitted(), accepted());
    await happened('registration-r2', received({ requestId: 'r2', receipt: 'other' }), differed());
    await happened('registrant-s2', {
      type: 'CertificateLinked',
      data: { registrantKey: 's1', relation: 'same_card', source: 'links' },
    });
    await happened('erasure-e1', {
      type: 'ErasureAnnounced',
      data: { erasureId: 'e1', registrationIds: ['r1'], consumers: ['statistics'] },
    });
    await projected();
    for (const { name } of ALL_PROJECTIONS) {
      const { comparison } = await model.rebuild(name, { store, upcast: (event) => [upcast(event)], then: 'check' });
      expect({ name, ...comparison }).toMatchObject({ name, equal: true });
      expect(comparison?.rebuilt.rows).toBeGreaterThan(0);
    }
  });
});
