import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { InjectOptions } from 'fastify';
import { AnswerSchemas } from './support/answer-schemas.js';
import { ApiServer } from './support/api-server.js';
import { TokenIssuer } from './support/token-issuer.js';

interface Parameter {
  readonly in: string;
  readonly name: string;
  readonly schema: { readonly maximum?: number; readonly pattern?: string };
}
interface Operation {
  readonly tags?: readonly string[];
  readonly parameters?: readonly Parameter[];
  readonly security?: readonly object[];
}
interface Described {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
}

const ROLES: Readonly<Record<string, string>> = {
  Officers: 'officer',
  Administrators: 'administrator',
  Audit: 'auditor',
};
let issuer: TokenIssuer;
let api: ApiServer;
let document: Described;
let schemas: AnswerSchemas;

beforeAll(async () => {
  issuer = await TokenIssuer.start();
  const oidc = { issuer: issuer.issuer, audience: issuer.audience, jwksUri: null, rolesClaim: 'roles' };
  api = await ApiServer.start({ oidc });
  const answer = await api.inject({ method: 'GET', url: '/openapi.json' });
  document = answer.json();
  schemas = new AnswerSchemas(answer.json());
});
afterAll(async () => {
  await api.close();
  await issuer.close();
});

type Question = Partial<InjectOptions> & { readonly url: string };

/** Its answer does not end: news.test.ts asks it. */
const LASTING = '/v1/news';

/** Asks each operation one thing. @param ask null: not of this one */
async function answersTo(
  ask: (path: string, method: string) => Question | null,
): Promise<{ readonly asked: number; readonly mistakes: readonly string[]; readonly statuses: ReadonlySet<number> }> {
  let asked = 0;
  const mistakes: string[] = [];
  const statuses = new Set<number>();
  for (const [path, operations] of Object.entries(document.paths)) {
    for (const [method, { tags = [] }] of Object.entries(operations)) {
      const question = path === LASTING ? null : ask(path, method);
      if (question === null) continue;
      asked += 1;
      const role = ROLES[tags[0] ?? ''];
      const headers = { ...(role !== undefined && (await as(role))), ...question.headers };
      const answer = await api.inject({ method: method as 'POST', ...question, headers });
      statuses.add(answer.statusCode);
      mistakes.push(...schemas.mistakes(method, filledWith(path, 'x'), answer));
      if (answer.statusCode >= 500) mistakes.push(`${method} ${path} answered ${answer.statusCode}`);
    }
  }
  return { asked, mistakes, statuses };
}

const as = async (role: string) => ({ authorization: `Bearer ${await issuer.token({ sub: role, roles: [role] })}` });
const filledWith = (path: string, text: string): string => path.replaceAll(/\{\w+\}/g, text);
/** Of operations with a parameter in their address. */
const placed =
  (text: string) =>
  (path: string): Question | null =>
    path.includes('{') ? { url: filledWith(path, text) } : null;
/** Of operations with a body. */
function posted(payload: string, more: Record<string, string> = {}): (path: string, method: string) => Question | null {
  const headers = { 'content-type': 'application/json', ...more };
  return (path, method) => (method === 'post' ? { url: filledWith(path, 'x'), headers, payload } : null);
}

/** @fault B7 */
describe('every operation says how it answers', () => {
  it.each<[string, number, Parameters<typeof answersTo>[0]]>([
    ['an address that is too long', 414, placed('x'.repeat(300))],
    ['an address that cannot be decoded', 400, placed('%zz')],
    ['a query that nobody knows', 400, (path) => ({ url: `${filledWith(path, 'x')}?colour=red&limit=x&index=-1` })],
    ['a body of another type', 415, posted('a,b', { 'content-type': 'text/csv' })],
    ['a body that is too large', 413, posted(`"${'x'.repeat(40_000)}"`)],
    ['a body that is no JSON', 400, posted('{')],
    ['a body with a member that nobody knows', 400, posted('{"colour":"red"}')],
    ['a key that is none', 400, posted('{}', { 'idempotency-key': 'a b' })],
  ])('to %s', async (_what, status, ask) => {
    const { asked, mistakes, statuses } = await answersTo(ask);
    expect(asked).toBeGreaterThan(10);
    expect(mistakes).toEqual([]);
    expect([...statuses]).toContain(status);
  });

  it('and takes no query parameter of people of the office that it does not describe, however many it has', async () => {
    const taken: string[] = [];
    const unnamed: string[] = [];
    let asked = 0;
    for (const [path, operations] of Object.entries(document.paths)) {
      for (const [method, { tags = [], parameters = [], security }] of Object.entries(operations)) {
        const role = ROLES[tags[0] ?? ''];
        if (security === undefined || role === undefined) continue;
        asked += 1;
        const url = `${filledWith(path, 'x')}?colour=red`;
        const askAs = async (who: string) =>
          api.inject({ method: method as 'POST', url, headers: await as(who), payload: {} });
        const first = await askAs(role);
        // One operation among those of auditors is an administrator's.
        const answer = first.statusCode === 403 ? await askAs('administrator') : first;
        const { errors = [] } = answer.json<{ errors?: { parameter?: string; expected: string }[] }>();
        if (answer.statusCode !== 400 || errors[0]?.parameter !== 'colour') taken.push(`${method} ${path}`);
        // What it does describe is named to whoever mistook it.
        for (const { name, in: place } of parameters)
          if (place === 'query' && !errors[0]?.expected.includes(name)) unnamed.push(`${method} ${path} ${name}`);
      }
    }
    expect(asked).toBeGreaterThan(30);
    expect([taken, unnamed]).toEqual([[], []]);
  });

  it('and the bounds of what it takes', () => {
    const named = new Set(['index', 'first', 'second', 'position', 'cursor']);
    const operations = Object.values(document.paths).flatMap((path) => Object.values(path));
    const bounded = operations.flatMap(({ parameters = [] }) => parameters).filter(({ name }) => named.has(name));
    expect(bounded.length).toBeGreaterThan(10);
    expect(bounded.filter(({ schema }) => schema.maximum === undefined && schema.pattern === undefined)).toEqual([]);
  });
});
