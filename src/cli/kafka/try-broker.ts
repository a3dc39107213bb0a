import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import kafkajs from 'kafkajs';
import { createTopics, topicPlans } from '../../infrastructure/kafka/topics.js';
import type { Config } from '../../infrastructure/settings/config.js';
import { BrokerForTrying, NoBrokerError } from '../../sandbox/kafka/broker-for-trying.js';
import { complain, say, wholeNumber } from '../audit/arguments.js';
import { EXIT } from '../command.js';

/** Runs a broker for trying until it is interrupted, with the topics that the server needs. */
export async function tryBroker(args: string[], { values: settings }: Config): Promise<number> {
  const { values } = parseArgs({ args, options: { port: { type: 'string', default: '9092' } } });
  const folder = mkdtempSync(path.join(tmpdir(), 'honnin-try-kafka-'));
  try {
    say('starts Apache Kafka; the first time Maven fetches about 100 MB');
    const broker = await BrokerForTrying.start({ folder, port: wholeNumber(values.port, 'port') }, answers);
    try {
      const { kafkaTopicPrefix: prefix, kafkaPartitions: partitions } = settings;
      const admin = clientOf(broker.address).admin();
      await admin.connect();
      await createTopics(admin, topicPlans({ prefix, partitions, replication: 1, retentionDays: 1 }));
      await admin.disconnect();
      say(`a broker for trying, without sign-in, gone with this command; its topics are there:`);
      say(`  export HONNIN_KAFKA_BROKERS='${broker.address}'`);
      say('Then ./honnin start, and a consumer: docs/samples/consumer.mjs. Stop with Ctrl-C.');
      await Promise.race([interrupted(), broker.ended()]);
    } finally {
      await broker.close();
    }
    return EXIT.ok;
  } catch (error) {
    if (!(error instanceof NoBrokerError)) throw error;
    complain(`honnin kafka try: ${error.message}`);
    complain(
      'Other ways: docker run -p 9092:9092 apache/kafka, or no broker at all: docs/kafka.md, "Without a broker".',
    );
    return EXIT.failed;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function clientOf(address: string): InstanceType<typeof kafkajs.Kafka> {
  const retry = { retries: 0 };
  const options = { clientId: 'honnin-try', brokers: [address], logLevel: kafkajs.logLevel.NOTHING, retry };
  return new kafkajs.Kafka({ ...options, connectionTimeout: 500 });
}

async function answers(address: string): Promise<boolean> {
  const admin = clientOf(address).admin();
  try {
    await admin.connect();
    return (await admin.describeCluster()).brokers.length > 0;
  } catch {
    // Not up yet: asked again.
    return false;
  } finally {
    await admin.disconnect();
  }
}

function interrupted(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve());
  });
}
