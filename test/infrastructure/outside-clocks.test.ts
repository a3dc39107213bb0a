import { createServer, type Server } from 'node:http';
import { afterEach, describe, expect, it } from '@jest/globals';
import { HttpOutsideClocks } from '../../src/infrastructure/clock/http-outside-clocks.js';
import { SetClock } from '../application/fixture.js';
import { until } from '../support/real-server.js';

const HOUR_MS = 3_600_000;

interface Service {
  /** How far its clock is behind ours, milliseconds; null: it does not say. */
  readonly behindMs: number | null;
  readonly age?: string;
}

// @fault O19
describe('the clocks of other machines', () => {
  const opened: { close(): unknown }[] = [];
  afterEach(async () => {
    for (const one of opened.splice(0)) await one.close();
  });
  const clock = new SetClock();

  async function heardOf(services: readonly Service[]): Promise<{ clocks: HttpOutsideClocks; asked: () => number }> {
    let asked = 0;
    const addresses = await Promise.all(
      services.map(async ({ behindMs, age }) => {
        const server: Server = createServer((_, response) => {
          asked += 1;
          if (behindMs === null) response.sendDate = false;
          else response.setHeader('date', new Date(Date.parse(clock.nowUtc()) - behindMs).toUTCString());
          if (age !== undefined) response.setHeader('age', age);
          response.writeHead(404).end('nothing here');
        });
        opened.push(server);
        await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
        return `http://127.0.0.1:${(server.address() as { port: number }).port}/asked`;
      }),
    );
    const clocks = new HttpOutsideClocks(addresses, clock).start();
    opened.unshift(clocks);
    if (services.length >= 2) await until('all questions', () => (asked >= services.length ? true : null));
    await clocks.close();
    return { clocks, asked: () => asked };
  }
  const right = { behindMs: 2_000 };
  const hourBehind = { behindMs: HOUR_MS };

  it.each<[string, readonly Service[], RegExp | null]>([
    ['agree with ours', [right, right, right], null],
    [
      'are all behind ours: ours is ahead',
      [hourBehind, { behindMs: 2 * HOUR_MS }],
      /^the clock is 3600 s ahead of 2 of 2 services/,
    ],
    ['are most of them behind ours', [hourBehind, hourBehind, right], /^the clock is 3600 s ahead of 2 of 3 services/],
    [
      'are most of them ahead of ours',
      [{ behindMs: -HOUR_MS }, { behindMs: -HOUR_MS }],
      /^the clock is 36\d\d s behind 2 of 2/,
    ],
    ['are one wrong one among right ones', [hourBehind, right, right], null],
    ['are one wrong one and one right one', [hourBehind, right], null],
    ['say different things', [hourBehind, { behindMs: -HOUR_MS }], null],
    ['are off by less than anybody looks at', [{ behindMs: 59_000 }, { behindMs: 59_000 }], null],
    ['are one machine alone', [hourBehind], null],
    [
      'are those of caches',
      [
        { ...hourBehind, age: '3600' },
        { ...hourBehind, age: '3600' },
      ],
      null,
    ],
    ['are told by nobody', [{ behindMs: null }, { behindMs: null }], null],
    ['are none', [], null],
  ])('%s', async (_what, services, words) => {
    const { clocks } = await heardOf(services);
    if (words === null) expect(clocks.difference()).toBeNull();
    else expect(clocks.difference()).toMatch(words);
  });

  it('are asked once for each machine, and not where one alone could answer', async () => {
    expect((await heardOf([right])).asked()).toBe(0);
    const { asked } = await heardOf([right, right]);
    expect(asked()).toBe(2);
  });
});
