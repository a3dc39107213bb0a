import { generateKeyPairSync } from 'node:crypto';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { booths, dualActs } from '../../src/application/decisions/aggregates.js';
import { DualActs } from '../../src/application/dual-acts.js';
import { DecideAndAppend } from '../../src/application/decisions/decide-and-append.js';
import { DualActRunner } from '../../src/application/saga/dual-act-runner.js';
import { DEFAULT_POLICY } from '../../src/domain/policy/policy.js';
import { ReadModelDatabase } from '../../src/infrastructure/read-model/read-model-database.js';
import { SqlitePositionStore } from '../../src/infrastructure/read-model/sqlite-position-store.js';
import { ApiServer, NOW } from './support/api-server.js';
import { newBooth } from './support/booth.js';
import { TokenIssuer } from './support/token-issuer.js';

interface Told {
  readonly actId: string;
  readonly stage: string;
  readonly code?: string;
  readonly notBeforeUtc: string | null;
  readonly refusal: string | null;
}

let issuer: TokenIssuer;
let api: ApiServer;
let count = 0;

const post = async (sub: string, url: string, payload?: object, headers: Record<string, string> = {}) => {
  const authorization = `Bearer ${await issuer.token({ sub, roles: ['administrator'] })}`;
  return api.inject({ method: 'POST', url, headers: { authorization, ...headers }, ...(payload && { payload }) });
};
const told = async (...args: Parameters<typeof post>): Promise<Told> => (await post(...args)).json<Told>();
const enrolment = (boothId = `booth-act-${(count += 1)}`) => {
  const { publicKey } = newBooth(boothId);
  return { boothId, publicKey, reason: 'new_site', reference: 'WO-1' };
};
const stateOf = async (actId: string) =>
  (await api.app.get(DecideAndAppend, { strict: false }).load(dualActs, actId)).state;
const boothOf = async (boothId: string) =>
  (await api.app.get(DecideAndAppend, { strict: false }).load(booths, boothId)).state.stage;

beforeAll(async () => {
  issuer = await TokenIssuer.start();
});
afterAll(() => issuer.close());

const start = (waitMinutes: number) => async () => {
  const settings = { oidc: { issuer: issuer.issuer, audience: issuer.audience, jwksUri: null, rolesClaim: 'roles' } };
  api = await ApiServer.start(settings, { policy: { ...DEFAULT_POLICY, dualControlWaitMinutes: waitMinutes } });
};

