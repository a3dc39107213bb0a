import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { UnsecuredJWT, SignJWT } from 'jose';
import type { HTTPMethods } from 'fastify';
import { ApiServer } from './support/api-server.js';
import { TokenIssuer } from './support/token-issuer.js';

let issuer: TokenIssuer;
let api: ApiServer;

beforeAll(async () => {
  issuer = await TokenIssuer.start(['ES256', 'RS256', 'PS256', 'EdDSA', 'ES384']);
  api = await ApiServer.start({
    oidc: { issuer: issuer.issuer, audience: issuer.audience, jwksUri: null, rolesClaim: 'roles' },
  });
});
afterAll(async () => {
  await api.close();
  await issuer.close();
});

const CASE = '6f0c1d2e-3b4a-8b7e-9a64-8a3f4c0e52d1';
const holds = (token: string | null, server = api) =>
  server.inject({ method: 'GET', url: '/v1/holds', headers: token === null ? {} : { authorization: token } });
const bearer = async (...given: Parameters<TokenIssuer['token']>) => `Bearer ${await issuer.token(...given)}`;
const OFFICER = { sub: 'officer-1', roles: ['officer'] };

it('says where people sign in, to everybody', async () => {
  const answer = await api.inject({ method: 'GET', url: '/v1/sign-in' });
  expect(answer.json()).toEqual({ issuer: issuer.issuer, audience: issuer.audience });
});

describe('an access token', () => {
  it.each(['ES256', 'RS256', 'PS256', 'EdDSA'])('is believed when it is signed with %s', async (alg) => {
    expect((await holds(await bearer(OFFICER, { alg }))).statusCode).toBe(200);
  });

  it.each(['at+jwt', 'application/at+jwt', 'JWT', undefined])('may say that its type is %s', async (typ) => {
    expect((await holds(await bearer(OFFICER, { header: { typ } }))).statusCode).toBe(200);
  });

  const refused: [string, () => Promise<string | null>][] = [
    ['no token', async () => null],
    ['another scheme', async () => 'Basic b2ZmaWNlcjpwYXNz'],
    ['no JWT', async () => 'Bearer abc'],
    ['two tokens', async () => `${await bearer(OFFICER)} ${await issuer.token(OFFICER)}`],
    ['an expired one', async () => bearer(OFFICER, { expiresIn: '-5m' })],
    ['one of another issuer', async () => bearer(OFFICER, { issuer: 'https://elsewhere.example' })],
    ['one for another audience', async () => bearer(OFFICER, { audience: 'other' })],
    ['an algorithm that is not allowed', async () => bearer(OFFICER, { alg: 'ES384' })],
    ['an unknown key', async () => bearer(OFFICER, { header: { kid: 'other' } })],
    ['another kind of token', async () => bearer(OFFICER, { header: { typ: 'logout+jwt' } })],
    ['no subject', async () => bearer({ roles: ['officer'] })],
    ['a subject with a space', async () => bearer({ ...OFFICER, sub: 'a b' })],
    // @fault O29
    ['a subject that is no person', async () => bearer({ ...OFFICER, sub: 'System:saga' })],
    ['a subject that is a booth', async () => bearer({ ...OFFICER, sub: 'booth:0001' })],
    ['a subject that looks like a My Number', async () => bearer({ ...OFFICER, sub: '123456789018' })],
    ['one that is too long', async () => bearer({ ...OFFICER, padding: 'x'.repeat(9_000) })],
    [
      'an unsigned one',
      async () =>
        `Bearer ${new UnsecuredJWT(OFFICER).setIssuer(issuer.issuer).setAudience(issuer.audience).setExpirationTime('5m').encode()}`,
    ],
    [
      'one signed with a shared secret',
      async () =>
        `Bearer ${await new SignJWT(OFFICER).setProtectedHeader({ alg: 'HS256' }).setIssuer(issuer.issuer).setAudience(issuer.audience).setExpirationTime('5m').sign(Buffer.alloc(32, 1))}`,
    ],
    [
      'a changed one',
      async () => {
        const [h, p, s] = (await bearer({ sub: 'x', roles: [] })).split('.');
        return [
          h,
          Buffer.from(
            JSON.stringify({ ...JSON.parse(Buffer.from(p as string, 'base64url').toString()), roles: ['officer'] }),
          ).toString('base64url'),
          s,
        ].join('.');
      },
    ],
  ];
  it.each(refused)('is not believed: %s', async (_name, token) => {
    const answer = await holds(await token());
    expect(answer.statusCode).toBe(401);
    expect(answer.json()).toMatchObject({ code: 'unauthenticated', status: 401 });
    expect(answer.headers['www-authenticate']).toMatch(/^Bearer/);
  });

  // @fault O29
  it('with roles that exclude each other opens nothing, also what either of them would, and that is on record', async () => {
    const both = await bearer({ sub: 'both', roles: ['officer', 'auditor'] });
    for (const url of ['/v1/holds', '/v1/audit/lists/requests', '/v1/policies']) {
      const answer = await api.inject({ method: 'GET', url, headers: { authorization: both } });
      expect(answer.json()).toMatchObject({ code: 'roles_incompatible', status: 403 });
    }
    const refused = (await api.events()).filter(
      ({ type, data }) => type === 'AccessRefused' && data['subject'] === 'both',
    );
    expect(refused.map(({ data }) => data['reason'])).toEqual(Array(3).fill('roles_incompatible:officer|auditor'));
    const all = await bearer({ sub: 'all', roles: ['administrator', 'officer', 'auditor'] });
    expect((await holds(all)).json()).toMatchObject({ code: 'roles_incompatible' });
  });

  it('gives nothing with roles in another form than a list', async () => {
    for (const roles of ['officer', { officer: true }, undefined, [['officer']]]) {
      expect((await holds(await bearer({ sub: 'x', roles }))).statusCode).toBe(403);
    }
  });

  it('may have its roles inside an object, as the settings say', async () => {
    const nested = await ApiServer.start({
      oidc: {
        issuer: issuer.issuer,
        audience: issuer.audience,
        jwksUri: `${issuer.issuer}/keys`,
        rolesClaim: 'realm_access.roles',
      },
    });
    expect((await holds(await bearer({ sub: 'x', realm_access: { roles: ['officer'] } }), nested)).statusCode).toBe(
      200,
    );
    expect((await holds(await bearer({ sub: 'x', roles: ['officer'] }), nested)).statusCode).toBe(403);
    await nested.close();
  });

  it('does not make the keys be fetched every time', async () => {
    const before = issuer.keyRequests;
    for (let i = 0; i < 5; i++) await holds(await bearer(OFFICER));
    expect(issuer.keyRequests).toBe(before);
  });

  it('never comes into a log line', async () => {
    const token = await issuer.token(OFFICER);
    await holds(`Bearer ${token}`);
    expect(api.logLines.join('')).not.toContain(token.split('.')[2]);
  });
});

