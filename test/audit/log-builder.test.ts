import { mkdirSync, renameSync, rmSync } from 'node:fs';
import { createHmac, hkdfSync, randomBytes, randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { EventStoreUnavailableError } from '../../src/application/ports/store/event-store.js';
import { TransientFailure } from '../../src/application/subscriptions/subscription-handler.js';
import {
  SubscriptionRunner,
  type SubscriptionStatus,
} from '../../src/application/subscriptions/subscription-runner.js';
import { toHex } from '../../src/domain/audit/log/bytes.js';
import { leafText, type StoredText } from '../../src/domain/audit/log/leaf.js';
import type { Json } from '../../src/domain/event-envelope.js';
import { canonicalJson } from '../../src/domain/values/canonical-json.js';
import { AuditLogConsumer } from '../../src/infrastructure/audit/log/audit-log-consumer.js';
import { hmacSha256 } from '../../src/infrastructure/audit/digest.js';
import type { LogBuilder } from '../../src/infrastructure/audit/log/log-builder.js';
import { ThreadedLogBuilder } from '../../src/infrastructure/audit/log/threaded-log-builder.js';
import { AuditLogForkError } from '../../src/infrastructure/audit/log/tile-writer.js';
import { ReadModelDatabase } from '../../src/infrastructure/read-model/read-model-database.js';
import { SqlitePositionStore } from '../../src/infrastructure/read-model/sqlite-position-store.js';
import { SyntheticHistory } from '../../src/sandbox/synthetic-history.js';
import { AuditWorld, ORIGIN } from './support.js';
import { built } from '../support/peers.js';
import { describeUnless } from '../support/unless.js';

const signal = new AbortController().signal;
let world: AuditWorld;

beforeEach(async () => {
  world = await AuditWorld.open();
});
afterEach(() => world.close());

const files = () => ({
  auditFolder: world.auditFolder,
  origin: ORIGIN,
  signingKeyFolder: join(world.folder, 'secret'),
  keyRingFile: join(world.folder, 'keys.db'),
  masterKey: new Uint8Array(32).fill(7),
  serverSecret: new Uint8Array(32).fill(9),
});
const history = () => [...new SyntheticHistory({ seed: 41 }).appends(60, { registrants: 9 })];
const oneMore = () => ({
  stream: `challenge-${randomUUID()}`,
  expected: 'no_stream' as const,
  events: [
    {
      id: randomUUID(),
      type: 'ChallengeConsumed',
      schemaVersion: 1,
      data: {},
      metadata: {
        actor: 'booth:a',
        correlationId: 'c',
        causationId: 'c',
        recordedAtUtc: '2026-11-23T00:00:00.000Z',
        policyVersion: null,
      },
    },
  ],
});
const newest = async () => {
  const head = await world.store.head();
  return (await world.store.readAll(((head as bigint) - 1n) as never, { limit: 1 })).events;
};

describeUnless(built('infrastructure/audit/log/log-builder-thread.js'), 'the thread that builds the log', () => {
  it.each(['reads the embedded store itself', 'takes events of another store'])(
    '%s, and makes the tree that the plain builder makes',
    async (how) => {
      await world.append(history());
      const builder = new ThreadedLogBuilder(
        how.startsWith('reads') ? { eventsFile: join(world.folder, 'events.db') } : { store: world.store },
        files(),
      );
      try {
        const consumer = new AuditLogConsumer(builder, 0);
        const further = await consumer.handle(await newest(), { signal });
        expect(further).toEqual({ through: await world.store.head(), events: world.log.checkpoint()!.size });
        // Said twice, done once.
        expect(await consumer.handle(await newest(), { signal })).toBeUndefined();
      } finally {
        await builder.close();
      }
      const threaded = world.log.checkpoint()!;
      rmSync(join(world.auditFolder, 'tile'), { recursive: true });
      rmSync(join(world.auditFolder, 'checkpoints'), { recursive: true });
      rmSync(join(world.auditFolder, 'checkpoint'));
      // A log of its own begins, for nothing tells of this one any more.
      rmSync(`${world.auditFolder}.head`);
      await world.publish();
      expect(world.log.checkpoint()!.size).toBe(threaded.size);
      expect(toHex(world.log.checkpoint()!.root)).toBe(toHex(threaded.root));
    },
  );

  it('stops with an alarm at a log that is not what was signed, and does not touch it', async () => {
    await world.append(history());
    await world.publish();
    const size = world.log.checkpoint()!.size;
    renameSync(join(world.auditFolder, 'tile/0'), join(world.auditFolder, 'tile/away'));
    await world.append([oneMore()]);
    const builder = new ThreadedLogBuilder({ eventsFile: join(world.folder, 'events.db') }, files());
    await expect(new AuditLogConsumer(builder, 0).handle(await newest(), { signal })).rejects.toThrow(
      /tile\/0\/.* is missing/,
    );
    await builder.close();
    expect(world.log.checkpoint()!.size).toBe(size);
  });

  it('waits for a disk that cannot be written, and goes on when it can be', async () => {
    await world.append(history());
    await world.publish();
    await world.append([oneMore()]);
    const builder = new ThreadedLogBuilder({ eventsFile: join(world.folder, 'events.db') }, files());
    const consumer = new AuditLogConsumer(builder, 0);
    // A folder in the way of the file: as good as a disk that refuses.
    mkdirSync(join(world.auditFolder, 'checkpoint.tmp'));
    await expect(consumer.handle(await newest(), { signal })).rejects.toThrow(TransientFailure);
    rmSync(join(world.auditFolder, 'checkpoint.tmp'), { recursive: true });
    await consumer.handle(await newest(), { signal });
    expect(world.log.indexOf((await world.store.head())!)).not.toBeNull();
    await builder.close();
  });

  it('never makes a leaf of an event that the disk has changed', async () => {
    await world.append(history());
    const database = new DatabaseSync(join(world.folder, 'events.db'));
    database.exec("UPDATE events SET data = replace(data, '9', '8') WHERE position = 50");
    database.close();
    const builder = new ThreadedLogBuilder({ eventsFile: join(world.folder, 'events.db') }, files());
    const failing = new AuditLogConsumer(builder, 0).handle(
      await world.store.readAll(null, { limit: 1 }).then(({ events }) => events),
      { signal },
    );
    await expect(failing).rejects.toThrow(EventStoreUnavailableError);
    await expect(failing).rejects.toThrow(/position 50\) is damaged/);
    await builder.close();
    expect(world.log.checkpoint()).toBeNull();
  });

  it('begins anew after its thread died', async () => {
    await world.append(history());
    const builder = new ThreadedLogBuilder(
      { eventsFile: join(world.folder, 'events.db') },
      { ...files(), keyRingFile: join(world.folder, 'no/such/keys.db') },
    );
    await expect(builder.step()).rejects.toThrow();
    await builder.close();
    expect(await builder.step().catch((error: Error) => error.message)).toMatch(/unable to open/);
    await builder.close();
  });

  it('lets the runner pass over what the log has read by itself', async () => {
    await world.append(history());
    const database = ReadModelDatabase.open(join(world.folder, 'readmodel.db'));
    const positions = new SqlitePositionStore(database);
    const builder = new ThreadedLogBuilder({ eventsFile: join(world.folder, 'events.db') }, files());
    const consumer = new AuditLogConsumer(builder, 0);
    let deliveries = 0;
    const handler = {
      handle: (...args: Parameters<AuditLogConsumer['handle']>) => {
        deliveries += 1;
        return consumer.handle(...args);
      },
    };
    let status: SubscriptionStatus | null = null;
    const runner = new SubscriptionRunner({
      consumer: consumer.name,
      store: world.store,
      positions,
      handler,
      poison: 'stop',
      batchSize: 10,
      onStatus: (now) => (status = now),
    });
    const reached = async (position: bigint | null) => {
      for (
        const deadline = Date.now() + 120_000;
        (await positions.load(consumer.name)) !== position || status?.state !== 'live';
      ) {
        if (Date.now() > deadline)
          throw new Error(`the position is ${await positions.load(consumer.name)}, ${JSON.stringify(status?.state)}`);
        await new Promise((done) => setTimeout(done, 5));
      }
    };
    runner.start();
    await reached(await world.store.head());
    expect(deliveries).toBe(1);
    expect(status!.handled).toBe(world.log.checkpoint()!.size);
    // Goes on with what comes later, event by event, and never back.
    await world.append([oneMore()]);
    await reached(await world.store.head());
    expect(world.log.indexOf((await world.store.head())!)).not.toBeNull();
    await runner.stop();
    await builder.close();
    database.close();
  });
});

