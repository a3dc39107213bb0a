import { execFileSync } from 'node:child_process';
import { createPrivateKey, randomUUID, sign } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { exportJWK, generateKeyPair, SignJWT, type CryptoKey, type JWK } from 'jose';
import { ProblemError } from '../../src/api/contract/problems.js';
import { governmentRegistry } from '../../src/infrastructure/government/configured-registry.js';
import { certificateVerifier } from '../../src/infrastructure/jpki/configured-verifiers.js';
import { ApiSettings } from '../../src/api/api-settings.js';
import { TokenVerifier } from '../../src/api/auth/token-verifier.js';
import { RelyingParty } from '../../src/api/session/relying-party.js';
import { timestampAuthority } from '../../src/infrastructure/audit/outlets/configured-outlets.js';
import { HttpSubjectLinker } from '../../src/infrastructure/linking/http-subject-linker.js';
import { Config, ConfigError } from '../../src/infrastructure/settings/config.js';
import {
  askService,
  crlQuestion,
  governmentQuestion,
  linkQuestion,
  signInQuestion,
} from '../../src/infrastructure/settings/service-questions.js';
import { serviceFetch, serviceTls } from '../../src/infrastructure/settings/service-tls.js';
import { parseCertificate, serialHex } from '../../src/infrastructure/x509/certificate/certificate.js';
import type { SyntheticCard } from '../../src/sandbox/card/synthetic-card.js';
import { startGovernmentServer, type GovernmentServer } from '../../src/sandbox/government/government-server.js';
import {
  startTimestampAuthority,
  type TimestampAuthorityStandIn,
} from '../../src/sandbox/timestamp/timestamp-authority.js';
import { startJpkiServer, type JpkiServer } from '../../src/sandbox/jpki/jpki-server.js';
import { peer } from '../support/peers.js';
import { describeUnless } from '../support/unless.js';
import { samplePicture } from './support.js';