// @fault D1
describe('an act of two people without a waiting time', () => {
  beforeAll(start(0));
  afterAll(() => api.close());

  it('does nothing until another person agrees, and then is done', async () => {
    const body = enrolment();
    const { actId, stage } = await told('mori', '/v1/booths', body);
    expect([stage, await boothOf(body.boothId)]).toEqual(['proposed', 'none']);
    expect(await told('mori', `/v1/acts/${actId}/approval`)).toMatchObject({ code: 'act_own_proposal' });
    expect(await told('Mori', `/v1/acts/${actId}/approval`)).toMatchObject({ code: 'act_own_proposal' });
    expect(await boothOf(body.boothId)).toBe('none');
    expect(await told('hayashi', `/v1/acts/${actId}/approval`)).toMatchObject({ stage: 'carried_out', refusal: null });
    expect(await boothOf(body.boothId)).toBe('enrolled');
  });

  it('is refused at once where it is impossible, so that nobody has to agree to it', async () => {
    const request = '0d1e2f30-aaaa-8bbb-9ccc-0123456789ad';
    expect(
      await told('mori', '/v1/audit/erasures', { requestId: request, rule: 'retention_limit', reference: 'R-1' }),
    ).toMatchObject({ code: 'not_found' });
    expect(
      await told('mori', '/v1/booths/booth-nobody/resumption', { reason: 'found_again', reference: 'R-1' }),
    ).toMatchObject({ code: 'booth_unknown' });
  });

  it('says what was in the way where it became impossible between proposal and approval', async () => {
    const body = enrolment();
    const [one, other] = [
      await told('mori', '/v1/booths', body),
      await told('ito', '/v1/booths', enrolment(body.boothId)),
    ];
    await told('hayashi', `/v1/acts/${one.actId}/approval`);
    expect(await told('hayashi', `/v1/acts/${other.actId}/approval`)).toMatchObject({
      stage: 'refused',
      refusal: 'booth_exists',
    });
  });

  it('is done once, however many approve and decline it at the same moment', async () => {
    for (let round = 0; round < 8; round += 1) {
      const body = enrolment();
      const { actId } = await told('mori', '/v1/booths', body);
      const answers = await Promise.all([
        told('hayashi', `/v1/acts/${actId}/approval`),
        told('ito', `/v1/acts/${actId}/approval`),
        told('mori', `/v1/acts/${actId}/refusal`),
      ]);
      const isDone = (await boothOf(body.boothId)) === 'enrolled';
      expect((await stateOf(actId)).stage).toBe(isDone ? 'carried_out' : 'declined');
      expect(answers.filter(({ code }) => code === undefined).length).toBeGreaterThan(0);
      expect(answers.filter(({ code }) => code !== undefined).every(({ code }) => code === 'act_closed')).toBe(true);
      const began = (await api.events()).filter(({ stream, type }) => stream === `act-${actId}` && type === 'ActBegun');
      expect(began).toHaveLength(isDone ? 1 : 0);
    }
  });

  it('is one proposal and one approval, whatever is sent again', async () => {
    const body = enrolment();
    const key = { 'idempotency-key': 'again' };
    const proposals = await Promise.all([1, 2, 3].map(() => post('mori', '/v1/booths', body, key)));
    expect(new Set(proposals.map((answer) => answer.body)).size).toBe(1);
    const { actId } = proposals[0]!.json<Told>();
    const approvals = await Promise.all(
      [1, 2, 3].map(() => post('hayashi', `/v1/acts/${actId}/approval`, undefined, { 'idempotency-key': 'yes' })),
    );
    expect(new Set(approvals.map((answer) => answer.statusCode))).toEqual(new Set([200]));
    expect((await post('mori', '/v1/booths', body, key)).body).toBe(proposals[0]!.body);
    const enrolled = (await api.events()).filter(({ stream }) => stream === `booth-${body.boothId}`);
    expect(enrolled.map(({ type }) => type)).toEqual(['BoothEnrolled']);
    // Offline, the approval is found behind what was done.
    const [approval] = (await api.events()).filter(
      ({ stream, type }) => stream === `act-${actId}` && type === 'ActApproved',
    );
    expect(enrolled[0]?.metadata.causationId).toBe(approval?.id);
  });
});

