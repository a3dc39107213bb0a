import { readFileSync } from 'node:fs';
import kafkajs, { type Kafka, type KafkaConfig, type SASLOptions } from 'kafkajs';
import { Config, readSettingFile } from '../config.js';
import type { CloudEventOptions } from './cloud-event.js';

const { logLevel } = kafkajs;

export interface KafkaSettings extends CloudEventOptions {
  readonly prefix: string;
  readonly partitions: number;
  readonly client: () => Kafka;
  readonly requestTimeoutMs: number;
}

/** The settings of the broker, or null when none is configured. Files are read here, so that a missing one is told at the start.
 *  @throws {ConfigError} for a file that cannot be read */
export function kafkaSettings(config: Config): KafkaSettings | null {
  const { kafkaBrokers, kafkaMode, kafkaSource, kafkaTopicPrefix, kafkaPartitions, kafkaRequestTimeoutMs } = config.values;
  if (kafkaBrokers.length === 0) return null;
  const options = clientOptions(config);
  return { mode: kafkaMode, source: kafkaSource, prefix: kafkaTopicPrefix, partitions: kafkaPartitions, requestTimeoutMs: kafkaRequestTimeoutMs, client: () => new kafkajs.Kafka(options) };
}

function clientOptions(config: Config): KafkaConfig {
  const { kafkaBrokers, kafkaClientId, kafkaTls, kafkaConnectTimeoutMs, kafkaRequestTimeoutMs } = config.values;
  const sasl = saslOptions(config);
  return {
    brokers: [...kafkaBrokers],
    clientId: kafkaClientId,
    connectionTimeout: kafkaConnectTimeoutMs,
    authenticationTimeout: kafkaConnectTimeoutMs,
    requestTimeout: kafkaRequestTimeoutMs,
    // What goes wrong reaches us as an error and is told once, in our words.
    logLevel: logLevel.NOTHING,
    // The runner repeats without limit; here only what a change of leader needs.
    retry: { retries: 2, initialRetryTime: 100, maxRetryTime: 1000 },
    ssl: kafkaTls ? tlsOptions(config) : false,
    ...(sasl && { sasl }),
  };
}

function tlsOptions({ values }: Config): NonNullable<Exclude<KafkaConfig['ssl'], boolean>> {
  const { kafkaCaFile, kafkaCertFile, kafkaKeyFile } = values;
  return {
    minVersion: 'TLSv1.2',
    ...(kafkaCaFile !== null && { ca: readSettingFile('HONNIN_KAFKA_CA', kafkaCaFile) }),
    ...(kafkaCertFile !== null && { cert: readSettingFile('HONNIN_KAFKA_CERT', kafkaCertFile) }),
    ...(kafkaKeyFile !== null && { key: readSettingFile('HONNIN_KAFKA_KEY', kafkaKeyFile) }),
  };
}

function saslOptions({ values }: Config): SASLOptions | null {
  const { kafkaSasl, kafkaUsername, kafkaPasswordFile, kafkaTokenUrl, kafkaTokenScope, kafkaConnectTimeoutMs } = values;
  if (kafkaSasl === 'none' || kafkaUsername === null || kafkaPasswordFile === null) return null;
  readSettingFile('HONNIN_KAFKA_PASSWORD_FILE', kafkaPasswordFile);
  // Read again for each token: secrets are exchanged while the server runs.
  const password = () => readFileSync(kafkaPasswordFile, 'utf8').trim();
  if (kafkaSasl !== 'oauthbearer') return { mechanism: kafkaSasl, username: kafkaUsername, password: password() };
  return {
    mechanism: 'oauthbearer',
    oauthBearerProvider: async () => ({ value: await clientCredentialsToken({ url: kafkaTokenUrl as string, id: kafkaUsername, secret: password(), scope: kafkaTokenScope, timeoutMs: kafkaConnectTimeoutMs }) }),
  };
}

/** An access token by client credentials (RFC 6749 section 4.4). @throws {Error} in words for an operator */
async function clientCredentialsToken({ url, id, secret, scope, timeoutMs }: { url: string; id: string; secret: string; scope: string | null; timeoutMs: number }): Promise<string> {
  const body = new URLSearchParams({ grant_type: 'client_credentials', ...(scope === null ? {} : { scope }) });
  const authorization = `Basic ${Buffer.from(`${encodeURIComponent(id)}:${encodeURIComponent(secret)}`).toString('base64')}`;
  const response = await fetch(url, { method: 'POST', body, headers: { authorization }, signal: AbortSignal.timeout(timeoutMs), redirect: 'error' });
  const answer = (await response.json().catch(() => ({}))) as { access_token?: unknown };
  if (!response.ok || typeof answer.access_token !== 'string') throw new Error(`the token server ${new URL(url).host} gave no access token (HTTP ${response.status})`);
  return answer.access_token;
}
