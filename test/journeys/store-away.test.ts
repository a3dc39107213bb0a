import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { BoothClient } from '../../src/booth/booth-client.js';
import { generateBoothKey } from '../../src/booth/booth-key.js';
import { OFFICER_OPINIONS, OPINION_REASONS } from '../../src/domain/hold-review/hold-review.events.js';
import { loadCardPhoto, loadDemoFace } from '../../src/sandbox/card/demo-faces.js';
import { KurrentClusterStandIn } from '../support/kurrent-stand-in.js';
import { built } from '../support/peers.js';
import { RealServer, until } from '../support/real-server.js';
import { describeUnless } from '../support/unless.js';

/** A call to the store has 5 s; what asks it twice before it knows has twice that. With room for a busy machine. */
const ANSWERED_WITHIN_MS = 40_000;
const AT_ONCE_MS = 4_000;
const USERS = ['officer-a', 'auditor', 'administrator', 'administrator-b'] as const;

interface Asked {
  readonly user: (typeof USERS)[number];
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly body?: object;
}

const CASE = randomUUID();
const EXPLAINED = { reason: 'new_site', reference: 'TEST-1' };
const KEY = generateBoothKey().publicKeySpki;

/** What changes something, or is on record before it is answered: none of it can be done without the store. */
const NEEDS_THE_STORE: readonly Asked[] = [
  {
    user: 'officer-a',
    method: 'POST',
    path: `/v1/holds/${CASE}/opinions`,
    body: { opinion: OFFICER_OPINIONS[0], reason: OPINION_REASONS[0] },
  },
  {
    user: 'officer-a',
    method: 'POST',
    path: `/v1/holds/${CASE}/resolution`,
    body: { outcome: 'released', reason: OPINION_REASONS[0] },
  },
  { user: 'officer-a', method: 'GET', path: '/v1/holds' },
  { user: 'auditor', method: 'GET', path: '/v1/cases' },
  { user: 'auditor', method: 'GET', path: '/v1/audit/lists/requests' },
  { user: 'auditor', method: 'POST', path: '/v1/audit/exports', body: { from: 0, to: 1 } },
  { user: 'auditor', method: 'POST', path: '/v1/audit/what-ifs', body: { cardMatchPointsMin: 9000 } },
  // Not allowed, which is on record too before it is said.
  { user: 'auditor', method: 'POST', path: '/v1/booths', body: {} },
  { user: 'administrator', method: 'GET', path: '/v1/booths' },
  {
    user: 'administrator',
    method: 'POST',
    path: '/v1/booths',
    body: { boothId: 'booth-away-02', publicKey: KEY, ...EXPLAINED },
  },
  {
    user: 'administrator',
    method: 'POST',
    path: '/v1/booths/booth-away-01/suspension',
    body: { reason: 'maintenance' },
  },
  { user: 'administrator', method: 'POST', path: `/v1/acts/${randomUUID()}/approval`, body: {} },
  {
    user: 'administrator',
    method: 'POST',
    path: `/v1/cases/${CASE}/end`,
    body: { reason: 'storage_failed', reference: 'TEST-1' },
  },
  { user: 'administrator', method: 'POST', path: `/v1/cases/${CASE}/effects/${'a'.repeat(8)}/resumption` },
];

/** What may be answered from rows: that there is no such case, for example. */
const MAY_BE_KNOWN: readonly Asked[] = [
  { user: 'officer-a', method: 'GET', path: `/v1/holds/${CASE}` },
  { user: 'officer-a', method: 'GET', path: `/v1/cases/${CASE}/history` },
  { user: 'officer-a', method: 'GET', path: `/v1/cases/${CASE}/images/photo?purpose=hold_review` },
  { user: 'auditor', method: 'GET', path: `/v1/audit/cases/${CASE}/state` },
  { user: 'auditor', method: 'GET', path: `/v1/audit/cases/${CASE}/explanation` },
  { user: 'administrator', method: 'GET', path: '/v1/policies' },
  { user: 'administrator', method: 'GET', path: '/v1/acts' },
];

