import { randomUUID } from 'node:crypto';
import { lstatSync, mkdirSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { BoothClient } from '../../src/booth/booth-client.js';
import { generateBoothKey } from '../../src/booth/booth-key.js';
import { DurableCaptureCounter } from '../../src/booth/capture-counter.js';
import type { JsonObject } from '../../src/domain/event-envelope.js';
import { currentVersion, EVENT_REGISTRY } from '../../src/domain/event-registry.js';
import { SqliteEventStore } from '../../src/infrastructure/event-store/sqlite/sqlite-event-store.js';
import { DEMO_STORIES, loadCardPhoto, loadDemoFace } from '../../src/sandbox/card/demo-faces.js';
import { RealServer, until } from '../support/real-server.js';

interface Waiting {
  readonly eventId: string;
  readonly type: string;
  readonly error?: string;
}
interface Consumer {
  readonly consumer: string;
  readonly state: string;
  readonly stoppedAt: Waiting | null;
  readonly parked: readonly Waiting[];
}
interface Ready {
  readonly status: number;
  readonly body: { readonly status: string; readonly parts: Record<string, { ok: boolean; detail: string }> };
}

const SKIP = { reason: 'fault_of_this_program', reference: 'INC-7' };

/** Events that parts of the server cannot take, in a real log of a real server. @fault O23 @req R23 */
describe('an event that cannot be handled', () => {
  let server: RealServer;
  /** Something that takes what is written and cannot be synced to a disk: no erasure can be noted, and none is
   *  carried out. (A disk that is away or full would be waited for.) */
  const inTheWay = () => join(server.at('elsewhere'), 'erased');
  const start = () => server.start({ env: { HONNIN_ERASED_FILE: inTheWay() } });

  beforeAll(async () => {
    server = await RealServer.beside('poison', ['auditor', 'administrator', 'administrator-b', 'officer-a']);
    mkdirSync(server.at('elsewhere'));
    await start();
    await server.end();
    symlinkSync('/dev/null', inTheWay());
  }, 180_000);
  afterAll(() => server.close(), 180_000);

  const consumer = async (name: string): Promise<Consumer> => {
    const answer = (await (await server.call('auditor', 'GET', '/v1/consumers')).json()) as { consumers: Consumer[] };
    return answer.consumers.find((each) => each.consumer === name) as Consumer;
  };
  const consumerThat = (name: string, is: (found: Consumer) => boolean): Promise<Consumer> =>
    until(name, async () => ((found) => (is(found) ? found : null))(await consumer(name)));
  const ready = async (): Promise<Ready> => {
    const answer = await server.asOperator('/health/ready');
    return { status: answer.status, body: (await answer.json()) as Ready['body'] };
  };
  const readyThat = (is: (found: Ready) => boolean): Promise<Ready> =>
    until('readiness', async () => ((found) => (is(found) ? found : null))(await ready()));
  const code = async (answer: Response): Promise<unknown> => [
    answer.status,
    ((await answer.json()) as { code?: string }).code,
  ];

  /** As a fault of some program would have written them. */
  async function append(stream: string, events: readonly (readonly [string, JsonObject])[]): Promise<string[]> {
    const store = SqliteEventStore.open({ file: join(server.data, 'events.db') });
    try {
      const made = events.map(([type, data]) => ({
        id: randomUUID(),
        type,
        schemaVersion: Object.hasOwn(EVENT_REGISTRY, type) ? currentVersion(type) : 1,
        data,
        metadata: {
          actor: 'system:test',
          correlationId: stream.slice(stream.indexOf('-') + 1),
          causationId: stream,
          recordedAtUtc: new Date().toISOString(),
          policyVersion: 1,
        },
      }));
      expect(await store.append(stream, made, 'no_stream')).toMatchObject({ outcome: 'appended' });
      return made.map(({ id }) => id);
    } finally {
      await store.close();
    }
  }

  it('stops one part or one case, says so, and is resumed, replayed, or skipped by two people', async () => {
    const refused = { reason: 'revoked', cardRecordReason: null, evidence: null, verifier: { id: 'v', version: '1' } };
    const [parkedId] = await append(`registration-${randomUUID()}`, [
      ['CertificateRejected', { ...refused, sealedEvidenceId: 'e', sealedEvidenceSha256: null }],
    ]);
    const verified = ['CertificateVerified', { subjectKey: 'nobody', erasedBefore: false }] as const;
    const [, stoppedId] = await append(`registration-${randomUUID()}`, [verified, verified]);
    await append('tomorrow-1', [['SomethingOfTomorrow', { a: 1 }]]);
    await start();

    // The read model stands still before it, and nothing that reads the log for cases does.
    const stopped = await consumerThat('registrant-registrations', ({ state }) => state === 'stopped');
    expect(stopped.stoppedAt).toMatchObject({ eventId: stoppedId, type: 'CertificateVerified' });
    const parked = await consumerThat('evidence-retention', (found) => found.parked.length > 0);
    expect(parked.parked).toMatchObject([
      { eventId: parkedId, type: 'CertificateRejected', error: expect.stringMatching(/got no retention/) },
    ]);
    const not = await readyThat(({ status, body }) => status === 503 && body.parts['unknown-events']?.ok === false);
    expect(not.body.parts).toMatchObject({
      'registrant-registrations': { ok: false, detail: expect.stringMatching(/^stopped/) },
      parked: { ok: false, detail: expect.stringMatching(/1 of evidence-retention/) },
      'unknown-events': { ok: false, detail: expect.stringMatching(/SomethingOfTomorrow\/1/) },
      'evidence-retention': { ok: true },
    });
    const listed = server.asUser('auditor', 'consumers', 'list');
    expect([listed.status, listed.stdout]).toEqual([
      1,
      expect.stringContaining(`STOPPED before ${stoppedId} (CertificateVerified`),
    ]);
    expect(listed.stdout).toContain(`parked ${parkedId} (CertificateRejected`);

    // Who resumes it without having mended anything finds it where it was.
    const resumed = server.asUser('administrator', 'consumers', 'resume', 'registrant-registrations');
    expect([resumed.status, resumed.stderr]).toEqual([0, '']);
    await consumerThat('registrant-registrations', ({ state }) => state !== 'stopped');
    await consumerThat('registrant-registrations', ({ state }) => state === 'stopped');

    // One person does not skip anything; two do.
    const skipOf = (name: string, eventId: unknown) =>
      server.call('administrator', 'POST', `/v1/consumers/${name}/skips`, { eventId, ...SKIP });
    expect(await code(await skipOf('audit-log', stoppedId))).toEqual([409, 'event_not_skippable']);
    expect(await code(await skipOf('registrant-registrations', parkedId))).toEqual([409, 'event_not_waiting']);
    expect(await code(await skipOf('nobody', stoppedId))).toEqual([404, 'consumer_unknown']);
    expect((await server.call('officer-a', 'GET', '/v1/consumers')).status).toBe(403);
    const proposed = await skipOf('registrant-registrations', stoppedId);
    const { actId, stage } = (await proposed.json()) as { actId: string; stage: string };
    expect([proposed.status, stage]).toEqual([202, 'proposed']);
    expect(await code(await server.call('administrator', 'POST', `/v1/acts/${actId}/approval`, {}))).toEqual([
      403,
      'act_own_proposal',
    ]);
    expect((await consumer('registrant-registrations')).state).toBe('stopped');
    const approved = server.asUser('administrator-b', 'consumers', 'approve', actId);
    expect([approved.status, approved.stdout]).toEqual([0, `${actId}: carried_out\n`]);
    await consumerThat('registrant-registrations', ({ state }) => state === 'live');
    expect(await readyThat(({ status }) => status === 200)).toMatchObject({ body: { status: 'degraded' } });

    // What is parked still cannot be handled, and stays; two people let it be.
    const replay = { eventId: parkedId };
    expect(
      await code(await server.call('administrator', 'POST', '/v1/consumers/evidence-retention/replays', replay)),
    ).toEqual([409, 'replay_failed']);
    expect((await consumer('evidence-retention')).parked).toHaveLength(1);
    await server.twoPeople('/v1/consumers/evidence-retention/skips', { eventId: parkedId, ...SKIP });
    expect((await consumer('evidence-retention')).parked).toEqual([]);
    expect(
      await code(await server.call('administrator', 'POST', '/v1/consumers/evidence-retention/replays', replay)),
    ).toEqual([409, 'event_not_waiting']);

    // Others have gone on: a person registers as ever.
    const key = generateBoothKey();
    await server.enrol('booth-poison', key.publicKeySpki);
    const booth = new BoothClient({
      baseUrl: server.url,
      boothId: 'booth-poison',
      key,
      counter: new DurableCaptureCounter(server.at('booth')),
    });
    const card = await server.sandbox.jpki.issueCard({ faceImage: await loadCardPhoto(DEMO_STORIES.samePerson.card) });
    const { receipt } = await booth.register({
      card: card.connect(),
      pin: card.secrets.authenticationPin,
      accessNumber: card.secrets.accessNumber,
      photo: await loadDemoFace(DEMO_STORIES.samePerson.captured),
      consent: { textVersion: '2026-11', keepReferenceImage: true },
    });
    const requestId = await server.caseWith(receipt, 'FaceImageConfirmed');
    const keys = [...server.keysOf('registrant').keys()].filter((owner) => owner !== 'registrant:nobody');

    // An erasure that cannot be carried out waits by itself, over a restart too, until what is in its way is gone.
    await server.twoPeople('/v1/audit/erasures', { requestId, rule: 'request_of_the_person' });
    const waiting = await consumerThat('registrant-erasure', (found) => found.parked.length > 0);
    await server.end();
    await start();
    await consumerThat('registrant-erasure', (found) => found.state === 'live' && found.parked.length > 0);
    expect((await readyThat(({ status }) => status === 200)).body.parts['parked']?.detail).toMatch(
      /1 of registrant-erasure/,
    );
    expect([...server.keysOf('registrant').keys()]).toEqual(expect.arrayContaining(keys));
    rmSync(inTheWay());
    const erasureId = waiting.parked[0]?.eventId as string;
    const replayed = server.asUser('administrator', 'consumers', 'replay', 'registrant-erasure', erasureId);
    expect([replayed.status, replayed.stdout, replayed.stderr]).toEqual([0, '1 events were handled\n', '']);
    for (const owner of keys) expect(server.keysOf('registrant').has(owner)).toBe(false);
    expect(lstatSync(inTheWay()).isFile()).toBe(true);
    expect(server.asUser('auditor', 'consumers', 'list').status).toBe(0);
    expect((await ready()).body.parts['parked']?.ok).toBe(true);

    // All of it is on record.
    const told = server.storedTexts().filter((text) => text.startsWith('consumer-'));
    const of = (name: string, type: string) =>
      told.filter((text) => text.startsWith(`consumer-${name} ${type} `)).length;
    expect([
      of('registrant-registrations', 'ConsumerStopped'),
      of('registrant-registrations', 'ConsumerResumed'),
      of('registrant-registrations', 'EventSkipped'),
      of('evidence-retention', 'EventParked'),
      of('evidence-retention', 'ParkedReplayed'),
      of('evidence-retention', 'EventSkipped'),
      of('registrant-erasure', 'EventParked'),
      of('registrant-erasure', 'ParkedReplayed'),
      of('unknown-events', 'UnknownEventMet'),
    ]).toEqual([1, 1, 1, 1, 1, 1, 1, 1, 1]);
    expect(server.storedTexts().some((text) => text.includes('RecordsViewed') && text.includes('parked_events'))).toBe(
      true,
    );
  }, 300_000);
});
