import { describe, expect, it } from '@jest/globals';
import { ClockWatch } from '../../src/application/installation/clock-watch.js';
import { Intake } from '../../src/application/installation/intake.js';
import { Config } from '../../src/infrastructure/config.js';
import { ServerHealth } from '../../src/server-health.js';
import { application } from './fixture.js';

/** Consumers as the health check sees them. */
const following = (standbyMs: number) => ({ consumer: 'c', state: 'live', lagMs: 0, lastError: null, standbyMs });

// @fault O12 @fault O17
describe('whether the server is ready', () => {
  async function partsWith(standbyMs: readonly number[], refusal: string | null = null) {
    const { store, clock } = await application();
    const intake = new Intake();
    intake.refuse('audit-log', refusal);
    const status = () => ({ open: 0, running: 0, stuck: 0, retained: 0 });
    const health = new ServerHealth(
      Config.from({}),
      store,
      { status: () => standbyMs.map(following) } as never,
      { status } as never,
      { status: () => [] } as never,
      { look: async () => null } as never,
      { status: () => ({ ok: true, detail: 'as it was signed' }) } as never,
      { olderThanShipped: async () => null } as never,
      intake,
      new ClockWatch(store, clock),
    );
    return { parts: (await health.ready()).parts, isAccepting: health.isAccepting() };
  }

  it.each([
    ['nobody stands by', [0, 0], true],
    ['some stand by for long', [0, 3_600_000], true],
    ['all stand by for less than a minute', [59_999, 60_000], true],
    ['all stand by for a minute', [60_000, 60_000], false],
    ['there is nobody', [], true],
  ])('while %s', async (_what, standbyMs, ok) => {
    const { standby } = (await partsWith(standbyMs)).parts;
    expect(standby?.ok).toBe(ok);
    if (!ok) expect(standby?.detail).toMatch(/all consumers of the log have stood by for 60 s/);
  });

  it('is no while anybody refuses the log, and then the door is closed', async () => {
    expect(await partsWith([0])).toMatchObject({ parts: { intake: { ok: true } }, isAccepting: true });
    const refused = await partsWith([0], 'another log');
    expect(refused).toMatchObject({
      parts: { intake: { ok: false, detail: 'nothing is accepted: another log' } },
      isAccepting: false,
    });
  });
});
