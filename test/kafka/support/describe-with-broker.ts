import { afterAll, beforeAll, describe, it } from '@jest/globals';
import { brokerMissing, startBroker, type Broker, type BrokerOptions } from './kafka-broker.js';

/** Tests that need a real broker. Without one they are skipped with the reason; in CI that is a failure. */
export function describeWithBroker(name: string, tests: (broker: () => Broker) => void, options: BrokerOptions = {}): void {
  const missing = brokerMissing();
  if (missing !== null) {
    describe(name, () => skipped(missing));
    return;
  }
  describe(name, () => {
    let broker: Broker | null = null;
    beforeAll(async () => {
      broker = await startBroker(options);
    }, 300_000);
    afterAll(async () => broker?.close());
    tests(() => broker as Broker);
  });
}

/** One test in the place of those that cannot run. */
export function skipped(reason: string): void {
  if (process.env['CI'] === 'true') {
    it(`runs in CI: ${reason}`, () => {
      throw new Error(`${reason}; in CI nothing is skipped`);
    });
    return;
  }
  process.stdout.write(`skipped: ${reason}\n`);
  it.skip(`skipped: ${reason}`, () => {});
}
