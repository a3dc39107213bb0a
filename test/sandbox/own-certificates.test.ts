import { execFileSync } from 'node:child_process';
import { createPrivateKey, randomUUID, sign } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { governmentRegistry, governmentTls } from '../../src/infrastructure/government/configured-registry.js';
import { authorityTls, certificateVerifier } from '../../src/infrastructure/jpki/configured-verifiers.js';
import { Config, ConfigError } from '../../src/infrastructure/settings/config.js';
import { askService, crlQuestion, governmentQuestion } from '../../src/infrastructure/settings/service-questions.js';
import type { SyntheticCard } from '../../src/sandbox/card/synthetic-card.js';
import { startGovernmentServer, type GovernmentServer } from '../../src/sandbox/government/government-server.js';
import { startJpkiServer, type JpkiServer } from '../../src/sandbox/jpki/jpki-server.js';
import { peer } from '../support/peers.js';
import { describeUnless } from '../support/unless.js';
import { samplePicture } from './support.js';

// @fault O4
describeUnless(peer('openssl'), 'services that show a certificate of their own authority and demand one', () => {
  let folder: string;
  let jpki: JpkiServer;
  let government: GovernmentServer;
  let card: SyntheticCard;
  const fronts: Server[] = [];
  let urls: { government: string; ocsp: string; crl: string };
  const at = (name: string) => join(folder, name);

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'honnin-own-certificates-'));
    for (const ca of ['ca', 'other-ca'])
      openssl(
        'req',
        '-x509',
        ...KEY,
        '-days',
        '2',
        '-subj',
        `/CN=${ca}`,
        '-keyout',
        at(`${ca}.key`),
        '-out',
        at(`${ca}.pem`),
      );
    for (const [name, ca] of [
      ['server', 'ca'],
      ['client', 'ca'],
      ['stranger', 'other-ca'],
    ] as const) {
      openssl('req', ...KEY, '-subj', `/CN=${name}`, '-keyout', at(`${name}.key`), '-out', at(`${name}.csr`));
      writeFileSync(at('names'), 'subjectAltName=IP:127.0.0.1');
      const by = ['-CA', at(`${ca}.pem`), '-CAkey', at(`${ca}.key`), '-CAcreateserial', '-days', '2'];
      openssl('x509', '-req', '-in', at(`${name}.csr`), ...by, '-extfile', at('names'), '-out', at(`${name}.pem`));
    }
    [jpki, government] = await Promise.all([
      startJpkiServer({ print: () => undefined }),
      startGovernmentServer({ print: () => undefined }),
    ]);
    card = await jpki.issueCard({ picture: await samplePicture() });
    writeFileSync(at('auth.pem'), jpki.anchorsPem.user_authentication);
    const inFront = async (url: string) => `${await front(new URL(url).origin)}${new URL(url).pathname}`;
    urls = {
      government: (await inFront(government.url)).replace(/\/$/, ''),
      ocsp: await inFront(jpki.ocspUrl),
      crl: await inFront(jpki.crlUrls.user_authentication),
    };
  }, 180_000);
  afterAll(async () => {
    for (const server of fronts) server.close().closeAllConnections();
    await Promise.all([jpki?.close(), government?.close()]);
    rmSync(folder, { recursive: true, force: true });
  });

  /** TLS before a stand-in, for who shows a certificate of our authority. @returns its address */
  async function front(origin: string): Promise<string> {
    const read = (name: string) => readFileSync(at(name));
    const server = createServer(
      { key: read('server.key'), cert: read('server.pem'), ca: read('ca.pem'), requestCert: true },
      (incoming, answer) => {
        const { method, headers } = incoming;
        const behind = request(`${origin}${incoming.url}`, { method, headers }, (given) => {
          answer.writeHead(given.statusCode ?? 500, given.headers);
          given.pipe(answer);
        });
        incoming.pipe(behind);
      },
    );
    fronts.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  const certificates = (who: string, ca = 'ca') =>
    Object.fromEntries(
      ['HONNIN_JPKI_TLS', 'HONNIN_GOVERNMENT_TLS'].flatMap((env) => [
        [`${env}_CA`, at(`${ca}.pem`)],
        [`${env}_CERT`, at(`${who}.pem`)],
        [`${env}_KEY`, at(`${who}.key`)],
      ]),
    ) as Record<string, string>;
  let folders = 0;
  const configOf = (settings: Record<string, string>, order = 'ocsp') =>
    Config.from({
      HONNIN_ENVIRONMENT: 'test',
      HONNIN_DATA: at(`data-${(folders += 1)}`),
      HONNIN_GOVERNMENT_URL: urls.government,
      HONNIN_JPKI_AUTH_ANCHORS: at('auth.pem'),
      HONNIN_JPKI_OCSP_URL: urls.ocsp,
      HONNIN_JPKI_CRL_AUTH_URL: urls.crl,
      HONNIN_JPKI_STATUS_ORDER: order,
      ...settings,
    });
  const submitted = async (config: Config) =>
    governmentRegistry(config).submit({
      submissionId: randomUUID(),
      photo: await samplePicture(),
      capturedAtUtc: '2026-11-23T01:02:03.000Z',
      certificate: card.certificate('user_authentication'),
      certificateType: 'user_authentication',
      policyVersion: 1,
    });
  const verified = async (config: Config) => {
    const signedBytes = Buffer.from('envelope');
    const key = createPrivateKey(card.toJson().certificates.user_authentication!.privateKey);
    const signature = sign(key.asymmetricKeyType === 'rsa' ? 'sha256' : 'sha384', signedBytes, key);
    const { verdict } = await certificateVerifier(config).verify({
      certificate: card.certificate('user_authentication'),
      certificateType: 'user_authentication',
      signedBytes,
      signature,
      at: new Date().toISOString(),
    });
    return verdict;
  };

  it('are met with ours: submissions, both sources of status, and the questions of doctor', async () => {
    const config = configOf(certificates('client'));
    expect(await submitted(config)).toMatchObject({ answer: 'accepted' });
    expect(await verified(config)).toBe('valid');
    expect(await verified(configOf(certificates('client'), 'crl'))).toBe('valid');
    const asked = { ...governmentQuestion(urls.government, null), tls: governmentTls(config) };
    expect((await askService(asked, 10_000)).fault).toBe(null);
    const list = { ...crlQuestion(urls.crl), tls: authorityTls(config) };
    expect((await askService(list, 10_000)).fault).toBe(null);
  }, 60_000);

  it.each<[string, () => Record<string, string>]>([
    ['nothing of ours', () => ({})],
    ['a certificate of others', () => certificates('stranger')],
    ['roots of others', () => certificates('client', 'other-ca')],
  ])(
    'are out of reach with %s, which is no verdict on anybody',
    async (_what, settings) => {
      expect(await submitted(configOf(settings()))).toEqual({ answer: 'unknown', cause: 'unreachable' });
      expect(await verified(configOf(settings()))).toBe('unknown');
    },
    60_000,
  );

  it('want files that go together, and all that is wrong with them is told at the start', () => {
    const problems = (settings: Record<string, string>): readonly string[] => {
      try {
        Config.from(settings, { isServing: true });
        return [];
      } catch (error) {
        if (!(error instanceof ConfigError)) throw error;
        return error.problems;
      }
    };
    expect(problems(certificates('client'))).toEqual([]);
    const wrong = {
      HONNIN_JPKI_TLS_CA: at('none.pem'),
      HONNIN_JPKI_TLS_CERT: at('client.pem'),
      HONNIN_JPKI_TLS_KEY: at('stranger.key'),
      HONNIN_GOVERNMENT_TLS_CERT: at('client.pem'),
    };
    expect(problems(wrong)).toEqual([
      expect.stringMatching(/HONNIN_GOVERNMENT_TLS_CERT and HONNIN_GOVERNMENT_TLS_KEY go together/),
      expect.stringMatching(/HONNIN_JPKI_TLS_CA=.*: there is no such file/),
      expect.stringMatching(/HONNIN_JPKI_TLS_KEY=.*: is the key of another certificate/),
    ]);
  });
});

const KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];

function openssl(...args: string[]): void {
  execFileSync('openssl', args, { stdio: 'ignore' });
}