describe('the consumer', () => {
  it('says so when the store told of an event that it does not have', async () => {
    const builder: LogBuilder = {
      step: async () => ({ last: 5n as never, leaves: 0, isMore: false }),
      check: async () => {},
      close: async () => {},
    };
    await expect(new AuditLogConsumer(builder, 0).handle([{ position: 9n } as never], { signal })).rejects.toThrow(
      AuditLogForkError,
    );
  });
});

describe('tokens in a leaf', () => {
  const token = ({ kind, id }: { kind: string; id: string }) => `T(${kind}:${id})`;
  const event = (data: Json): StoredText => ({
    stream: 's',
    revision: 0,
    id: 'i',
    type: 'T',
    schemaVersion: 1,
    data: canonicalJson(data),
    metadata: '{"actor":"system:x"}',
  });
  const PERSONAL: Record<string, string> = {
    subjectKey: 'registrant',
    registrantKey: 'registrant',
    receipt: 'receipt',
    officer: 'staff',
    officers: 'staff',
    subject: 'staff',
    by: 'staff',
    proposedBy: 'staff',
    approvedBy: 'staff',
    activatedBy: 'staff',
  };
  /** The rule as it is stated: by value, not by text. */
  const exchanged = (value: Json): Json => {
    if (Array.isArray(value)) return value.map(exchanged);
    if (typeof value !== 'object' || value === null) return value;
    const forPerson = (v: Json, kind: string): Json =>
      Array.isArray(v)
        ? v.map((x: Json) => forPerson(x, kind))
        : typeof v === 'string' && !v.startsWith('system:')
          ? token({ kind, id: v })
          : v;
    return Object.fromEntries(
      Object.entries(value).map(([name, member]) => [
        name,
        PERSONAL[name] ? forPerson(member as Json, PERSONAL[name]) : exchanged(member as Json),
      ]),
    );
  };

  it('stand where the persons stood, in every value that JSON can write', () => {
    let state = 99;
    const upTo = (n: number) => ((state = (Math.imul(state, 1664525) + 1013904223) >>> 0) >>> 8) % n;
    const TEXTS = [
      '',
      'a',
      '"',
      '\\',
      '\\"',
      ',"by":"x"',
      '{"by":"x","officers":["y"]}',
      'system:door',
      '名前',
      '\u0001\n',
      '\ud800',
      '"officer":',
      '],[{',
      '\\\\"by\\":',
      '","by":"',
    ];
    const NAMES = [...Object.keys(PERSONAL), 'other', '"by', 'by"', ',by', 'x,"by', '\\', 'officer:'];
    const text = () => Array.from({ length: 1 + upTo(3) }, () => TEXTS[upTo(TEXTS.length)]).join('');
    const value = (depth: number): Json => {
      switch (upTo(depth > 3 ? 4 : 8)) {
        case 0:
          return text();
        case 1:
          return upTo(1000) - 500;
        case 2:
          return null;
        case 3:
          return upTo(2) === 0;
        case 4:
          return Array.from({ length: upTo(4) }, () => text());
        case 5:
          return Array.from({ length: upTo(4) }, () => value(depth + 1));
        default:
          return Object.fromEntries(
            Array.from({ length: upTo(5) }, () => [NAMES[upTo(NAMES.length)] as string, value(depth + 1)]),
          );
      }
    };
    let different = 0;
    for (let i = 0; i < 4000; i += 1) {
      const data = Object.fromEntries([
        [NAMES[upTo(NAMES.length)] as string, value(0)],
        [NAMES[upTo(NAMES.length)] as string, value(0)],
      ]);
      const leaf = leafText(event(data), token);
      expect(leaf).toBe(
        `{"data":${canonicalJson(exchanged(data))},"id":"i","metadata":{"actor":"system:x"},"revision":0,"schemaVersion":1,"stream":"s","type":"T"}`,
      );
      if (canonicalJson(exchanged(data)) !== canonicalJson(data)) different += 1;
    }
    expect(different).toBeGreaterThan(1000);
  });

  it('come out of HMAC-SHA256 as Node makes it', () => {
    for (const length of [0, 1, 32, 63, 64, 65, 200]) {
      const [key, message] = [randomBytes(length), randomBytes(length * 2)];
      expect(toHex(hmacSha256(key, message))).toBe(createHmac('sha256', key).update(message).digest('hex'));
    }
    const salt = world.pseudonyms.saltOf({ kind: 'registrant', id: 'p' });
    expect(toHex(salt)).toBe(
      Buffer.from(
        hkdfSync('sha256', world.keyRing.existingKey('registrant:p')!, Buffer.alloc(0), 'honnin/audit-salt/v1', 32),
      ).toString('hex'),
    );
  });
});
