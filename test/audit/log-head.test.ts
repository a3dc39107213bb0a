import { cpSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { registrantOwner } from '../../src/application/case/case-material.js';
import { LogWatch } from '../../src/application/audit/log-watch.js';
import { DecideAndAppend } from '../../src/application/decisions/decide-and-append.js';
import { SigningRefusedError } from '../../src/application/ports/audit/checkpoint-signer.js';
import { Clock } from '../../src/application/ports/store/clock.js';
import type { SignedLog } from '../../src/application/ports/audit/signed-log.js';
import { toHex } from '../../src/domain/audit/log/bytes.js';
import { checkpointText, parseCheckpoint } from '../../src/domain/audit/log/checkpoint.js';
import { writeNote } from '../../src/domain/audit/log/signed-note.js';
import { LogKeys } from '../../src/infrastructure/audit/log-keys.js';
import { AuditLogConsumer } from '../../src/infrastructure/audit/log/audit-log-consumer.js';
import { AuditLogForkError } from '../../src/infrastructure/audit/log/tile-writer.js';
import { SyntheticHistory } from '../../src/sandbox/synthetic-history.js';
import { AuditWorld, ORIGIN } from './support.js';

let world: AuditWorld;
const head = () => `${world.auditFolder}.head`;
const published = () => world.log.checkpoint();
const challenge = () => ({
  stream: `challenge-${randomUUID()}`,
  expected: 'no_stream' as const,
  events: [
    {
      id: randomUUID(),
      type: 'ChallengeConsumed',
      schemaVersion: 1,
      data: {},
      metadata: {
        actor: 'booth:a',
        correlationId: 'c',
        causationId: 'c',
        recordedAtUtc: '2026-11-23T00:00:00.000Z',
        policyVersion: null,
      },
    },
  ],
});
const more = (count = 3) => world.append(Array.from({ length: count }, challenge));
const aside = () => join(world.folder, 'aside');
/** Whatever is signed would be a checkpoint under another root. */
const refuses = async (words: RegExp) => {
  const before = published()?.note ?? null;
  await expect(world.publish()).rejects.toThrow(words);
  await expect(world.publish()).rejects.toThrow(AuditLogForkError);
  expect(published()?.note ?? null).toBe(before);
};

beforeEach(async () => {
  world = await AuditWorld.open();
  await world.append([...new SyntheticHistory({ seed: 7 }).appends(12, { registrants: 3 })]);
  await world.publish();
  await more();
  await world.publish();
});
afterEach(() => world.close());

/** @fault O18 */
describe('what was signed last, kept beside the folder of the log', () => {
  it('is the checkpoint that was published, byte for byte', () => {
    expect(readFileSync(head(), 'utf8')).toBe(published()!.note);
  });

  it('refuses a folder that was lost, says what to restore, and signs nothing although leaves of erased people would differ', async () => {
    const [before, note] = [published()!, readFileSync(head(), 'utf8')];
    const { events } = await world.store.readAll(null, { filter: { types: ['CertificateVerified'] }, limit: 1 });
    await world.vault.destroyOwner(registrantOwner(String(events[0]!.data['subjectKey'])));
    renameSync(world.auditFolder, aside());
    mkdirSync(world.auditFolder);
    cpSync(join(aside(), 'keys'), join(world.auditFolder, 'keys'), { recursive: true });
    await more();
    await refuses(
      /is lost: a log of \d+ entries was signed before .*audit\.head\), and there is none here.*restore the folder from its newest copy/i,
    );
    expect(existsSync(join(world.auditFolder, 'tile'))).toBe(false);
    expect(readFileSync(head(), 'utf8')).toBe(note);
    // With the folder back it goes on where it was.
    rmSync(world.auditFolder, { recursive: true });
    renameSync(aside(), world.auditFolder);
    await world.publish();
    expect(published()!.size).toBe(before.size + 3);
    expect(toHex(parseCheckpoint(readFileSync(head(), 'utf8')).checkpoint.root)).toBe(toHex(published()!.root));
  });

  it('refuses an older copy of the folder, also one that has grown again', async () => {
    cpSync(world.auditFolder, aside(), { recursive: true });
    await more();
    await world.publish();
    rmSync(world.auditFolder, { recursive: true });
    renameSync(aside(), world.auditFolder);
    await more();
    await refuses(/is an older copy: a log of \d+ entries was signed before .* and here are \d+\./);
  });

  it('refuses the folder of another history under the same name and key', async () => {
    const other = await AuditWorld.open();
    try {
      cpSync(join(world.folder, 'secret'), join(other.folder, 'secret'), { recursive: true });
      rmSync(join(other.auditFolder, 'keys'), { recursive: true });
      cpSync(join(world.auditFolder, 'keys'), join(other.auditFolder, 'keys'), { recursive: true });
      const keys = await LogKeys.open({
        origin: ORIGIN,
        secretFolder: join(other.folder, 'secret'),
        auditFolder: other.auditFolder,
      });
      await other.append([...new SyntheticHistory({ seed: 8 }).appends(30, { registrants: 3 })]);
      await Object.assign(Object.create(AuditWorld.prototype) as AuditWorld, other, { keys }).publish();
      rmSync(world.auditFolder, { recursive: true });
      cpSync(other.auditFolder, world.auditFolder, { recursive: true });
      await more();
      await refuses(
        /is another one: a log of \d+ entries was signed before .* its first \d+ entries here are not those/,
      );
    } finally {
      await other.close();
    }
  });

  it('is refused itself where it was damaged, or is of another log, and is never written over', async () => {
    const note = readFileSync(head(), 'utf8');
    for (const [text, words] of [
      ['', /is no checkpoint: it was damaged/],
      [note.replace(ORIGIN, 'log.example/other'), /is log\.example\/other and this server is/],
    ] as const) {
      writeFileSync(head(), text);
      await more(1);
      await refuses(words);
      expect(readFileSync(head(), 'utf8')).toBe(text);
    }
    const stranger = await LogKeys.open({
      origin: ORIGIN,
      secretFolder: join(world.folder, 'other'),
      auditFolder: join(world.folder, 'other'),
    });
    const text = checkpointText(published()!);
    writeFileSync(head(), writeNote({ text, signatures: stranger.sign(text) }));
    await refuses(/audit\.head is not signed by a key of this log/);
  });

  it('is made for a log of before there was one, and is brought up where an older copy of it was put back', async () => {
    const old = readFileSync(head(), 'utf8');
    rmSync(head());
    await world.builder().check([]);
    expect(readFileSync(head(), 'utf8')).toBe(published()!.note);
    await more();
    await world.publish();
    writeFileSync(head(), old);
    await world.builder().check([]);
    expect(readFileSync(head(), 'utf8')).toBe(published()!.note);
  });

  it('is seen at the next step where the folder is exchanged under a running writer', async () => {
    const consumer = world.consumer();
    await more();
    await world.publish(consumer);
    cpSync(world.auditFolder, aside(), { recursive: true });
    await more();
    await world.publish(consumer);
    rmSync(world.auditFolder, { recursive: true });
    renameSync(aside(), world.auditFolder);
    await more();
    await expect(world.publish(consumer)).rejects.toThrow(/was exchanged while the server ran/);
    await expect(world.publish(consumer)).rejects.toThrow(/is an older copy/);
  });

  it('lets nothing else be signed over a folder that is not the log: no certificate of a bundle, of a list', async () => {
    const question = { kind: 'range', from: 0, to: null } as const;
    await world.bundle(question);
    cpSync(world.auditFolder, aside(), { recursive: true });
    await more();
    await world.publish();
    rmSync(world.auditFolder, { recursive: true });
    renameSync(aside(), world.auditFolder);
    await expect(world.bundle(question)).rejects.toThrow(SigningRefusedError);
    await expect(world.bundle(question)).rejects.toThrow(/is an older copy/);
  });
});

