import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import kafkajs from 'kafkajs';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { Position } from '../../src/domain/event-envelope.js';
import { EVENT_CONTRACTS } from '../../src/domain/publication/event-contracts.js';
import { SqliteEventStore } from '../../src/infrastructure/event-store/sqlite/sqlite-event-store.js';
import { sandboxSettings, startSandbox, type Sandbox } from '../../src/sandbox/sandbox.js';
import { startServer, type RunningServer } from '../../src/server.js';
import { describeWithBroker } from './support/describe-with-broker.js';
import { envelopes, HISTORIES, registrationIdOf } from './support/facts.js';
import { header, readTopic, settingsFor, withoutRepetitions, withTopics } from './support/kafka-topics.js';
import { topicName } from '../../src/infrastructure/kafka/topics.js';
import { until } from './support/relay-world.js';
import { AS_OPERATOR, OPERATOR_TOKEN } from '../support/operator.js';

const { Partitioners } = kafkajs;
const ORIGIN = 'honnin.localhost/log';
const root = fileURLToPath(new URL('../../', import.meta.url));

describeWithBroker('the whole server with a broker', (broker) => {
  const folder = mkdtempSync(path.join(tmpdir(), 'honnin-kafka-server-'));
  let server: RunningServer | null = null;
  let settings: ReturnType<typeof settingsFor>;
  let sandbox: Sandbox;

  beforeAll(async () => {
    settings = await withTopics(settingsFor(broker().brokers));
    sandbox = await startSandbox({ folder: path.join(folder, 'sandbox'), print: () => undefined });
    const environment = {
      ...sandboxSettings(sandbox),
      HONNIN_DATA: folder,
      HONNIN_PORT: '0',
      HONNIN_LOG_LEVEL: 'silent',
      HONNIN_ENVIRONMENT: 'test',
      HONNIN_KAFKA_BROKERS: broker().brokers,
      HONNIN_KAFKA_TOPIC_PREFIX: settings.prefix,
      HONNIN_KAFKA_PARTITIONS: String(settings.partitions),
      HONNIN_KAFKA_SOURCE: 'urn:honnin:test',
      HONNIN_KAFKA_CONNECT_TIMEOUT_MS: '1000',
      HONNIN_METRICS_TOKEN: OPERATOR_TOKEN,
    };
    // A log belongs to an installation: the first start makes its keys.
    // It is closed while it still connects to the broker, and ends all the same.
    await (await startServer(environment)).close();
    const store = SqliteEventStore.open({ file: path.join(folder, 'events.db') });
    await store.append(`registration-${registrationIdOf(0)}`, envelopes(0, HISTORIES['refused'] ?? []), 'no_stream');
    await store.close();
    server = await startServer(environment);
  }, 180_000);
  afterAll(async () => {
    await server?.close();
    await sandbox?.close();
    rmSync(folder, { recursive: true });
  });

  const get = (address: string): Promise<Response> => fetch(`${server?.url}${address}`, AS_OPERATOR);
  const metric = async (name: string): Promise<number> =>
    Number(new RegExp(`^${name} (.*)$`, 'm').exec(await (await get('/metrics')).text())?.[1] ?? NaN);

  it('publishes what is in the log and shows the backlog in its measurements', async () => {
    await until(async () => (await metric('honnin_publication_backlog_events')) === 0, 120_000);
    const messages = withoutRepetitions(await readTopic(settings, topicName(settings.prefix, 'registrations')));
    expect(messages.map((message) => header(message, 'ce_type'))).toEqual([
      'jp.honnin.registration.received.v1',
      'jp.honnin.registration.rejected.v1',
    ]);
    expect(await metric('honnin_erasure_confirmations_open')).toBe(0);
  });

  /** @fault O27 */
  it('names the entry of the signed log in every record, so that consumers prove that nothing is missing', async () => {
    const topic = topicName(settings.prefix, 'registrations');
    const messages = withoutRepetitions(await readTopic(settings, topic));
    for (const message of messages) {
      const index = header(message, 'ce_leafindex');
      const proof = (await (await get(`/v1/audit/proofs/inclusion?index=${index}`)).json()) as { leafHash: string };
      expect([proof.leafHash, header(message, 'ce_logorigin')]).toEqual([header(message, 'ce_leafhash'), ORIGIN]);
    }
    const { keys } = (await (await get('/v1/audit/keys')).json()) as { keys: [string] };
    const token = await sandbox.tokens.signIn('consumer');
    const asked = ['--server', server?.url ?? '', '--token', token, '--key', keys[0], '--from', '0'];
    const run = async (file: string, ...args: string[]): Promise<{ code: number | null; out: string }> => {
      const env = {
        ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('HONNIN_'))),
        HONNIN_KAFKA_BROKERS: broker().brokers,
        HONNIN_KAFKA_TOPIC_PREFIX: settings.prefix,
        HONNIN_KAFKA_PARTITIONS: String(settings.partitions),
      };
      const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', file, ...args], {
        cwd: root,
        env,
      });
      // What kafkajs warns about goes to the other stream.
      let out = '';
      child.stdout.on('data', (bytes: Buffer) => (out += bytes.toString()));
      child.stderr.resume();
      return { code: await new Promise((resolve) => child.once('close', resolve)), out };
    };
    const sample = () => run('docs/samples/consumer.mjs', ...asked, '--brokers', broker().brokers, '--topic', topic);
    const verify = () => run('dist/cli/main.js', 'kafka', 'verify', ...asked);
    expect(await sample()).toEqual({
      code: 0,
      out: expect.stringMatching(/^whole: 2 of 2 facts of entries 0 to \d+\n$/),
    });
    expect(await verify()).toEqual({
      code: 0,
      out: expect.stringMatching(/nothing is missing and nothing was added\n$/),
    });

    const [first] = messages as [(typeof messages)[number]];
    const producer = settings.client().producer({ createPartitioner: Partitioners.DefaultPartitioner });
    await producer.connect();
    const added = { ...first.headers, ce_id: '0198c0de-0000-5000-8000-00000000000f' };
    const { key, value } = first;
    await producer.send({ topic, messages: [{ key, value, headers: added }] });
    await producer.disconnect();
    expect(await sample()).toMatchObject({ code: 1, out: expect.stringMatching(/^NOT WHOLE: 3 of 2/) });
    expect(await verify()).toMatchObject({ code: 1, out: expect.stringMatching(/WRONG +1 records were added/) });
  }, 120_000);

  it('serves the AsyncAPI document, a page that needs no scripts, and every schema', async () => {
    const document = (await (await get('/asyncapi.json')).json()) as {
      asyncapi: string;
      channels: { registrations: { address: string } };
    };
    expect([document.asyncapi, document.channels.registrations.address]).toEqual([
      '3.0.0',
      topicName(settings.prefix, 'registrations'),
    ]);
    const page = await get('/asyncapi');
    expect(page.headers.get('content-type')).toMatch(/^text\/html/);
    expect(page.headers.get('content-security-policy')).toContain("default-src 'none'");
    const html = await page.text();
    for (const type of Object.keys(EVENT_CONTRACTS)) {
      expect(html).toContain(`id="${type}"`);
      expect(await (await get(`/schemas/${type}`)).json()).toEqual(
        EVENT_CONTRACTS[type as keyof typeof EVENT_CONTRACTS].schema,
      );
      // As an event names it.
      expect(await (await get(`/schemas/urn:honnin:schema:${type}:1`)).json()).toMatchObject({ title: type });
    }
    expect(html).not.toContain('<script');
    for (const none of ['nothing', 'urn:honnin:schema:jp.honnin.registration.held.v1:2'])
      expect((await get(`/schemas/${none}`)).status).toBe(404);
  });

  it('shows that the broker is away and stays in service', async () => {
    if (!broker().ours) return;
    await broker().stop('SIGKILL');
    const store = SqliteEventStore.open({ file: path.join(folder, 'events.db'), mode: 'read' });
    const head = (await store.head()) as Position;
    expect(head).not.toBeNull();
    await store.close();
    const parts = (await (await get('/health/ready')).json()) as { parts: Record<string, { ok: boolean }> };
    expect(parts.parts['publication-relay']?.ok).toBe(true);
    await broker().start();
  }, 180_000);
});

it('says nothing of publication where no broker is configured', async () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'honnin-no-kafka-'));
  const server = await startServer({
    HONNIN_DATA: folder,
    HONNIN_PORT: '0',
    HONNIN_LOG_LEVEL: 'silent',
    HONNIN_ENVIRONMENT: 'test',
    HONNIN_METRICS_TOKEN: OPERATOR_TOKEN,
  });
  const [metrics, document] = [
    await (await fetch(`${server.url}/metrics`, AS_OPERATOR)).text(),
    await (await fetch(`${server.url}/asyncapi.json`)).json(),
  ];
  await server.close();
  rmSync(folder, { recursive: true });
  expect(metrics).not.toContain('honnin_publication');
  expect(document).toMatchObject({ asyncapi: '3.0.0' });
}, 180_000);
