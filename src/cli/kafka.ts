import { parseArgs } from 'node:util';
import type { Admin } from 'kafkajs';
import { Config, ConfigError } from '../infrastructure/settings/config.js';
import { kafkaSettings, type KafkaSettings } from '../infrastructure/kafka/kafka-client.js';
import { examineKafka } from '../infrastructure/kafka/kafka-doctor.js';
import { createTopics, examineTopics, topicPlans, type TopicPlan } from '../infrastructure/kafka/topics.js';
import { EXIT, UsageError, type CliCommand } from './command.js';

export const command: CliCommand = {
  help: `
Works with the Kafka side of the server that the environment configures (HONNIN_KAFKA_BROKERS and the settings beside it).

  ./honnin kafka topics [--apply] [--replication N] [--retention-days N]
      shows the topics that are needed and what is there; with --apply creates what is missing. Existing topics are
      never changed, and never get another number of partitions.
  ./honnin kafka replay --from WHERE [--to WHERE] [--registration ID]
      publishes stored events once more, to the replay topic, each with the attribute 'replay'; the live topics are not
      touched. WHERE is a position of the log or an instant such as 2026-11-23T00:00:00Z, both inclusive.
  ./honnin kafka erasures [--all]
      shows which consumer has not confirmed which erasure; with --all also what is confirmed.
  ./honnin kafka lag
      shows how many events wait to be published, and since when.
  ./honnin kafka verify --from SIZE [--to SIZE] --server URL --token TOKEN [--key VKEY|FILE] | --certificate FILE
      holds the facts on the topic against the log's certificate of what it published between two sizes: none is
      missing and none was added. --certificate: the answer of /v1/published-events/certificate as it was kept.
  ./honnin kafka try [--port N]
      runs Apache Kafka on this machine until it is interrupted, with the topics, for trying. Needs Java 17 and Maven,
      which fetches it once. Nothing of it is kept.
  ./honnin kafka check
      checks connection, sign-in and topics, in plain words.

Options
  --apply             create missing topics
  --replication N     copies of each partition, default 3; 1 for a single broker
  --retention-days N  how long facts stay on the topic, default 90
  --from, --to        ends of the replay; --from is needed unless --registration is given
  --registration ID   only this registration

Exit code 0: done, nothing is wrong; 1: something differs, waits or failed.

Example
  HONNIN_KAFKA_BROKERS=127.0.0.1:9092 ./honnin kafka topics --apply --replication 1
`,
  async run([action, ...args]) {
    const actions: Record<string, (args: string[], config: Config) => Promise<number>> = {
      topics,
      replay,
      erasures,
      lag,
      verify,
      try: tryBroker,
      check,
    };
    const chosen = action !== undefined && Object.hasOwn(actions, action) ? actions[action] : undefined;
    if (!chosen) throw new UsageError('say what to do: topics, replay, erasures, lag, verify, try or check');
    try {
      return await chosen(args, Config.from(process.env));
    } catch (error) {
      if (error instanceof ConfigError) throw new UsageError(error.message);
      if (error instanceof UsageError || !(error instanceof Error) || !isExpected(error)) throw error;
      process.stderr.write(`honnin kafka ${action}: ${error.message}\n`);
      return EXIT.failed;
    }
  },
};

const say = (line: string): void => void process.stdout.write(`${line}\n`);

/** A broker that is not there or refuses is no internal error. */
function isExpected(error: Error): boolean {
  return (
    error.name.startsWith('KafkaJS') ||
    /Kafka|topics/.test(error.message) ||
    error.constructor.name === 'EventStoreUnavailableError'
  );
}

function configured(config: Config): KafkaSettings {
  const settings = kafkaSettings(config);
  if (settings === null) throw new UsageError('HONNIN_KAFKA_BROKERS is not set: there is no broker to talk to');
  return settings;
}

async function topics(args: string[], config: Config): Promise<number> {
  const { values } = parseArgs({
    args,
    options: {
      apply: { type: 'boolean', default: false },
      replication: { type: 'string', default: '3' },
      'retention-days': { type: 'string', default: '90' },
    },
  });
  const settings = configured(config);
  const { prefix, partitions } = settings;
  const plans = topicPlans({
    prefix,
    partitions,
    replication: wholeNumber('--replication', values.replication, 1, 9),
    retentionDays: wholeNumber('--retention-days', values['retention-days'], 1, 3650),
  });
  return withAdmin(settings, (admin) => (values.apply ? applyPlans(admin, plans) : showFindings(admin, plans)));
}

async function applyPlans(admin: Admin, plans: readonly TopicPlan[]): Promise<number> {
  const missing = (await examineTopics(admin, plans))
    .filter((finding) => finding.state === 'missing')
    .map(({ plan }) => plan);
  await createTopics(admin, missing);
  for (const { name, partitions, replication, config } of missing)
    say(
      `created    ${name}: ${partitions} partitions, ${replication} copies, ${Object.entries(config)
        .map(([key, value]) => `${key}=${value}`)
        .join(' ')}`,
    );
  return showFindings(admin, plans);
}

