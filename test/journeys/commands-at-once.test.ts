import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { BoothClient } from '../../src/booth/booth-client.js';
import { generateBoothKey } from '../../src/booth/booth-key.js';
import { DurableCaptureCounter } from '../../src/booth/capture-counter.js';
import type { StoredEvent } from '../../src/domain/event-envelope.js';
import { SqliteEventStore } from '../../src/infrastructure/event-store/sqlite/sqlite-event-store.js';
import { DEMO_STORIES, loadCardPhoto, loadDemoFace } from '../../src/sandbox/card/demo-faces.js';
import { filesUnder, RealServer, until } from '../support/real-server.js';

const BOOTH = 'booth-commands-01';
const ANOTHER_REQUEST = '0d1e2f30-aaaa-8bbb-9ccc-0123456789ad';
/** An effect that fails once waits for an operator. */
const RETRY = { firstDelaySeconds: 1, delaySecondsMax: 1, attemptsMax: 1 };

interface Command {
  readonly path: string;
  readonly body?: object;
}
interface Kind {
  readonly user: string;
  /** Either of them could be carried out, and only one of them is. */
  readonly one: Command;
  readonly other: Command;
  /** What is stored of whichever it is. */
  readonly event: string;
  /** What follows from it at once. */
  readonly also?: readonly string[];
}

interface Answered {
  readonly status: number;
  readonly body: string;
  readonly code: string | null;
}

