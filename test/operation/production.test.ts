import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { networkInterfaces, tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ApiSettings } from '../../src/api/api-settings.js';
import { TokenVerifier } from '../../src/api/auth/token-verifier.js';
import { Config, ConfigError } from '../../src/infrastructure/settings/config.js';
import { isLoopback, productionFaults } from '../../src/infrastructure/settings/production-faults.js';
import { built } from '../support/peers.js';
import { ServerStart, START_MS_MAX } from '../support/server-start.js';
import { describeUnless } from '../support/unless.js';

const cli = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
const AWAY = 'http://192.0.2.1/x';
const NEAR = 'http://127.0.0.1:9/x';
const MASTER_KEY = /^HONNIN_MASTER_KEY_FILE: the master key lies beside the data/;

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'honnin-production-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const faultsOf = (environment: Record<string, string>): readonly string[] => Config.from(environment).productionFaults;
/** A file of a key outside of the data, with a mode. */
const keyOf = (mode: number): string => {
  const file = path.join(folder, `key-${mode.toString(8)}`);
  writeFileSync(file, Buffer.alloc(32, 7));
  chmodSync(file, mode);
  return file;
};

// @fault O4
describe('what production refuses', () => {
  it.each([
    ['127.0.0.1', true],
    ['127.9.9.9', true],
    ['::1', true],
    ['[::1]', true],
    ['localhost', true],
    ['a.localhost', true],
    ['::ffff:127.0.0.1', true],
    ['0.0.0.0', false],
    ['::', false],
    ['192.0.2.1', false],
    ['localhost.example', false],
    ['127.0.0.1.example', false],
    ['', false],
  ])('knows whether %j is this machine alone: %s', (host, expected) => expect(isLoopback(host)).toBe(expected));

  const safe = (): Record<string, string> => ({ HONNIN_MASTER_KEY_FILE: keyOf(0o600) });

  it('is nothing where all is safe', () => {
    expect(faultsOf(safe())).toEqual([]);
    expect(faultsOf({ ...safe(), HONNIN_HOST: '0.0.0.0', HONNIN_TLS_CERT: 'c', HONNIN_TLS_KEY: 'k' })).toEqual([]);
    expect(productionFaults({ dataDir: '/d', masterKeyFile: null }, { isKeyInMemory: true })).toEqual([]);
  });

  it.each([
    'HONNIN_GOVERNMENT_URL',
    'HONNIN_JPKI_LINK_URL',
    'HONNIN_OIDC_ISSUER',
    'HONNIN_OIDC_JWKS_URL',
    'HONNIN_KAFKA_TOKEN_URL',
    'HONNIN_AUDIT_COPY_KAFKA_TOKEN_URL',
  ])('is plain http to another machine: %s', (env) => {
    expect(faultsOf({ ...safe(), [env]: AWAY })).toEqual([expect.stringContaining(`${env}=${AWAY}: `)]);
    for (const url of [AWAY.replace('http:', 'https:'), NEAR, 'http://[::1]:9', 'http://localhost/y']) {
      expect([url, faultsOf({ ...safe(), [env]: url })]).toEqual([url, []]);
    }
  });

  it('is listening for others without TLS, and a store elsewhere without it', () => {
    expect(faultsOf({ ...safe(), HONNIN_HOST: '0.0.0.0' })).toEqual([
      expect.stringMatching(/^HONNIN_HOST=0\.0\.0\.0: .*plain http/),
    ]);
    const store = (host: string, tls = 'false') => ({
      ...safe(),
      HONNIN_EVENT_STORE: `esdb://u:p@${host}:2113?tls=${tls}`,
    });
    expect(faultsOf(store('db.example'))).toEqual([
      'HONNIN_EVENT_STORE: events would go to db.example without TLS; leave tls=false out',
    ]);
    expect([faultsOf(store('127.0.0.1')), faultsOf(store('db.example', 'true'))]).toEqual([[], []]);
  });

  it('is a master key beside the data, wherever the settings say so', () => {
    expect(faultsOf({})).toEqual([expect.stringMatching(MASTER_KEY)]);
    const inside = { HONNIN_DATA: folder, HONNIN_MASTER_KEY_FILE: keyOf(0o600) };
    expect(faultsOf(inside)).toEqual([expect.stringMatching(MASTER_KEY)]);
    expect(faultsOf({ ...inside, HONNIN_DATA: path.join(folder, 'data') })).toEqual([]);
  });

  it.each(['HONNIN_MASTER_KEY_FILE', 'HONNIN_SERVER_SECRET_FILE', 'HONNIN_GOVERNMENT_TOKEN_FILE'])(
    'is a file that others can read: %s',
    (env) => {
      for (const mode of [0o640, 0o604, 0o666]) {
        expect(faultsOf({ ...safe(), [env]: keyOf(mode) })).toEqual([
          expect.stringMatching(new RegExp(`^${env}=.*others can read it`)),
        ]);
      }
    },
  );

  it.each([
    ['http://keys.example/jwks', 'unknown'],
    ['https://keys.example/jwks', 'invalid'],
  ])('is an issuer over https that names keys elsewhere in the clear: %s', async (keys, verdict) => {
    const oidc = { issuer: 'https://login.example', audience: 'honnin', jwksUri: null, rolesClaim: 'roles' };
    const { fetch } = globalThis;
    globalThis.fetch = async () => Response.json({ issuer: oidc.issuer, jwks_uri: keys });
    try {
      expect(await new TokenVerifier(new ApiSettings({ oidc })).verify('a.b.c')).toMatchObject({ verdict });
    } finally {
      globalThis.fetch = fetch;
    }
  });

  it.each([
    [{}, false],
    [{ HONNIN_ENVIRONMENT: 'test' }, false],
    [{ HONNIN_ENVIRONMENT: 'production' }, true],
    [{ HONNIN_HOST: '0.0.0.0' }, true],
    [{ HONNIN_HOST: '::1' }, false],
    // Who says that nothing real is here is told.
    [{ HONNIN_HOST: '0.0.0.0', HONNIN_ENVIRONMENT: 'test' }, false],
  ])('keeps a server from starting with %j: %s', (environment, isRefused) => {
    const serving = (): unknown => Config.from(environment as Record<string, string>, { isServing: true });
    if (isRefused) expect(serving).toThrow(ConfigError);
    else expect(serving).not.toThrow();
    // Commands look after what is there all the same.
    expect(() => Config.from(environment as Record<string, string>)).not.toThrow();
  });
});

