import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { Config, ConfigError } from '../../src/infrastructure/settings/config.js';
import { kafkaSettings } from '../../src/infrastructure/kafka/kafka-client.js';
import { examineKafka } from '../../src/infrastructure/kafka/kafka-doctor.js';
import { KafkaEventPublisher } from '../../src/infrastructure/kafka/kafka-event-publisher.js';
import { command as kafkaCommand } from '../../src/cli/kafka.js';
import { brokerMissing, startBroker, type Broker } from './support/kafka-broker.js';
import { elsewhere, peer } from '../support/peers.js';
import { describeUnless } from '../support/unless.js';

const PLAIN = 'org.apache.kafka.common.security.plain.PlainLoginModule';
const SCRAM = 'org.apache.kafka.common.security.scram.ScramLoginModule';
const OAUTH = 'org.apache.kafka.common.security.oauthbearer';

/** A token endpoint with client credentials, and the keys that the broker checks the tokens with. */
async function tokenServer(): Promise<{ url: string; close: () => void }> {
  const { publicKey, privateKey } = await generateKeyPair('RS256');
  const jwk = { ...(await exportJWK(publicKey)), kid: 'k1', alg: 'RS256', use: 'sig' };
  const server: Server = createServer((request, response) => {
    response.setHeader('content-type', 'application/json');
    if (request.url === '/jwks') return void response.end(JSON.stringify({ keys: [jwk] }));
    const known = request.headers.authorization === `Basic ${Buffer.from('honnin:oauth-secret').toString('base64')}`;
    if (!known) return void response.writeHead(401).end('{"error":"invalid_client"}');
    void new SignJWT({ scope: 'kafka' })
      .setProtectedHeader({ alg: 'RS256', kid: 'k1' })
      .setSubject('honnin')
      .setAudience('kafka')
      .setIssuer('urn:test')
      .setIssuedAt()
      .setExpirationTime('10m')
      .sign(privateKey)
      .then((token) => response.end(JSON.stringify({ access_token: token, token_type: 'Bearer' })));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { url: `http://127.0.0.1:${(server.address() as { port: number }).port}`, close: () => void server.close() };
}

function certificates(folder: string): void {
  const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd: folder, stdio: 'pipe' });
  openssl(
    'req',
    '-x509',
    '-newkey',
    'rsa:2048',
    '-nodes',
    '-keyout',
    'ca.key',
    '-out',
    'ca.pem',
    '-days',
    '30',
    '-subj',
    '/CN=test root',
  );
  writeFileSync(path.join(folder, 'san'), 'subjectAltName=IP:127.0.0.1\n');
  for (const name of ['broker', 'client']) {
    openssl(
      'req',
      '-newkey',
      'rsa:2048',
      '-nodes',
      '-keyout',
      `${name}.key`,
      '-out',
      `${name}.csr`,
      '-subj',
      `/CN=${name}`,
    );
    openssl(
      'x509',
      '-req',
      '-in',
      `${name}.csr`,
      '-CA',
      'ca.pem',
      '-CAkey',
      'ca.key',
      '-CAcreateserial',
      '-out',
      `${name}.pem`,
      '-days',
      '30',
      '-extfile',
      'san',
    );
  }
  writeFileSync(
    path.join(folder, 'broker-all.pem'),
    `${readFileSync(path.join(folder, 'broker.key'), 'utf8')}${readFileSync(path.join(folder, 'broker.pem'), 'utf8')}`,
  );
}

const another = process.env['KAFKA_BROKERS']
  ? 'KAFKA_BROKERS names a broker whose security is not ours to set up'
  : null;

const missing = peer('openssl') ?? brokerMissing() ?? elsewhere(another);