describe('an act of two people with a waiting time', () => {
  beforeEach(start(60));
  const runner = () => {
    const positions = new SqlitePositionStore(ReadModelDatabase.open(path.join(api.folder, 'readmodel.db')));
    return new DualActRunner(api.store, positions, api.app.get(DualActs, { strict: false }));
  };
  const later = (minutes: number) => (api.clock.now = new Date(Date.parse(NOW) + minutes * 60_000).toISOString());

  it('is carried out when its time has come, and not before', async () => {
    const [first, second] = [enrolment(), enrolment()];
    const acts = [await told('mori', '/v1/booths', first), await told('mori', '/v1/booths', second)];
    expect(await told('hayashi', `/v1/acts/${acts[0]!.actId}/approval`)).toMatchObject({
      stage: 'approved',
      notBeforeUtc: '2026-11-23T09:05:00.000Z',
    });
    later(30);
    await told('hayashi', `/v1/acts/${acts[1]!.actId}/approval`);
    const look = runner();
    expect(await look.look()).toBe(2);
    later(60);
    expect(await look.look()).toBe(1);
    expect([await boothOf(first.boothId), await boothOf(second.boothId)]).toEqual(['enrolled', 'none']);
    later(90);
    expect(await look.look()).toBe(0);
    expect(await boothOf(second.boothId)).toBe('enrolled');
    await api.close();
  });

  it('is stopped by one person in that time', async () => {
    const body = enrolment();
    const { actId } = await told('mori', '/v1/booths', body);
    await told('hayashi', `/v1/acts/${actId}/approval`);
    expect(await told('ito', `/v1/acts/${actId}/refusal`)).toMatchObject({ stage: 'declined' });
    later(120);
    expect(await runner().look()).toBe(0);
    expect(await boothOf(body.boothId)).toBe('none');
    await api.close();
  });

  it('that fails is tried again, and holds up no other', async () => {
    const [first, second] = [enrolment(), enrolment()];
    const acts = [await told('mori', '/v1/booths', first), await told('mori', '/v1/booths', second)];
    for (const { actId } of acts) await told('hayashi', `/v1/acts/${actId}/approval`);
    later(60);
    const real = api.app.get(DualActs, { strict: false });
    let fails = true;
    const failing = {
      carryOut: async (actId: string) => {
        if (fails && actId === acts[0]?.actId) throw new Error('not today');
        return real.carryOut(actId);
      },
    } as unknown as DualActs;
    const positions = new SqlitePositionStore(ReadModelDatabase.open(path.join(api.folder, 'readmodel.db')));
    const look = new DualActRunner(api.store, positions, failing);
    expect(await look.look()).toBe(1);
    expect([await boothOf(first.boothId), await boothOf(second.boothId)]).toEqual(['none', 'enrolled']);
    fails = false;
    expect(await look.look()).toBe(0);
    expect(await boothOf(first.boothId)).toBe('enrolled');
    await api.close();
  });

  it('goes on after a death between its begin and its end', async () => {
    const body = enrolment();
    const { actId } = await told('mori', '/v1/booths', body);
    await told('hayashi', `/v1/acts/${actId}/approval`);
    const context = {
      commandId: 'begin-by-hand',
      actor: 'system:dual-acts',
      correlationId: body.boothId,
      causationId: actId,
      policyVersion: null,
    };
    later(60);
    await api.app
      .get(DecideAndAppend, { strict: false })
      .execute(dualActs, actId, { type: 'BeginAct', nowUtc: api.clock.now }, context);
    expect(await boothOf(body.boothId)).toBe('none');
    expect(await runner().look()).toBe(0);
    expect([await boothOf(body.boothId), (await stateOf(actId)).stage]).toEqual(['enrolled', 'carried_out']);
    await api.close();
  });
});

// @fault O15
describe('a key that is none', () => {
  beforeAll(start(0));
  afterAll(() => api.close());

  it.each([
    ['a word', 'hello'],
    ['nothing', ''],
    ['a number', 7],
    [
      'another kind of key',
      generateKeyPairSync('x25519').publicKey.export({ type: 'spki', format: 'der' }).toString('base64'),
    ],
    ['the raw 32 bytes', Buffer.alloc(32, 1).toString('base64')],
    ['PEM', generateKeyPairSync('ed25519').publicKey.export({ type: 'spki', format: 'pem' })],
    ['a key of the wrong length', Buffer.alloc(44, 1).toString('base64')],
    ['a key with a line end', `${newBooth('b').publicKey}\n`],
  ])('is refused with what it must be and how to make one: %s', async (_what, publicKey) => {
    for (const [url, more] of [
      ['/v1/booths', { boothId: 'booth-x', reason: 'new_site' }],
      ['/v1/booths/booth-x/keys', { reason: 'scheduled' }],
    ] as const) {
      const answer = await post('mori', url, { publicKey, reference: 'WO-1', ...more });
      const { errors } = answer.json<{ errors: readonly { pointer: string; expected: string }[] }>();
      const expected = expect.stringMatching(/^must be an Ed25519 public key: .* 44 bytes .*openssl genpkey/);
      expect({ status: answer.statusCode, errors }).toEqual({
        status: 400,
        errors: [{ pointer: '/publicKey', expected }],
      });
    }
  });
});
