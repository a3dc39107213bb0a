import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { LightMyRequestResponse } from 'fastify';
import { holdReviews } from '../../src/application/decisions/aggregates.js';
import { DecideAndAppend } from '../../src/application/decisions/decide-and-append.js';
import { Clock } from '../../src/application/ports/store/clock.js';
import { DEFAULT_POLICY } from '../../src/domain/policy/policy.js';
import { ApiServer, NOW } from './support/api-server.js';
import { newBooth } from './support/booth.js';
import { TokenIssuer } from './support/token-issuer.js';

interface Kind {
  readonly name: string;
  readonly role: string;
  readonly url: string;
  readonly bodies: readonly [object, object];
  /** Type of the event that tells that it was carried out. */
  readonly event: string;
}

const HOLD = '0d1e2f30-aaaa-8bbb-9ccc-0123456789ad';
const RESOLVED = '0d1e2f30-aaaa-8bbb-9ccc-0123456789ae';
const [one, other] = [newBooth('booth-0201'), newBooth('booth-0202')];

const WHY = { reason: 'new_site', reference: 'WO-1' };

const KINDS: readonly Kind[] = [
  {
    name: 'an opinion',
    role: 'officer',
    url: `/v1/holds/${HOLD}/opinions`,
    event: 'OpinionGiven',
    bodies: [
      { opinion: 'release', reason: 'same_person' },
      { opinion: 'reject', reason: 'different_person' },
    ],
  },
  {
    name: 'a resolution',
    role: 'officer',
    url: `/v1/holds/${RESOLVED}/resolution`,
    event: 'HoldResolved',
    bodies: [
      { outcome: 'released', reason: 'same_person' },
      { outcome: 'released', reason: 'checked_in_person' },
    ],
  },
  {
    name: 'a policy',
    role: 'administrator',
    url: '/v1/policies',
    event: 'PolicyProposed',
    bodies: [
      { ...DEFAULT_POLICY, holdMarginPoints: 1_501 },
      { ...DEFAULT_POLICY, holdMarginPoints: 1_502 },
    ],
  },
  {
    name: 'a booth',
    role: 'administrator',
    url: '/v1/booths',
    event: 'ActProposed',
    bodies: [
      { boothId: one.boothId, publicKey: one.publicKey, ...WHY },
      { boothId: other.boothId, publicKey: other.publicKey, ...WHY },
    ],
  },
  {
    name: 'an export',
    role: 'auditor',
    url: '/v1/audit/exports',
    event: 'AuditExported',
    bodies: [{ from: 0 }, { from: 1 }],
  },
];

/** @req R4 R15 */
describe('commands of signed-in people that come at once under one Idempotency-Key', () => {
  let issuer: TokenIssuer;
  let api: ApiServer;

  beforeAll(async () => {
    issuer = await TokenIssuer.start();
    api = await ApiServer.start({
      oidc: { issuer: issuer.issuer, audience: issuer.audience, jwksUri: null, rolesClaim: 'roles' },
    });
    // Each look at the clock is another instant, as it is for requests that really come at once.
    let looks = 0;
    api.app.get(Clock, { strict: false }).nowUtc = () => new Date(Date.parse(NOW) + (looks += 1)).toISOString();
    for (const id of [HOLD, RESOLVED])
      await review(id, {
        type: 'OpenHold',
        requestId: id,
        reason: 'registered_gap',
        dueAtUtc: '2026-11-26T08:05:00.000Z',
      });
    for (const officer of ['o2', 'o3'])
      await review(RESOLVED, { type: 'GiveOpinion', officer, opinion: 'release', reason: 'same_person' });
  });
  afterAll(async () => {
    await api.close();
    await issuer.close();
  });

  const review = (id: string, command: Parameters<typeof holdReviews.decider.decide>[1]) => {
    const commandId = `${id}-${JSON.stringify(command)}`;
    return api.app
      .get(DecideAndAppend, { strict: false })
      .execute(holdReviews, id, command, {
        commandId,
        actor: 'system:test',
        correlationId: id,
        causationId: id,
        policyVersion: 1,
      });
  };
  const send = async ({ role, url }: Kind, key: string, body: object): Promise<LightMyRequestResponse> => {
    const headers = {
      authorization: `Bearer ${await issuer.token({ sub: `p-${role}`, roles: [role] })}`,
      'idempotency-key': key,
    };
    return api.inject({ method: 'POST', url, headers, payload: body });
  };
  const carriedOut = async ({ event }: Kind) =>
    (await api.events()).filter(({ type, metadata }) => type === event && metadata.actor.startsWith('officer:p-'))
      .length;

  it.each(KINDS)('get one answer and have one effect: $name, three times the same and two others', async (kind) => {
    await api.caughtUp();
    const before = await carriedOut(kind);
    const [mine, another] = kind.bodies;
    const answers = await Promise.all([mine, another, mine, another, mine].map((body) => send(kind, kind.event, body)));
    const [first, second] = [
      [0, 2, 4],
      [1, 3],
    ].map((places) => places.map((i) => answers[i] as LightMyRequestResponse)) as [
      LightMyRequestResponse[],
      LightMyRequestResponse[],
    ];
    const [won, lost] = (first[0] as LightMyRequestResponse).statusCode < 300 ? [first, second] : [second, first];
    expect(won.map(({ statusCode, body }) => (statusCode < 300 ? 'done' : body))).toEqual(won.map(() => 'done'));
    expect(new Set(won.map(({ body }) => body)).size).toBe(1);
    expect(lost.map((answer) => answer.json<{ code: string }>().code)).toEqual(
      lost.map(() => 'idempotency_key_reused'),
    );
    expect(await carriedOut(kind)).toBe(before + 1);
    // Later, too, and whatever has happened since.
    const later = await send(kind, kind.event, won === first ? mine : another);
    expect([later.statusCode, later.body]).toEqual([won[0]?.statusCode, won[0]?.body]);
    expect(await carriedOut(kind)).toBe(before + 1);
  });

  it('own their key also when they are refused: the same may come again, another one may not', async () => {
    const kind = KINDS[1] as Kind;
    const unknown = { ...kind, url: `/v1/holds/0d1e2f30-aaaa-8bbb-9ccc-0123456789af/resolution` };
    const codes = async (bodies: readonly object[]) =>
      (await Promise.all(bodies.map((body) => send(unknown, 'refused', body)))).map(
        (answer) => answer.json<{ code: string }>().code,
      );
    expect(await codes([kind.bodies[0], kind.bodies[0], kind.bodies[0]])).toEqual([
      'not_found',
      'not_found',
      'not_found',
    ]);
    expect(await codes([kind.bodies[1], kind.bodies[0]])).toEqual(['idempotency_key_reused', 'not_found']);
  });

  it('own their key for one address: the same body elsewhere is another command', async () => {
    const [opinion] = KINDS as [Kind];
    const elsewhere = { ...opinion, url: `/v1/holds/${RESOLVED}/opinions` };
    expect((await send(elsewhere, opinion.event, opinion.bodies[0])).json()).toMatchObject({
      code: 'idempotency_key_reused',
      status: 409,
    });
  });

  it('keep nothing of key and person in clear in their claims', async () => {
    const claims = (await api.events()).filter(({ type }) => type === 'CommandClaimed');
    expect(claims.length).toBeGreaterThan(KINDS.length);
    for (const { data, stream } of claims)
      expect(`${JSON.stringify(data)} ${stream}`).toMatch(/^\{"commandDigest":"[0-9a-f]{64}"\} command-[0-9a-f-]{36}$/);
  });
});