describe('when the sign-in service', () => {
  it('does not answer, nothing is said about the token', async () => {
    const down = await TokenIssuer.start();
    const other = await ApiServer.start({
      oidc: { issuer: down.issuer, audience: 'honnin', jwksUri: null, rolesClaim: 'roles' },
    });
    const token = `Bearer ${await down.token(OFFICER)}`;
    down.fail();
    const answer = await holds(token, other);
    expect(answer.json()).toMatchObject({ code: 'sign_in_unavailable', status: 503 });
    expect(answer.headers['retry-after']).toBe('5');
    await other.close();
    await down.close();
  });

  it('names another issuer in its discovery document, it is not asked for keys', async () => {
    const other = await ApiServer.start({
      oidc: { issuer: `${issuer.issuer}/`, audience: 'honnin', jwksUri: null, rolesClaim: 'roles' },
    });
    expect((await holds(await bearer(OFFICER, { issuer: `${issuer.issuer}/` }), other)).json()).toMatchObject({
      code: 'sign_in_unavailable',
    });
    await other.close();
  });

  it('is not configured, every route for officers says so', async () => {
    const none = await ApiServer.start();
    expect((await holds(await bearer(OFFICER), none)).json()).toMatchObject({
      code: 'sign_in_not_configured',
      status: 503,
    });
    expect((await holds(null, none)).json()).toMatchObject({ code: 'unauthenticated' });
    await none.close();
  });
});