/** @fault O18 */
describe('the watch over the signed log', () => {
  class MovableClock extends Clock {
    nowMs = Date.parse('2026-11-23T12:00:00.000Z');
    override nowUtc(): string {
      return new Date(this.nowMs).toISOString();
    }
  }
  function watched() {
    const clock = new MovableClock();
    const builder = world.builder();
    const signed: SignedLog = { checkEveryMs: 1, check: (recorded) => builder.check(recorded), lost: async () => null };
    const publish = () => world.publish(new AuditLogConsumer(builder, 0));
    const watch = () =>
      new LogWatch(signed, world.log, world.keys, world.store, new DecideAndAppend(world.store, clock), clock);
    return {
      clock,
      watch,
      publish,
      records: async () => (await world.store.readStream('signed-log')).map(({ data }) => data),
    };
  }

  it('tells the store what the log says after an hour in which it grew, and not again for its own record', async () => {
    const { clock, watch, publish, records } = watched();
    const first = watch();
    await first.look();
    expect([first.status().ok, await records()]).toEqual([true, []]);
    clock.nowMs += 3_600_000;
    await first.look();
    const { origin, size, root } = published()!;
    expect(await records()).toEqual([{ origin, size, root: Buffer.from(root).toString('base64') }]);
    await publish();
    clock.nowMs += 3_600_000;
    await first.look();
    expect(await records()).toHaveLength(1);
    expect(first.status()).toEqual({
      ok: true,
      detail: `its ${size + 1} entries hold what was signed before, also what the store tells of the first ${size}`,
    });
  });

  it('tells it after a thousand entries at once', async () => {
    const { watch, records } = watched();
    for (let n = 0; n < 16; n += 1)
      await world.append([{ ...challenge(), events: Array.from({ length: 63 }, () => challenge().events[0]!) }]);
    await world.publish();
    await watch().look();
    expect(await records()).toMatchObject([{ size: published()!.size }]);
  });

  it('refuses folder and file beside it where both were set back and the store knows better', async () => {
    const { clock, watch } = watched();
    cpSync(world.auditFolder, aside(), { recursive: true });
    const old = readFileSync(head());
    await more();
    await world.publish();
    const looking = watch();
    clock.nowMs += 3_600_000;
    await looking.look();
    expect(looking.status().ok).toBe(true);
    rmSync(world.auditFolder, { recursive: true });
    renameSync(aside(), world.auditFolder);
    writeFileSync(head(), old);
    const again = watched().watch();
    await again.look();
    expect(again.status()).toEqual({
      ok: false,
      detail: expect.stringMatching(
        /is an older copy: a log of \d+ entries was signed before \(an event in the store says so\)/,
      ),
    });
  });

  it('notices within its time that the folder was exchanged, while nothing is written, and that it is back', async () => {
    const { watch } = watched();
    const looking = watch();
    await looking.look();
    renameSync(world.auditFolder, aside());
    await looking.look();
    expect(looking.status()).toEqual({
      ok: false,
      detail: expect.stringMatching(/was exchanged while the server ran|is lost/),
    });
    await looking.look();
    expect(looking.status().detail).toMatch(/is lost/);
    rmSync(world.auditFolder, { recursive: true, force: true });
    renameSync(aside(), world.auditFolder);
    await looking.look();
    expect(looking.status().ok).toBe(true);
  });
});
