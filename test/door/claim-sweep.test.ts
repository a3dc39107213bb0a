import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { registrations } from '../../src/application/decisions/aggregates.js';
import { caseOwner, evidenceOwner } from '../../src/application/case/case-material.js';
import { Claims } from '../../src/application/door/claims.js';
import { derivedId } from '../../src/application/decisions/ids.js';
import { ClaimSweep } from '../../src/application/saga/claim-sweep.js';
import type { SaveOutcome } from '../../src/application/ports/store/position-store.js';
import { ReadModelDatabase } from '../../src/infrastructure/read-model/read-model-database.js';
import { SqlitePositionStore } from '../../src/infrastructure/read-model/sqlite-position-store.js';
import { application, eventually } from '../application/fixture.js';
import { request } from '../support/registration-facts.js';
import { MemoryVault } from './door-world.js';

const NOW = '2026-11-23T09:00:00.000Z';
const DAY_MS = 24 * 3_600_000;
/** Life of a nonce, what clocks may differ, and a quarter of an hour for a booth that repeats. */
const DUE_MS = (600 + 120) * 1000 + 15 * 60_000;
const bytes = Buffer.from('a photograph');

/** Positions that can lose their consumer to another process at the next step. */
class SharedPositions extends SqlitePositionStore {
  saved: SaveOutcome | null = null;
  saves = 0;
  override async save(...step: Parameters<SqlitePositionStore['save']>): Promise<SaveOutcome> {
    this.saves += 1;
    return this.saved ?? super.save(...step);
  }
}

class TroubledVault extends MemoryVault {
  trouble: Error | null = null;
  readonly pages: (readonly string[])[] = [];
  onPage: () => void = () => {};
  override async caseOwners(...asked: Parameters<MemoryVault['caseOwners']>) {
    if (this.trouble) throw this.trouble;
    const page = await super.caseOwners(...asked);
    this.pages.push(page);
    this.onPage();
    return page;
  }
}

