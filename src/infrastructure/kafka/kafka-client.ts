import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import kafkajs, { type Kafka, type KafkaConfig, type SASLOptions } from 'kafkajs';
import { Config, readSettingFile } from '../settings/config.js';
import type { CloudEventOptions } from './cloud-event.js';

const { logLevel } = kafkajs;

interface RequestQueue {
  throttledUntil: number;
  scheduleCheckPendingRequests(): void;
}

/** The library asks for a timer at "until when we are held back, minus now", also where nothing ever held it back: Node
 *  then warns of a negative time on every command's screen. A moment that has gone by means the same as now. */
function startTimersNotInThePast(): void {
  const queue = createRequire(import.meta.url)('kafkajs/src/network/requestQueue/index.js') as {
    readonly prototype: RequestQueue;
  };
  const { scheduleCheckPendingRequests: schedule } = queue.prototype;
  queue.prototype.scheduleCheckPendingRequests = function (this: RequestQueue): void {
    const { throttledUntil } = this;
    this.throttledUntil = Math.max(throttledUntil, Date.now() + 1);
    schedule.call(this);
    this.throttledUntil = throttledUntil;
  };
}
startTimersNotInThePast();

export interface KafkaSettings extends CloudEventOptions {
  readonly prefix: string;
  readonly partitions: number;
  readonly client: () => Kafka;
  readonly requestTimeoutMs: number;
}

/** The settings of the broker, or null when none is configured. Files are read here, so that a missing one is told at
 * the start.
 * @throws {ConfigError} for a file that cannot be read */
export function kafkaSettings(config: Config): KafkaSettings | null {
  const { kafkaBrokers, kafkaMode, kafkaSource, kafkaTopicPrefix, kafkaPartitions, kafkaRequestTimeoutMs } =
    config.values;
  if (kafkaBrokers.length === 0) return null;
  return {
    mode: kafkaMode,
    source: kafkaSource,
    prefix: kafkaTopicPrefix,
    partitions: kafkaPartitions,
    requestTimeoutMs: kafkaRequestTimeoutMs,
    client: clientOf(config, 'kafka'),
  };
}

/** Which of the two groups of settings names the broker: the one of published events, or the one that keeps copies of
 * checkpoints. */
export type KafkaConnectionName = 'kafka' | 'auditCopyKafka';

const ENV = { kafka: 'HONNIN_KAFKA', auditCopyKafka: 'HONNIN_AUDIT_COPY_KAFKA' } as const satisfies Record<
  KafkaConnectionName,
  string
>;

interface Connection {
  readonly env: string;
  readonly brokers: readonly string[];
  readonly tls: boolean;
  readonly caFile: string | null;
  readonly certFile: string | null;
  readonly keyFile: string | null;
  readonly sasl: Config['values']['kafkaSasl'];
  readonly username: string | null;
  readonly passwordFile: string | null;
  readonly tokenUrl: string | null;
  readonly tokenScope: string | null;
  readonly connectTimeoutMs: number;
}

/** Clients of one of the configured brokers. @throws {ConfigError} for a file that cannot be read */
export function clientOf(config: Config, name: KafkaConnectionName): () => Kafka {
  const options = clientOptions(connectionOf(config, name), config);
  return () => new kafkajs.Kafka(options);
}

function connectionOf({ values }: Config, name: KafkaConnectionName): Connection {
  return {
    env: ENV[name],
    brokers: values[`${name}Brokers`],
    tls: values[`${name}Tls`],
    caFile: values[`${name}CaFile`],
    certFile: values[`${name}CertFile`],
    keyFile: values[`${name}KeyFile`],
    sasl: values[`${name}Sasl`],
    username: values[`${name}Username`],
    passwordFile: values[`${name}PasswordFile`],
    tokenUrl: values[`${name}TokenUrl`],
    tokenScope: values[`${name}TokenScope`],
    connectTimeoutMs: values.kafkaConnectTimeoutMs,
  };
}

function clientOptions(connection: Connection, { values }: Config): KafkaConfig {
  const sasl = saslOptions(connection);
  return {
    brokers: [...connection.brokers],
    clientId: values.kafkaClientId,
    connectionTimeout: values.kafkaConnectTimeoutMs,
    authenticationTimeout: values.kafkaConnectTimeoutMs,
    requestTimeout: values.kafkaRequestTimeoutMs,
    // What goes wrong reaches us as an error and is told once, in our words.
    logLevel: logLevel.NOTHING,
    // The runner repeats without limit; here only what a change of leader needs.
    retry: { retries: 2, initialRetryTime: 100, maxRetryTime: 1000 },
    ssl: connection.tls ? tlsOptions(connection) : false,
    ...(sasl && { sasl }),
  };
}

function tlsOptions({ env, caFile, certFile, keyFile }: Connection): NonNullable<Exclude<KafkaConfig['ssl'], boolean>> {
  return {
    minVersion: 'TLSv1.2',
    ...(caFile !== null && { ca: readSettingFile(`${env}_CA`, caFile) }),
    ...(certFile !== null && { cert: readSettingFile(`${env}_CERT`, certFile) }),
    ...(keyFile !== null && { key: readSettingFile(`${env}_KEY`, keyFile) }),
  };
}

function saslOptions({
  env,
  sasl,
  username,
  passwordFile,
  tokenUrl,
  tokenScope,
  connectTimeoutMs,
}: Connection): SASLOptions | null {
  if (sasl === 'none' || username === null || passwordFile === null) return null;
  readSettingFile(`${env}_PASSWORD_FILE`, passwordFile);
  // Read again for each token: secrets are exchanged while the server runs.
  const password = () => readFileSync(passwordFile, 'utf8').trim();
  if (sasl !== 'oauthbearer') return { mechanism: sasl, username, password: password() };
  return {
    mechanism: 'oauthbearer',
    oauthBearerProvider: async () => ({
      value: await clientCredentialsToken({
        url: tokenUrl as string,
        id: username,
        secret: password(),
        scope: tokenScope,
        timeoutMs: connectTimeoutMs,
      }),
    }),
  };
}

/** An access token by client credentials (RFC 6749 section 4.4). @throws {Error} in words for an operator */
async function clientCredentialsToken({
  url,
  id,
  secret,
  scope,
  timeoutMs,
}: {
  url: string;
  id: string;
  secret: string;
  scope: string | null;
  timeoutMs: number;
}): Promise<string> {
  const body = new URLSearchParams({ grant_type: 'client_credentials', ...(scope === null ? {} : { scope }) });
  const authorization = `Basic ${Buffer.from(`${encodeURIComponent(id)}:${encodeURIComponent(secret)}`).toString('base64')}`;
  const response = await fetch(url, {
    method: 'POST',
    body,
    headers: { authorization },
    signal: AbortSignal.timeout(timeoutMs),
    redirect: 'error',
  });
  const answer = (await response.json().catch(() => ({}))) as { access_token?: unknown };
  if (!response.ok || typeof answer.access_token !== 'string')
    throw new Error(`the token server ${new URL(url).host} gave no access token (HTTP ${response.status})`);
  return answer.access_token;
}
