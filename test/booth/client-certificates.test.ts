import { createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { request as httpRequest } from 'node:http';
import { Agent, request as httpsRequest } from 'node:https';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { connect } from 'node:tls';
import { CommandBus } from '@nestjs/cqrs';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { ApiSettings } from '../../src/api/api-settings.js';
import { EnrolBooth } from '../../src/application/commands/manage-booth.js';
import { BoothClient } from '../../src/booth/booth-client.js';
import { BoothNotTrustedError } from '../../src/booth/booth-errors.js';
import { generateBoothKey } from '../../src/booth/booth-key.js';
import type { BoothTls } from '../../src/booth/booth-tls.js';
import { Config, ConfigError } from '../../src/infrastructure/settings/config.js';
import {
  basicConstraintsCa,
  extendedKeyUsage,
  extension,
  freshSerial,
  pem,
  writeCertificate,
} from '../../src/sandbox/pki/x509-writer.js';
import { startServer } from '../../src/server.js';
import { ApiServer, NOW } from '../api/support/api-server.js';
import { envelopeOf, newBooth, partsOf, requestJson, type TestBooth } from '../api/support/booth.js';
import { BOUNDARY, multipartBody } from '../api/support/multipart.js';
import { temporaryFolder } from '../sandbox/support.js';

const HOUR = 3_600_000;
/** subjectAltName: the address 127.0.0.1. */
const IS_HERE = extension('2.5.29.17', Buffer.from('300687047f000001', 'hex'));
const [SERVERS, CLIENTS] = ['1.3.6.1.5.5.7.3.1', '1.3.6.1.5.5.7.3.2'];

interface Certified {
  readonly cert: string;
  readonly key: string;
}

class Authority {
  private readonly key = newKey();
  readonly pem: string;

  constructor(private readonly name: string) {
    this.pem = this.issue(name, { key: this.key, extensions: [basicConstraintsCa()] }).cert;
  }

  issue(
    name: string,
    {
      key = newKey(),
      hours = [-1, 1],
      extensions = [extendedKeyUsage([CLIENTS])],
    }: {
      readonly key?: KeyObject;
      readonly hours?: readonly [number, number];
      readonly extensions?: Parameters<typeof writeCertificate>[0]['extensions'];
    } = {},
  ): Certified {
    const [notBefore, notAfter] = hours.map((hour) => new Date(Date.now() + hour * HOUR)) as [Date, Date];
    const [issuer, subject] = [this.name, name].map((one) => [['CN', one]] as const);
    const fields = { serial: freshSerial(), issuer: issuer!, subject: subject!, notBefore, notAfter, extensions };
    const bytes = writeCertificate({ ...fields, publicKey: createPublicKey(key) }, this.key);
    return { cert: pem('CERTIFICATE', bytes), key: key.export({ format: 'pem', type: 'pkcs8' }) as string };
  }
}

function newKey(): KeyObject {
  return generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey;
}

// @fault O4
describe('certificates of booths', () => {
  const authority = new Authority('authority for booths');
  const door = authority.issue('door', { extensions: [extendedKeyUsage([SERVERS]), IS_HERE] });
  const shown = {
    right: authority.issue('booth-a'),
    'that of another booth': authority.issue('booth-b'),
    'an expired one': authority.issue('booth-a', { hours: [-2, -1] }),
    'one of another authority': new Authority('authority for booths').issue('booth-a'),
    'one that is not for clients': authority.issue('booth-a', { extensions: [extendedKeyUsage([SERVERS])] }),
  };
  const key = generateBoothKey();
  const other: TestBooth = newBooth('booth-c');
  const servers: ApiServer[] = [];
  let required: { readonly api: ApiServer; readonly url: string };
  beforeAll(async () => {
    required = await start('required');
  });
  afterAll(async () => {
    for (const server of servers.splice(0)) await server.close();
  });

  async function start(
    mode: 'asked' | 'required',
    given: ConstructorParameters<typeof ApiSettings>[0] = { tls: door },
  ): Promise<{ readonly api: ApiServer; readonly url: string }> {
    const boothCertificates = { mode, authorities: [authority.pem], header: 'client-cert' };
    const api = await ApiServer.start({ boothCertificates, ...given });
    servers.push(api);
    for (const [boothId, publicKey] of [
      ['booth-a', key.publicKeySpki],
      [other.boothId, other.publicKey],
    ] as const)
      await api.app
        .get(CommandBus, { strict: false })
        .execute(new EnrolBooth(`enrol-${boothId}`, boothId, publicKey, 'admin'));
    return { api, url: await api.listen() };
  }

  const boothAt = (baseUrl: string, tls?: BoothTls) =>
    new BoothClient({
      baseUrl,
      boothId: 'booth-a',
      key,
      counter: { next: () => 1 },
      attemptsMax: 1,
      now: () => new Date(NOW),
      tls: { ca: authority.pem, ...tls },
    });
  const refused = (code: string) => expect.objectContaining({ code, status: 403 });
  const challengeOf = (url: string, tls?: BoothTls) =>
    boothAt(url, tls)
      .challenge()
      .then(
        () => 'given',
        (error: unknown) => error,
      );

  it('are asked for beside signatures, and the one of the booth itself is enough', async () => {
    const { api, url } = required;
    const booth = boothAt(url, shown.right);
    expect((await booth.settings()).booth).toMatchObject({ boothId: 'booth-a', standing: 'enrolled' });
    const { nonce } = await booth.challenge();
    const me = { boothId: 'booth-a', publicKey: key.publicKeySpki, privateKey: key.privateKey };
    const sent = await send(url, { tls: shown.right, booth: me, nonce });
    expect(sent).toMatchObject({ status: 202 });
    // The certificate takes the place of nothing: a signature by another key is refused as ever.
    const forged = { ...me, privateKey: other.privateKey };
    const unsigned = await send(url, { tls: shown.right, booth: forged, nonce: (await booth.challenge()).nonce });
    expect(unsigned).toMatchObject({ status: 403, code: 'booth_signature_invalid' });
    expect((await api.doorRefusals()).map(({ data }) => data)).toEqual([
      expect.objectContaining({ code: 'booth_signature_invalid' }),
    ]);
  });

  it.each([
    ['none', undefined, 'booth_certificate_missing'],
    ['that of another booth', shown['that of another booth'], 'booth_certificate_of_another'],
    ['an expired one', shown['an expired one'], 'booth_certificate_untrusted'],
    ['one of another authority', shown['one of another authority'], 'booth_certificate_untrusted'],
    ['one that is not for clients', shown['one that is not for clients'], 'booth_certificate_untrusted'],
  ])('are refused where they are %s, with words for the booth and nothing stored', async (_what, tls, code) => {
    const { api, url } = required;
    const before = (await api.events()).length;
    const error = await challengeOf(url, tls);
    expect(error).toEqual(refused(code));
    // A queue keeps what it has: the office puts the booth right.
    expect(error).toBeInstanceOf(BoothNotTrustedError);
    await expect(boothAt(url, tls).settings()).rejects.toEqual(refused(code));
    const nonce = 'a'.repeat(22);
    const me = { boothId: 'booth-a', publicKey: key.publicKeySpki, privateKey: key.privateKey };
    expect(await send(url, { tls, booth: me, nonce })).toMatchObject({ status: 403, code });
    expect(await api.events()).toHaveLength(before);
  });

  it('bind the body as well: a booth sends nothing in the name of another one', async () => {
    const { url } = required;
    const answer = await send(url, { tls: shown.right, booth: other, nonce: 'a'.repeat(22) });
    expect(answer).toMatchObject({ status: 403, code: 'booth_certificate_of_another' });
  });

  it('are not asked of anybody else: health, receipts, officers, and booths that only ask what is public', async () => {
    const { url } = required;
    const statusOf = async (target: string) => (await ask(`${url}${target}`, {})).status;
    expect(await statusOf('/health/live')).toBe(200);
    expect(await statusOf('/v1/holds')).toBe(401);
    expect(await statusOf('/v1/registrations/0000-0000-0000-0000')).toBe(404);
    expect(await statusOf('/v1/booth-settings')).toBe(200);
  });

  it('may be left out where they are only asked for, and one that is shown must be right', async () => {
    const { url } = await start('asked');
    expect(await challengeOf(url)).toBe('given');
    expect(await challengeOf(url, shown.right)).toBe('given');
    expect(await challengeOf(url, shown['that of another booth'])).toEqual(refused('booth_certificate_of_another'));
    expect(await challengeOf(url, shown['an expired one'])).toEqual(refused('booth_certificate_untrusted'));
  });

  it('are missing in a session that is taken up again and never had one', async () => {
    const { url } = required;
    const { port } = new URL(url);
    const options = { host: '127.0.0.1', port: Number(port), ca: authority.pem };
    const session = await new Promise<Buffer>((resolve, reject) => {
      const socket = connect(options, () => socket.write('GET /health/live HTTP/1.1\r\nHost: a\r\n\r\n'));
      socket.once('session', (given) => {
        socket.destroy();
        resolve(given);
      });
      socket.once('error', reject);
    });
    const again = connect({ ...options, session });
    const answer = await challenge(url, { createConnection: () => again });
    expect(again.isSessionReused()).toBe(true);
    expect(answer).toMatchObject({ status: 403, code: 'booth_certificate_missing' });
  });

  describe('behind a proxy', () => {
    const der = ({ cert }: Certified): string => cert.replace(/-----[A-Z ]+-----|\s/g, '');
    const rfc9440 = (one: Certified) => `:${der(one)}:`;
    const nginx = ({ cert }: Certified) => encodeURIComponent(cert);
    const asked = (url: string, field?: string) =>
      challenge(url, { headers: field === undefined ? {} : { 'client-cert': field } });

    it('come in a field of the proxies that are named, in either form', async () => {
      const { url } = await start('required', { trustProxy: ['127.0.0.1'] });
      for (const written of [rfc9440, nginx]) {
        expect(await asked(url, written(shown.right))).toMatchObject({ status: 201 });
        for (const [what, code] of [
          ['that of another booth', 'booth_certificate_of_another'],
          ['an expired one', 'booth_certificate_untrusted'],
          ['one of another authority', 'booth_certificate_untrusted'],
          ['one that is not for clients', 'booth_certificate_untrusted'],
        ] as const)
          expect(await asked(url, written(shown[what]))).toMatchObject({ status: 403, code });
      }
      const twice = `${rfc9440(shown.right)}, ${rfc9440(shown.right)}`;
      for (const nonsense of ['x', '%', twice, rfc9440(shown.right).slice(1)])
        expect(await asked(url, nonsense)).toMatchObject({ status: 403, code: 'booth_certificate_untrusted' });
      expect(await asked(url)).toMatchObject({ status: 403, code: 'booth_certificate_missing' });
      expect(await asked(url, '')).toMatchObject({ status: 403, code: 'booth_certificate_missing' });
    });

    it.each([['no'], ['nearest'], [['192.0.2.7']]] as const)(
      'count for nothing in a field of whoever connects (%j)',
      async (trustProxy) => {
        const { url } = await start('required', { trustProxy });
        expect(await asked(url, rfc9440(shown.right))).toMatchObject({
          status: 403,
          code: 'booth_certificate_missing',
        });
      },
    );
  });

  describe('in the settings', () => {
    const folder = temporaryFolder();
    const at = (name: string) => path.join(folder.path, name);
    beforeAll(() => {
      writeFileSync(at('ca.pem'), authority.pem);
      writeFileSync(at('none.pem'), 'nothing');
    });
    afterAll(() => folder.remove());

    it('are asked for by a server that starts with them', async () => {
      for (const [name, content] of Object.entries({ 'door.pem': door.cert, 'door.key': door.key }))
        writeFileSync(at(name), content, { mode: 0o600 });
      const server = await startServer(
        {
          HONNIN_ENVIRONMENT: 'test',
          HONNIN_DATA: at('data'),
          HONNIN_PORT: '0',
          HONNIN_LOG_LEVEL: 'silent',
          HONNIN_TLS_CERT: at('door.pem'),
          HONNIN_TLS_KEY: at('door.key'),
          HONNIN_BOOTH_CERTIFICATES: 'required',
          HONNIN_BOOTH_CERTIFICATES_CA: at('ca.pem'),
        },
        { takesSignals: false },
      );
      try {
        expect(await challenge(server.url, shown.right)).toMatchObject({ status: 201 });
        expect(await challenge(server.url, {})).toMatchObject({ status: 403, code: 'booth_certificate_missing' });
        expect(await ask(`${server.url}/health/live`, {})).toMatchObject({ status: 200 });
      } finally {
        await server.close();
      }
    });

    it.each<[Record<string, string>, readonly RegExp[]]>([
      [{ HONNIN_BOOTH_CERTIFICATES: 'off' }, []],
      [{ HONNIN_BOOTH_CERTIFICATES: 'required', HONNIN_TRUST_PROXY: '127.0.0.1' }, [/needs HONNIN_BOOTH_CERT.*_CA/]],
      [
        { HONNIN_BOOTH_CERTIFICATES: 'required', HONNIN_BOOTH_CERTIFICATES_CA: 'ca.pem' },
        [/needs TLS here \(HONNIN_TLS_CERT\), or proxies/],
      ],
      [
        { HONNIN_BOOTH_CERTIFICATES: 'asked', HONNIN_BOOTH_CERTIFICATES_CA: 'ca.pem', HONNIN_TRUST_PROXY: 'yes' },
        [/needs TLS here/],
      ],
      [
        {
          HONNIN_BOOTH_CERTIFICATES: 'asked',
          HONNIN_BOOTH_CERTIFICATES_CA: 'ca.pem',
          HONNIN_TRUST_PROXY: '10.0.0.0/8',
        },
        [],
      ],
      [
        {
          HONNIN_BOOTH_CERTIFICATES: 'asked',
          HONNIN_BOOTH_CERTIFICATES_CA: 'none.pem',
          HONNIN_TRUST_PROXY: '10.0.0.0/8',
        },
        [/HONNIN_BOOTH_CERTIFICATES_CA=.*none\.pem: holds no certificate/],
      ],
    ])('are told at the start when they cannot work (%j)', (settings, problems) => {
      const { HONNIN_BOOTH_CERTIFICATES_CA: ca } = settings;
      const given = { ...settings, ...(ca !== undefined && { HONNIN_BOOTH_CERTIFICATES_CA: at(ca) }) };
      expect(problemsOf({ ...given, HONNIN_ENVIRONMENT: 'test' })).toEqual(
        problems.map((one) => expect.stringMatching(one)),
      );
    });
  });

  async function send(
    url: string,
    { tls, booth, nonce }: { readonly tls: Certified | undefined; readonly booth: TestBooth; readonly nonce: string },
  ): Promise<Answer> {
    const headers = { 'content-type': `multipart/form-data; boundary=${BOUNDARY}`, 'idempotency-key': `k-${nonce}` };
    const body = multipartBody(partsOf(requestJson(booth, envelopeOf(booth, nonce))));
    return ask(`${url}/v1/registrations`, { method: 'POST', headers, body, ...tls });
  }

  function challenge(url: string, { headers = {}, ...options }: Asked): Promise<Answer> {
    const json = { 'content-type': 'application/json', ...headers };
    const body = Buffer.from('{"boothId":"booth-a"}');
    return ask(`${url}/v1/challenges`, { method: 'POST', headers: json, body, ...options });
  }

  function ask(url: string, { body, ...options }: Asked): Promise<Answer> {
    const isSecure = url.startsWith('https:');
    const agent = isSecure && options.createConnection === undefined ? new Agent({ keepAlive: false }) : false;
    return new Promise((resolve, reject) => {
      const outgoing = (isSecure ? httpsRequest : httpRequest)(
        url,
        { ...options, ca: authority.pem, agent } as object,
        (incoming) => {
          const chunks: Buffer[] = [];
          incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
          incoming.on('end', () => {
            const text = Buffer.concat(chunks).toString('utf8');
            const isJson = /json/.test(incoming.headers['content-type'] ?? '');
            const code = isJson ? (JSON.parse(text) as { readonly code?: string }).code : undefined;
            resolve({ status: incoming.statusCode ?? 0, code });
          });
        },
      );
      outgoing.once('error', reject);
      outgoing.end(body);
    });
  }
});

interface Asked {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Buffer;
  readonly cert?: string;
  readonly key?: string;
  readonly createConnection?: () => object;
}

interface Answer {
  readonly status: number;
  readonly code: string | undefined;
}

function problemsOf(settings: Record<string, string>): readonly string[] {
  try {
    Config.from(settings, { isServing: true });
    return [];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.problems;
  }
}