// @fault O3
describe('what is not set', () => {
  const all = {
    HONNIN_JPKI_AUTH_ANCHORS: 'a.pem',
    HONNIN_JPKI_OCSP_URL: NEAR,
    HONNIN_CARD_ISSUER_KEYS: 'k.json',
    HONNIN_GOVERNMENT_URL: NEAR,
    HONNIN_OIDC_ISSUER: NEAR,
    HONNIN_AUDIT_ORIGIN: 'log.example.jp/honnin',
  };
  const without = (env: keyof typeof all) => Config.from({ ...all, [env]: '' }).gaps;

  it('is nothing where all is set', () => expect(Config.from(all).gaps).toEqual([]));

  it.each([
    ['HONNIN_JPKI_AUTH_ANCHORS', /^HONNIN_JPKI_AUTH_ANCHORS is not set: no certificate can be checked/],
    ['HONNIN_JPKI_OCSP_URL', /^HONNIN_JPKI_OCSP_URL is not set/],
    ['HONNIN_CARD_ISSUER_KEYS', /^HONNIN_CARD_ISSUER_KEYS is not set/],
    ['HONNIN_GOVERNMENT_URL', /^HONNIN_GOVERNMENT_URL is not set/],
    ['HONNIN_OIDC_ISSUER', /^HONNIN_OIDC_ISSUER is not set: no officer/],
    ['HONNIN_AUDIT_ORIGIN', /^HONNIN_AUDIT_ORIGIN is honnin\.localhost\/log, as with every installation/],
  ] as const)('is said: %s', (env, words) => expect(without(env)).toEqual([expect.stringMatching(words)]));

  it('is asked for by the order of sources', () => {
    const lists = { ...all, HONNIN_JPKI_OCSP_URL: '', HONNIN_JPKI_STATUS_ORDER: 'crl' };
    expect(Config.from(lists).gaps).toEqual([expect.stringMatching(/^HONNIN_JPKI_CRL_AUTH_URL is not set/)]);
    expect(Config.from({ ...lists, HONNIN_JPKI_CRL_SIGN_URL: NEAR }).gaps).toEqual([]);
    const published = { ...all, HONNIN_KAFKA_BROKERS: '127.0.0.1:9' };
    expect(Config.from(published).gaps).toEqual([expect.stringMatching(/^HONNIN_KAFKA_SOURCE is urn:honnin/)]);
  });

  it.each([
    [{ HONNIN_ENVIRONMENT: 'production' }, true],
    [{}, false],
  ])('is refused by production and by nobody else: %j', (environment, isRefused) => {
    const key = { HONNIN_MASTER_KEY_FILE: keyOf(0o600) };
    const serving = (): unknown =>
      Config.from({ ...key, ...environment } as Record<string, string>, { isServing: true });
    if (isRefused) expect(serving).toThrow(/HONNIN_GOVERNMENT_URL is not set[\s\S]*HONNIN_OIDC_ISSUER is not set/);
    else expect(serving).not.toThrow();
  });
});

