import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { CommandBus } from '@nestjs/cqrs';
import { EnrolBooth } from '../../src/application/commands/manage-booth.js';
import { joinedPapers, papersOf, verifyReceipt } from '../../src/domain/audit/receipts/verify-receipt.js';
import { NODE_PRIMITIVES } from '../../src/infrastructure/audit/digest.js';
import { AnswerSchemas } from './support/answer-schemas.js';
import { ApiServer, NOW } from './support/api-server.js';
import { envelopeOf, newBooth, partsOf, requestJson } from './support/booth.js';
import { BOUNDARY, multipartBody } from './support/multipart.js';

const booth = newBooth('booth-0001');
let api: ApiServer;
let schemas: AnswerSchemas;

beforeAll(async () => {
  api = await ApiServer.start();
  schemas = new AnswerSchemas((await api.inject({ method: 'GET', url: '/openapi.json' })).json());
  const enrol = new EnrolBooth('enrol-1', booth.boothId, booth.publicKey, 'admin');
  await api.app.get(CommandBus, { strict: false }).execute(enrol);
});
afterAll(() => api.close());

interface Answer {
  readonly receipt: string;
  readonly promise: string | null;
}

async function bodyOf(counter: number): Promise<Buffer> {
  const answer = await api.inject({
    method: 'POST',
    url: '/v1/challenges',
    headers: { 'content-type': 'application/json' },
    payload: { boothId: booth.boothId },
  });
  const envelope = envelopeOf(booth, answer.json<{ nonce: string }>().nonce, { counter });
  return multipartBody(partsOf(requestJson(booth, envelope)));
}

async function send(key: string, payload: Buffer): Promise<Answer> {
  const headers = { 'content-type': `multipart/form-data; boundary=${BOUNDARY}`, 'idempotency-key': key };
  const answer = await api.inject({ method: 'POST', url: '/v1/registrations', headers, payload });
  expect([answer.statusCode, schemas.mistakes('POST', '/v1/registrations', answer)]).toEqual([202, []]);
  return answer.json<Answer>();
}

async function proofOf(receipt: string): Promise<Record<string, unknown>> {
  const url = `/v1/registrations/${receipt}/proof`;
  const answer = await api.inject({ method: 'GET', url });
  expect([answer.statusCode, schemas.mistakes('GET', url, answer)]).toEqual([200, []]);
  expect(answer.headers['cache-control']).toBe('no-store');
  return answer.json();
}

/** What the projection would have written by now. */
async function project(): Promise<void> {
  for (const { type, data, metadata } of await api.events())
    if (type === 'RequestReceived')
      api.rows.put({
        requestId: metadata.correlationId,
        receipt: data['receipt'] as string,
        status: 'received',
        updatedAtUtc: NOW,
      });
}

const judged = (...answers: readonly unknown[]) => {
  const papers = joinedPapers(answers.flatMap((answer) => papersOf(answer) ?? []));
  const report = verifyReceipt(papers, NODE_PRIMITIVES, { trusted: api.signer.keys().slice(0, 1) });
  return [report.judgement, ...[...report.discrepancies, ...report.undecided].map(({ code }) => code)];
};

/** @req R4 R22 */
describe('the promise of a receipt', () => {
  it('comes with the receipt, the same at each repetition, and is kept', async () => {
    const body = await bodyOf(1);
    const first = await send('promise-1', body);
    expect(await send('promise-1', body)).toEqual(first);
    expect(judged(first)).toEqual(['undecided', 'not_shown_yet']);
    await project();
    await api.caughtUp();
    const proof = await proofOf(first.receipt.toLowerCase().replaceAll('-', ' '));
    expect(proof).toMatchObject({ receipt: first.receipt, promise: first.promise, absence: null });
    expect(judged(first, proof)).toEqual(['right']);
  });

  it('shows nothing of the request but its place', async () => {
    const { receipt } = await send('promise-2', await bodyOf(2));
    await project();
    await api.caughtUp();
    const text = JSON.stringify(await proofOf(receipt));
    const [event] = (await api.events()).filter(({ data }) => data['receipt'] === receipt);
    expect(text).not.toContain(event?.metadata.correlationId as string);
    expect(text).not.toContain(booth.boothId);
    expect(Object.keys(JSON.parse(text) as object).sort()).toEqual(
      ['absence', 'inclusion', 'losses', 'promise', 'receipt', 'successions'].sort(),
    );
  });

  it('is told to be broken, under the log’s own signature, where the log is late', async () => {
    await api.caughtUp();
    api.logWaits = true;
    try {
      const first = await send('promise-3', await bodyOf(3));
      await project();
      const early = await proofOf(first.receipt);
      expect([early['inclusion'], judged(first, early)]).toEqual([null, ['undecided', 'not_shown_yet']]);
      api.clock.now = new Date(Date.parse(NOW) + 61_000).toISOString();
      const late = await proofOf(first.receipt);
      expect(judged(first, late)).toEqual(['wrong', 'promise_not_kept']);
      api.logWaits = false;
      await api.caughtUp();
      // Whoever kept the statement has the evidence, also when the entry comes after all.
      expect(judged(first, late, await proofOf(first.receipt))).toEqual(['wrong', 'promise_not_kept']);
    } finally {
      api.logWaits = false;
      api.clock.now = NOW;
    }
  });

  it('is absent where nothing may be signed, and the request is received all the same', async () => {
    const sign = api.signer.sign.bind(api.signer);
    api.signer.sign = (text) => {
      if (text.startsWith('honnin receipt')) throw new Error('the folder was set back');
      return sign(text);
    };
    try {
      const { receipt, promise } = await send('promise-4', await bodyOf(4));
      expect([promise, receipt]).toEqual([null, expect.stringMatching(/^\S{19}$/)]);
    } finally {
      api.signer.sign = sign;
    }
  });

  it.each(['7K3M-9QXD-2VTB-HW61', 'x'])('is not found for %s', async (receipt) => {
    const answer = await api.inject({ method: 'GET', url: `/v1/registrations/${receipt}/proof` });
    expect([answer.statusCode, answer.json()]).toEqual([404, expect.objectContaining({ code: 'not_found' })]);
  });
});
