import type { SubscriptionHandler } from '../../subscriptions/subscription-handler.js';

/** The projections as consumers of the log. */
export abstract class ReadModelConsumers {
  abstract all(): readonly {
    readonly name: string;
    readonly types: readonly string[];
    readonly handler: SubscriptionHandler;
  }[];
}