describeUnless(built('cli/main.js'), 'a start', () => {
  const inherited = Object.entries(process.env).filter(([name]) => !/^(HONNIN_|NODE_OPTIONS)/.test(name));
  const doctor = (env: Record<string, string>) =>
    spawnSync(process.execPath, ['--disable-warning=ExperimentalWarning', cli, 'doctor'], {
      env: { ...Object.fromEntries(inherited), ...env },
      encoding: 'utf8',
      timeout: START_MS_MAX,
    })
      .stdout.split('\n')
      .filter((line) => line.includes(' production '));

  it(
    'with nothing set prints, line by line, what production would refuse, as doctor does, and serves',
    async () => {
      const data = path.join(folder, 'plain');
      mkdirSync(data, { mode: 0o755 });
      const nothing = { HONNIN_ENVIRONMENT: '', HONNIN_GOVERNMENT_URL: AWAY };
      const started = await ServerStart.of(data, nothing);
      expect(started.said).toMatch(
        /^honnin start: production would refuse HONNIN_GOVERNMENT_URL=http:\/\/192\.0\.2\.1\/x: .*plain http.*$/m,
      );
      expect(started.said).toMatch(
        /^honnin start: production would refuse HONNIN_MASTER_KEY_FILE: the master key lies beside/m,
      );
      expect(started.said).toMatch(/^honnin start: HONNIN_OIDC_ISSUER is not set: no officer/m);
      expect(started.url).not.toBeNull();
      await started.end();
      expect(doctor({ HONNIN_DATA: data, ...nothing })).toEqual([
        expect.stringMatching(/^note +production +would refuse HONNIN_GOVERNMENT_URL/),
        expect.stringMatching(/^note +production +would refuse HONNIN_MASTER_KEY_FILE/),
      ]);
    },
    2 * START_MS_MAX,
  );

  it.each([
    ['production was asked for', { HONNIN_ENVIRONMENT: 'production' }],
    [
      'others reach it',
      {
        HONNIN_ENVIRONMENT: '',
        HONNIN_HOST:
          Object.values(networkInterfaces())
            .flat()
            .find((one) => one && !one.internal)?.address ?? '0.0.0.0',
      },
    ],
  ])(
    'is refused, with all that is wrong at once, where %s',
    async (_why, env) => {
      const data = path.join(folder, 'refused');
      const wrong = { ...env, HONNIN_OIDC_ISSUER: AWAY, HONNIN_JPKI_LINK_URL: AWAY, HONNIN_LOG_LEVEL: 'loud' };
      const { url, child, said } = await ServerStart.of(data, wrong);
      expect({ url, code: child.exitCode }).toEqual({ url: null, code: 64 });
      for (const words of [
        /HONNIN_OIDC_ISSUER=/,
        /HONNIN_JPKI_LINK_URL=/,
        /HONNIN_MASTER_KEY_FILE: /,
        /HONNIN_LOG_LEVEL=loud/,
      ])
        expect(said).toMatch(words);
      const told = doctor({ HONNIN_DATA: data, ...wrong, HONNIN_LOG_LEVEL: '' });
      expect(told.length).toBeGreaterThanOrEqual(3);
      for (const line of told) expect(line).toMatch(/^WRONG/);
    },
    2 * START_MS_MAX,
  );
});
