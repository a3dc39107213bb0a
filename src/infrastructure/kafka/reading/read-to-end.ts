import type { Consumer, KafkaMessage } from 'kafkajs';

const IDLE_MS_MAX = 30_000;

/** A record with its place. */
export interface RecordAt {
  readonly topic: string;
  readonly partition: number;
  readonly message: KafkaMessage;
}

/** Hands over every record up to the end that each partition had, once, partition by partition in its order.
 *  @param left end offset of each partition that has something
 *  @throws {Error} when the broker gives nothing more before the end */
export async function readToEnd(
  consumer: Consumer,
  left: Map<number, number>,
  take: (record: RecordAt) => void,
): Promise<void> {
  let watchdog: NodeJS.Timeout | undefined;
  const seen = new Map<number, number>();
  try {
    await new Promise<void>((resolve, reject) => {
      const progress = (): void => {
        clearTimeout(watchdog);
        watchdog = setTimeout(
          () => reject(new Error(`the Kafka topic gave nothing more for ${IDLE_MS_MAX / 1000} s before its end`)),
          IDLE_MS_MAX,
        );
      };
      progress();
      consumer.on(consumer.events.CRASH, ({ payload }) => {
        if (!payload.restart) reject(payload.error);
      });
      consumer
        .run({
          autoCommit: false,
          eachBatch: async ({ batch }) => {
            progress();
            for (const message of batch.messages) {
              // After a restart of the consumer the same records come again.
              if (Number(message.offset) <= (seen.get(batch.partition) ?? -1)) continue;
              seen.set(batch.partition, Number(message.offset));
              take({ topic: batch.topic, partition: batch.partition, message });
            }
            if (Number(batch.lastOffset()) + 1 >= (left.get(batch.partition) ?? 0)) left.delete(batch.partition);
            if (left.size === 0) resolve();
          },
        })
        .catch(reject);
    });
  } finally {
    clearTimeout(watchdog);
  }
}