describeUnless(missing, 'security of the connection, with a real broker', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'honnin-kafka-tls-'));
  const file = (name: string, content: string): string => {
    writeFileSync(path.join(folder, name), content);
    return path.join(folder, name);
  };
  const at = (name: string): string => path.join(folder, name);
  let broker: Broker | undefined;
  let tokens: { url: string; close: () => void } | undefined;

  beforeAll(async () => {
    certificates(folder);
    const { url } = (tokens = await tokenServer());
    const tls = (listener: string): Record<string, string> => ({
      [`listener.name.${listener}.ssl.keystore.type`]: 'PEM',
      [`listener.name.${listener}.ssl.keystore.location`]: at('broker-all.pem'),
      [`listener.name.${listener}.ssl.truststore.type`]: 'PEM',
      [`listener.name.${listener}.ssl.truststore.location`]: at('ca.pem'),
    });
    broker = await startBroker({
      listeners: { MUTUAL: 'SSL', SIGNIN: 'SASL_SSL', OAUTH: 'SASL_SSL' },
      format: [
        '--add-scram',
        'SCRAM-SHA-256=[name=honnin,password=scram-secret]',
        '--add-scram',
        'SCRAM-SHA-512=[name=honnin,password=scram-secret]',
      ],
      jvm: [`-Dorg.apache.kafka.sasl.oauthbearer.allowed.urls=${url}/jwks`],
      properties: {
        ...tls('mutual'),
        ...tls('signin'),
        ...tls('oauth'),
        'listener.name.mutual.ssl.client.auth': 'required',
        'listener.name.signin.sasl.enabled.mechanisms': 'PLAIN,SCRAM-SHA-256,SCRAM-SHA-512',
        'listener.name.signin.plain.sasl.jaas.config': `${PLAIN} required user_honnin="plain-secret";`,
        'listener.name.signin.scram-sha-256.sasl.jaas.config': `${SCRAM} required;`,
        'listener.name.signin.scram-sha-512.sasl.jaas.config': `${SCRAM} required;`,
        'listener.name.oauth.sasl.enabled.mechanisms': 'OAUTHBEARER',
        'listener.name.oauth.oauthbearer.sasl.jaas.config': `${OAUTH}.OAuthBearerLoginModule required;`,
        'listener.name.oauth.oauthbearer.sasl.server.callback.handler.class': `${OAUTH}.OAuthBearerValidatorCallbackHandler`,
        'listener.name.oauth.sasl.oauthbearer.jwks.endpoint.url': `${url}/jwks`,
        'listener.name.oauth.sasl.oauthbearer.expected.audience': 'kafka',
        'listener.name.oauth.sasl.oauthbearer.expected.issuer': 'urn:test',
      },
    });
  }, 300_000);
  afterAll(async () => {
    await broker?.close();
    tokens?.close();
    rmSync(folder, { recursive: true });
  });

  const signIn = (sasl: string, password: string): Record<string, string> => ({
    HONNIN_KAFKA_BROKERS: broker?.listeners['SIGNIN'] ?? '',
    HONNIN_KAFKA_TLS: 'yes',
    HONNIN_KAFKA_CA: at('ca.pem'),
    HONNIN_KAFKA_SASL: sasl,
    HONNIN_KAFKA_USERNAME: 'honnin',
    HONNIN_KAFKA_PASSWORD_FILE: file(`${sasl}-${password}`, `${password}\n`),
  });
  const ways = (): Record<string, Record<string, string>> => ({
    'TLS with certificates on both sides': {
      HONNIN_KAFKA_BROKERS: broker?.listeners['MUTUAL'] ?? '',
      HONNIN_KAFKA_TLS: 'yes',
      HONNIN_KAFKA_CA: at('ca.pem'),
      HONNIN_KAFKA_CERT: at('client.pem'),
      HONNIN_KAFKA_KEY: at('client.key'),
    },
    plain: signIn('plain', 'plain-secret'),
    'scram-sha-256': signIn('scram-sha-256', 'scram-secret'),
    'scram-sha-512': signIn('scram-sha-512', 'scram-secret'),
    oauthbearer: {
      ...signIn('oauthbearer', 'oauth-secret'),
      HONNIN_KAFKA_BROKERS: broker?.listeners['OAUTH'] ?? '',
      HONNIN_KAFKA_TOKEN_URL: `${tokens?.url}/token`,
      HONNIN_KAFKA_TOKEN_SCOPE: 'kafka',
    },
  });

  it.each(['TLS with certificates on both sides', 'plain', 'scram-sha-256', 'scram-sha-512', 'oauthbearer'])(
    'creates topics, examines them and publishes over %s',
    async (way) => {
      const environment = {
        ...ways()[way],
        HONNIN_KAFKA_PARTITIONS: '3',
        HONNIN_KAFKA_TOPIC_PREFIX: `${way.replaceAll(' ', '-')}.`,
      };
      const before = { ...process.env };
      Object.assign(process.env, environment);
      try {
        expect(await kafkaCommand.run(['topics', '--apply', '--replication', '1', '--retention-days', '90'])).toBe(0);
      } finally {
        for (const name of Object.keys(environment)) if (before[name] === undefined) delete process.env[name];
      }
      const config = Config.from(environment);
      expect((await examineKafka(config)).map(({ level }) => level)).toEqual(['ok', 'ok', 'ok', 'ok', 'ok']);
      const settings = kafkaSettings(config);
      if (!settings) throw new Error('configured');
      const publisher = new KafkaEventPublisher(settings);
      await publisher.connect();
      await publisher.publish(publisher.laneOf('k'), [{ channel: 'registration-status', key: 'k', event: null }]);
      await publisher.close();
    },
    180_000,
  );

  it.each<[string, () => Record<string, string>, RegExp]>([
    ['a wrong password', () => signIn('plain', 'wrong'), /[Aa]uthentication failed/],
    ['a wrong SCRAM password', () => signIn('scram-sha-512', 'wrong'), /[Aa]uthentication failed|credentials/],
    [
      'a wrong client secret',
      () => ({ ...(ways()['oauthbearer'] ?? {}), HONNIN_KAFKA_PASSWORD_FILE: file('wrong-secret', 'wrong') }),
      /gave no access token \(HTTP 401\)/,
    ],
    [
      'a broker whose root we do not know',
      () => ({ ...signIn('plain', 'plain-secret'), HONNIN_KAFKA_CA: at('client.pem') }),
      /certificate|self-signed|issuer/i,
    ],
    [
      'no certificate of ours where one is asked for',
      () => ({
        HONNIN_KAFKA_BROKERS: broker?.listeners['MUTUAL'] ?? '',
        HONNIN_KAFKA_TLS: 'yes',
        HONNIN_KAFKA_CA: at('ca.pem'),
      }),
      /./,
    ],
    ['nobody at the address', () => ({ HONNIN_KAFKA_BROKERS: '127.0.0.1:9' }), /ECONNREFUSED/],
  ])(
    'doctor says what is wrong with %s',
    async (_, environment, words) => {
      const findings = await examineKafka(Config.from({ ...environment(), HONNIN_KAFKA_CONNECT_TIMEOUT_MS: '3000' }));
      expect(findings.map(({ level }) => level)).toEqual(['WRONG']);
      expect(findings[0]?.detail).toMatch(words);
      expect(findings[0]?.detail).not.toMatch(/wrong|secret/);
    },
    180_000,
  );
});

