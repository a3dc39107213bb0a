import type { AsyncApiOptions } from '../../application/publication/asyncapi.js';
import type { Config } from '../settings/config.js';
import { topicName } from './topics.js';

/** What the AsyncAPI document says of this installation. */
export function asyncApiOptions({ values }: Config): AsyncApiOptions {
  const { kafkaTopicPrefix: prefix, kafkaSource: source, kafkaMode: mode, kafkaPartitions: partitions } = values;
  const topics = {
    registrations: topicName(prefix, 'registrations'),
    status: topicName(prefix, 'registration-status'),
    replay: topicName(prefix, 'replay'),
    confirmations: topicName(prefix, 'erasure-confirmations'),
  };
  const { kafkaBrokers: brokers, kafkaTls: tls, kafkaTokenUrl: tokenUrl } = values;
  return { topics, source, mode, partitions, brokers, tls, signIn: signInOf(values), tokenUrl };
}

function signInOf({ kafkaSasl, kafkaCertFile }: Config['values']): AsyncApiOptions['signIn'] {
  if (kafkaSasl === 'plain') return 'plain';
  if (kafkaSasl === 'scram-sha-256') return 'scramSha256';
  if (kafkaSasl === 'scram-sha-512') return 'scramSha512';
  if (kafkaSasl === 'oauthbearer') return 'oauth2';
  return kafkaCertFile === null ? null : 'X509';
}