async function showFindings(admin: Admin, plans: readonly TopicPlan[]): Promise<number> {
  const findings = await examineTopics(admin, plans);
  for (const finding of findings) {
    if (finding.state === 'as_planned') say(`as planned ${finding.topic}`);
    else if (finding.state === 'missing')
      say(
        `missing    ${finding.topic}: would get ${finding.plan.partitions} partitions and ${finding.plan.replication} copies; create it with --apply`,
      );
    else for (const problem of finding.problems) say(`DIFFERS    ${problem}`);
  }
  return findings.every(({ state }) => state === 'as_planned') ? EXIT.ok : EXIT.failed;
}

async function replay(args: string[], config: Config): Promise<number> {
  const { values } = parseArgs({
    args,
    options: { from: { type: 'string' }, to: { type: 'string' }, registration: { type: 'string' } },
  });
  if (values.from === undefined && values.registration === undefined)
    throw new UsageError('say from where: --from POSITION or --from INSTANT, or --registration ID');
  const settings = configured(config);
  const { replayEvents } = await import('../infrastructure/kafka/replay.js');
  const { openPublicationSources } = await import('../infrastructure/kafka/publication-sources.js');
  const sources = await openPublicationSources(config);
  const started = Date.now();
  try {
    const result = await replayEvents({
      ...sources,
      settings,
      from: boundFrom('--from', values.from),
      to: boundFrom('--to', values.to),
      registrationId: values.registration ?? null,
      onProgress: ({ published, position, head }) =>
        process.stderr.write(
          `${published} events published, at position ${position} of ${head}, ${Math.round((published * 1000) / Math.max(1, Date.now() - started))}/s\n`,
        ),
    });
    say(`replay ${result.replayId}: ${result.published} events on ${result.topic}`);
    return EXIT.ok;
  } finally {
    await sources.close();
  }
}

async function erasures(args: string[], config: Config): Promise<number> {
  const { values } = parseArgs({ args, options: { all: { type: 'boolean', default: false } } });
  const { openPublicationSources } = await import('../infrastructure/kafka/publication-sources.js');
  const sources = await openPublicationSources(config);
  try {
    const rows = sources.directory.confirmations({ includeConfirmed: values.all, limit: 1000 });
    for (const { erasureId, consumer, announcedAtUtc, registrations, open } of rows)
      say(
        `${open > 0 ? 'OPEN     ' : 'confirmed'}  ${consumer.padEnd(20)} ${registrations - open} of ${registrations} registrations   erasure ${erasureId} of ${announcedAtUtc}`,
      );
    if (rows.length === 0)
      say(values.all ? 'no erasure was announced to anybody' : 'every consumer has confirmed every erasure');
    return rows.some(({ open }) => open > 0) ? EXIT.failed : EXIT.ok;
  } finally {
    await sources.close();
  }
}

async function lag(args: string[], config: Config): Promise<number> {
  parseArgs({ args, options: {} });
  const { openPublicationSources } = await import('../infrastructure/kafka/publication-sources.js');
  const sources = await openPublicationSources(config);
  try {
    const { events, oldestMs } = await sources.backlog();
    say(
      events === 0
        ? 'everything is published'
        : `${events === 4096 ? 'at least ' : ''}${events} events wait, the oldest for ${Math.round(oldestMs / 1000)} s`,
    );
    return events === 0 ? EXIT.ok : EXIT.failed;
  } finally {
    await sources.close();
  }
}

async function verify(args: string[], config: Config): Promise<number> {
  const { verifyPublished } = await import('./kafka/verify-published.js');
  return verifyPublished(args, () => configured(config));
}

async function tryBroker(args: string[], config: Config): Promise<number> {
  const command = await import('./kafka/try-broker.js');
  return command.tryBroker(args, config);
}

async function check(args: string[], config: Config): Promise<number> {
  parseArgs({ args, options: {} });
  const findings = await examineKafka(config);
  for (const { level, what, detail } of findings) say(`${level.padEnd(5)}  ${what.padEnd(14)} ${detail}`);
  return findings.some(({ level }) => level === 'WRONG') ? EXIT.failed : EXIT.ok;
}

async function withAdmin(settings: KafkaSettings, work: (admin: Admin) => Promise<number>): Promise<number> {
  const admin = settings.client().admin();
  try {
    await admin.connect();
    return await work(admin);
  } finally {
    await admin.disconnect();
  }
}

function wholeNumber(option: string, text: string, min: number, max: number): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < min || value > max)
    throw new UsageError(`${option} must be a whole number ${min}..${max}`);
  return value;
}

/** A position (digits) or an instant in UTC, both inclusive. */
function boundFrom(option: string, text: string | undefined): bigint | string | null {
  if (text === undefined) return null;
  if (/^\d{1,20}$/.test(text)) return BigInt(text);
  if (/^\d{4}-\d{2}-\d{2}T[\d:.]+Z$/.test(text) && Number.isFinite(Date.parse(text)))
    return new Date(text).toISOString();
  throw new UsageError(`${option} is a position or an instant such as 2026-11-23T00:00:00Z`);
}
