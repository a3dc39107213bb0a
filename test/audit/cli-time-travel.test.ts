import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { command } from '../../src/cli/audit.js';
import { EXIT } from '../../src/cli/command.js';
import { AuditLogConsumer } from '../../src/infrastructure/audit/log/audit-log-consumer.js';
import { PlainLogBuilder } from '../../src/infrastructure/audit/log/log-builder.js';
import { LogKeys } from '../../src/infrastructure/audit/log-keys.js';
import { TileWriter } from '../../src/infrastructure/audit/log/tile-writer.js';
import { VaultPseudonyms } from '../../src/infrastructure/audit/vault-pseudonyms.js';
import { SqliteEventStore } from '../../src/infrastructure/event-store/sqlite/sqlite-event-store.js';
import { KeyedSecrets } from '../../src/infrastructure/settings/keyed-secrets.js';
import { KeyRing } from '../../src/infrastructure/vault/key-ring.js';
import { SyntheticHistory } from '../../src/sandbox/synthetic-history.js';

/** A data folder as a server leaves it when it stops. */
async function dataFolder(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'honnin-cli-audit-'));
  mkdirSync(join(folder, 'keys'), { mode: 0o700 });
  mkdirSync(join(folder, 'vault'), { mode: 0o700 });
  for (const name of ['master.key', 'server.secret'])
    writeFileSync(join(folder, 'keys', name), Buffer.alloc(32, name.length), { mode: 0o600 });
  const store = SqliteEventStore.open({ file: join(folder, 'events.db') });
  const ring = new KeyRing(join(folder, 'vault', 'keys.db'), Buffer.alloc(32, 'master.key'.length));
  const keys = await LogKeys.open({
    origin: 'honnin.localhost/log',
    secretFolder: join(folder, 'keys', 'audit'),
    auditFolder: join(folder, 'audit'),
  });
  const history = new SyntheticHistory({ seed: 21 });
  for (const { stream, events, expected } of history.appends(40, { registrants: 6 }))
    await store.append(stream, events, expected);
  const consumer = new AuditLogConsumer(
    new PlainLogBuilder(
      store,
      new VaultPseudonyms(ring, new KeyedSecrets(Buffer.alloc(32, 'server.secret'.length))),
      () => TileWriter.open(join(folder, 'audit'), keys),
      1024,
    ),
    0,
  );
  await consumer.handle((await store.readAll(null, { limit: 4096 })).events, { signal: new AbortController().signal });
  await store.close();
  ring.close();
  return folder;
}

