import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Logger } from '@nestjs/common';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import kafkajs from 'kafkajs';
import { examineOutlets } from '../../src/infrastructure/audit/fsck/checkpoint-doctor.js';
import { ConfiguredOutlets, timestampAuthority } from '../../src/infrastructure/audit/outlets/configured-outlets.js';
import { Config } from '../../src/infrastructure/settings/config.js';
import { checkpointTopic } from '../../src/infrastructure/kafka/kafka-checkpoint-topic.js';
import { verifierKeyText } from '../../src/domain/audit/log/signed-note.js';
import { SyntheticHistory } from '../../src/sandbox/synthetic-history.js';
import { commandOutput } from '../audit/command-output.js';
import { AuditWorld, ORIGIN } from '../audit/support.js';
import { eventually } from '../sandbox/support.js';
import { describeWithBroker } from './support/describe-with-broker.js';

Logger.overrideLogger(false);
const appends = [...new SyntheticHistory({ seed: 6 }).appends(12)];
const unique = `${process.pid}-${Date.now().toString(36)}`;
const SCRAM = 'org.apache.kafka.common.security.scram.ScramLoginModule';

describeWithBroker('copies of checkpoints on a topic that somebody else administers', (broker) => {
  const base = mkdtempSync(path.join(tmpdir(), 'honnin-copies-'));
  const topic = `checkpoints-${unique}`;
  let world: AuditWorld;
  let outlets: ConfiguredOutlets;

  const environment = (change: Record<string, string> = {}): Record<string, string> => ({
    HONNIN_DATA: path.join(base, 'data'),
    HONNIN_AUDIT_ORIGIN: ORIGIN,
    HONNIN_AUDIT_COPY_SECONDS: '1',
    HONNIN_AUDIT_COPY_KAFKA_BROKERS: broker().brokers,
    HONNIN_AUDIT_COPY_KAFKA_TOPIC: topic,
    HONNIN_KAFKA_CONNECT_TIMEOUT_MS: '1000',
    HONNIN_KAFKA_REQUEST_TIMEOUT_MS: '3000',
    ...change,
  });
  const config = (change: Record<string, string> = {}): Config => Config.from(environment(change));
  /** The administrator of the topic, who is nobody of ours. */
  const create = async (name: string, settings: Record<string, string>): Promise<void> => {
    const admin = new kafkajs.Kafka({
      brokers: broker().brokers.split(','),
      logLevel: kafkajs.logLevel.NOTHING,
    }).admin();
    await admin.connect();
    await admin.createTopics({
      waitForLeaders: true,
      topics: [
        {
          topic: name,
          numPartitions: 1,
          replicationFactor: 1,
          configEntries: Object.entries(settings).map(([n, value]) => ({ name: n, value })),
        },
      ],
    });
    await admin.disconnect();
  };
  const onTopic = async (): Promise<string[]> => {
    const notes: string[] = [];
    await checkpointTopic(config())!.read(({ note }) => void notes.push(note));
    return notes;
  };
  const compare = async (data: string, change: Record<string, string> = {}) => {
    const wanted = environment({ HONNIN_DATA: data, ...change });
    Object.assign(process.env, wanted);
    try {
      return await commandOutput(['compare', '--copies', 'kafka', '--key', verifierKeyText(world.keys.keys()[0]!)]);
    } finally {
      for (const name of Object.keys(wanted)) delete process.env[name];
    }
  };
  /** A data folder as the command wants it, out of the folder of a world. */
  const asData = (from: string, name: string): string => {
    for (const [a, b] of [
      ['audit', 'audit'],
      ['secret', 'keys/audit'],
      ['events.db', 'events.db'],
    ] as const)
      cpSync(path.join(from, a), path.join(base, name, b), { recursive: true });
    return path.join(base, name);
  };
  const grow = async (w: AuditWorld, more: typeof appends): Promise<void> => {
    await w.append(more);
    await w.publish();
  };

  beforeAll(async () => {
    await create(topic, { 'cleanup.policy': 'delete', 'retention.ms': '-1' });
    mkdirSync(path.join(base, 'world'));
    world = await AuditWorld.open(path.join(base, 'world'));
    await grow(world, appends.slice(0, 40));
  }, 180_000);
  afterAll(async () => {
    await world.close();
    rmSync(base, { recursive: true });
  });

  it('are keyed by the origin, are the signed notes, and go on after the broker was away', async () => {
    outlets = ConfiguredOutlets.from(config(), world.log, timestampAuthority(config())).start();
    const [delivered, failures] = [() => outlets.status()[0]!.deliveredSize, () => outlets.status()[0]!.failures];
    await eventually(() => (delivered() === world.log.checkpoint()!.size ? true : undefined), 120_000);
    const first = world.log.checkpoint()!.note;
    expect(await onTopic()).toEqual([first]);
    if (broker().ours) {
      await broker().stop('SIGKILL');
      await grow(world, appends.slice(40, 60));
      await eventually(() => (failures() > 1 ? true : undefined), 120_000);
      expect(outlets.status()[0]).toMatchObject({
        outlet: 'kafka',
        lastError: expect.stringContaining(`the Kafka topic ${topic} did not take the checkpoint`),
      });
      expect(outlets.status()[0]!.behindMs).toBeGreaterThan(0);
      // Whoever appends does not notice.
      await grow(world, appends.slice(60, 70));
      await broker().start();
    } else await grow(world, appends.slice(40, 70));
    await eventually(() => (delivered() === world.log.checkpoint()!.size ? true : undefined), 120_000);
    expect(outlets.status()[0]).toMatchObject({ behindMs: 0, lastError: null });
    expect((await onTopic()).at(-1)).toBe(world.log.checkpoint()!.note);
    expect(await onTopic()).toContain(first);
  }, 180_000);

  it('show a fork to whoever reads the topic, and name it; also across a change of key', async () => {
    await outlets.stop();
    const shared = world.log.checkpoint()!.size;
    await world.close({ keep: true });
    cpSync(path.join(base, 'world'), path.join(base, 'forked'), { recursive: true });
    world = await AuditWorld.open(path.join(base, 'world'));
    await world.keys.rotate(world.log.checkpoint(), { destroyOld: false });
    outlets = ConfiguredOutlets.from(config(), world.log, timestampAuthority(config()));
    await grow(world, appends.slice(70, 100));
    const newest = world.log.checkpoint()!.size;
    // A stop takes along what nobody has yet.
    await outlets.stop();
    expect(await compare(asData(path.join(base, 'world'), 'honest'))).toMatchObject({
      code: 0,
      text: expect.stringContaining('the log has only grown'),
    });

    const forked = await AuditWorld.open(path.join(base, 'forked'));
    await grow(
      forked,
      appends.slice(71).filter(({ stream }) => stream !== appends[70]!.stream),
    );
    expect(forked.log.checkpoint()!.size).toBeGreaterThan(newest);
    await forked.close({ keep: true });
    // The key that signed the copy follows from the first one only in the notes of the honest log.
    cpSync(path.join(base, 'world', 'audit', 'keys'), path.join(base, 'forked', 'audit', 'keys'), { recursive: true });
    cpSync(path.join(base, 'world', 'secret'), path.join(base, 'forked', 'secret'), { recursive: true });
    const verdict = await compare(asData(path.join(base, 'forked'), 'evil'));
    expect(verdict.text).toContain(`FORK       first at the checkpoint of ${newest} entries (${topic}/0@`);
    expect(verdict.text).toContain(`something in entries ${shared} to ${newest - 1} was changed`);
    expect(verdict.code).toBe(1);
  }, 180_000);

  it('stay evidence when others write to the topic too', async () => {
    const producer = new kafkajs.Kafka({
      brokers: broker().brokers.split(','),
      logLevel: kafkajs.logLevel.NOTHING,
    }).producer();
    await producer.connect();
    await producer.send({
      topic,
      messages: [{ key: ORIGIN, value: 'noise' }, { key: ORIGIN, value: null }, { value: 'x'.repeat(100_000) }],
    });
    await producer.disconnect();
    expect(await compare(path.join(base, 'honest'))).toMatchObject({
      code: 0,
      text: expect.stringContaining('3 records are not signed by it'),
    });
  }, 180_000);

  it('are refused by a compacted topic, and by a missing one, in words; the doctor says the same', async () => {
    const compacted = `compacted-${unique}`;
    await create(compacted, { 'cleanup.policy': 'compact' });
    const send = (name: string) =>
      checkpointTopic(config({ HONNIN_AUDIT_COPY_KAFKA_TOPIC: name }))!.send(ORIGIN, 'note');
    await expect(send(compacted)).rejects.toThrow(/would forget earlier checkpoints/);
    await expect(send(`missing-${unique}`)).rejects.toThrow(/is missing/);
    const doctor = async (change: Record<string, string>) =>
      (await examineOutlets(config(change)))
        .filter(({ what }) => what === 'copies (Kafka)')
        .map(({ level, detail }) => `${level} ${detail}`);
    expect((await doctor({}))[0]).toMatch(/^ok .*keeps everything/);
    expect((await doctor({ HONNIN_AUDIT_COPY_KAFKA_TOPIC: compacted }))[0]).toMatch(/^WRONG .*compacted/);
    expect((await doctor({ HONNIN_AUDIT_COPY_KAFKA_TOPIC: `missing-${unique}` }))[0]).toMatch(/^WRONG .*missing/);
    expect((await doctor({ HONNIN_AUDIT_COPY_KAFKA_BROKERS: '127.0.0.1:9' }))[0]).toMatch(/^WRONG /);
    const short = `short-${unique}`;
    await create(short, { 'retention.ms': '86400000' });
    expect((await doctor({ HONNIN_AUDIT_COPY_KAFKA_TOPIC: short }))[0]).toMatch(/^note .*forgets after 1 days/);
  }, 180_000);
});

