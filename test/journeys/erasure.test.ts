import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { BoothClient } from '../../src/booth/booth-client.js';
import { generateBoothKey } from '../../src/booth/booth-key.js';
import { DurableCaptureCounter } from '../../src/booth/capture-counter.js';
import { DEMO_STORIES, loadCardPhoto, loadDemoFace } from '../../src/sandbox/card/demo-faces.js';
import type { SyntheticCard } from '../../src/sandbox/card/synthetic-card.js';
import { bytesUnder, filesUnder, RealServer, until } from '../support/real-server.js';

/** Everything over the real server, the real booth's program and the command line, as people would do it.
 *  @req R19 A15 A16 */
describe('a registrant who is erased', () => {
  let server: RealServer;
  const at = (name: string) => server.at(name);

  beforeAll(async () => {
    server = await RealServer.beside('erasure', ['auditor', 'administrator']);
    await server.start();
  }, 180_000);
  afterAll(() => server.close(), 180_000);

  it('leaves a history that verifies, no image, no key, and a story that still reads well', async () => {
    const booth = new BoothClient({
      baseUrl: server.url,
      boothId: 'booth-erasure-01',
      key: generateBoothKeyAnd((publicKey) => server.enrol('booth-erasure-01', publicKey)),
      counter: new DurableCaptureCounter(at('booth')),
    });
    await enrolled;
    const register = async (card: SyntheticCard, photo: Uint8Array): Promise<string> => {
      const { authenticationPin, accessNumber } = card.secrets;
      const { receipt } = await booth.register({
        card: card.connect(),
        pin: authenticationPin,
        accessNumber,
        photo,
        consent: { textVersion: '2026-11', keepReferenceImage: true },
      });
      return server.caseWith(receipt, 'FaceImageConfirmed');
    };
    const [captured, cardPhoto] = [
      await loadDemoFace(DEMO_STORIES.samePerson.captured),
      await loadCardPhoto(DEMO_STORIES.samePerson.card),
    ];
    const hanako = await server.sandbox.jpki.issueCard({ faceImage: cardPhoto });
    const first = await register(hanako, captured);
    // The case goes on after its photograph is confirmed: what it had sealed goes, and what is kept of the person
    // stays.
    const ofHanako = await until('the end of the case', () => {
      const files = sealedFiles();
      return foldersOf(files).size === 1 ? files : null;
    });
    const keysOfHanako = server.keysOf('registrant');
    const second = await register(hanako, captured);
    const somebody = await register(await server.sandbox.jpki.issueCard({ faceImage: cardPhoto }), captured);
    const seen = await server.call('auditor', 'GET', `/v1/cases/${first}/images/registered_face?purpose=audit`);
    expect([seen.status, (await seen.arrayBuffer()).byteLength > 5_000]).toEqual([200, true]);

    // No case is under way any more: what they still do would be done between the looks that follow.
    await until('the end of all cases', () => (server.keysOf('case').size === 0 ? true : null));
    // Before: a bundle, a list, and what a thief or a backup could keep of the sealed files.
    await server.signedLog();
    expect(server.honnin('audit', 'key', '--data', server.data, '--out', at('log.vkey')).status).toBe(0);
    expect(
      server.asAuditor(
        'audit',
        'export',
        '--registration',
        first,
        '--with-names',
        '--with-evidence',
        '--out',
        at('before.honnin'),
      ).stdout,
    ).toMatch(/bytes/);
    const sealed = await until('the second picture of the person', () => {
      const files = sealedFiles().filter((file) => dirname(file) === dirname(imagesOf(ofHanako)));
      return files.length > 1 ? files : null;
    });
    const kept = sealed.map((file) => [file, readFileSync(file)] as const);
    for (const [file] of kept) copyFileSync(file, at(`kept-${file.slice(-20)}`));

    await server.twoPeople('/v1/audit/erasures', { requestId: first, rule: 'request_of_the_person' });
    await until('the end of the key', async () =>
      [...keysOfHanako.keys()].some((owner) => server.keysOf('registrant').has(owner)) ? null : true,
    );

    // The images are gone: the files, their bytes wherever they might lie, and the key.
    await until('the end of the files', async () => (kept.some(([file]) => existsSync(file)) ? null : true));
    const everything = bytesUnder(server.data);
    for (const [, bytes] of kept)
      expect(everything.filter(([, b]) => b.includes(bytes.subarray(16, 64))).map(([file]) => file)).toEqual([]);
    for (const [owner, wrapped] of keysOfHanako) {
      const inKeyFiles = everything.filter(([file]) => file.includes('keys.db'));
      expect(
        inKeyFiles
          .filter(([, b]) => b.includes(Buffer.from(wrapped)) || b.includes(Buffer.from(owner)))
          .map(([file]) => file),
      ).toEqual([]);
    }
    for (const requestId of [first, second])
      expect(
        (await server.call('auditor', 'GET', `/v1/cases/${requestId}/images/registered_face?purpose=audit`)).status,
      ).toBe(410);
    // @fault Q5
    const told = async (image: string) =>
      (await server.call('auditor', 'GET', `/v1/cases/${first}/images/${image}?purpose=audit`)).json();
    const erasedAtUtc = expect.stringMatching(/^2\d{3}-\d\d-\d\dT/);
    expect(await told('registered_face')).toMatchObject({
      code: 'image_erased',
      data: { erasedAtUtc, rule: 'request_of_the_person' },
    });
    expect(await told('photo')).toMatchObject({ code: 'image_erased', data: { erasedAtUtc, rule: 'case_ended' } });

    // A sealed file that is put back opens for nobody.
    for (const [file, bytes] of kept) {
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, bytes);
    }
    for (const requestId of [first, second])
      expect(
        (await server.call('auditor', 'GET', `/v1/cases/${requestId}/images/registered_face?purpose=audit`)).status,
      ).toBe(410);
    for (const [file] of kept) rmSync(file);

    // The other person is untouched.
    const other = await server.call('auditor', 'GET', `/v1/cases/${somebody}/images/registered_face?purpose=audit`);
    expect([other.status, (await other.arrayBuffer()).byteLength > 5_000]).toEqual([200, true]);

    // After: the old bundle still verifies, the new ones too, and they say what happened.
    await server.signedLog();
    for (const [name, ...query] of [
      ['after.honnin', '--registration', first],
      ['second.honnin', '--registration', second],
      ['all.honnin', '--from', '0', '--list', 'requests', '--with-names', '--with-evidence'],
    ] as const)
      expect(server.asAuditor('audit', 'export', ...query, '--out', at(name)).stdout).toMatch(/bytes/);
    const verified = (name: string) => server.honnin('audit', 'verify', at(name), '--key', at('log.vkey'));
    expect(verified('before.honnin')).toMatchObject({ status: 0, stdout: expect.not.stringContaining('erased ') });
    for (const name of ['after.honnin', 'second.honnin', 'all.honnin']) {
      const { status, stdout } = verified(name);
      expect([name, status]).toEqual([name, 0]);
      expect(stdout).toMatch(
        /erased {5}committed:[0-9a-f]{16}… on 2\d{3}-\d\d-\d\dT[\d:.]+Z by rule request_of_the_person \(entry \d+\)/,
      );
      const [, reproduced, decisions] = /decisions {2}([\d,]+) of ([\d,]+) decisions reproduced/.exec(
        stdout,
      ) as unknown as [string, string, string];
      expect(reproduced).toBe(decisions);
    }
    // Nobody can be shown behind the token any more, and the evidence of the certificate is gone with the person.
    const header = (name: string) =>
      JSON.parse(readFileSync(at(name), 'utf8').split('\n')[1] as string) as {
        openings: Record<string, { kind: string }>;
        evidence: object;
      };
    const registrants = (name: string) =>
      Object.values(header(name).openings).filter(({ kind }) => kind === 'registrant').length;
    expect([registrants('before.honnin'), registrants('all.honnin')]).toEqual([1, 1]);
    expect(Object.keys(header('before.honnin').evidence).length).toBeGreaterThan(0);
    for (const id of Object.keys(header('before.honnin').evidence))
      expect(Object.keys(header('all.honnin').evidence)).not.toContain(id);

    // Each of the person's cases tells of it, in both languages, and so does the list of looks.
    for (const requestId of [first, second]) {
      expect(server.asAuditor('audit', 'why', '--registration', requestId, '--lang', 'ja').stdout).toMatch(
        /規則「本人の請求」により登録者の画像と鍵を消去した/,
      );
      expect(server.asAuditor('audit', 'why', '--registration', requestId, '--lang', 'en').stdout).toMatch(
        /images and key were erased on .* by rule request_of_the_person/,
      );
      expect(server.asAuditor('audit', 'show', '--registration', requestId).stdout).toMatch(
        /erased\.rule +request_of_the_person/,
      );
    }
    expect(server.asAuditor('audit', 'why', '--registration', somebody, '--lang', 'en').stdout).not.toContain(
      'erased on',
    );
    expect(server.asAuditor('audit', 'show', '--list', 'requests', '--out', at('requests.json')).stdout).toMatch(
      /^3 rows/m,
    );
    expect(server.asAuditor('audit', 'export', '--from', '0', '--out', at('all.honnin')).stdout).toMatch(/bytes/);
    expect(
      server.honnin('audit', 'verify-list', at('requests.json'), '--bundle', at('all.honnin'), '--key', at('log.vkey')),
    ).toMatchObject({ status: 0, stdout: expect.stringContaining('3 of 3 rows follow') });
    expect(server.honnin('audit', 'fsck', '--data', server.data)).toMatchObject({
      status: 0,
      stdout: expect.stringMatching(/1 erased registrants?: all is right/),
    });

    // Once the server has stopped, the data folder itself still tells the story.
    await server.end();
    const local = server.honnin('audit', 'why', '--registration', second, '--lang', 'en', '--data', server.data);
    expect(local).toMatchObject({
      status: 0,
      stdout: expect.stringMatching(/were erased on .* by rule request_of_the_person/),
    });
  }, 600_000);

  /** What lies sealed in the vault at this moment; a file that is being written has another name. @fault O30 */
  const sealedFiles = (): string[] =>
    filesUnder(join(server.data, 'vault', 'sealed')).filter((file) => file.endsWith('.sealed'));
  const foldersOf = (files: readonly string[]): Set<string> => new Set(files.map((file) => dirname(file)));

  let enrolled: Promise<unknown>;
  function generateBoothKeyAnd(enrol: (publicKey: string) => Promise<unknown>) {
    const key = generateBoothKey();
    enrolled = enrol(key.publicKeySpki);
    return key;
  }
  /** The one folder that held files when there was one registrant and no open case. */
  function imagesOf(all: readonly string[]): string {
    const counted = [...foldersOf(all)]
      .map((f) => [f, all.filter((file) => dirname(file) === f).length] as const)
      .sort((a, b) => b[1] - a[1]);
    return join((counted[0] as readonly [string, number])[0], 'x');
  }
});
