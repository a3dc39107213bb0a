import { afterAll, beforeAll } from '@jest/globals';
import { describeUnless } from '../../support/unless.js';
import { brokerMissing, startBroker, type Broker, type BrokerOptions } from './kafka-broker.js';

/** Tests that need a real broker. Without one they are skipped with the reason; in CI that is a failure. */
export function describeWithBroker(
  name: string,
  tests: (broker: () => Broker) => void,
  options: BrokerOptions = {},
): void {
  describeUnless(brokerMissing(options.version), name, () => {
    let broker: Broker | null = null;
    beforeAll(async () => {
      broker = await startBroker(options);
    }, 300_000);
    afterAll(async () => broker?.close());
    tests(() => broker as Broker);
  });
}
