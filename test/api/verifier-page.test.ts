import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { VerifierPageRecord } from '../../src/application/audit/verifier-page-record.js';
import { DecideAndAppend } from '../../src/application/decisions/decide-and-append.js';
import { ApiServer, VERIFIER_PAGE } from './support/api-server.js';

let api: ApiServer;
beforeEach(async () => {
  api = await ApiServer.start();
});
afterEach(() => api.close());

const ask = () => api.inject({ method: 'GET', url: '/v1/audit/verifier' });
const recorded = async () => (await api.store.readStream('verifier-page')).map(({ type, data }) => ({ type, data }));
/** What a later process has. */
const record = () => new VerifierPageRecord(api.store, new DecideAndAppend(api.store, api.clock));
const other = { ...VERIFIER_PAGE.digests, fileSha256: '0f'.repeat(32) };

/** @req R22 */
describe('the verifier that the server gives out', () => {
  it('stands in the log before its first copy goes out, once', async () => {
    expect(await recorded()).toEqual([]);
    let open = () => {};
    api.store.gate = { streamPrefix: 'verifier-page', opened: new Promise<void>((resolve) => (open = resolve)) };
    const [first, second] = [ask(), ask()];
    let isAnswered = false;
    void first.then(() => (isAnswered = true));
    expect((await api.inject({ method: 'GET', url: '/v1/audit/log/checkpoint' })).statusCode).toBeLessThan(500);
    expect([isAnswered, await recorded()]).toEqual([false, []]);
    open();
    expect([(await first).statusCode, (await second).body]).toEqual([200, VERIFIER_PAGE.html]);
    await ask();
    expect(await recorded()).toEqual([{ type: 'VerifierPageGivenOut', data: VERIFIER_PAGE.digests }]);
  });

  it('is not given out where it cannot be put on record, and is as soon as it can be', async () => {
    api.store.trouble = { streamPrefix: 'verifier-page', kind: 'unknown' };
    const refused = await ask();
    expect(refused.statusCode).toBeGreaterThanOrEqual(500);
    expect(refused.body).not.toContain('the verifier');
    api.store.trouble = null;
    expect((await ask()).body).toBe(VERIFIER_PAGE.html);
    expect(await recorded()).toHaveLength(1);
  });

  it('is recorded anew where it is another one than the one before, also when it is an older one again', async () => {
    await ask();
    await record().before(VERIFIER_PAGE.digests);
    await record().before(other);
    await record().before(other);
    await record().before(VERIFIER_PAGE.digests);
    const files = (await recorded()).map(({ data }) => data['fileSha256']);
    expect(files).toEqual([VERIFIER_PAGE.digests.fileSha256, other.fileSha256, VERIFIER_PAGE.digests.fileSha256]);
  });

  it('is recorded once by two processes at the same time', async () => {
    await Promise.all([record().before(other), record().before(other)]);
    expect(await recorded()).toHaveLength(1);
  });
});
