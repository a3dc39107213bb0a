import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { Position } from '../../src/domain/event-envelope.js';
import { EVENT_CONTRACTS } from '../../src/domain/publication/event-contracts.js';
import { SqliteEventStore } from '../../src/infrastructure/event-store/sqlite/sqlite-event-store.js';
import { startServer, type RunningServer } from '../../src/server.js';
import { describeWithBroker } from './support/describe-with-broker.js';
import { envelopes, HISTORIES, registrationIdOf } from './support/facts.js';
import { header, readTopic, settingsFor, withoutRepetitions, withTopics } from './support/kafka-topics.js';
import { topicName } from '../../src/infrastructure/kafka/topics.js';
import { until } from './support/relay-world.js';
import { AS_OPERATOR, OPERATOR_TOKEN } from '../support/operator.js';

describeWithBroker('the whole server with a broker', (broker) => {
  const folder = mkdtempSync(path.join(tmpdir(), 'honnin-kafka-server-'));
  let server: RunningServer | null = null;
  let settings: ReturnType<typeof settingsFor>;

  beforeAll(async () => {
    settings = await withTopics(settingsFor(broker().brokers));
    const environment = {
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
    }
    expect(html).not.toContain('<script');
    expect((await get('/schemas/nothing')).status).toBe(404);
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