describeWithBroker(
  'the settings of the broker of copies',
  (broker) => {
    it('sign in by themselves, apart from those of published events', async () => {
      if (!broker().ours) return;
      const folder = mkdtempSync(path.join(tmpdir(), 'honnin-copies-'));
      writeFileSync(path.join(folder, 'password'), 'scram-secret\n');
      const name = `signed-in-${unique}`;
      const admin = new kafkajs.Kafka({ brokers: [broker().brokers], logLevel: kafkajs.logLevel.NOTHING }).admin();
      await admin.connect();
      await admin.createTopics({
        waitForLeaders: true,
        topics: [{ topic: name, numPartitions: 1, replicationFactor: 1 }],
      });
      await admin.disconnect();
      const settings = {
        HONNIN_DATA: folder,
        HONNIN_AUDIT_COPY_KAFKA_BROKERS: broker().listeners['SIGNIN']!,
        HONNIN_AUDIT_COPY_KAFKA_TOPIC: name,
        HONNIN_AUDIT_COPY_KAFKA_SASL: 'scram-sha-256',
        HONNIN_AUDIT_COPY_KAFKA_USERNAME: 'copier',
        HONNIN_AUDIT_COPY_KAFKA_PASSWORD_FILE: path.join(folder, 'password'),
      };
      const signedIn = checkpointTopic(Config.from(settings))!;
      await signedIn.send(ORIGIN, 'a note');
      await signedIn.close();
      const { HONNIN_AUDIT_COPY_KAFKA_SASL: _, ...anonymous } = settings;
      await expect(checkpointTopic(Config.from(anonymous))!.send(ORIGIN, 'another')).rejects.toThrow();
      const notes: string[] = [];
      await signedIn.read(({ note }) => void notes.push(note));
      expect(notes).toEqual(['a note']);
      expect(() => Config.from({ ...settings, HONNIN_AUDIT_COPY_KAFKA_SASL: 'plain' })).toThrow(
        /HONNIN_AUDIT_COPY_KAFKA_SASL=plain needs HONNIN_AUDIT_COPY_KAFKA_TLS=yes/,
      );
      expect(() => Config.from({ ...settings, HONNIN_AUDIT_COPY_KAFKA_CA: 'ca.pem' })).toThrow(
        /HONNIN_AUDIT_COPY_KAFKA_CA and HONNIN_AUDIT_COPY_KAFKA_CERT need/,
      );
      rmSync(folder, { recursive: true });
    }, 180_000);
  },
  {
    listeners: { SIGNIN: 'SASL_PLAINTEXT' },
    format: ['--add-scram', 'SCRAM-SHA-256=[name=copier,password=scram-secret]'],
    properties: {
      'listener.name.signin.sasl.enabled.mechanisms': 'SCRAM-SHA-256',
      'listener.name.signin.scram-sha-256.sasl.jaas.config': `${SCRAM} required;`,
    },
  },
);