/** @req R19 */
// @fault O6
describe('the sweep of what nobody owns', () => {
  let folder: string;
  let database: ReadModelDatabase;
  let positions: SharedPositions;
  let app: Awaited<ReturnType<typeof application>>;
  let vault: TroubledVault;
  let claims: Claims;
  let sweep: ClaimSweep;
  beforeEach(async () => {
    folder = mkdtempSync(path.join(tmpdir(), 'honnin-sweep-'));
    database = ReadModelDatabase.open(path.join(folder, 'readmodel.db'));
    positions = new SharedPositions(database);
    app = await application();
    vault = new TroubledVault();
    claims = new Claims(app.store, app.aggregates, app.secrets);
    sweep = another();
  });
  afterEach(() => {
    database.close();
    rmSync(folder, { recursive: true });
  });

  const another = () => new ClaimSweep(app.store, positions, app.aggregates, claims, app.policies, vault, app.clock);
  const contextOf = (requestId: string) => ({
    commandId: derivedId('receive', requestId),
    actor: 'booth:b',
    correlationId: requestId,
    causationId: requestId,
    policyVersion: 1,
  });
  async function claim(requestId: string): Promise<void> {
    await claims.claimRequest({ requestId, boothId: 'booth-0001', digest: 'aa' }, contextOf(requestId));
  }
  async function receive(requestId: string): Promise<void> {
    const command = { type: 'ReceiveRequest', request: request({ requestId }) } as const;
    await app.aggregates.execute(registrations, requestId, command, contextOf(requestId));
  }
  const seal = (owner: string) => vault.seal(owner as ReturnType<typeof caseOwner>, 'photo', bytes);
  const storyOf = (requestId: string) => app.store.readStream(registrations.streamOf(requestId));
  const lapses = async () =>
    (await app.store.readAll(null, { limit: 4096, filter: { types: ['RequestLapsed'] } })).events;
  const owners = () => [...vault.owners()].sort();

  it.each([
    [DUE_MS - 1, 0],
    [DUE_MS, 1],
    [DUE_MS + 1, 1],
  ])('ends, %i ms after its claim, %i requests', async (ms, count) => {
    await claim('r1');
    await seal(caseOwner('r1'));
    app.clock.advance(ms);
    expect(await sweep.look()).toBe(count);
    expect(await lapses()).toHaveLength(count);
    expect(owners()).toEqual(count === 1 ? [] : [caseOwner('r1')]);
  });

  // @fault O19
  it.each([
    ['an hour ahead', 3_600_000, 1],
    ['thirty days ahead', 30 * DAY_MS, 1],
    ['an hour behind', -3_600_000, 0],
    ['thirty days behind', -30 * DAY_MS, 0],
  ])(
    'with a clock that is set %s ends what waits early or late, and never what was received',
    async (_way, ms, count) => {
      await claim('received');
      await receive('received');
      await claim('waiting');
      for (const id of ['received', 'waiting']) await seal(caseOwner(id));
      app.clock.advance(ms);
      expect(await sweep.look()).toBe(count);
      expect(owners()).toContain(caseOwner('received'));
      // Nothing was promised for the other one: its booth has no receipt, and its request can never be received now.
      expect(owners().includes(caseOwner('waiting'))).toBe(count === 0);
      app.clock.advance(-ms + DUE_MS);
      expect(await sweep.look()).toBe(1 - count);
      expect(owners()).toEqual([caseOwner('received')]);
    },
  );

  it('says in the log since when it was claimed, destroys all of it, and says it once', async () => {
    await claim('r1');
    for (const owner of [caseOwner('r1'), evidenceOwner('r1')]) await seal(owner);
    app.clock.advance(DUE_MS);
    expect(await sweep.look()).toBe(1);
    expect(await storyOf('r1')).toMatchObject([
      {
        id: derivedId(derivedId('lapse', 'r1'), 0),
        type: 'RequestLapsed',
        data: { reason: 'claim_not_completed', claimedAtUtc: NOW },
        metadata: { actor: 'system:claim-sweep', correlationId: 'r1', causationId: 'r1', policyVersion: null },
      },
    ]);
    expect(owners()).toEqual([]);
    expect([await sweep.look(), await another().look()]).toEqual([0, 0]);
  });

  it('leaves what was received, and what is not due, for which it comes again', async () => {
    await claim('r1');
    await receive('r1');
    await claim('r2');
    app.clock.advance(1);
    await claim('r3');
    for (const id of ['r1', 'r2', 'r3']) await seal(caseOwner(id));
    app.clock.advance(DUE_MS - 1);
    expect(await sweep.look()).toBe(1);
    expect((await lapses()).map(({ stream }) => stream)).toEqual([registrations.streamOf('r2')]);
    const [second] = await app.store.readStream('claim-r2');
    expect(await positions.load('claim-sweep')).toBe(second!.position);
    app.clock.advance(1);
    expect(await sweep.look()).toBe(1);
    expect(owners()).toEqual([caseOwner('r1')]);
  });

  it('looks no further than to the first that is not due, however many were', async () => {
    for (const id of ['r1', 'r2', 'r3']) await claim(id);
    app.clock.advance(1);
    await claim('r4');
    app.clock.advance(DUE_MS - 1);
    expect(await sweep.look()).toBe(3);
    const [third] = await app.store.readStream('claim-r3');
    expect(await positions.load('claim-sweep')).toBe(third!.position);
  });

  it('notes its place only where that has changed', async () => {
    const looked = async (): Promise<[lapsed: number, saves: number]> => {
      positions.saves = 0;
      return [await sweep.look(), positions.saves];
    };
    // What is there already is none.
    expect([await looked(), await looked()]).toEqual([
      [0, 1],
      [0, 0],
    ]);
    await claim('r1');
    expect(await looked()).toEqual([0, 0]);
    app.clock.advance(DUE_MS);
    // The end of r1 lies behind its claim.
    expect([await looked(), await looked()]).toEqual([
      [1, 2],
      [0, 0],
    ]);
  });

  it('asks the rules only about what has no story: one event tells', async () => {
    await claim('r1');
    await receive('r1');
    for (const owner of [caseOwner('r1'), evidenceOwner('r1')]) await seal(owner);
    app.clock.advance(DUE_MS);
    const decided = jest.spyOn(app.aggregates, 'execute');
    expect(await sweep.look()).toBe(0);
    expect(decided).not.toHaveBeenCalled();
  });

  it.each(['a claim', 'a stray'])('leaves what was received between a look at it and its end: %s', async (what) => {
    if (what === 'a claim') await claim('r1');
    await seal(caseOwner('r1'));
    app.clock.advance(DUE_MS);
    const read = app.store.readStream.bind(app.store);
    let looked = false;
    app.store.readStream = async (stream, options) => {
      const events = await read(stream, options);
      if (stream === registrations.streamOf('r1') && !looked) {
        looked = true;
        await receive('r1');
      }
      return events;
    };
    expect(await sweep.look()).toBe(0);
    expect(await lapses()).toEqual([]);
    expect(owners()).toEqual([caseOwner('r1')]);
  });

  it('leaves claims to another sweep that is looking', async () => {
    await claim('r1');
    app.clock.advance(DUE_MS);
    const other = another();
    const read = app.store.readAll.bind(app.store);
    let meanwhile: number | null = null;
    app.store.readAll = async (...asked) => {
      app.store.readAll = read;
      meanwhile = await other.look();
      return read(...asked);
    };
    expect(await sweep.look()).toBe(1);
    expect(meanwhile).toBe(0);
  });

  it('counts a look that was cut short between the log and the vault', async () => {
    await claim('r1');
    const lapse = { type: 'LapseRequest', reason: 'claim_not_completed', claimedAtUtc: NOW } as const;
    await app.aggregates.execute(registrations, 'r1', lapse, contextOf('lapse'));
    await seal(caseOwner('r1'));
    app.clock.advance(DUE_MS);
    expect(await sweep.look()).toBe(1);
    expect([await lapses(), owners()]).toEqual([[expect.anything()], []]);
  });

  it('goes through claims page by page, and remembers how far it came', async () => {
    for (let i = 0; i < 600; i += 1) await claim(`r${i}`);
    app.clock.advance(DUE_MS);
    expect(await sweep.look()).toBe(600);
    expect(await lapses()).toHaveLength(600);
    const { position } = await app.store.readAll(null, { limit: 4096, filter: { types: ['RequestClaimed'] } });
    const [last] = await app.store.readStream('claim-r599');
    const reached = (await positions.load('claim-sweep'))!;
    expect(reached >= last!.position && reached <= position!).toBe(true);
    // Behind the last claim lies what is none: it is not read again at every look.
    expect(await sweep.look()).toBe(0);
    expect(await positions.load('claim-sweep')).toBe((await app.store.readAll(null, { limit: 4096 })).position);
  });

  it.each(['fenced', 'moved'] as const)('stops where another process has gone on: %s', async (outcome) => {
    for (let i = 0; i < 300; i += 1) await claim(`r${i}`);
    app.clock.advance(DUE_MS);
    positions.saved = outcome;
    expect(await sweep.look()).toBe(256);
    expect(await positions.load('claim-sweep')).toBeNull();
  });

  it('leaves claims to the process that has the lease, and gives its own back', async () => {
    await claim('r1');
    app.clock.advance(DUE_MS);
    const lease = await positions.acquire('claim-sweep', 'another process', 60_000);
    expect(await sweep.look()).toBe(0);
    await positions.release(lease!);
    expect(await sweep.look()).toBe(1);
    expect(await positions.acquire('claim-sweep', 'another process', 60_000)).not.toBeNull();
  });

  it('gives its lease back when a look fails', async () => {
    await claim('r1');
    app.clock.advance(DUE_MS);
    const { store } = app;
    const read = store.readAll.bind(store);
    store.readAll = () => Promise.reject(new Error('the store is away'));
    await expect(sweep.look()).rejects.toThrow('the store is away');
    store.readAll = read;
    expect(await another().look()).toBe(1);
  });

  describe('in the vault', () => {
    it('ends what is in no story, whatever it belongs to', async () => {
      await receive('r1');
      const strays = [caseOwner('r2'), evidenceOwner('r3')];
      for (const owner of [caseOwner('r1'), evidenceOwner('r1'), ...strays]) await seal(owner);
      expect(await sweep.look()).toBe(2);
      expect(owners()).toEqual([caseOwner('r1'), evidenceOwner('r1')]);
      for (const id of ['r2', 'r3'])
        expect(await storyOf(id)).toMatchObject([
          { type: 'RequestLapsed', data: { reason: 'nobody_owns_it', claimedAtUtc: null } },
        ]);
    });

    it('leaves what has a claim until that is due, and not what has lapsed', async () => {
      await claim('r1');
      await seal(caseOwner('r1'));
      const lapse = { type: 'LapseRequest', reason: 'nobody_owns_it', claimedAtUtc: null } as const;
      await app.aggregates.execute(registrations, 'r2', lapse, contextOf('lapse'));
      await claim('r2');
      await seal(caseOwner('r2'));
      expect(await sweep.look()).toBe(1);
      expect(owners()).toEqual([caseOwner('r1')]);
    });

    it('looks page by page', async () => {
      for (let i = 0; i < 300; i += 1) await seal(caseOwner(`r${i}`));
      expect(await sweep.look()).toBe(300);
      expect(vault.pages.map((page) => page.length)).toEqual([256, 44, 0]);
    });

    it('goes on behind the last of a page, also of one that stays', async () => {
      for (const id of ['r1', 'r2', 'r3']) await receive(id);
      for (const id of ['r1', 'r2', 'r3']) await seal(caseOwner(id));
      expect(await sweep.look()).toBe(0);
      expect(vault.pages.map((page) => page.length)).toEqual([3, 0]);
    });

    it('looks once a day, and again at once where the look failed', async () => {
      vault.trouble = new Error('the vault is away');
      await expect(sweep.look()).rejects.toThrow('the vault is away');
      vault.trouble = null;
      const looks: number[] = [];
      for (const ms of [0, DAY_MS - 1, 1, 0, DAY_MS]) {
        app.clock.advance(ms);
        await seal(caseOwner(`r${looks.length}`));
        await sweep.look();
        looks.push(owners().length);
      }
      expect(looks).toEqual([0, 1, 0, 1, 0]);
    });
  });

  describe('while the server runs', () => {
    it('looks at once and ends with the server', async () => {
      await claim('r1');
      app.clock.advance(DUE_MS);
      sweep.start();
      await eventually(async () => (await lapses()).length === 1);
      await sweep.stop();
      expect(await positions.acquire('claim-sweep', 'another process', 60_000)).not.toBeNull();
    });

    it('goes on after a look that failed, and says so', async () => {
      const warn = jest.fn();
      Logger.overrideLogger({ log: warn, error: warn, warn });
      vault.trouble = new Error('the vault is away');
      sweep.start();
      await sweep.stop();
      const words = 'claims could not be looked at, trying again: the vault is away';
      expect(warn.mock.calls).toEqual([[words, 'ClaimSweep']]);
      Logger.overrideLogger(false);
      vault.trouble = null;
      await seal(caseOwner('r1'));
      sweep.start();
      await eventually(() => owners().length === 0);
      await sweep.stop();
    });

    it('does not look through the whole vault when the server ends', async () => {
      for (let i = 0; i < 300; i += 1) await seal(caseOwner(`r${i}`));
      let ended: Promise<void> | null = null;
      vault.onPage = () => (ended ??= sweep.stop());
      sweep.start();
      await eventually(() => ended !== null);
      await ended;
      expect(vault.pages.map((page) => page.length)).toEqual([256]);
    });
  });
});