const ROUTES: readonly {
  readonly method: HTTPMethods;
  readonly url: string;
  readonly pattern: string;
  readonly roles: readonly string[];
  /** Its answer does not end: whom it lets in is asked elsewhere. */
  readonly isStream?: true;
}[] = [
  { method: 'GET', url: '/v1/news', pattern: '/v1/news', roles: ['officer', 'auditor'], isStream: true },
  { method: 'GET', url: '/v1/me', pattern: '/v1/me', roles: ['officer', 'auditor', 'administrator'] },
  { method: 'GET', url: '/v1/holds', pattern: '/v1/holds', roles: ['officer', 'auditor'] },
  { method: 'GET', url: `/v1/holds/${CASE}`, pattern: '/v1/holds/:requestId', roles: ['officer', 'auditor'] },
  { method: 'POST', url: `/v1/holds/${CASE}/opinions`, pattern: '/v1/holds/:requestId/opinions', roles: ['officer'] },
  {
    method: 'POST',
    url: `/v1/holds/${CASE}/opinions/withdrawal`,
    pattern: '/v1/holds/:requestId/opinions/withdrawal',
    roles: ['officer'],
  },
  {
    method: 'POST',
    url: `/v1/holds/${CASE}/resolution`,
    pattern: '/v1/holds/:requestId/resolution',
    roles: ['officer'],
  },
  { method: 'GET', url: '/v1/cases?receipt=7K3M-9QXD-2VTB-HW60', pattern: '/v1/cases', roles: ['officer', 'auditor'] },
  {
    method: 'GET',
    url: `/v1/cases/${CASE}/history`,
    pattern: '/v1/cases/:requestId/history',
    roles: ['officer', 'auditor'],
  },
  {
    method: 'GET',
    url: `/v1/cases/${CASE}/images/photo?purpose=disclosure`,
    pattern: '/v1/cases/:requestId/images/:image',
    roles: ['officer', 'auditor'],
  },
  {
    method: 'POST',
    url: `/v1/cases/${CASE}/effects/e-1/resumption`,
    pattern: '/v1/cases/:requestId/effects/:effectId/resumption',
    roles: ['administrator'],
  },
  { method: 'POST', url: `/v1/cases/${CASE}/end`, pattern: '/v1/cases/:requestId/end', roles: ['administrator'] },
  {
    method: 'GET',
    url: `/v1/audit/cases/${CASE}/state`,
    pattern: '/v1/audit/cases/:requestId/state',
    roles: ['auditor', 'officer'],
  },
  {
    method: 'GET',
    url: `/v1/audit/cases/${CASE}/difference`,
    pattern: '/v1/audit/cases/:requestId/difference',
    roles: ['auditor', 'officer'],
  },
  {
    method: 'GET',
    url: `/v1/audit/cases/${CASE}/explanation`,
    pattern: '/v1/audit/cases/:requestId/explanation',
    roles: ['auditor', 'officer'],
  },
  { method: 'GET', url: '/v1/audit/lists/holds', pattern: '/v1/audit/lists/:list', roles: ['auditor'] },
  {
    method: 'GET',
    url: '/v1/audit/lists/holds/difference?from=0&to=1',
    pattern: '/v1/audit/lists/:list/difference',
    roles: ['auditor'],
  },
  { method: 'GET', url: '/v1/booths', pattern: '/v1/booths', roles: ['administrator', 'auditor'] },
  { method: 'POST', url: '/v1/audit/what-ifs', pattern: '/v1/audit/what-ifs', roles: ['auditor', 'administrator'] },
  { method: 'POST', url: '/v1/audit/exports', pattern: '/v1/audit/exports', roles: ['auditor'] },
  { method: 'POST', url: '/v1/audit/erasures', pattern: '/v1/audit/erasures', roles: ['administrator'] },
  { method: 'POST', url: '/v1/booths', pattern: '/v1/booths', roles: ['administrator'] },
  { method: 'POST', url: '/v1/booths/booth-0001/keys', pattern: '/v1/booths/:boothId/keys', roles: ['administrator'] },
  {
    method: 'POST',
    url: '/v1/booths/booth-0001/resumption',
    pattern: '/v1/booths/:boothId/resumption',
    roles: ['administrator'],
  },
  { method: 'GET', url: '/v1/acts', pattern: '/v1/acts', roles: ['administrator', 'auditor'] },
  { method: 'GET', url: '/v1/lockouts', pattern: '/v1/lockouts', roles: ['administrator', 'auditor'] },
  { method: 'POST', url: '/v1/lockouts', pattern: '/v1/lockouts', roles: ['administrator'] },
  { method: 'POST', url: '/v1/lockouts/readmissions', pattern: '/v1/lockouts/readmissions', roles: ['administrator'] },
  { method: 'GET', url: '/v1/waiting-cases', pattern: '/v1/waiting-cases', roles: ['administrator', 'auditor'] },
  { method: 'GET', url: '/v1/consumers', pattern: '/v1/consumers', roles: ['administrator', 'auditor'] },
  {
    method: 'POST',
    url: '/v1/consumers/registration-saga/replays',
    pattern: '/v1/consumers/:consumer/replays',
    roles: ['administrator'],
  },
  {
    method: 'POST',
    url: '/v1/consumers/registration-saga/resumption',
    pattern: '/v1/consumers/:consumer/resumption',
    roles: ['administrator'],
  },
  {
    method: 'POST',
    url: '/v1/consumers/registration-saga/skips',
    pattern: '/v1/consumers/:consumer/skips',
    roles: ['administrator'],
  },
  { method: 'POST', url: `/v1/acts/${CASE}/approval`, pattern: '/v1/acts/:actId/approval', roles: ['administrator'] },
  { method: 'POST', url: `/v1/acts/${CASE}/refusal`, pattern: '/v1/acts/:actId/refusal', roles: ['administrator'] },
  {
    method: 'POST',
    url: '/v1/booths/booth-0001/suspension',
    pattern: '/v1/booths/:boothId/suspension',
    roles: ['administrator'],
  },
  { method: 'GET', url: '/v1/policies', pattern: '/v1/policies', roles: ['administrator', 'auditor'] },
  {
    method: 'GET',
    url: '/v1/policies/shipped-default',
    pattern: '/v1/policies/shipped-default',
    roles: ['administrator', 'auditor'],
  },
  { method: 'POST', url: '/v1/policies', pattern: '/v1/policies', roles: ['administrator'] },
  {
    method: 'POST',
    url: '/v1/policies/7/approval',
    pattern: '/v1/policies/:version/approval',
    roles: ['administrator'],
  },
  {
    method: 'POST',
    url: '/v1/policies/7/activation',
    pattern: '/v1/policies/:version/activation',
    roles: ['administrator'],
  },
];

