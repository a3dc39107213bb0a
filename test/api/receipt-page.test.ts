import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { LightMyRequestResponse } from 'fastify';
import type { PublicStatus } from '../../src/application/ports/store/read-models.js';
import { ApiServer } from './support/api-server.js';

const RECEIPT = '7K3M-9QXD-2VTB-HW60';
let api: ApiServer;
const has = (status: PublicStatus): void =>
  api.rows.put({
    requestId: '6f0c1d2e-3b4a-8b7e-9a64-8a3f4c0e52d1',
    receipt: RECEIPT,
    status,
    updatedAtUtc: '2026-11-23T20:01:00.000Z',
  });
const ask = (number: string, type = 'application/x-www-form-urlencoded'): Promise<LightMyRequestResponse> =>
  api.inject({
    method: 'POST',
    url: '/receipt',
    headers: { 'content-type': type },
    payload: new URLSearchParams({ number }).toString(),
  });

beforeAll(async () => {
  api = await ApiServer.start({
    rateLimits: {
      challengesPerMinute: 100,
      registrationsPerMinute: 100,
      photoChecksPerMinute: 100,
      statusPerMinute: 40,
    },
  });
});
afterAll(() => api.close());

describe('the page for holders of a receipt', () => {
  it('is led to from the first page, and needs no script', async () => {
    expect((await api.inject({ method: 'GET', url: '/' })).body).toContain('href="/receipt"');
    const page = await api.inject({ method: 'GET', url: '/receipt' });
    expect([page.statusCode, page.headers['content-type']]).toEqual([200, 'text/html; charset=utf-8']);
    expect(page.headers['content-security-policy']).toBe(
      "default-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    );
    expect(page.body).not.toMatch(/<script|style=|https?:/);
    expect(page.body).toMatch(/<form method="post" action="\/receipt">/);
  });

  it.each<[PublicStatus, string, string]>([
    ['received', '受け付けました', 'received'],
    ['processing', '確認しています', 'being checked'],
    ['registered', '登録が完了しました', 'is registered'],
    ['not_registered', '登録できませんでした', 'not registered'],
    ['visit_again', 'もう一度', 'come to a photo booth again'],
  ])('says %s in words of two languages, at Japan time', async (status, ja, en) => {
    has(status);
    const { statusCode, body } = await ask(RECEIPT);
    expect(statusCode).toBe(200);
    for (const word of [RECEIPT, ja, en, '2026年11月24日 5:01', `/v1/registrations/${RECEIPT}/proof`])
      expect(body).toContain(word);
  });

  // @fault B6
  it.each(['7k3m9qxd2vtbhw60', '７Ｋ３Ｍ－９ＱＸＤ－２ＶＴＢ－ＨＷ６０', ' 7K3M 9QXD 2VTB HW6O '])(
    'reads %j as people type it',
    async (typed) => {
      has('processing');
      expect((await ask(typed)).body).toContain(RECEIPT);
    },
  );

  it.each(['', 'x', '0000-0000-0000-0000', '<b>7K3M</b>', 'A'.repeat(300)])(
    'finds nothing for %j, and repeats nothing of it',
    async (typed) => {
      const { statusCode, body } = await ask(typed);
      expect([statusCode, body.includes('No request has this number')]).toEqual([404, true]);
      expect(body).not.toMatch(/<b>|AAAA|0000-/);
    },
  );

  it('takes no My Number, and keeps none', async () => {
    const { statusCode, body } = await ask('123456789018');
    expect(statusCode).toBeGreaterThanOrEqual(400);
    expect(body).toMatch(/<section role="status">/);
    expect(body + api.logLines.join('')).not.toContain('123456789018');
    expect(JSON.stringify((await api.events()).map(({ data }) => data))).not.toContain('123456789018');
  });

  it('takes the form of a page and nothing larger, there and nowhere else', async () => {
    expect((await ask(RECEIPT, 'text/plain')).statusCode).toBe(415);
    expect((await ask('A'.repeat(5_000))).statusCode).toBe(413);
    const elsewhere = await api.inject({
      method: 'POST',
      url: '/v1/challenges',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      payload: 'boothId=booth-0001',
    });
    expect([elsewhere.statusCode, elsewhere.json()]).toEqual([
      415,
      expect.objectContaining({ code: 'unsupported_media_type' }),
    ]);
  });

  it('is limited as the status is, and says so in words', async () => {
    let last = await ask(RECEIPT);
    for (let tries = 0; tries < 60 && last.statusCode !== 429; tries += 1) last = await ask(RECEIPT);
    expect([last.statusCode, last.headers['content-type']]).toEqual([429, 'text/html; charset=utf-8']);
    expect(last.body).toMatch(/<section role="status">\n<p><strong>[^<]*[ぁ-ん]/);
    expect((await api.inject({ method: 'GET', url: `/v1/registrations/${RECEIPT}` })).statusCode).toBe(429);
  });
});
