import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { get } from 'node:http';
import { createServer, type Server } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from '@jest/globals';
import { KurrentClusterStandIn } from '../support/kurrent-stand-in.js';
import { built, peer } from '../support/peers.js';
import { until } from '../support/real-server.js';
import { ServerStart, START_MS_MAX } from '../support/server-start.js';
import { describeUnless, itUnless } from '../support/unless.js';

const WAITS = /honnin waits on (\S+)/;
const STACK = /\n\s+at .*\(?.*\.js:\d+/;

/** Asks without a break, each time on a new connection. */
class Knocking {
  private readonly refused: string[] = [];
  private hasEnded = false;
  private readonly done: Promise<void>;

  constructor(private readonly url: string) {
    this.done = this.knock();
  }

  /** @returns what became of connections that were refused */
  async end(): Promise<readonly string[]> {
    this.hasEnded = true;
    await this.done;
    return this.refused;
  }

  private async knock(): Promise<void> {
    while (!this.hasEnded) {
      const outcome = await new Promise<string>((resolve) => {
        const question = get(`${this.url}/health/live`, { agent: false }, (answer) => {
          answer.resume().once('end', () => resolve('answered'));
        });
        question.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
      });
      if (outcome !== 'answered') this.refused.push(outcome);
    }
  }
}

// @fault O33
describeUnless(built('cli/main.js'), 'a start while the event store is away', () => {
  let folder: string;
  let cluster: KurrentClusterStandIn;
  const running: ServerStart[] = [];
  const listening: Server[] = [];
  let data = 0;

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'honnin-waiting-'));
  });
  beforeEach(async () => {
    cluster = await KurrentClusterStandIn.start();
  });
  afterEach(async () => {
    await Promise.all(running.splice(0).map((started) => started.end('SIGKILL')));
    for (const server of listening.splice(0)) server.close();
    await cluster.stop();
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const start = async (
    eventStore: string,
    { says, env = {} }: { says?: RegExp; env?: Record<string, string> } = {},
  ) => {
    const settings = { HONNIN_EVENT_STORE: eventStore, ...env };
    const started = await ServerStart.of(join(folder, `data-${(data += 1)}`), settings, says ? { says } : {});
    running.push(started);
    return started;
  };
  const occupied = async (server: Server): Promise<number> => {
    listening.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return (server.address() as { port: number }).port;
  };
  /** What a server says that lives and waits. */
  const expectWaiting = async (waiting: ServerStart): Promise<void> => {
    expect({ url: waiting.url, said: waiting.said }).toEqual({
      url: expect.stringMatching(/^http/),
      said: expect.any(String),
    });
    const live = await fetch(`${waiting.url}/health/live`);
    expect([live.status, await live.json()]).toEqual([200, { status: 'ok' }]);
    const ready = await fetch(`${waiting.url}/health/ready`);
    expect(ready.headers.get('retry-after')).toMatch(/^\d+$/);
    expect(await ready.json()).toMatchObject({ status: 503, code: 'not_ready', troubles: ['events'] });
    const upload = new FormData();
    upload.set('photo', new Blob([new Uint8Array(2_000_000)]));
    for (const answer of [
      await waiting.challenge(),
      await fetch(`${waiting.url}/v1/registrations`, { method: 'POST', body: upload }),
      await fetch(`${waiting.url}/v1/holds`),
    ]) {
      expect(answer.headers.get('retry-after')).toMatch(/^\d+$/);
      expect(await answer.json()).toMatchObject({
        status: 503,
        code: 'not_accepting',
        type: '/problems/not_accepting',
      });
    }
  };
  const listens = (started: ServerStart) =>
    until('the server', () => /honnin listens on (\S+)/.exec(started.saidSoFar())?.[1] ?? null, START_MS_MAX);

  it.each<[string, () => unknown, () => unknown]>([
    ['electing a leader', () => (cluster.isElecting = true), () => (cluster.isElecting = false)],
    ['standing still', () => (cluster.isFrozen = true), () => (cluster.isFrozen = false)],
    ['not there', () => cluster.leadingNode.kill(), () => cluster.leadingNode.start()],
  ])(
    'waits, live and not ready, with the reason, while it is %s, and then serves on the same port',
    async (_what, away, back) => {
      await away();
      const waiting = await start(cluster.address(), { says: WAITS });
      await expectWaiting(waiting);
      expect(waiting.saidSoFar()).toMatch(/live, not ready\): the event store does not answer: \S/);
      const knocking = new Knocking(waiting.url as string);
      await back();
      expect(await listens(waiting)).toBe(waiting.url);
      expect(await knocking.end()).toEqual([]);
      expect((await waiting.challenge()).status).toBe(201);
      await waiting.end();
      expect(waiting.saidSoFar()).not.toMatch(STACK);
    },
    START_MS_MAX,
  );

  it.each(['SIGTERM', 'SIGINT'] as const)(
    'ends at once and cleanly when %s comes meanwhile',
    async (signal) => {
      await cluster.leadingNode.kill();
      const waiting = await start(cluster.address(), { says: WAITS });
      const gone = new Promise((resolve) => waiting.child.once('exit', (code, by) => resolve({ code, by })));
      waiting.child.kill(signal);
      expect(await gone).toEqual({ code: null, by: signal });
      expect(waiting.saidSoFar()).not.toMatch(STACK);
      await cluster.leadingNode.start();
      // It has left nothing that keeps the next one waiting.
      const next = await start(cluster.address());
      expect(next.said).toContain('listens');
    },
    START_MS_MAX,
  );

  it(
    'outlasts a store that is away again and again',
    async () => {
      cluster.isElecting = true;
      const waiting = await start(cluster.address(), { says: WAITS });
      for (let n = 0; n < 3; n += 1) {
        const { read } = cluster.leadingNode.calls;
        cluster.isElecting = n % 2 === 0;
        await until('a further try', () => (cluster.leadingNode.calls.read > read ? true : null));
      }
      cluster.isElecting = false;
      expect(await listens(waiting)).toBe(waiting.url);
    },
    START_MS_MAX,
  );

  it(
    'ends in words when the store refuses the user',
    async () => {
      cluster.refusesUser = true;
      const { url, child, said } = await start(cluster.address());
      expect({ url, code: child.exitCode }).toEqual({ url: null, code: 1 });
      expect(said).toMatch(
        /honnin start: the event store refuses the user of HONNIN_EVENT_STORE: name and password are wrong/,
      );
      expect(said).not.toMatch(STACK);
    },
    START_MS_MAX,
  );

  it.each([
    ['esdb://user:secret@127.0.0.1:1?tls=false&nodePreference=follower', /nodePreference=follower cannot be used/],
    ['esdb://user:secret@127.0.0.1:1:2?tls=false', /not the address of an event store/],
    ['esdb://user:secret@127.0.0.1:1?tls=true&tlsCAFile=/nowhere/ca.pem', /ca\.pem/],
  ])(
    'ends in words for an address that is none: %s',
    async (address, words) => {
      const { url, child, said } = await start(address);
      expect({ url, code: child.exitCode }).toEqual({ url: null, code: 64 });
      expect(said).toMatch(words);
      expect(said).not.toMatch(STACK);
      expect(said).not.toContain('secret');
    },
    START_MS_MAX,
  );

  it(
    'names a wrong address together with the other wrong settings',
    async () => {
      const { child, said } = await start('esdb://127.0.0.1:1?maxDiscoverAttempts=-1', { env: { HONNIN_PORT: 'x' } });
      expect(child.exitCode).toBe(64);
      expect(said).toMatch(/maxDiscoverAttempts=-1[\s\S]*HONNIN_PORT=x/);
    },
    START_MS_MAX,
  );

  itUnless(
    peer('openssl'),
    'ends in words where its TLS can never work',
    async () => {
      const files = ['key.pem', 'cert.pem'].map((name) => join(folder, name));
      const subject = ['-subj', '/CN=store.example', '-addext', 'subjectAltName=DNS:store.example'];
      const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
      execFileSync(
        'openssl',
        ['req', '-x509', ...kind, ...subject, '-keyout', files[0] as string, '-out', files[1] as string],
        { stdio: 'ignore' },
      );
      const [key, cert] = files.map((file) => readFileSync(file));
      const port = await occupied(createTlsServer({ key, cert, ALPNProtocols: ['h2'] } as object));
      const plain = await occupied(
        createServer((socket) => void socket.on('error', () => {}).on('data', () => socket.end('what is that?'))),
      );
      for (const [address, words] of [
        [
          `esdb://u:p@127.0.0.1:${port}`,
          /certificate of 127\.0\.0\.1:\d+ is not trusted \(DEPTH_ZERO_SELF_SIGNED_CERT\): .*tlsCAFile/,
        ],
        [`esdb://u:p@127.0.0.1:${port}?tlsCAFile=${files[1]}`, /is not trusted \(ERR_TLS_CERT_ALTNAME_INVALID\)/],
        [`esdb://127.0.0.1:${port}?tls=false`, /speaks TLS, and HONNIN_EVENT_STORE says tls=false/],
        [`esdb://u:p@127.0.0.1:${plain}`, /does not speak TLS/],
      ] as const) {
        const { url, child, said } = await start(address);
        expect({ address, url, code: child.exitCode, said }).toEqual({
          address,
          url: null,
          code: 1,
          said: expect.stringMatching(words),
        });
        expect(said).not.toMatch(STACK);
      }
    },
    2 * START_MS_MAX,
  );
});
