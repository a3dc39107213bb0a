import { Logger } from '@nestjs/common';
import { setTimeout as sleepFor } from 'node:timers/promises';
import type { Consumer, KafkaMessage } from 'kafkajs';
import {
  ErasureConfirmationSource,
  type ErasureConfirmation,
} from '../../application/ports/registrant/erasure-confirmations.js';
import { ACKNOWLEDGEMENT_TYPE } from '../../domain/publication/event-contracts.js';
import type { KafkaSettings } from './kafka-client.js';
import { topicName } from './topics.js';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const CONSUMER_NAME = /^[A-Za-z0-9._-]{1,64}$/;
const BYTES_MAX = 4096;
const DELAY_MS_MAX = 5_000;

/** Reads confirmations from their topic. The offset is committed after the confirmation is stored. */
export class KafkaErasureConfirmations extends ErasureConfirmationSource {
  private readonly log = new Logger('Publication');
  private readonly stopping = new AbortController();
  private running: Promise<void> = Promise.resolve();

  constructor(private readonly settings: KafkaSettings | null) {
    super();
  }

  override start(take: (confirmation: ErasureConfirmation) => Promise<void>): void {
    const { settings } = this;
    if (settings) this.running = this.run(settings, take);
  }

  override async stop(): Promise<void> {
    this.stopping.abort();
    await this.running;
  }

  /** One round per connection: whatever ends it, the next one begins where the committed offset is. */
  private async run(
    settings: KafkaSettings,
    take: (confirmation: ErasureConfirmation) => Promise<void>,
  ): Promise<void> {
    const { signal } = this.stopping;
    for (let troubles = 0; !signal.aborted; troubles += 1) {
      const consumer = settings
        .client()
        .consumer({
          groupId: topicName(settings.prefix, 'erasure-confirmations'),
          sessionTimeout: 10_000,
          maxWaitTimeInMs: 500,
          retry: { retries: 2, restartOnFailure: async () => false },
        });
      try {
        await consumer.connect();
        troubles = 0;
        await this.consume(consumer, settings, take, signal);
      } catch (error) {
        if (troubles === 0)
          this.log.error(
            `confirmations of erasures cannot be read, trying again: ${error instanceof Error ? error.message : String(error)}`,
          );
        await sleepFor(Math.min(DELAY_MS_MAX, 200 * 2 ** Math.min(troubles, 10)), undefined, { signal }).catch(
          () => {},
        );
      } finally {
        await consumer.disconnect().catch(() => {});
      }
    }
  }

  private async consume(
    consumer: Consumer,
    settings: KafkaSettings,
    take: (confirmation: ErasureConfirmation) => Promise<void>,
    signal: AbortSignal,
  ): Promise<void> {
    const ended = new Promise<void>((resolve, reject) => {
      // Stopped while it connected: no listener would ever hear of that.
      if (signal.aborted) resolve();
      signal.addEventListener('abort', () => resolve(), { once: true });
      consumer.on(consumer.events.CRASH, ({ payload }) => reject(payload.error));
    });
    // Somebody must listen before anything can go wrong.
    ended.catch(() => {});
    await consumer.subscribe({ topic: topicName(settings.prefix, 'erasure-confirmations'), fromBeginning: true });
    await consumer.run({
      eachMessage: async ({ message, partition }) => {
        const confirmation = confirmationIn(message);
        if (confirmation) await take(confirmation);
        // It can never be understood later either; the topic keeps it for whoever looks into it.
        else
          this.log.warn(
            `a message on the topic of confirmations is none (partition ${partition}, offset ${message.offset})`,
          );
      },
    });
    await ended;
  }
}

/** The confirmation in a message of either content mode, or null when it is none. Nothing of it is trusted. */
export function confirmationIn({
  value,
  headers,
}: Pick<KafkaMessage, 'value' | 'headers'>): ErasureConfirmation | null {
  if (!value || value.length > BYTES_MAX) return null;
  const parsed = objectIn(value.toString('utf8'));
  if (!parsed) return null;
  const structured = String(headers?.['content-type'] ?? '').startsWith('application/cloudevents+json');
  const type = structured ? parsed['type'] : String(headers?.['ce_type'] ?? '');
  const data = structured ? parsed['data'] : parsed;
  if (type !== ACKNOWLEDGEMENT_TYPE || typeof data !== 'object' || data === null) return null;
  const { erasureId, registrationId, consumer } = data as Record<string, unknown>;
  if (!isText(erasureId, UUID) || !isText(registrationId, UUID) || !isText(consumer, CONSUMER_NAME)) return null;
  return { erasureId, registrationId, consumer };
}

function isText(value: unknown, form: RegExp): value is string {
  return typeof value === 'string' && form.test(value);
}

function objectIn(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : null;
  } catch {
    return null;
  }
}
