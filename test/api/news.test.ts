import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ApiServer } from './support/api-server.js';
import { TokenIssuer } from './support/token-issuer.js';

let issuer: TokenIssuer;
let api: ApiServer;
let url: string;

beforeAll(async () => {
  issuer = await TokenIssuer.start();
  const oidc = { issuer: issuer.issuer, audience: issuer.audience, jwksUri: null, rolesClaim: 'roles' };
  api = await ApiServer.start({ oidc, limits: { heartbeatMs: 50 } });
  url = await api.listen();
});
afterAll(async () => {
  await api.close();
  await issuer.close();
});

const headersOf = async (sub: string, role: string) => ({
  authorization: `Bearer ${await issuer.token({ sub, roles: [role] })}`,
});
const open = async (sub: string): Promise<ReadableStreamDefaultReader<string>> => {
  const { body } = await fetch(`${url}/v1/news`, { headers: await headersOf(sub, 'officer') });
  return (body as ReadableStream<Uint8Array>).pipeThrough(new TextDecoderStream()).getReader();
};
/** What comes until a text has come, or the stream has ended. */
async function readUntil(stream: ReadableStreamDefaultReader<string>, text: string | null): Promise<string> {
  let read = '';
  for (;;) {
    const { done, value } = await stream.read();
    if (done) return read;
    read += value;
    if (text !== null && read.includes(text)) return read;
  }
}

describe('news of the desk', () => {
  it('are counters, told again when they change, and no look', async () => {
    const before = (await api.events()).length;
    const stream = await open('officer-1');
    await readUntil(stream, 'event: news\ndata: {"open":0,"overdue":0}\n');
    api.holdCounts = { open: 1, overdue: 0 };
    const told = await readUntil(stream, '{"open":1,"overdue":0}');
    expect(told.match(/event: news/g)).toHaveLength(1);
    expect((await api.events()).length).toBe(before);
    await stream.cancel();
  });

  it('take no filter, also none of which nobody knows', async () => {
    const asked = {
      method: 'GET',
      url: '/v1/news?boothId=x',
      headers: await headersOf('officer-1', 'officer'),
    } as const;
    expect((await api.inject(asked)).json()).toMatchObject({
      code: 'invalid_request',
      errors: [{ parameter: 'boothId', expected: 'there are no query parameters' }],
    });
  });

  it('say nothing while rows are being built', async () => {
    api.holdCounts = null;
    const stream = await open('officer-1');
    expect(await readUntil(stream, ': heartbeat')).not.toContain('event:');
    await stream.cancel();
    api.holdCounts = { open: 0, overdue: 0 };
  });

  it('end for who is locked out', async () => {
    const stream = await open('officer-2');
    await readUntil(stream, 'event: news');
    const payload = { subject: 'officer-2', reason: 'lost_device', reference: 'INC-1' };
    const headers = await headersOf('mori', 'administrator');
    const answer = await api.inject({ method: 'POST', url: '/v1/lockouts', headers, payload });
    expect(answer.statusCode).toBeLessThan(300);
    expect(await readUntil(stream, null)).not.toContain('officer');
  });
});
