import { describe, expect, it } from '@jest/globals';
import { troublesOf } from '../../src/api/health-checks.js';
import { ClockWatch } from '../../src/application/installation/clock-watch.js';
import { Intake } from '../../src/application/installation/intake.js';
import { Config } from '../../src/infrastructure/settings/config.js';
import { ServerHealth } from '../../src/server-health.js';
import { application } from './fixture.js';

/** Consumers as the health check sees them. */
const following = (standbyMs: number, change: object = {}) => ({
  consumer: 'c',
  state: 'live',
  lagMs: 0,
  lastError: null,
  parkedStreams: 0,
  standbyMs,
  ...change,
});
const OUTSIDE = {
  HONNIN_GOVERNMENT_URL: 'http://127.0.0.1:9',
  HONNIN_CARD_ISSUER_KEYS: 'keys.json',
  HONNIN_JPKI_AUTH_ANCHORS: 'a.pem',
  HONNIN_JPKI_OCSP_URL: 'http://127.0.0.1:9',
  HONNIN_DATA: '.',
  HONNIN_FREE_MEGABYTES_MIN: '0',
  HONNIN_OPEN_CASES_MAX: '7',
};
const WATCHED = {
  stopped: { material_differed: 0, material_missing: 0 },
  overdue: 0,
  oldestMs: 3_600_000,
  hoursMax: 240,
  oldestReceivedAtUtc: '2026-11-23T08:00:00.000Z',
};

/** One thing that is not as in a server that works. */
interface Broken {
  readonly env?: Record<string, string>;
  readonly head?: () => Promise<unknown>;
  readonly refusesAppends?: () => Error | null;
  readonly consumer?: object;
  readonly open?: number;
  readonly outlet?: object;
  readonly watched?: object | Error;
  readonly signed?: { readonly ok: boolean; readonly detail: string };
  readonly older?: () => Promise<never>;
  readonly refusal?: string;
  readonly clockBackMs?: number;
  readonly vault?: string;
}

async function healthWith(broken: Broken = {}): Promise<ServerHealth> {
  const { store, clock } = await application();
  const intake = new Intake();
  intake.refuse('audit-log', broken.refusal ?? null);
  const clocks = new ClockWatch(store, clock);
  await clocks.start();
  clocks.stop();
  clock.advance(-(broken.clockBackMs ?? 0));
  const look = async (): Promise<object> => {
    if (broken.watched instanceof Error) throw broken.watched;
    return { ...WATCHED, ...broken.watched };
  };
  const outlet = { outlet: 'folder', deliveredSize: 1, behindMs: 0, isLate: false, lastError: null, isFork: false };
  return new ServerHealth(
    Config.from({ ...OUTSIDE, ...broken.env }),
    broken.head ? ({ refusesAppends: () => null, ...broken } as never) : store,
    { status: () => [{ ...following(0), ...broken.consumer }] } as never,
    { status: () => ({ open: broken.open ?? 7, running: 0, stuck: 3, retained: 9 }) } as never,
    { status: () => [{ ...outlet, ...broken.outlet }] } as never,
    { look } as never,
    { status: () => broken.signed ?? { ok: true, detail: 'as it was signed' } } as never,
    { olderThanShipped: broken.older ?? (async () => null) } as never,
    intake,
    clocks,
    { trouble: async () => broken.vault ?? null } as never,
    { met: async () => [] } as never,
  );
}

