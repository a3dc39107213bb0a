import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect } from '@jest/globals';
import { derivedId } from '../../src/application/decisions/ids.js';
import type { StoredEvent } from '../../src/domain/event-envelope.js';
import { PUBLISHED_SOURCES, translate } from '../../src/domain/publication/published-language.js';
import { SqliteEventStore } from '../../src/infrastructure/event-store/sqlite/sqlite-event-store.js';
import { topicName } from '../../src/infrastructure/kafka/topics.js';
import { describeWithBroker } from './support/describe-with-broker.js';
import { header, readTopic, settingsFor, withTopics } from './support/kafka-topics.js';
import { built } from '../support/peers.js';
import { itUnless } from '../support/unless.js';
import { soakCount, soakFactor, soakSeed } from '../support/soak.js';

const root = path.resolve(import.meta.dirname, '../..');
const program = path.join(root, 'test/kafka/processes/append-and-relay.mjs');
/** The full run: HONNIN_RELAY_KILLS=50 HONNIN_RELAY_EVENTS=20000. */
const KILLS = Number(process.env['HONNIN_RELAY_KILLS'] ?? soakCount({ ci: 5, soak: 8 }));
const EVENTS = Number(process.env['HONNIN_RELAY_EVENTS'] ?? soakCount({ ci: 1000, soak: 2000 }));
const EVENTS_PER_REGISTRATION = 5;
const ERASED_EVERY = 40;
const BROKER_RESTARTS = 2;

/** The same sequence in every run. */
function delays(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state % 900;
  };
}

describeWithBroker('the relay, killed at random moments @req R22', (broker) => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'honnin-relay-kill-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  /** Runs the program and kills it some time after it is up; with null lets it end. */
  async function life(argument: object, killAfterMs: number | null): Promise<string> {
    const child = spawn(
      process.execPath,
      [
        '--disable-warning=ExperimentalWarning',
        '--disable-warning=TimeoutNegativeWarning',
        program,
        JSON.stringify(argument),
      ],
      { stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, NODE_OPTIONS: '' } },
    );
    let printed = '';
    const up = new Promise<void>((resolve, reject) => {
      child.stdout.on('data', (chunk: Buffer) => {
        printed += chunk.toString();
        resolve();
      });
      child.once('exit', (code) => reject(new Error(`the program ended with ${code} before it was up`)));
    });
    const closed = new Promise<void>((resolve) => child.once('close', () => resolve()));
    await up;
    if (killAfterMs !== null) {
      await sleep(killAfterMs);
      child.kill('SIGKILL');
    }
    await closed;
    return printed;
  }

  /** What must be on the topic: the log, translated, by registration. */
  async function expectedIds(): Promise<{
    readonly facts: ReadonlyMap<string, readonly string[]>;
    readonly status: ReadonlyMap<string, string | null>;
  }> {
    const store = SqliteEventStore.open({ file: path.join(folder, 'events.db'), mode: 'read' });
    const events: StoredEvent[] = [];
    for (let after: StoredEvent['position'] | null = null; ;) {
      const page = await store.readAll(after, { filter: { types: PUBLISHED_SOURCES }, limit: 4096 });
      events.push(...page.events);
      if (page.caughtUp || page.position === null) break;
      after = page.position;
    }
    await store.close();
    const facts = new Map<string, string[]>();
    const status = new Map<string, string | null>();
    const registrants = new Map<string, string[]>();
    const erased = new Set<string>();
    for (const event of events) {
      if (event.type === 'CertificateVerified') {
        const key = `registrant-${String(event.data['subjectKey'])}`;
        registrants.set(key, [...(registrants.get(key) ?? []), event.metadata.correlationId]);
      }
      const reached =
        event.type === 'RegistrantErased' ? (registrants.get(event.stream) ?? []).filter((id) => !erased.has(id)) : [];
      const publication = translate(event, {
        registrationsOfRegistrant: reached,
        isForgotten: erased.has(event.metadata.correlationId),
        idOf: (...parts) => derivedId('published', ...parts),
      });
      for (const id of reached) erased.add(id);
      for (const fact of publication.events)
        facts.set(fact.registrationId, [...(facts.get(fact.registrationId) ?? []), fact.id]);
      for (const fact of publication.statuses) status.set(fact.registrationId, fact.data.status);
      for (const id of publication.forgotten) status.set(id, null);
    }
    return { facts, status };
  }

  itUnless(
    built('application/publication/publication-relay.js'),
    `publishes every event, in order per registration, and by id exactly once (${KILLS} kills, ${EVENTS} events, broker restarted ${BROKER_RESTARTS} times)`,
    async () => {
      const settings = await withTopics(settingsFor(broker().brokers));
      const registrations = EVENTS / EVENTS_PER_REGISTRATION;
      const argument = {
        folder,
        brokers: broker().brokers,
        prefix: settings.prefix,
        partitions: settings.partitions,
        registrations,
        perLife: Math.ceil(registrations / KILLS),
        erasedEvery: ERASED_EVERY,
      };
      const nextDelay = delays(soakSeed(20261123));
      const restarts = new Set(
        Array.from({ length: BROKER_RESTARTS }, (_, i) => Math.floor(((i + 1) * KILLS) / (BROKER_RESTARTS + 1))),
      );
      let restarting = Promise.resolve();
      for (let kill = 0; kill < KILLS; kill += 1) {
        // The broker goes away while the relay works, and comes back while it is being killed.
        if (broker().ours && restarts.has(kill))
          restarting = restarting
            .then(() => sleep(300))
            .then(() => broker().stop(kill % 2 === 0 ? 'SIGKILL' : 'SIGTERM'))
            .then(() => broker().start());
        await life(argument, 100 + nextDelay());
      }
      await restarting;
      // As many lives as the rest needs; the last one ends by itself when everything is acknowledged.
      expect(await life({ ...argument, perLife: registrations }, null)).toContain('done');

      const { facts, status } = await expectedIds();
      const messages = await readTopic(settings, topicName(settings.prefix, 'registrations'));
      const seen = new Map<string, string[]>();
      const known = new Set<string>();
      for (const message of messages) {
        const [key, id] = [String(message.key), header(message, 'ce_id')];
        if (known.has(id)) continue;
        known.add(id);
        seen.set(key, [...(seen.get(key) ?? []), id]);
      }
      const total = [...facts.values()].reduce((sum, ids) => sum + ids.length, 0);
      process.stdout.write(
        `relay killed ${KILLS} times: ${total} events expected, ${messages.length} on the topic, ${messages.length - known.size} repetitions\n`,
      );
      expect(total).toBeGreaterThan(EVENTS);
      expect([...seen].sort()).toEqual([...facts].sort());
      const statuses = new Map(
        (await readTopic(settings, topicName(settings.prefix, 'registration-status'))).map((message) => [
          String(message.key),
          message.value === null ? null : (JSON.parse(String(message.value)) as { status: string }).status,
        ]),
      );
      expect([...statuses].sort()).toEqual([...status].sort());
    },
    1_200_000 * soakFactor(),
  );
});
