import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { BoothClient } from '../../src/booth/booth-client.js';
import { generateBoothKey } from '../../src/booth/booth-key.js';
import { DurableCaptureCounter } from '../../src/booth/capture-counter.js';
import { DEMO_STORIES, loadCardPhoto, loadDemoFace } from '../../src/sandbox/card/demo-faces.js';
import { sandboxSettings } from '../../src/sandbox/sandbox.js';
import { CLOCK_AHEAD, filesUnder, RealServer, until } from '../support/real-server.js';

const DAY_MS = 86_400_000;

/** Over the real server, killed while the evidence waits, and the command line, as people would do it.  @req R19 */
describe('evidence of a refused certificate', () => {
  let server: RealServer;
  const at = (name: string) => server.at(name);
  const sealedFolder = () => join(server.data, 'vault', 'sealed');

  beforeAll(async () => {
    server = await RealServer.beside('refused', ['auditor', 'administrator', 'administrator-b']);
    writeFileSync(at('clock-ahead.mjs'), CLOCK_AHEAD);
    setAhead(0);
    await start();
  }, 180_000);
  afterAll(() => server.close(), 180_000);

  const setAhead = (ms: number) => writeFileSync(at('ahead'), String(ms));
  const start = () => server.start({ preload: at('clock-ahead.mjs'), env: { TEST_CLOCK_AHEAD: at('ahead') } });
  async function putInForce(values: object, version: number): Promise<void> {
    expect((await server.call('administrator', 'POST', '/v1/policies', values)).status).toBe(201);
    expect((await server.call('administrator-b', 'POST', `/v1/policies/${version}/approval`)).status).toBe(200);
    expect((await server.call('administrator-b', 'POST', `/v1/policies/${version}/activation`)).status).toBe(200);
  }

  it('is there until its time, then gone with its key, and what was signed before and after still verifies', async () => {
    const key = generateBoothKey();
    await server.enrol('booth-refused-01', key.publicKeySpki);
    const booth = new BoothClient({
      baseUrl: server.url,
      boothId: 'booth-refused-01',
      key,
      counter: new DurableCaptureCounter(at('booth')),
    });
    const [photo, faceImage] = [
      await loadDemoFace(DEMO_STORIES.samePerson.captured),
      await loadCardPhoto(DEMO_STORIES.samePerson.card),
    ];
    const refuse = async (): Promise<string> => {
      const card = await server.sandbox.jpki.issueCard({ faceImage });
      server.sandbox.jpki.revoke(card, 'key_compromise');
      const { authenticationPin: pin, accessNumber } = card.secrets;
      const { receipt } = await booth.register({
        card: card.connect(),
        pin,
        accessNumber,
        photo,
        consent: { textVersion: '2026-11', keepReferenceImage: true },
      });
      return server.caseWith(receipt, 'RefusedEvidenceRetained');
    };
    const isOnlyEvidence = (n: number) =>
      until('the end of the case', () => (filesUnder(sealedFolder()).length === n ? true : null));

    // One under the policy of the first start, 400 days; one under a policy that gives a day.
    const kept = await refuse();
    await isOnlyEvidence(1);
    const ofKept = filesUnder(sealedFolder());
    const { versions } = (await (await server.call('administrator', 'GET', '/v1/policies')).json()) as {
      versions: { values: { refusedEvidenceRetentionDays: number } }[];
    };
    expect(versions[0]!.values.refusedEvidenceRetentionDays).toBe(400);
    await putInForce({ ...versions[0]!.values, refusedEvidenceRetentionDays: 1 }, 2);
    const ending = await refuse();
    await isOnlyEvidence(2);
    const [file] = filesUnder(sealedFolder()).filter((each) => !ofKept.includes(each)) as [string];
    const bytes = readFileSync(file);
    const wrapped = server.keysOf('evidence').get(`evidence:${ending}`) as Uint8Array;
    expect(wrapped).toBeInstanceOf(Uint8Array);

    await server.signedLog();
    expect(server.honnin('audit', 'key', '--data', server.data, '--out', at('log.vkey')).status).toBe(0);
    expect(
      server.asAuditor(
        'audit',
        'export',
        '--from',
        '0',
        '--list',
        'policies',
        '--with-evidence',
        '--out',
        at('before.honnin'),
      ).stdout,
    ).toMatch(/bytes/);
    const anchors = sandboxSettings(server.sandbox)['HONNIN_JPKI_AUTH_ANCHORS'] as string;
    const verified = (name: string) =>
      server.honnin('audit', 'verify', at(name), '--key', at('log.vkey'), '--auth-anchors', anchors);
    expect(verified('before.honnin')).toMatchObject({
      status: 0,
      stdout: expect.stringContaining('2 of 2 certificate verdicts reproduced'),
    });

    // The server dies while the evidence waits. Where a day has passed when it is back, that evidence goes, and the
    // other stays.
    await server.end('SIGKILL');
    expect(existsSync(file)).toBe(true);
    setAhead(DAY_MS + 60_000);
    await start();
    await until('the end of the file', () => (existsSync(file) ? null : true));
    await until('the end of the key', () => (server.keysOf('evidence').has(`evidence:${ending}`) ? null : true));
    setAhead(0);
    expect([...server.keysOf('evidence').keys()]).toEqual([`evidence:${kept}`]);
    const everything = filesUnder(server.data).map((each) => [each, readFileSync(each)] as const);
    expect(everything.filter(([, b]) => b.includes(bytes.subarray(16, 64))).map(([each]) => each)).toEqual([]);
    expect(
      everything
        .filter(
          ([each, b]) =>
            each.includes('keys.db') &&
            (b.includes(Buffer.from(wrapped)) || b.includes(Buffer.from(`evidence:${ending}`))),
        )
        .map(([each]) => each),
    ).toEqual([]);

    // A file that is put back opens for nobody.
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, bytes);
    await server.historyHas(ending, 'RefusedEvidenceErased');
    await server.signedLog();
    for (const [name, ...query] of [
      ['after.honnin', '--from', '0', '--list', 'policies'],
      ['case.honnin', '--registration', ending],
    ] as const)
      expect(server.asAuditor('audit', 'export', ...query, '--with-evidence', '--out', at(name)).stdout).toMatch(
        /bytes/,
      );
    rmSync(file);
    const evidence = (name: string) =>
      Object.keys(
        (JSON.parse(readFileSync(at(name), 'utf8').split('\n')[1] as string) as { evidence: object }).evidence,
      ).length;
    expect(['before.honnin', 'after.honnin', 'case.honnin'].map(evidence)).toEqual([2, 1, 0]);

    expect(verified('before.honnin')).toMatchObject({
      status: 0,
      stdout: expect.stringContaining('2 of 2 certificate verdicts reproduced'),
    });
    for (const [name, reproduced] of [
      ['after.honnin', '1 of 2'],
      ['case.honnin', '0 of 1'],
    ] as const) {
      const { status, stdout } = verified(name);
      expect([name, status]).toEqual([name, 0]);
      expect(stdout).toMatch(
        new RegExp(
          `${reproduced} certificate verdicts reproduced; 1 not recomputed\\n(?: +evidence of \\d is what the log names by SHA-256\\n)? +1: evidence of a refused certificate erased after retention\\n +at \\d+, case ${ending}\\n`,
        ),
      );
      expect(stdout).not.toMatch(/NOT in the bundle/);
      const [, decisions, all] = /decisions {2}([\d,]+) of ([\d,]+) decisions reproduced/.exec(stdout) as unknown as [
        string,
        string,
        string,
      ];
      expect(decisions).toBe(all);
    }
    expect(server.asAuditor('audit', 'why', '--registration', ending, '--lang', 'ja').stdout).toMatch(
      /証拠は、封印したまま\S+まで保存する\(1日間\)[^]*規則「保存期間の満了」により、認めなかった電子証明書の証拠と鍵を消去した/,
    );
    expect(server.asAuditor('audit', 'why', '--registration', ending, '--lang', 'en').stdout).toMatch(
      /is kept until \S+ \(1 day\)[^]*and its key were erased on \S+ by rule retention_limit/,
    );
    expect(server.asAuditor('audit', 'why', '--registration', kept, '--lang', 'en').stdout).toMatch(
      /is kept until \S+ \(400 days\)/,
    );
    expect(server.asAuditor('audit', 'show', '--registration', ending).stdout).toMatch(
      /refusedEvidence\.isErased +true/,
    );
    expect(server.honnin('audit', 'fsck', '--data', server.data)).toMatchObject({
      status: 0,
      stdout: expect.stringContaining('all is right'),
    });
    expect(await (await server.asOperator('/health/ready')).text()).toContain('evidence of 1 refused ones is retained');
  }, 180_000);
});