describe('roles and routes', () => {
  for (const route of ROUTES) {
    for (const role of ['officer', 'auditor', 'administrator', 'nobody']) {
      const allowed = route.roles.includes(role);
      if (allowed && route.isStream) continue;
      it(`${role} ${allowed ? 'gets past' : 'does not get past'} the guard of ${route.method} ${route.pattern}`, async () => {
        const before = (await api.events()).length;
        const answer = await api.inject({
          method: route.method,
          url: route.url,
          headers: { authorization: await bearer({ sub: `a-${role}`, roles: [role] }) },
        });
        const stored = (await api.events()).slice(before);
        if (allowed) {
          expect([200, 400, 404]).toContain(answer.statusCode);
          expect(stored.filter((e) => e.type === 'AccessRefused')).toEqual([]);
          return;
        }
        expect(answer.json()).toMatchObject({ code: 'forbidden', status: 403 });
        expect(stored.map((e) => [e.type, e.data, e.metadata.actor])).toEqual([
          [
            'AccessRefused',
            {
              subject: `a-${role}`,
              what: `${route.method} ${route.pattern}`,
              reason: `needs_role:${route.roles.join('|')}`,
            },
            `officer:a-${role}`,
          ],
        ]);
      });
    }
  }

  it('covers every route of the interface description that asks for a token', async () => {
    const document = (await api.inject({ method: 'GET', url: '/openapi.json' })).json<{
      paths: Record<string, Record<string, { security?: unknown }>>;
    }>();
    const closed = Object.entries(document.paths).flatMap(([path, item]) =>
      Object.entries(item)
        .filter(([, operation]) => operation.security)
        .map(([method]) => `${method.toUpperCase()} ${path}`),
    );
    expect(closed.sort()).toEqual(ROUTES.map((r) => `${r.method} ${r.pattern.replaceAll(/:(\w+)/g, '{$1}')}`).sort());
  });

  it('tells nobody that access is refused before it is on record', async () => {
    for (const kind of ['unknown', 'throws'] as const) {
      api.store.trouble = { streamPrefix: 'access-', kind };
      const answer = await holds(await bearer({ sub: 'x', roles: ['administrator'] }));
      api.store.trouble = null;
      expect(answer.json()).toMatchObject({ code: 'access_log_unavailable', status: 503 });
    }
  });
});