/** Over HTTP, by people who are signed in, against one real process. @req R4 R15 R21 */
describe('commands of people that come at once under one Idempotency-Key to a real server', () => {
  let server: RealServer;
  let booth: BoothClient;
  let counted = 0;
  const held = { cardMatchPointsMin: 10_000, referralPointsMin: 1, holdInReferralBand: true, retry: RETRY };

  beforeAll(async () => {
    server = await RealServer.beside('commands', [
      'auditor',
      'administrator',
      'administrator-b',
      'officer-a',
      'officer-b',
    ]);
    await server.start();
    const key = generateBoothKey();
    await server.enrol(BOOTH, key.publicKeySpki);
    booth = new BoothClient({
      baseUrl: server.url,
      boothId: BOOTH,
      key,
      counter: new DurableCaptureCounter(server.at('booth')),
    });
  }, 120_000);
  afterAll(() => server.close(), 60_000);

  async function stored(): Promise<readonly StoredEvent[]> {
    const store = SqliteEventStore.open({ file: join(server.data, 'events.db'), mode: 'read' });
    const all: StoredEvent[] = [];
    for (let after: Awaited<ReturnType<typeof store.head>> = null; ;) {
      const { events, position, caughtUp } = await store.readAll(after, { limit: 1_000 });
      all.push(...events);
      if (caughtUp) break;
      after = position;
    }
    await store.close();
    return all;
  }

  /** What people did, by type, that was not there before. */
  async function since(before: readonly StoredEvent[]): Promise<readonly string[]> {
    const known = new Set(before.map(({ id }) => id));
    const ofPeople = (await stored()).filter(
      ({ id, metadata }) => !known.has(id) && metadata.actor.startsWith('officer:'),
    );
    return ofPeople.map(({ type }) => type).sort();
  }

  const ask = async (user: string, { path, body }: Command, key: string): Promise<Answered> => {
    const answer = await server.call(user, 'POST', path, body, { key });
    const text = await answer.text();
    const isProblem = answer.headers.get('content-type')?.startsWith('application/problem+json') === true;
    return { status: answer.status, body: text, code: isProblem ? (JSON.parse(text) as { code: string }).code : null };
  };

  /** Three times the one and twice the other, at once: one of them is carried out, once, and answered alike to all who
   *  asked for it. */
  async function atOnce({ user, one, other, event, also = [] }: Kind): Promise<Answered> {
    const key = `at-once-${(counted += 1)}`;
    const before = await stored();
    const asked = [one, other, one, other, one];
    const answers = await Promise.all(asked.map((command) => ask(user, command, key)));
    const done = answers
      .map(({ status }, i) => ({ status, command: asked[i] as Command }))
      .filter(({ status }) => status < 300);
    const won = done[0]?.command;
    const wanted = asked.map((command) => (command === won ? `${done[0]?.status} null` : '409 idempotency_key_reused'));
    expect([event, answers.map(({ status, code }) => `${status} ${code}`)]).toEqual([event, wanted]);
    expect(new Set(answers.filter((_, i) => asked[i] === won).map(({ body }) => body)).size).toBe(1);
    const events = ['CommandClaimed', event, ...also].sort();
    expect([event, await since(before)]).toEqual([event, events]);
    // Later too; and whoever had lost finds the key another's.
    const [again, lost] = [await ask(user, won as Command, key), await ask(user, won === one ? other : one, key)];
    expect([again.status, again.body]).toEqual([done[0]?.status, answers[asked.indexOf(won as Command)]?.body]);
    expect(lost).toMatchObject({ status: 409, code: 'idempotency_key_reused' });
    expect(await since(before)).toEqual(events);
    return again;
  }

  /** Proposed by one administrator, approved by the other: either step at once. */
  async function byTwo({
    one,
    other,
    also,
  }: Pick<Kind, 'one' | 'other'> & { readonly also: readonly string[] }): Promise<void> {
    const { body } = await atOnce({ user: 'administrator', one, other, event: 'ActProposed' });
    const path = `/v1/acts/${(JSON.parse(body) as { actId: string }).actId}/approval`;
    const [approval, another] = [{ path }, { path, body: { more: 1 } }];
    const answer = await atOnce({ user: 'administrator-b', one: approval, other: another, event: 'ActApproved', also });
    expect(JSON.parse(answer.body)).toMatchObject({ stage: 'carried_out', refusal: null });
  }

  const heldCase = async (): Promise<string> => {
    const card = await server.sandbox.jpki.issueCard({ faceImage: await loadCardPhoto(DEMO_STORIES.samePerson.card) });
    const { authenticationPin: pin, accessNumber } = card.secrets;
    const photo = await loadDemoFace(DEMO_STORIES.samePerson.captured);
    const consent = { textVersion: '2026-11', keepReferenceImage: true };
    const { receipt } = await booth.register({ card: card.connect(), pin, accessNumber, photo, consent });
    return server.caseWith(receipt, 'HoldOpened');
  };
  const stuckEffectOf = (requestId: string) =>
    until('a step that waits for an operator', async () => {
      const wished = (await stored()).filter(
        ({ type, metadata }) => type === 'SagaReacted' && metadata.correlationId === requestId,
      );
      const effects = wished.flatMap(
        ({ data }) => data['effects'] as unknown as { effectId: string; stuck: string | null }[],
      );
      return effects.find(({ stuck }) => stuck !== null)?.effectId ?? null;
    });

  it('policies: proposed, approved and activated once', async () => {
    const { versions } = (await (await server.call('auditor', 'GET', '/v1/policies')).json()) as {
      versions: { values: object }[];
    };
    const values = { ...versions[0]?.values, ...held };
    const policy = (holdMarginPoints: number): Command => ({
      path: '/v1/policies',
      body: { ...values, holdMarginPoints },
    });
    await atOnce({ user: 'administrator', one: policy(1_501), other: policy(1_502), event: 'PolicyProposed' });
    await atOnce({ user: 'administrator', one: policy(1_503), other: policy(1_504), event: 'PolicyProposed' });
    const step = (version: number, name: string): Command => ({ path: `/v1/policies/${version}/${name}` });
    await atOnce({
      user: 'administrator-b',
      one: step(2, 'approval'),
      other: step(3, 'approval'),
      event: 'PolicyApproved',
    });
    for (const version of [2, 3]) await server.call('administrator-b', 'POST', `/v1/policies/${version}/approval`);
    await atOnce({
      user: 'administrator-b',
      one: step(2, 'activation'),
      other: step(3, 'activation'),
      event: 'PolicyActivated',
    });
  }, 60_000);

  it('booths: enrolled, given a new key, suspended and taken back once, each by two people', async () => {
    const [first, second, third] = [generateBoothKey(), generateBoothKey(), generateBoothKey()];
    const booths = '/v1/booths';
    const enrolment = (boothId: string): Command => ({
      path: booths,
      body: { boothId, publicKey: first.publicKeySpki, reason: 'new_site', reference: 'WO-1' },
    });
    await byTwo({
      one: enrolment('booth-commands-02'),
      other: enrolment('booth-commands-03'),
      also: ['BoothEnrolled'],
    });
    const known = (await stored()).findLast(({ type }) => type === 'BoothEnrolled')?.data['boothId'] as string;
    const key = (publicKey: string): Command => ({
      path: `${booths}/${known}/keys`,
      body: { publicKey, reason: 'scheduled', reference: 'WO-2' },
    });
    await byTwo({ one: key(second.publicKeySpki), other: key(third.publicKeySpki), also: ['BoothKeyRotated'] });
    const suspension = (reason: string): Command => ({ path: `${booths}/${known}/suspension`, body: { reason } });
    await atOnce({
      user: 'administrator',
      one: suspension('maintenance'),
      other: suspension('lost'),
      event: 'BoothSuspended',
    });
    const resumption = (reference: string): Command => ({
      path: `${booths}/${known}/resumption`,
      body: { reason: 'maintenance_done', reference },
    });
    await byTwo({ one: resumption('WO-3'), other: resumption('WO-4'), also: ['BoothResumed'] });
  }, 90_000);

  it('a proposal that is declined', async () => {
    const proposed = async (boothId: string): Promise<Command> => {
      const body = { boothId, publicKey: generateBoothKey().publicKeySpki, reason: 'trial', reference: 'WO-5' };
      const answer = await ask('administrator', { path: '/v1/booths', body }, boothId);
      return { path: `/v1/acts/${(JSON.parse(answer.body) as { actId: string }).actId}/refusal` };
    };
    const [one, other] = [await proposed('booth-commands-04'), await proposed('booth-commands-05')];
    await atOnce({ user: 'administrator-b', one, other, event: 'ActDeclined' });
  }, 60_000);

  it('opinions, a resolution, a step that is tried again, an erasure, an export', async () => {
    const requestId = await heldCase();
    const opinion = (reason: string): Command => ({
      path: `/v1/holds/${requestId}/opinions`,
      body: { opinion: 'release', reason },
    });
    await atOnce({
      user: 'officer-a',
      one: opinion('same_person'),
      other: opinion('checked_in_person'),
      event: 'OpinionGiven',
    });
    expect((await ask('officer-b', opinion('same_person'), 'b')).status).toBe(200);
    server.sandbox.government.faults.always('http500_before_storing');
    const resolution = (reason: string): Command => ({
      path: `/v1/holds/${requestId}/resolution`,
      body: { outcome: 'released', reason },
    });
    await atOnce({
      user: 'officer-b',
      one: resolution('same_person'),
      other: resolution('checked_in_person'),
      event: 'HoldResolved',
    });

    const effectId = await stuckEffectOf(requestId);
    server.sandbox.government.faults.always('none');
    const resumption = (of: string): Command => ({
      path: `/v1/cases/${of}/effects/${encodeURIComponent(effectId)}/resumption`,
    });
    await atOnce({
      user: 'administrator',
      one: resumption(requestId),
      other: { ...resumption(requestId), body: { more: 1 } },
      event: 'EffectResumed',
    });
    await server.historyHas(requestId, 'FaceImageConfirmed');
    expect(server.sandbox.government.submissions).toHaveLength(1);

    const exported = (from: number): Command => ({ path: '/v1/audit/exports', body: { from, to: 3 } });
    await server.signedLog();
    await atOnce({ user: 'auditor', one: exported(0), other: exported(1), event: 'AuditExported' });
    const erasure = (rule: string): Command => ({
      path: '/v1/audit/erasures',
      body: { requestId, rule, reference: 'R-1' },
    });
    await byTwo({
      one: erasure('request_of_the_person'),
      other: erasure('consent_withdrawn'),
      also: ['RegistrantErased'],
    });
  }, 240_000);

  it('the end of a case that cannot go on', async () => {
    server.sandbox.government.faults.always('http500_before_storing');
    const requestId = await heldCase();
    const [opinion, resolution] = [
      { opinion: 'release', reason: 'same_person' },
      { outcome: 'released', reason: 'same_person' },
    ];
    const hold = `/v1/holds/${requestId}`;
    for (const user of ['officer-a', 'officer-b'])
      expect((await server.call(user, 'POST', `${hold}/opinions`, opinion)).status).toBe(200);
    expect((await server.call('officer-b', 'POST', `${hold}/resolution`, resolution)).status).toBe(200);
    await stuckEffectOf(requestId);
    const end = (reference: string): Command => ({
      path: `/v1/cases/${requestId}/end`,
      body: { reason: 'outside_service_gone', reference },
    });
    await atOnce({ user: 'administrator', one: end('INC-1'), other: end('INC-2'), event: 'RequestEndedByOperator' });
    server.sandbox.government.faults.always('none');
  }, 120_000);

  it('what is refused is refused alike, and its key is its own all the same', async () => {
    const unknown = (reason: string): Command => ({
      path: `/v1/holds/${ANOTHER_REQUEST}/opinions`,
      body: { opinion: 'release', reason },
    });
    const [one, other] = [unknown('same_person'), unknown('checked_in_person')];
    const before = await stored();
    const answers = await Promise.all([one, one, other, one].map((command) => ask('officer-a', command, 'refused')));
    const codes = answers.map(({ code }) => code);
    expect([
      ['not_found', 'not_found', 'idempotency_key_reused', 'not_found'],
      ['idempotency_key_reused', 'idempotency_key_reused', 'not_found', 'idempotency_key_reused'],
    ]).toContainEqual(codes);
    expect(await since(before)).toEqual(['CommandClaimed']);
  }, 60_000);

  it('photo checks own nothing and leave nothing: the same at once is answered alike', async () => {
    const photo = await loadDemoFace(DEMO_STORIES.samePerson.captured);
    const challenge = await booth.challenge();
    const [before, sealed] = [await stored(), filesUnder(join(server.data, 'vault', 'sealed')).length];
    const answers = await Promise.all([1, 2, 3].map(() => booth.checkPhoto(photo, challenge)));
    expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
    expect(answers[0]).toMatchObject({ usable: true });
    expect((await stored()).length).toBe(before.length);
    expect(filesUnder(join(server.data, 'vault', 'sealed'))).toHaveLength(sealed);
  }, 120_000);
});
