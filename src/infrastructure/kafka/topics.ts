import type { Admin } from 'kafkajs';
import type { PublicChannel } from '../../application/ports/outside/event-publisher.js';

const DAY_MS = 86_400_000;

export type KafkaChannel = PublicChannel | 'erasure-confirmations';

export interface TopicPlan {
  readonly name: string;
  readonly partitions: number;
  readonly replication: number;
  readonly config: Readonly<Record<string, string>>;
}

export interface TopicOptions {
  readonly prefix: string;
  readonly partitions: number;
  readonly replication: number;
  readonly retentionDays: number;
}

export type TopicFinding =
  | { readonly topic: string; readonly state: 'as_planned' }
  | { readonly topic: string; readonly state: 'missing'; readonly plan: TopicPlan }
  /** Somebody has to decide: nothing of this is changed by the program. */
  | { readonly topic: string; readonly state: 'differs'; readonly problems: readonly string[] };

/** The version belongs to the name: what breaks the contract of a topic (also its number of partitions) is a new
 * topic. */
export function topicName(prefix: string, channel: KafkaChannel): string {
  const names: Record<KafkaChannel, string> = {
    registrations: 'registrations.v1',
    'registration-status': 'registration-status.v1',
    replay: 'registrations-replay.v1',
    'erasure-confirmations': 'erasure-confirmations.v1',
  };
  return `${prefix}${names[channel]}`;
}

/** Topics as they should be. Facts are deleted by age; the status is compacted, and its tombstones stay long enough for
 * a consumer that was away for a week to see them. */
export function topicPlans({ prefix, partitions, replication, retentionDays }: TopicOptions): readonly TopicPlan[] {
  const safe = { 'min.insync.replicas': String(Math.max(1, replication - 1)), 'message.timestamp.type': 'CreateTime' };
  const deleted = (days: number) => ({ ...safe, 'cleanup.policy': 'delete', 'retention.ms': String(days * DAY_MS) });
  const plan = (channel: KafkaChannel, config: Record<string, string>): TopicPlan => ({
    name: topicName(prefix, channel),
    partitions,
    replication,
    config,
  });
  return [
    plan('registrations', deleted(retentionDays)),
    plan('registration-status', {
      ...safe,
      'cleanup.policy': 'compact',
      'delete.retention.ms': String(7 * DAY_MS),
      'max.compaction.lag.ms': String(DAY_MS),
    }),
    plan('replay', deleted(7)),
    plan('erasure-confirmations', deleted(retentionDays)),
  ];
}

/** Compares the topics of a cluster with the plan. */
export async function examineTopics(admin: Admin, plans: readonly TopicPlan[]): Promise<readonly TopicFinding[]> {
  const existing = new Set(await admin.listTopics());
  const present = plans.filter(({ name }) => existing.has(name));
  const metadata =
    present.length === 0 ? [] : (await admin.fetchTopicMetadata({ topics: present.map(({ name }) => name) })).topics;
  const configs = await configsOf(admin, present);
  return plans.map((plan): TopicFinding => {
    const { name } = plan;
    if (!existing.has(name)) return { topic: name, state: 'missing', plan };
    const partitions = metadata.find((topic) => topic.name === name)?.partitions.length ?? 0;
    const problems = [...partitionProblem(plan, partitions), ...configProblems(plan, configs.get(name) ?? new Map())];
    return problems.length === 0 ? { topic: name, state: 'as_planned' } : { topic: name, state: 'differs', problems };
  });
}

/** Creates what is missing and touches nothing that exists. */
export async function createTopics(admin: Admin, plans: readonly TopicPlan[]): Promise<void> {
  const topics = plans.map(({ name, partitions, replication, config }) => ({
    topic: name,
    numPartitions: partitions,
    replicationFactor: replication,
    configEntries: Object.entries(config).map(([key, value]) => ({ name: key, value })),
  }));
  if (topics.length === 0) return;
  try {
    await admin.createTopics({ topics, waitForLeaders: true });
  } catch (error) {
    throw new Error(`topics could not be created: ${causesOf(error).join('; ')}`, { cause: error });
  }
}

/** The library's own words for several errors are "Topic creation errors": what they are is inside. */
function causesOf(error: unknown): readonly string[] {
  const { errors, topic, message } = error as { errors?: readonly unknown[]; topic?: string; message?: string };
  if (errors !== undefined && errors.length > 0) return errors.flatMap(causesOf);
  return [`${topic === undefined ? '' : `${topic}: `}${message ?? String(error)}`];
}

/** More partitions would send the next event of a registration to another partition than the earlier ones: order would
 * be lost. */
export function partitionProblem(
  { name, partitions }: Pick<TopicPlan, 'name' | 'partitions'>,
  found: number,
): string[] {
  if (found === partitions) return [];
  return [
    `${name} has ${found} partitions and HONNIN_KAFKA_PARTITIONS says ${partitions}. Partitions of a topic are never changed, because that breaks the order per registration: correct the setting, or begin a new topic with another HONNIN_KAFKA_TOPIC_PREFIX and replay into it`,
  ];
}

async function configsOf(
  admin: Admin,
  plans: readonly TopicPlan[],
): Promise<ReadonlyMap<string, ReadonlyMap<string, string>>> {
  if (plans.length === 0) return new Map();
  const TOPIC = 2;
  const { resources } = await admin.describeConfigs({
    includeSynonyms: false,
    resources: plans.map(({ name }) => ({ type: TOPIC, name })),
  });
  return new Map(
    resources.map(({ resourceName, configEntries }) => [
      resourceName,
      new Map(configEntries.map(({ configName, configValue }) => [configName, configValue])),
    ]),
  );
}

function configProblems({ name, config }: TopicPlan, found: ReadonlyMap<string, string>): string[] {
  return Object.entries(config)
    .filter(([key, value]) => found.get(key) !== value)
    .map(
      ([key, value]) =>
        `${name} has ${key}=${found.get(key) ?? 'unset'}, planned is ${value}; change it with your broker's tool (kafka-configs --alter --topic ${name} --add-config ${key}=${value}) or keep it knowingly`,
    );
}
