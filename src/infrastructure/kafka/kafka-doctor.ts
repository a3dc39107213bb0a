import type { Config } from '../settings/config.js';
import { kafkaSettings } from './kafka-client.js';
import { examineTopics, topicPlans } from './topics.js';

export interface KafkaFinding {
  readonly level: 'ok' | 'note' | 'WRONG';
  readonly what: string;
  readonly detail: string;
}

/** Tries the Kafka settings for real: connection, TLS, sign-in, topics. Changes nothing and publishes nothing. */
export async function examineKafka(config: Config): Promise<readonly KafkaFinding[]> {
  const settings = kafkaSettings(config);
  if (settings === null)
    return [
      {
        level: 'note',
        what: 'Kafka',
        detail: 'not configured: events wait in the log; set HONNIN_KAFKA_BROKERS to publish them',
      },
    ];
  const { kafkaBrokers, kafkaTls, kafkaSasl } = config.values;
  const how = `${kafkaTls ? 'TLS' : 'no TLS'}, ${kafkaSasl === 'none' ? 'no sign-in' : kafkaSasl}`;
  const admin = settings.client().admin();
  try {
    await admin.connect();
    const { brokers } = await admin.describeCluster();
    const findings: KafkaFinding[] = [
      {
        level: 'ok',
        what: 'Kafka',
        detail: `${brokers.length} ${brokers.length === 1 ? 'broker answers' : 'brokers answer'} (${how})`,
      },
    ];
    // Retention and copies may be chosen otherwise; they are shown and no fault.
    const plans = topicPlans({
      prefix: settings.prefix,
      partitions: settings.partitions,
      replication: Math.min(3, brokers.length),
      retentionDays: 90,
    });
    for (const finding of await examineTopics(admin, plans)) {
      if (finding.state === 'missing')
        findings.push({
          level: 'WRONG',
          what: 'Kafka topic',
          detail: `${finding.topic} is missing; create it with './honnin kafka topics --apply'`,
        });
      else
        findings.push({
          level: finding.state === 'as_planned' ? 'ok' : partitionsDiffer(finding.problems) ? 'WRONG' : 'note',
          what: 'Kafka topic',
          detail: finding.state === 'differs' ? finding.problems.join('; ') : finding.topic,
        });
    }
    return findings;
  } catch (error) {
    return [
      {
        level: 'WRONG',
        what: 'Kafka',
        detail: `${kafkaBrokers.join(', ')} (${how}): ${error instanceof Error ? error.message : String(error)}`,
      },
    ];
  } finally {
    await admin.disconnect().catch(() => {});
  }
}

/** The relay does not start then; everything else is somebody's choice. */
function partitionsDiffer(problems: readonly string[]): boolean {
  return problems.some((problem) => problem.includes('HONNIN_KAFKA_PARTITIONS'));
}
