import type { SubscriptionHandler } from '../../subscriptions/subscription-handler.js';

/** Consumers of the log beside the projections and the saga. */
export abstract class LogConsumers {
  /** `types: null` wants every event. `shape: 'stored'` wants events as they were stored, `'today'` in today's
   * shape. */
  abstract all(): readonly {
    readonly name: string;
    readonly types: readonly string[] | null;
    readonly shape: 'stored' | 'today';
    readonly handler: SubscriptionHandler;
  }[];
}