// @fault O39
describeUnless(built('cli/main.js'), 'a server whose event store goes away', () => {
  let server: RealServer;
  let cluster: KurrentClusterStandIn;
  let booth: BoothClient;
  let count = 0;

  beforeAll(async () => {
    cluster = await KurrentClusterStandIn.start();
    server = await RealServer.beside('store-away', USERS);
    await server.start({ env: { HONNIN_EVENT_STORE: cluster.address() } });
    const key = generateBoothKey();
    await server.enrol('booth-away-01', key.publicKeySpki);
    const counter = { next: () => (count += 1) };
    booth = new BoothClient({
      baseUrl: server.url,
      boothId: 'booth-away-01',
      key,
      counter,
      attemptsMax: 1,
      wait: async () => undefined,
    });
  }, 180_000);
  afterAll(async () => {
    cluster.isFrozen = false;
    await server.close();
    await cluster.stop();
  }, 180_000);

  const register = async (): Promise<string> => {
    const card = await server.sandbox.jpki.issueCard({ faceImage: await loadCardPhoto('sample1-left-mirrored') });
    const { authenticationPin: pin, accessNumber } = card.secrets;
    const consent = { textVersion: '2026-11', keepReferenceImage: false };
    const photo = await loadDemoFace('sample1-left');
    return (await booth.register({ card: card.connect(), pin, accessNumber, photo, consent })).receipt;
  };

  /** A registration whose upload meets what is done once it has its challenge. @returns the answer to the upload */
  const uploadAfter = async (doing: () => unknown): Promise<Response> => {
    const { fetch } = globalThis;
    let answer: Response | null = null;
    globalThis.fetch = async (...asked) => {
      const given = await fetch(...asked);
      if (String(asked[0]).endsWith('/v1/challenges')) await doing();
      if (String(asked[0]).endsWith('/v1/registrations')) answer = given.clone();
      return given;
    };
    try {
      await register().catch(() => 'refused');
    } finally {
      globalThis.fetch = fetch;
    }
    if (answer === null) throw new Error('the upload was not answered');
    return answer;
  };

  interface Told {
    readonly status: number;
    readonly code: unknown;
    readonly again: string | null;
  }
  const AWAY: Told = { status: 503, code: 'outcome_unknown', again: '2' };
  const told = async (answer: Response): Promise<Told> => {
    const { code } = (await answer.json()) as { code?: unknown };
    return { status: answer.status, code, again: answer.headers.get('retry-after') };
  };
  /** @returns what is not as it should be: another answer, or a late one */
  const wrongAnswers = async (asked: readonly Asked[], withinMs: number): Promise<object[]> => {
    const answers = await Promise.all(
      asked.map(async ({ user, method, path, body }) => {
        const since = performance.now();
        const answer = await told(await server.call(user, method, path, body));
        return { what: `${method} ${path}`, ...answer, late: performance.now() - since > withinMs };
      }),
    );
    return answers.filter(({ status, again, late }) => late || status !== 503 || again === null);
  };
  const challenge = () =>
    fetch(`${server.url}/v1/challenges`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"boothId":"booth-away-01"}',
    });
  const status = () => fetch(`${server.url}/v1/registrations/7K3M-9QXD-2VTB-HW60`);

  it.each<[string, () => unknown, () => unknown, number]>([
    ['stands still', () => (cluster.isFrozen = true), () => (cluster.isFrozen = false), ANSWERED_WITHIN_MS],
    ['elects a leader', () => (cluster.isElecting = true), () => (cluster.isElecting = false), ANSWERED_WITHIN_MS],
    ['is gone', () => cluster.leadingNode.kill(), () => cluster.leadingNode.start(), AT_ONCE_MS],
  ])(
    'says 503 with the documented code and when to come back, everywhere, while it %s; then all goes on',
    async (_what, away, back, withinMs) => {
      expect((await status()).status).toBe(404);
      expect(await told(await uploadAfter(away))).toEqual(AWAY);
      for (const ask of [challenge, status]) {
        const since = performance.now();
        expect(await told(await ask())).toEqual(AWAY);
        expect(performance.now() - since).toBeLessThan(withinMs);
      }
      expect(await wrongAnswers(NEEDS_THE_STORE, withinMs)).toEqual([]);
      expect(
        (await wrongAnswers(MAY_BE_KNOWN, withinMs)).filter(
          (wrong) => !('status' in wrong) || Number(wrong.status) >= 500,
        ),
      ).toEqual([]);
      expect((await server.asOperator('/health/ready')).status).toBe(503);
      expect((await fetch(`${server.url}/health/live`)).status).toBe(200);
      await back();
      const receipt = await until('a registration', () => register().catch(() => null));
      await until('its end', async () =>
        (await server.call('auditor', 'GET', `/v1/cases?receipt=${receipt}`)).ok ? true : null,
      );
      expect(await server.caseWith(receipt, 'GovernmentAccepted')).toMatch(/^[0-9a-f-]{36}$/);
      await until('the server ready again', async () =>
        (await server.asOperator('/health/ready')).status === 200 ? true : null,
      );
    },
    300_000,
  );
});
