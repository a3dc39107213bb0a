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
  return { topics, source, mode, partitions };
}