describe('settings that do not fit together', () => {
  it.each<[Record<string, string>, RegExp]>([
    [{ HONNIN_KAFKA_BROKERS: 'localhost' }, /host:port/],
    [{ HONNIN_KAFKA_SASL: 'plain' }, /needs HONNIN_KAFKA_USERNAME/],
    [
      { HONNIN_KAFKA_SASL: 'plain', HONNIN_KAFKA_USERNAME: 'u', HONNIN_KAFKA_PASSWORD_FILE: 'f' },
      /needs HONNIN_KAFKA_TLS=yes/,
    ],
    [{ HONNIN_KAFKA_CA: 'ca.pem' }, /need HONNIN_KAFKA_TLS=yes/],
    [{ HONNIN_KAFKA_TLS: 'yes', HONNIN_KAFKA_CERT: 'c.pem' }, /go together/],
    [
      {
        HONNIN_KAFKA_SASL: 'oauthbearer',
        HONNIN_KAFKA_TLS: 'yes',
        HONNIN_KAFKA_USERNAME: 'u',
        HONNIN_KAFKA_PASSWORD_FILE: 'f',
      },
      /needs HONNIN_KAFKA_TOKEN_URL/,
    ],
    [{ HONNIN_KAFKA_ERASURE_CONSUMERS: 'a,a' }, /different names/],
  ])('%j are told at the start', (environment, problem) => {
    expect(() => Config.from(environment)).toThrow(ConfigError);
    expect(() => Config.from(environment)).toThrow(problem);
  });
});
