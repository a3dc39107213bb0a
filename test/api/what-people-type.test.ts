import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { writtenReceipt } from '../../src/api/booth/receipt.js';
import { utcInstantOf } from '../../src/api/contract/validation.js';
import { ApiServer } from './support/api-server.js';
import { TokenIssuer } from './support/token-issuer.js';

const PRINTED = '7K3M-9QXD-2VTB-HW60';

/** @fault B6 */
describe('a receipt', () => {
  it.each([
    ['as printed', PRINTED],
    ['without dashes', '7K3M9QXD2VTBHW60'],
    ['in small letters', '7k3m-9qxd-2vtb-hw60'],
    ['with the letter O', '7K3M-9QXD-2VTB-HW6O'],
    ['with spaces', ' 7K3M 9QXD 2VTB HW60 '],
    ['in one word with one dash', '7K3M9QXD-2VTBHW60'],
    ['with dashes of a typewriter of books', '7K3M–9QXD—2VTB−HW60'],
    ['with what a Japanese keyboard writes', '７Ｋ３Ｍー９ＱＸＤー２ＶＴＢーＨＷ６０'],
    ['in half-width signs for long vowels', '7K3Mｰ9QXDｰ2VTBｰHW60'],
    ['with dots', '7K3M.9QXD.2VTB.HW60'],
  ])('is read %s', (_how, typed) => expect(writtenReceipt(typed)).toBe(PRINTED));

  it('is read with I and L for 1', () => expect(writtenReceipt('il1I-0000-0000-0000')).toBe('1111-0000-0000-0000'));

  it.each([['7K3M-9QXD-2VTB-HW6'], ['7K3M-9QXD-2VTB-HW600'], ['7K3M-9QXD-2VTB-HW6U'], ['-'.repeat(65)], [''], [7]])(
    'is none: %p',
    (typed) => expect(writtenReceipt(typed)).toBeNull(),
  );

  it('is never read as another one', () => {
    const sign = fc.constantFrom(...'0123456789ABCDEFGHJKMNPQRSTVWXYZ');
    fc.assert(
      fc.property(
        fc.array(sign, { minLength: 16, maxLength: 16 }),
        fc.constantFrom('', ' ', '-', 'ー'),
        (signs, between) => {
          const written = (signs.join('').match(/.{4}/g) as string[]).join('-');
          expect(writtenReceipt(signs.join(between).toLowerCase())).toBe(written);
        },
      ),
    );
  });
});

/** @fault Q3 */
describe('an instant that somebody asks for', () => {
  it.each([
    ['2026-11-23T08:15:30Z', '2026-11-23T08:15:30.000Z'],
    ['2026-11-23T17:15:30+09:00', '2026-11-23T08:15:30.000Z'],
    ['2026-11-23T17:15:30 09:00', '2026-11-23T08:15:30.000Z'],
    ['2026-11-23T03:45:30-04:30', '2026-11-23T08:15:30.000Z'],
    ['2026-11-23t08:15:30.123456z', '2026-11-23T08:15:30.123Z'],
    ['2026-01-01T00:00:00+09:00', '2025-12-31T15:00:00.000Z'],
  ])('is read in any offset: %s', (text, utc) => expect(utcInstantOf(text)).toBe(utc));

  it.each([
    '2026-11-23',
    '2026-11-23T08:15:30',
    '2026-02-30T00:00:00Z',
    '2026-11-23T08:15:30+24:00',
    '2026-11-23T08:15:30+09:60',
    'now',
    '',
  ])('is none: %p', (text) => expect(utcInstantOf(text)).toBeNull());
});

describe('a server that people and probes look at', () => {
  let issuer: TokenIssuer;
  let api: ApiServer;
  beforeAll(async () => {
    issuer = await TokenIssuer.start();
    api = await ApiServer.start({
      oidc: { issuer: issuer.issuer, audience: issuer.audience, jwksUri: null, rolesClaim: 'roles' },
    });
  });
  afterAll(async () => {
    await api.close();
    await issuer.close();
  });
  const asked = async (url: string, role: string) => {
    const authorization = `Bearer ${await issuer.token({ sub: 'p', roles: [role] })}`;
    const answer = await api.inject({ method: 'GET', url, headers: { authorization } });
    return answer.json<{ code: string; errors: { parameter?: string; header?: string }[] }>();
  };

  // @fault B8
  it.each([
    ['/v1/audit/lists/requests?limit=x', 'limit'],
    ['/v1/audit/lists/requests?at=yesterday', 'at'],
    ['/v1/audit/lists/requests?colour=red', 'colour'],
    ['/v1/audit/lists/requests?at=2026-11-23T08:15:30Z&position=1', 'at'],
    ['/v1/audit/lists/requests?stage=x', 'stage'],
  ])('names the parameter that is not as expected: %s', async (url, parameter) => {
    expect(await asked(url, 'auditor')).toMatchObject({ code: 'invalid_request', errors: [{ parameter }] });
  });

  // @fault B8
  it('names the header that is not as expected', async () => {
    const headers = { 'idempotency-key': 'a b' };
    const answer = await api.inject({ method: 'POST', url: '/v1/registrations', headers });
    expect(answer.json()).toMatchObject({ code: 'malformed_request', errors: [{ header: 'Idempotency-Key' }] });
  });

  // @fault B8
  it('has a first page for people, with nothing on it that a policy would have to allow', async () => {
    const { statusCode, headers, body } = await api.inject({ method: 'GET', url: '/' });
    expect([statusCode, headers['content-type']]).toEqual([200, 'text/html; charset=utf-8']);
    expect(headers['content-security-policy']).toMatch(/^default-src 'none'/);
    const places = [...body.matchAll(/href="([^"]+)"/g)].map(([, path]) => path as string);
    expect(places).toContain('/docs');
    for (const url of ['/openapi.json', '/health/ready']) {
      expect([url, places.includes(url), (await api.inject({ method: 'GET', url })).statusCode]).toEqual([
        url,
        true,
        200,
      ]);
    }
  });

  it.each(['/health/live', '/health/ready'])('answers HEAD and OPTIONS of probes: %s', async (url) => {
    const [head, options] = [await api.inject({ method: 'HEAD', url }), await api.inject({ method: 'OPTIONS', url })];
    expect([head.statusCode, head.body]).toEqual([200, '']);
    expect([options.statusCode, options.headers['allow']]).toEqual([204, 'GET, HEAD, OPTIONS']);
  });
});
