import { readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { BoothClient } from '../../src/booth/booth-client.js';
import { generateBoothKey } from '../../src/booth/booth-key.js';
import { DurableCaptureCounter } from '../../src/booth/capture-counter.js';
import type { ListAnswer } from '../../src/application/audit/audit-lists.js';
import { DEMO_STORIES, loadCardPhoto, loadDemoFace } from '../../src/sandbox/card/demo-faces.js';
import { RealServer, until } from '../support/real-server.js';

/** docs/questions.md, asked of a real server by its interface, and each answer verified by the command line. */
describe('the ten questions of every day', () => {
  let server: RealServer;
  let requestId: string;
  const TODAY = 'from=2020-01-01T00:00:00%2B09:00&to=2099-12-31T23:59:59.999%2B09:00';

  beforeAll(async () => {
    server = await RealServer.beside('questions', ['auditor', 'officer-a']);
    await server.start();
    const key = generateBoothKey();
    await server.enrol('booth-questions-01', key.publicKeySpki);
    const booth = new BoothClient({
      baseUrl: server.url,
      boothId: 'booth-questions-01',
      key,
      counter: new DurableCaptureCounter(server.at('booth')),
    });
    const { samePerson } = DEMO_STORIES;
    const card = await server.sandbox.jpki.issueCard({ faceImage: await loadCardPhoto(samePerson.card) });
    const { receipt } = await booth.register({
      card: card.connect(),
      pin: card.secrets.authenticationPin,
      accessNumber: card.secrets.accessNumber,
      photo: await loadDemoFace(samePerson.captured),
      consent: { textVersion: '2026-11', keepReferenceImage: true },
    });
    requestId = await server.caseWith(receipt, 'FaceImageConfirmed');
    const seen = await server.call('auditor', 'GET', `/v1/cases/${requestId}/images/registered_face?purpose=audit`);
    expect(seen.status).toBe(200);
    await until('the end of the case', async () => {
      const { rows } = await answer('requests', '');
      return rows[0]?.['stage'] === 'accepted' ? true : null;
    });
    expect((await server.call('auditor', 'POST', '/v1/audit/exports', { requestId })).status).toBe(200);
    await server.twoPeople('/v1/audit/erasures', { requestId, rule: 'request_of_the_person' });
  }, 180_000);
  afterAll(() => server.close(), 180_000);

  async function answer(list: string, query: string): Promise<ListAnswer> {
    const asked = await server.call('auditor', 'GET', `/v1/audit/lists/${list}?limit=200${query && `&${query}`}`);
    const text = await asked.text();
    expect([asked.status, asked.status === 200 ? '' : text]).toEqual([200, '']);
    return JSON.parse(text) as ListAnswer;
  }

  it('are each answered by one call, whose certificate is held against the log', async () => {
    const answers = {
      'what was decided today': await answer('decisions', TODAY),
      'what was decided about this request': await answer('decisions', `requestId=${requestId}`),
      'which holds are open': await answer('holds', ''),
      'who looked at this case': await answer('accesses', `requestId=${requestId}&withNames=true`),
      'who looked at anything today': await answer('accesses', `${TODAY}&withNames=true`),
      'what left the house': await answer('exports', `${TODAY}&withNames=true`),
      'what was erased': await answer('erasures', TODAY),
      'what two people agreed to': await answer('acts', `${TODAY}&withNames=true`),
      'which rules were in force': await answer('policies', 'withNames=true'),
      'where all requests stand': await answer('dashboard', ''),
    };
    const rows = Object.fromEntries(Object.entries(answers).map(([name, page]) => [name, page.rows]));
    const decided = rows['what was decided about this request']!.map((row) => row['decision']);
    expect(decided).toEqual(['CertificateVerified', 'FaceMatched', 'GovernmentAccepted']);
    expect(rows['what was decided today']!.map((row) => row['decision'])).toEqual(decided);
    expect(rows['which holds are open']).toEqual([]);
    const looks = rows['who looked at this case']!;
    expect(new Set(looks.map((row) => row['requestId']))).toEqual(new Set([requestId]));
    expect(looks.at(-1)).toMatchObject({ act: 'BiometricViewed', what: 'registered_face', detail: 'audit' });
    expect(rows['who looked at anything today']!.length).toBeGreaterThan(2);
    expect(rows['what left the house']).toEqual([expect.objectContaining({ what: 'bundle', act: 'AuditExported' })]);
    const acts = rows['what two people agreed to']!;
    const erasure = rows['what was erased']!.find((row) => row['erased'] === 'registrant')!;
    expect(acts.map((row) => row['act'])).toEqual(['enrol_booth', 'erase_registrant']);
    expect(erasure).toMatchObject({ requestId, rule: 'request_of_the_person', actId: acts[1]!['actId'] });
    expect(rows['which rules were in force']).toEqual([expect.objectContaining({ version: 1, inForce: true })]);
    expect(rows['where all requests stand']![0]).toMatchObject({ requests: 1, stages: { accepted: 1 } });
    expect(answers['what was decided today'].clipped!.map(({ bound }) => bound)).toEqual(['from', 'to']);

    await server.signedLog();
    const [bundle, key] = [server.at('all.honnin'), server.at('log.vkey')];
    expect(server.honnin('audit', 'key', '--data', server.data, '--out', key).status).toBe(0);
    expect(server.asAuditor('audit', 'export', '--from', '0', '--out', bundle).stdout).toMatch(/bytes/);
    for (const [i, page] of Object.values(answers).entries()) {
      writeFileSync(server.at(`answer-${i}.json`), JSON.stringify(page));
      const { status, stdout, stderr } = server.honnin(
        'audit',
        'verify-list',
        server.at(`answer-${i}.json`),
        '--bundle',
        bundle,
        '--key',
        key,
      );
      expect([page.list, status, status === 0 ? '' : stdout + stderr]).toEqual([page.list, 0, '']);
    }
  }, 180_000);

  it('stand in docs/questions.md, one call each', () => {
    const document = readFileSync('docs/questions.md', 'utf8');
    const lists = [...document.matchAll(/^\| (\d+) \| .*?\| `([a-z]+)[?`]/gm)].map(([, , list]) => list);
    expect(lists).toEqual([
      'decisions',
      'decisions',
      'holds',
      'accesses',
      'accesses',
      'exports',
      'erasures',
      'acts',
      'policies',
      'dashboard',
    ]);
  });
});