describe('looking at the past on the command line', () => {
  let folder: string;
  let output = '';
  let complaints = '';
  const run = (...args: string[]) => command.run([...args, '--data', folder]);
  const asked = async (...args: string[]) => {
    output = complaints = '';
    return run(...args);
  };
  async function stored() {
    const store = SqliteEventStore.open({ file: join(folder, 'events.db'), mode: 'read' });
    const { events } = await store.readAll(null, { limit: 4096 });
    await store.close();
    return events;
  }

  beforeAll(async () => {
    folder = await dataFolder();
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  beforeEach(() => {
    jest.spyOn(process.stdout, 'write').mockImplementation((text) => {
      output += String(text);
      return true;
    });
    jest.spyOn(process.stderr, 'write').mockImplementation((text) => {
      complaints += String(text);
      return true;
    });
  });
  afterEach(() => void jest.restoreAllMocks());

  it('puts each look on record, under the name of the user and the operator, before it shows anything', async () => {
    const events = await stored();
    const held = events.find((e) => e.type === 'Held')!;
    const id = held.metadata.correlationId;
    const index = events.indexOf(held);
    process.env['HONNIN_OPERATOR'] = 'sato.hanako';
    try {
      const looks: [string[], RegExp, object][] = [
        [
          ['show', '--registration', id, '--position', String(index)],
          /registration\.stage +held/,
          { what: 'case_state', requestId: id, query: `{"moments":[{"position":${index}}]}` },
        ],
        [
          ['show', '--registration', id],
          /registration\.stage +closed|registration\.stage +submit/,
          { what: 'case_state', requestId: id, query: '{"moments":["now"]}' },
        ],
        [
          ['history', '--registration', id, '--at', held.metadata.recordedAtUtc],
          /Held {2,}/,
          { what: 'case_history', requestId: id },
        ],
        [
          ['diff', '--registration', id, '--from', String(index - 1), '--to', held.metadata.recordedAtUtc],
          /registration\.stage: .* → held/,
          { what: 'case_difference', requestId: id },
        ],
        [
          ['why', '--registration', id, '--lang', 'en'],
          /Confirmation was held because/,
          { what: 'case_explanation', requestId: id },
        ],
        [['show', '--list', 'holds', '--resolved'], new RegExp(id), { what: 'list', requestId: null }],
        [
          ['diff', '--list', 'holds', '--resolved', '--from', '0', '--to', String(events.length - 1)],
          /\d+ rows came, 0 went/,
          { what: 'list_difference', requestId: null },
        ],
        [
          ['prove', '--index', '3', '--with-entry'],
          /"leaf": "/,
          { what: 'log_entries', requestId: null, query: '{"index":3}' },
        ],
      ];
      for (const [args, shown, record] of looks) {
        const before = (await stored()).length;
        expect([args, await asked(...args), complaints]).toEqual([args, EXIT.ok, '']);
        expect(output).toMatch(shown);
        const added = (await stored()).slice(before);
        expect(added.map((e) => e.type)).toEqual(['RecordsViewed']);
        expect(added[0]!.data).toMatchObject({ by: `os:${userInfo().username}:sato.hanako`, ...record });
        expect(added[0]!.metadata.actor).toBe(`officer:os:${userInfo().username}:sato.hanako`);
      }
    } finally {
      delete process.env['HONNIN_OPERATOR'];
    }
  });

  it('leaves no record of what is about nobody, nor of what was not shown', async () => {
    const before = (await stored()).length;
    expect(await asked('show', '--list', 'dashboard')).toBe(EXIT.ok);
    expect(output).toMatch(/holdAges\.overdue/);
    expect(await asked('show', '--list', 'booths')).toBe(EXIT.ok);
    expect(await asked('prove', '--index', '3')).toBe(EXIT.ok);
    expect(output).not.toContain('"leaf":');
    expect(await asked('why', '--registration', '00000000-0000-4000-8000-000000000000')).toBe(EXIT.failed);
    expect(complaints).toContain('there is no such case in the log');
    expect((await stored()).length).toBe(before);
  });

  it('shows nothing where the look cannot be put on record: beside a running server', async () => {
    const id = (await stored()).find((e) => e.type === 'Held')!.metadata.correlationId;
    const server = SqliteEventStore.open({ file: join(folder, 'events.db') });
    try {
      for (const args of [
        ['show', '--registration', id],
        ['history', '--registration', id],
        ['why', '--registration', id],
        ['diff', '--registration', id, '--from', '0', '--to', '9'],
        ['show', '--list', 'requests'],
        ['diff', '--list', 'requests', '--from', '0', '--to', '9'],
        ['prove', '--index', '3', '--with-entry'],
        ['export', '--from', '0', '--out', join(folder, 'never')],
      ]) {
        expect([args, await asked(...args)]).toEqual([args, EXIT.failed]);
        expect(output).toBe('');
        expect(complaints).toMatch(/cannot be put on record, so nothing is (shown|given out)/);
        expect(complaints).toContain('--server URL --token TOKEN');
      }
    } finally {
      await server.close();
    }
  });

  it.each<[string[], RegExp]>([
    [['show', '--list', 'holds', '--at', '2099-01-01T00:00:00Z'], /2099-01-01T00:00:00Z is in the future/],
    [
      ['show', '--list', 'holds', '--at', '2001-01-01T00:00:00Z'],
      /before the first event of the log, which is of 2026-01-05/,
    ],
    [['show', '--list', 'holds', '--position', '9999999'], /positions go from 0 to \d+/],
    [['show', '--list', 'holds', '--position', 'x'], /--position must be a whole number/],
    [['show', '--list', 'holds', '--at', 'yesterday'], /an instant is written as/],
    [['show', '--list', 'holds', '--at', '2026-01-05T00:00:00Z', '--position', '1'], /not both/],
    [['show', '--list', 'nothing'], /there is no list nothing; there are requests, holds/],
    [['show', '--list', 'booths', '--stage', 'held'], /the list booths has no --stage/],
    [['show', '--list', 'requests', '--stage', 'odd'], /there is no stage odd/],
    [['show'], /show needs --registration ID or --list NAME/],
    [['diff', '--list', 'holds', '--from', '-4', '--to', '1'], /ambiguous|whole number/],
    [['diff', '--list', 'holds', '--from', '3'], /--to is needed/],
    [['history', '--registration', 'x', '--position', '9999999'], /positions go from 0/],
    [['prove', '--index', '9999999'], /positions go from 0/],
    [['verify-list'], /needs the file of a list/],
    [['verify-list', 'no-such-file'], /there is no file/],
  ])('refuses %j and says what to do', async (args, message) => {
    const given = args[0] === 'verify-list' ? command.run(args) : run(...args);
    await expect(given).rejects.toThrow(message);
  });

  // @fault Q6
  it('puts on record what a bundle is taken out for, and refuses a disclosure that names no file', async () => {
    const exported = (...why: string[]) => asked('export', '--from', '0', '--out', join(folder, 'why.honnin'), ...why);
    const disclosed = ['--purpose', 'disclosure'];
    for (const why of [[], [...disclosed, '--reference', 'JKN-2026-7']]) expect(await exported(...why)).toBe(EXIT.ok);
    const why = (await stored()).filter(({ type }) => type === 'AuditExported').map(({ data }) => data);
    expect(why.slice(-2)).toMatchObject([
      { purpose: 'audit', reference: null },
      { purpose: 'disclosure', reference: 'JKN-2026-7' },
    ]);
    await expect(exported(...disclosed)).rejects.toThrow(/a disclosure needs --reference/);
    await expect(exported(...disclosed, '--reference', '123456789012')).rejects.toThrow(/--reference is the number/);
    await expect(exported('--purpose', 'curiosity')).rejects.toThrow(/--purpose is one of audit, disclosure/);
  });

  it('keeps a list with its certificate, which verify-list holds against a bundle, and names what was left out', async () => {
    const [list, bundle, key] = ['list.json', 'all.honnin', 'log.vkey'].map((name) => join(folder, name)) as [
      string,
      string,
      string,
    ];
    expect(await asked('show', '--list', 'requests', '--out', list)).toBe(EXIT.ok);
    expect(await asked('export', '--from', '0', '--out', bundle)).toBe(EXIT.ok);
    expect(await asked('key', '--out', key)).toBe(EXIT.ok);
    const verify = async (...args: string[]) => {
      output = complaints = '';
      return command.run(['verify-list', ...args]);
    };
    expect(await verify(list, '--bundle', bundle, '--key', key)).toBe(EXIT.ok);
    expect(output).toMatch(/40 of 40 rows follow from the events of the bundle/);
    expect(await verify(list, '--bundle', bundle)).toBe(EXIT.unknown);
    expect(await verify(list, '--key', key)).toBe(EXIT.unknown);
    const page = JSON.parse(readFileSync(list, 'utf8')) as { rows: object[] };
    writeFileSync(list, JSON.stringify({ ...page, rows: page.rows.slice(1) }));
    expect(await verify(list, '--bundle', bundle, '--key', key)).toBe(EXIT.failed);
    expect(output).toMatch(/entry \d+: the row [0-9a-f-]{36} was left out/);
    expect(await verify(list, '--bundle', bundle, '--key', key, '--json')).toBe(EXIT.failed);
    expect(JSON.parse(output)).toMatchObject({ sound: false, recomputed: true });
  });
});