// @fault O4
describeUnless(peer('openssl'), 'services that show a certificate of their own authority and demand one', () => {
  let folder: string;
  let jpki: JpkiServer;
  let government: GovernmentServer;
  let timestamps: TimestampAuthorityStandIn;
  let provider: Provider;
  let card: SyntheticCard;
  const fronts: Server[] = [];
  let urls: { government: string; ocsp: string; crl: string; links: string; tsa: string; signIn: string };
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
    [jpki, government, timestamps] = await Promise.all([
      startJpkiServer({ print: () => undefined }),
      startGovernmentServer({ print: () => undefined }),
      startTimestampAuthority({ print: () => undefined }),
    ]);
    card = await jpki.issueCard({ picture: await samplePicture() });
    writeFileSync(at('tsa.pem'), timestamps.anchorPem);
    provider = await Provider.of();
    writeFileSync(at('auth.pem'), jpki.anchorsPem.user_authentication);
    const inFront = async (url: string) => `${await front(new URL(url).origin)}${new URL(url).pathname}`;
    urls = {
      government: (await inFront(government.url)).replace(/\/$/, ''),
      ocsp: await inFront(jpki.ocspUrl),
      crl: await inFront(jpki.crlUrls.user_authentication),
      links: await inFront(jpki.linksUrl),
      tsa: await inFront(timestamps.tsaUrl),
      signIn: await tlsServer((incoming, answer) => provider.answer(urls.signIn, incoming, answer)),
    };
  }, 180_000);
  afterAll(async () => {
    for (const server of fronts) server.close().closeAllConnections();
    await Promise.all([jpki?.close(), government?.close(), timestamps?.close()]);
    rmSync(folder, { recursive: true, force: true });
  });

  /** TLS before a stand-in. @returns its address */
  const front = (origin: string): Promise<string> =>
    tlsServer((incoming, answer) => {
      const { method, headers } = incoming;
      const behind = request(`${origin}${incoming.url}`, { method, headers }, (given) => {
        answer.writeHead(given.statusCode ?? 500, given.headers);
        given.pipe(answer);
      });
      incoming.pipe(behind);
    });

  /** For who shows a certificate of our authority. @returns its address */
  async function tlsServer(answers: RequestListener): Promise<string> {
    const read = (name: string) => readFileSync(at(name));
    const server = createServer(
      { key: read('server.key'), cert: read('server.pem'), ca: read('ca.pem'), requestCert: true },
      answers,
    );
    fronts.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  const certificates = (who: string, ca = 'ca') =>
    Object.fromEntries(
      TLS_SETTINGS.flatMap((env) => [
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
      HONNIN_JPKI_LINK_URL: urls.links,
      HONNIN_TSA_URL: urls.tsa,
      HONNIN_TSA_ANCHORS: at('tsa.pem'),
      HONNIN_OIDC_ISSUER: urls.signIn,
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

  const stamped = (config: Config) =>
    timestampAuthority(config)
      .stamp(Buffer.from('checkpoint'))
      .then(
        () => 'stamped',
        (error: Error) => error.message,
      );
  const linked = async (config: Config) => {
    const { linkUrl: url, jpkiTimeoutMs: timeoutMs } = config.values;
    const { issuer, serial } = parseCertificate(Buffer.from(card.certificate('user_authentication')));
    const holder = { issuerName: issuer, serialNumber: serialHex(serial) };
    const linker = new HttpSubjectLinker({ url, timeoutMs, tls: serviceTls(config, 'link') });
    const { answer } = await linker.linksOf({ holder, cardKeySha256: null });
    return answer;
  };
  const signInSettings = (config: Config) =>
    new ApiSettings({
      oidc: {
        issuer: urls.signIn,
        audience: 'honnin',
        jwksUri: null,
        rolesClaim: 'roles',
        ...serviceFetch(config, 'oidc'),
      },
      console: { clientId: 'console', clientSecret: null, scope: 'openid', url: null, folder: null },
    });
  const tokenVerdict = async (config: Config) => {
    const { verdict } = await new TokenVerifier(signInSettings(config)).verify(await provider.token(urls.signIn));
    return verdict;
  };
  /** The whole code flow, with what the browser brings back. @returns who is signed in, or the problem's code */
  const signedIn = async (config: Config): Promise<string> => {
    const party = new RelyingParty(signInSettings(config));
    const redirect = 'https://honnin.example/console/back';
    try {
      const { flow } = await party.begin(redirect, '/console/');
      provider.nonce = flow.nonce;
      const { subject } = await party.finish(new URL(`${redirect}?code=1&state=${flow.state}`), flow);
      return subject;
    } catch (error) {
      if (!(error instanceof ProblemError)) throw error;
      return error.code;
    }
  };

  it('are met with ours: timestamps, links of cards, keys of sign-ins and the flow of a browser', async () => {
    const config = configOf(certificates('client'));
    expect(await stamped(config)).toBe('stamped');
    expect(await linked(config)).toBe('known');
    expect(await tokenVerdict(config)).toBe('valid');
    expect(await signedIn(config)).toBe('hanako');
    const links = { ...linkQuestion(urls.links), tls: serviceTls(config, 'link') };
    expect((await askService(links, 10_000)).fault).toBe(null);
    const sign = signInQuestion(urls.signIn, null, 10_000, serviceTls(config, 'oidc'));
    expect((await askService(sign, 10_000)).fault).toBe(null);
  }, 60_000);

  it('are met with ours: submissions, both sources of status, and the questions of doctor', async () => {
    const config = configOf(certificates('client'));
    expect(await submitted(config)).toMatchObject({ answer: 'accepted' });
    expect(await verified(config)).toBe('valid');
    expect(await verified(configOf(certificates('client'), 'crl'))).toBe('valid');
    const asked = { ...governmentQuestion(urls.government, null), tls: serviceTls(config, 'government') };
    expect((await askService(asked, 10_000)).fault).toBe(null);
    const list = { ...crlQuestion(urls.crl), tls: serviceTls(config, 'authority') };
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
      expect(await stamped(configOf(settings()))).toMatch(/the timestamp authority gave no answer/);
      expect(await linked(configOf(settings()))).toBe('unknown');
      expect(await tokenVerdict(configOf(settings()))).toBe('unknown');
      expect(await signedIn(configOf(settings()))).toBe('sign_in_unavailable');
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
      HONNIN_JPKI_LINK_TLS_CA: at('client.key'),
      HONNIN_OIDC_TLS_CA: at('none.pem'),
      HONNIN_TSA_TLS_KEY: at('client.key'),
    };
    expect(problems(wrong)).toEqual([
      expect.stringMatching(/HONNIN_GOVERNMENT_TLS_CERT and HONNIN_GOVERNMENT_TLS_KEY go together/),
      expect.stringMatching(/HONNIN_TSA_TLS_CERT and HONNIN_TSA_TLS_KEY go together/),
      expect.stringMatching(/HONNIN_JPKI_TLS_CA=.*: there is no such file/),
      expect.stringMatching(/HONNIN_JPKI_TLS_KEY=.*: is the key of another certificate/),
      expect.stringMatching(/HONNIN_JPKI_LINK_TLS_CA=.*: holds no certificate/),
      expect.stringMatching(/HONNIN_OIDC_TLS_CA=.*: there is no such file/),
    ]);
  });
});

const TLS_SETTINGS = [
  'HONNIN_JPKI_TLS',
  'HONNIN_GOVERNMENT_TLS',
  'HONNIN_JPKI_LINK_TLS',
  'HONNIN_OIDC_TLS',
  'HONNIN_TSA_TLS',
];

/** A sign-in service that is asked over TLS: discovery, keys, and tokens for any code. */
class Provider {
  nonce = '';

  private constructor(
    private readonly privateKey: CryptoKey,
    private readonly publicJwk: JWK,
  ) {}

  static async of(): Promise<Provider> {
    const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true });
    return new Provider(privateKey, await exportJWK(publicKey));
  }

  token(issuer: string, claims: Readonly<Record<string, unknown>> = {}, audience = 'honnin'): Promise<string> {
    return new SignJWT({ roles: ['officer'], ...claims })
      .setProtectedHeader({ alg: 'ES256', kid: '1', typ: 'at+jwt' })
      .setIssuer(issuer)
      .setAudience(audience)
      .setSubject('hanako')
      .setIssuedAt()
      .setExpirationTime('5m')
      .sign(this.privateKey);
  }

  answer(issuer: string, incoming: IncomingMessage, answer: ServerResponse): void {
    incoming.resume();
    void this.documentAt(issuer, incoming.url ?? '').then((document) => {
      answer.writeHead(document === null ? 404 : 200, { 'content-type': 'application/json' });
      answer.end(JSON.stringify(document));
    });
  }

  private async documentAt(issuer: string, path: string): Promise<object | null> {
    if (path === '/.well-known/openid-configuration')
      return {
        issuer,
        jwks_uri: `${issuer}/jwks`,
        authorization_endpoint: `${issuer}/authorize`,
        token_endpoint: `${issuer}/token`,
        response_types_supported: ['code'],
        subject_types_supported: ['public'],
        id_token_signing_alg_values_supported: ['ES256'],
      };
    if (path === '/jwks') return { keys: [{ ...this.publicJwk, kid: '1', alg: 'ES256', use: 'sig' }] };
    if (path !== '/token') return null;
    const idToken = await this.token(issuer, { nonce: this.nonce }, 'console');
    return { access_token: await this.token(issuer), token_type: 'bearer', expires_in: 300, id_token: idToken };
  }
}

const KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];

function openssl(...args: string[]): void {
  execFileSync('openssl', args, { stdio: 'ignore' });
}