describe('a server of which one part is broken', () => {
  const away = (): Promise<never> => Promise.reject(new Error('nobody answers'));
  const silent = (): Promise<never> => new Promise<never>(() => {});

  it('is ready while none is', async () => {
    const readiness = await (await healthWith()).ready();
    expect({ troubles: troublesOf(readiness), ok: readiness.ok, degraded: readiness.degraded }).toEqual({
      troubles: [],
      ok: true,
      degraded: false,
    });
  });

  it.each<[string, Broken, string, RegExp]>([
    ['the store does not answer', { head: away }, 'events', /cannot be read: nobody answers/],
    [
      'the store takes nothing any more',
      { head: async () => 7n, refusesAppends: () => new Error('the disk said no') },
      'events',
      /takes nothing any more; start again: the disk said no/,
    ],
    ['the store stands still', { head: silent }, 'events', /no answer within a second/],
    ['the vault is away', { vault: 'the folder is gone' }, 'vault', /the folder is gone/],
    [
      'the disk is nearly full',
      { env: { HONNIN_FREE_MEGABYTES_MIN: '100000000' } },
      'disk',
      /MB are free .* fewer than 100000000/,
    ],
    ['the data folder is gone', { env: { HONNIN_DATA: '/nowhere/at/all' } }, 'disk', /cannot be written/],
    [
      'a read model is built',
      { consumer: { state: 'building', progress: '9000 events, 30000 per second, about 2 s left' } },
      'c',
      /^building: 9000 events, 30000 per second, about 2 s left$/,
    ],
    ['the clock went back', { clockBackMs: 60_000 }, 'clock', /it went back/],
    [
      'all consumers stand by',
      { consumer: { standbyMs: 60_000 } },
      'standby',
      /all consumers .* have stood by for 60 s/,
    ],
    [
      'a consumer has stopped',
      { consumer: { state: 'stopped', lastError: new Error('poison') } },
      'c',
      /stopped.*: poison/,
    ],
    ['a consumer fails', { consumer: { state: 'failing', lastError: new Error('busy') } }, 'c', /failing.*: busy/],
    ['a consumer is behind', { consumer: { lagMs: 31_000 } }, 'c', /31 s behind/],
    ['parts do not belong together', { refusal: 'another log' }, 'intake', /nothing is accepted: another log/],
    [
      'the signed log does not fit',
      { signed: { ok: false, detail: 'older than signed' } },
      'signed-log',
      /older than signed/,
    ],
    ['the log was forked', { outlet: { isFork: true } }, 'checkpoint-folder', /FORK/],
    ['too many cases are open', { open: 8 }, 'saga', /more than 7 \(HONNIN_OPEN_CASES_MAX\): 8 open cases/],
    ['the policy cannot be read', { older: away }, 'policy', /cannot be read: nobody answers/],
    ['no government server is named', { env: { HONNIN_GOVERNMENT_URL: '' } }, 'governmentServer', /not configured/],
  ])('is not ready, and says which and why: %s', async (_what, broken, part, words) => {
    const readiness = await (await healthWith(broken)).ready();
    expect({ ok: readiness.ok, troubles: troublesOf(readiness) }).toEqual({ ok: false, troubles: [part] });
    expect(readiness.parts[part]?.detail).toMatch(words);
  });

  it.each<[string, Broken, RegExp]>([
    ['cases are open for too long', { watched: { overdue: 2 } }, /2 are open for longer than 240 h/],
    [
      'cases were stopped',
      { watched: { stopped: { material_differed: 1, material_missing: 0 } } },
      /material of 1 is not what/,
    ],
    ['nobody can tell of the cases', { watched: new Error('busy') }, /nobody can tell: busy/],
  ])('is degraded, and goes on: %s', async (_what, broken, words) => {
    const readiness = await (await healthWith(broken)).ready();
    expect(readiness).toMatchObject({ ok: true, degraded: true });
    expect(troublesOf(readiness)).toEqual(['cases']);
    expect(readiness.parts['cases']?.detail).toMatch(words);
  });
});

// @fault O12 @fault O17
describe('whether the server is ready', () => {
  async function partsWith(standbyMs: readonly number[], refusal: string | null = null) {
    return readiness(
      standbyMs.map((ms) => following(ms)),
      { refusal },
    );
  }

  async function readiness(
    consumers: readonly object[],
    { refusal = null, met = [] }: { readonly refusal?: string | null; readonly met?: readonly string[] } = {},
  ) {
    const { store, clock } = await application();
    const intake = new Intake();
    intake.refuse('audit-log', refusal);
    const status = () => ({ open: 0, running: 0, stuck: 0, retained: 0 });
    const health = new ServerHealth(
      Config.from({}),
      store,
      { status: () => consumers } as never,
      { status } as never,
      { status: () => [] } as never,
      { look: async () => null } as never,
      { status: () => ({ ok: true, detail: 'as it was signed' }) } as never,
      { olderThanShipped: async () => null } as never,
      intake,
      new ClockWatch(store, clock),
      { trouble: async () => null } as never,
      { met: async () => met } as never,
    );
    return { ...(await health.ready()), isAccepting: health.isAccepting() };
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

  /** @fault O23 */
  it('is no while a consumer stands still, the relay too, which may only wait for its broker', async () => {
    for (const consumer of ['registration-saga', 'publication-relay']) {
      const stopped = following(0, { consumer, state: 'stopped', lastError: { message: 'what it could not take' } });
      const { ok, parts } = await readiness([stopped]);
      expect([ok, parts[consumer]]).toEqual([
        false,
        { ok: false, detail: 'stopped, 0 s behind: what it could not take' },
      ]);
    }
    const waiting = following(0, { consumer: 'publication-relay', state: 'failing' });
    expect((await readiness([waiting])).parts['publication-relay']?.ok).toBe(true);
  });

  /** @fault O23 */
  it('is degraded while events are parked, or of kinds that this program does not know, and names them', async () => {
    expect((await readiness([following(0)])).degraded).toBe(false);
    const parked = await readiness([following(0, { consumer: 'registrant-erasure', parkedStreams: 2 })]);
    expect(parked).toMatchObject({
      degraded: true,
      parts: { parked: { ok: false, detail: expect.stringContaining('2 of registrant-erasure') } },
    });
    const unknown = await readiness([following(0)], { met: ['SomethingOfTomorrow/1', 'Held/9'] });
    expect(unknown).toMatchObject({
      degraded: true,
      parts: { 'unknown-events': { ok: false, detail: expect.stringContaining('SomethingOfTomorrow/1, Held/9') } },
    });
  });
});
