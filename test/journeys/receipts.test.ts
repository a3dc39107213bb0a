import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { BoothClient, type ReceivedRequest } from '../../src/booth/booth-client.js';
import { generateBoothKey } from '../../src/booth/booth-key.js';
import { DurableCaptureCounter } from '../../src/booth/capture-counter.js';
import { DEMO_STORIES, loadCardPhoto, loadDemoFace } from '../../src/sandbox/card/demo-faces.js';
import { built } from '../support/peers.js';
import { RealServer, until } from '../support/real-server.js';
import { describeUnless } from '../support/unless.js';

/** @req R4 R22 A15 */
describeUnless(built('cli/main.js'), 'a promise on a real server', () => {
  let server: RealServer;
  const key = generateBoothKey();
  const at = (name: string) => server.at(name);

  beforeAll(async () => {
    server = await RealServer.beside('receipts', ['auditor']);
    await server.start();
    await server.enrol('booth-receipts-01', key.publicKeySpki);
  }, 180_000);
  afterAll(() => server?.close(), 180_000);

  it('is repeated, kept, and proven after a change of key, an erasure and a restart', async () => {
    expect(server.honnin('audit', 'key', '--data', server.data, '--out', at('log.vkey')).status).toBe(0);
    const logKey = server.honnin('audit', 'key', '--data', server.data).stdout;
    const booth = () =>
      new BoothClient({
        baseUrl: server.url,
        boothId: 'booth-receipts-01',
        key,
        counter: new DurableCaptureCounter(at('booth')),
        logKey,
      });
    const card = await server.sandbox.jpki.issueCard({ faceImage: await loadCardPhoto(DEMO_STORIES.samePerson.card) });
    const request = await booth().prepare({
      card: card.connect(),
      pin: card.secrets.authenticationPin,
      accessNumber: card.secrets.accessNumber,
      photo: await loadDemoFace(DEMO_STORIES.samePerson.captured),
      consent: { textVersion: '2026-11', keepReferenceImage: true },
    });
    const first: ReceivedRequest = await booth().send(request);
    expect(first).toMatchObject({
      promise: expect.stringMatching(/^honnin receipt promise v1\n/),
      promiseProblem: null,
    });
    expect(await booth().send(request)).toEqual(first);

    const askedMs = Date.now();
    const kept = () =>
      until('the proof', async () =>
        ((report) => (report.judgement === 'undecided' ? null : report))(await booth().checkPromise(first)),
      );
    expect(await kept()).toMatchObject({ judgement: 'right', entry: { index: expect.any(Number) } });
    expect(Date.now() - askedMs).toBeLessThan(60_000);

    const requestId = await server.caseWith(first.receipt, 'FaceImageConfirmed');
    expect(server.honnin('audit', 'rotate-key', '--destroy-old', '--data', server.data).status).toBe(0);
    const renewed = await booth().send(request);
    expect([renewed.promise?.split('\n\n')[0], renewed.promise === first.promise]).toEqual([
      first.promise?.split('\n\n')[0],
      false,
    ]);
    // The first key is not this one; the notes that lead to it come with the proof.
    expect((await kept()).judgement).toBe('right');

    await server.twoPeople('/v1/audit/erasures', { requestId, rule: 'request_of_the_person' });
    await server.historyHas(requestId, 'RegistrantErased');
    await server.signedLog();
    await server.end();
    await server.start();
    await server.signedLog();
    expect((await kept()).judgement).toBe('right');

    writeFileSync(at('first.json'), JSON.stringify(first));
    const proof = await (await fetch(`${server.url}/v1/registrations/${first.receipt}/proof`)).text();
    writeFileSync(at('proof.json'), proof);
    const exported = server.asAuditor('audit', 'export', '--from', '0', '--out', at('all.honnin'));
    expect(exported).toMatchObject({ status: 0, stderr: '' });
    const verify = (...more: string[]) => server.honnin('audit', 'verify-receipt', at('first.json'), ...more);
    const withKey = ['--key', at('log.vkey')];
    expect(verify(at('proof.json'), ...withKey)).toMatchObject({
      status: 0,
      stdout: expect.stringMatching(
        /^promise .*\nentry +\d+, in the log of \d+ entries\nthe request of this receipt is/,
      ),
    });
    expect(verify('--bundle', at('all.honnin'), ...withKey).status).toBe(0);
    expect(verify(at('proof.json'), '--bundle', at('all.honnin'), ...withKey).status).toBe(0);
    expect(verify(...withKey)).toMatchObject({ status: 2, stdout: expect.stringMatching(/not_shown_yet/) });
    expect(verify(at('proof.json'))).toMatchObject({ status: 2, stdout: expect.stringMatching(/no_key/) });
    writeFileSync(at('forged.json'), proof.replace(/"index":\d+/, '"index":0'));
    expect(verify(at('forged.json'), ...withKey)).toMatchObject({
      status: 1,
      stdout: expect.stringMatching(/WRONG .*inclusion_wrong/),
    });
    expect(verify(join(server.data, 'audit', 'checkpoint'), ...withKey).status).toBe(64);
  }, 300_000);
});
