import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { command } from '../../src/cli/admin/policy.js';
import { DEFAULT_POLICY } from '../../src/domain/policy/policy.js';
import { AnswerSchemas } from './support/answer-schemas.js';
import { ApiServer } from './support/api-server.js';
import { TokenIssuer } from './support/token-issuer.js';
import { AS_OPERATOR } from '../support/operator.js';

const BEFORE = { ...DEFAULT_POLICY, photoQualityMin: {}, photoQualityHoldBelow: {} };
let issuer: TokenIssuer;
let api: ApiServer;
let server: string;
let schemas: AnswerSchemas;

beforeAll(async () => {
  issuer = await TokenIssuer.start();
  api = await ApiServer.start(
    { oidc: { issuer: issuer.issuer, audience: issuer.audience, jwksUri: null, rolesClaim: 'roles' } },
    { policy: BEFORE },
  );
  schemas = new AnswerSchemas((await api.inject({ method: 'GET', url: '/openapi.json' })).json());
  server = await api.listen();
});
afterAll(async () => {
  await api.close();
  await issuer.close();
});

const tokenOf = (sub: string, role: string): Promise<string> => issuer.token({ sub, roles: [role] });

async function honninPolicy(...args: string[]): Promise<{ code: number; text: string }> {
  const write = process.stdout.write.bind(process.stdout);
  let text = '';
  process.stdout.write = ((chunk: string | Uint8Array) => (
    (text += chunk.toString()),
    true
  )) as typeof process.stdout.write;
  try {
    return { code: await command.run(args), text };
  } finally {
    process.stdout.write = write;
  }
}

async function shippedDefault(): Promise<{ isOlder: boolean; differences: object[]; proposal: object | null }> {
  const answer = await api.inject({
    method: 'GET',
    url: '/v1/policies/shipped-default',
    headers: { authorization: `Bearer ${await tokenOf('aud-1', 'auditor')}` },
  });
  expect(schemas.mistakes('GET', '/v1/policies/shipped-default', answer)).toEqual([]);
  return answer.json();
}

async function decide(version: number, step: 'approval' | 'activation', who: string): Promise<number> {
  const headers = { authorization: `Bearer ${await tokenOf(who, 'administrator')}` };
  return (await api.inject({ method: 'POST', url: `/v1/policies/${version}/${step}`, headers })).statusCode;
}

describe('an installation whose policy is older than the default of its program', () => {
  it('hears so, and an administrator proposes the default by one command; it counts when another one approved it', async () => {
    expect(await shippedDefault()).toMatchObject({
      isOlder: true,
      differences: expect.arrayContaining([{ field: 'photoQualityMin.NaturalColour', inForce: null, shipped: 30 }]),
    });
    const token = await tokenOf('adm-1', 'administrator');
    const tried = await honninPolicy('propose-default', '--server', server, '--token', token, '--dry-run');
    expect([
      tried.code,
      /photoQualityMin\.NaturalColour +nothing → 30/.test(tried.text),
      /proposed/.test(tried.text),
    ]).toEqual([0, true, false]);
    const proposed = await honninPolicy('propose-default', '--server', server, '--token', token);
    expect([proposed.code, proposed.text]).toEqual([
      0,
      expect.stringMatching(/proposed as policy 2; another administrator approves it/),
    ]);
    // A proposal changes nothing yet, and who proposed it does not approve it.
    expect((await shippedDefault()).isOlder).toBe(true);
    expect([
      await decide(2, 'approval', 'adm-1'),
      await decide(2, 'approval', 'adm-2'),
      await decide(2, 'activation', 'adm-1'),
    ]).toEqual([403, 200, 200]);
    expect(await shippedDefault()).toEqual({ isOlder: false, differences: [], proposal: null });
    const stored = (await api.events()).filter((e) => e.type === 'PolicyProposed').at(-1);
    expect(stored?.data['values']).toEqual(DEFAULT_POLICY);
    const again = await honninPolicy('propose-default', '--server', server, '--token', token);
    expect([again.code, again.text]).toEqual([0, expect.stringMatching(/nothing to propose/)]);
  });

  it('lets no officer propose, and says so', async () => {
    const refused = await honninPolicy(
      'propose-default',
      '--server',
      server,
      '--token',
      await tokenOf('off-1', 'officer'),
    );
    expect(refused.code).toBe(1);
  });
});

it('counts photo checks by verdict and reason', async () => {
  const { body } = await api.inject({ method: 'GET', url: '/metrics', ...AS_OPERATOR });
  expect(body).toContain('# TYPE honnin_photo_checks_total counter');
});
