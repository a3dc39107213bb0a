import { randomUUID } from 'node:crypto';
import { existsSync, rmSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { AccessLog } from '../../application/access/access-log.js';
import { DecideAndAppend } from '../../application/decisions/decide-and-append.js';
import { RecordView, RecordViewHandler } from '../../application/access/view-records.js';
import { EventStoreUnavailableError, type EventStore } from '../../application/ports/store/event-store.js';
import { positionFromText, type StoredEvent } from '../../domain/event-envelope.js';
import { Config, SETTINGS } from '../../infrastructure/settings/config.js';
import { checkEventLog, checkEventsOf } from '../../infrastructure/event-store/check-event-log.js';
import { copyLog } from '../../infrastructure/event-store/log-file/copy-log.js';
import { storeAddress } from '../../infrastructure/event-store/kurrent/kurrent-address.js';
import { EVENTS_FILE, openEventStore } from '../../infrastructure/event-store/open-event-store.js';
import { rightsInWords, surveyStore, writeLeastRights } from '../../infrastructure/event-store/kurrent/store-rights.js';
import { SqliteEventStore } from '../../infrastructure/event-store/sqlite/sqlite-event-store.js';
import { SystemClock } from '../../infrastructure/clock/system-clock.js';
import { operatorName } from '../audit/open-audit.js';
import { EXIT, UsageError, type CliCommand } from '../command.js';

interface Options {
  readonly dataDir: string;
  readonly stream: string | undefined;
  readonly after: string | undefined;
  readonly limit: number;
  readonly target: string | undefined;
  readonly apply: boolean;
}

const ACTIONS: Readonly<Record<string, (options: Options) => Promise<number>>> = { check, backup, print, rights };

export const command: CliCommand = {
  help: `
Looks after the event log. Checking and copying work beside a running server and change nothing in the log.

  ./honnin events check        [--data DIR]    read every event and say everything that is wrong (exit 1 when something is)
  ./honnin events backup FILE  [--data DIR]    copy the log, as it is at this moment, to a new file
  ./honnin events print        [--data DIR] [--stream NAME] [--after POSITION] [--limit N]    one JSON line per event
        printing is a look at records: it is put on record first, as the operating-system user and HONNIN_OPERATOR; beside a running
        server that is not possible and nothing is printed ('./honnin audit export --server URL' gives the records there)
  ./honnin events rights       [--apply]       say who may change the streams of a store elsewhere (HONNIN_EVENT_STORE);
        with --apply an administrator of that store, whose address is in HONNIN_EVENT_STORE_ADMIN, gives the server's
        user the rights that are enough and takes them from all others

A log elsewhere is checked by reading it; what it keeps on its disks is its own matter. Its copy is a file in the form
of the embedded log, with the same events in the same order.

Options
  --apply           write the rights
  --data DIR        data folder (default: HONNIN_DATA, or ${SETTINGS.dataDir.fallback})
  --stream NAME     only this stream
  --after POSITION  only events after this position of the log
  --limit N         at most N events (default 1000)

Examples
  ./honnin events check
  ./honnin events backup /backup/events-2026-11-23.db
  ./honnin events print --limit 20
  HONNIN_EVENT_STORE='esdb+discover://honnin:…@db.example.jp' ./honnin events rights
`,
  async run(args) {
    const { values, positionals } = parseArgs({
      args,
      allowPositionals: true,
      options: {
        data: { type: 'string' },
        stream: { type: 'string' },
        after: { type: 'string' },
        limit: { type: 'string', default: '1000' },
        apply: { type: 'boolean', default: false },
      },
    });
    const [action, target, ...rest] = positionals;
    if (values.apply && action !== 'rights') throw new UsageError('--apply goes with rights');
    if (action === undefined || !Object.hasOwn(ACTIONS, action) || rest.length > 0)
      throw new UsageError(`say one of: ${Object.keys(ACTIONS).join(', ')}`);
    if ((action === 'backup') !== (target !== undefined))
      throw new UsageError(
        action === 'backup' ? 'say where the copy goes: ./honnin events backup FILE' : `${action} takes no file`,
      );
    const limit = Number(values.limit);
    if (!Number.isSafeInteger(limit) || limit < 1)
      throw new UsageError(`--limit ${values.limit}: must be a whole number from 1`);
    if (values.after !== undefined && !/^\d{1,20}$/.test(values.after))
      throw new UsageError(`--after ${values.after}: must be a position, as 'print' shows it`);
    const dataDir = path.resolve(
      values.data ?? (process.env[SETTINGS.dataDir.env] || (SETTINGS.dataDir.fallback as string)),
    );
    try {
      return await (ACTIONS[action] as (options: Options) => Promise<number>)({
        dataDir,
        stream: values.stream,
        after: values.after,
        limit,
        target,
        apply: values.apply,
      });
    } catch (error) {
      if (!(error instanceof EventStoreUnavailableError)) throw error;
      process.stderr.write(`honnin events: ${error.message}\n`);
      return EXIT.failed;
    }
  },
};

async function check({ dataDir }: Options): Promise<number> {
  const setting = configuredStore();
  const where = setting === 'sqlite' ? embeddedLog(dataDir) : nameOf(setting);
  let told = performance.now();
  const tell = (checked: number, total?: number): void => {
    if (performance.now() - told < 1000) return;
    told = performance.now();
    process.stderr.write(`${checked}${total === undefined ? '' : ` of ${total}`} events checked\n`);
  };
  const report =
    setting === 'sqlite' ? checkEventLog(where, tell) : withStore(dataDir, (store) => checkEventsOf(store, tell));
  const { events, streams, problems } = await report;
  for (const problem of problems) process.stdout.write(`${problem}\n`);
  process.stdout.write(
    `${where}: ${events} events in ${streams} streams, ${problems.length === 0 ? 'nothing is wrong' : `${problems.length} faults`}\n`,
  );
  return problems.length === 0 ? EXIT.ok : EXIT.failed;
}

async function backup({ dataDir, target }: Options): Promise<number> {
  const copy = path.resolve(target as string);
  if (existsSync(copy)) throw new UsageError(`${copy} exists; a backup never overwrites`);
  if (configuredStore() === 'sqlite') {
    const store = SqliteEventStore.open({ file: embeddedLog(dataDir), mode: 'read' });
    await store.backup(copy).finally(() => store.close());
  } else {
    await withStore(dataDir, async (store) =>
      copyLog(store, copy, { through: await store.head(), positions: 'counted' }),
    ).catch((error: unknown) => {
      rmSync(copy, { force: true });
      throw error;
    });
  }
  const { events, problems } = await checkEventLog(copy);
  for (const problem of problems) process.stdout.write(`${problem}\n`);
  process.stdout.write(
    `${copy}: ${events} events, ${problems.length === 0 ? 'checked' : `${problems.length} faults`}\n`,
  );
  return problems.length === 0 ? EXIT.ok : EXIT.failed;
}

async function print(options: Options): Promise<number> {
  const setting = configuredStore();
  // Nothing is created where there is nothing to print.
  if (setting === 'sqlite') embeddedLog(options.dataDir);
  const store = await openEventStore(setting, options.dataDir).catch((error: unknown) => {
    if (!(error instanceof EventStoreUnavailableError)) throw error;
    throw new EventStoreUnavailableError(
      error.reason,
      `the look cannot be put on record, so nothing is printed: ${error.message}`,
      { cause: error },
    );
  });
  try {
    await recordLook(store, options);
    for await (const event of eventsOf(store, options))
      process.stdout.write(`${JSON.stringify({ ...event, position: String(event.position) })}\n`);
  } finally {
    await store.close();
  }
  return EXIT.ok;
}

async function recordLook(store: EventStore, { dataDir, stream, after, limit }: Options): Promise<void> {
  const clock = new SystemClock();
  const access = new AccessLog(store, new DecideAndAppend(store, clock), clock);
  const by = operatorName(Config.from({ ...process.env, [SETTINGS.dataDir.env]: dataDir }));
  await new RecordViewHandler(access).execute(
    new RecordView(randomUUID(), by, 'log_entries', null, { stream: stream ?? null, after: after ?? null, limit }),
  );
}

async function* eventsOf(
  store: EventStore,
  { stream, after, limit }: Options,
): AsyncGenerator<StoredEvent, void, void> {
  let left = limit;
  for (let from = after === undefined ? null : positionFromText(after); left > 0;) {
    const batch = await store.readAll(from, {
      limit: Math.min(left, 1000),
      ...(stream === undefined ? {} : { filter: { streamPrefixes: [stream] } }),
    });
    const wanted = batch.events.filter((event) => stream === undefined || event.stream === stream);
    yield* wanted;
    left -= wanted.length;
    from = batch.position;
    if (batch.caughtUp) return;
  }
}

async function rights({ apply }: Options): Promise<number> {
  const setting = configuredStore();
  if (setting === 'sqlite')
    throw new UsageError('HONNIN_EVENT_STORE names no store elsewhere: who may read the data folder is its right');
  if (apply) {
    const administrator = process.env['HONNIN_EVENT_STORE_ADMIN'];
    if (!administrator)
      throw new UsageError(
        'HONNIN_EVENT_STORE_ADMIN must be the address with the name and password of an administrator of the store',
      );
    const isNew = await asSetting(() => writeLeastRights(setting, administrator));
    process.stdout.write(isNew ? 'the least rights were written\n' : 'the least rights were there already\n');
  }
  const { rights: found } = await surveyStore(setting);
  process.stdout.write(`${rightsInWords(found)}\n`);
  return found === 'least' ? EXIT.ok : EXIT.failed;
}

/** A wrong address is a matter of who set it. */
async function asSetting<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof RangeError) throw new UsageError(error.message);
    throw error;
  }
}

function configuredStore(): string {
  return Config.from(process.env).values.eventStore;
}

async function withStore<T>(dataDir: string, work: (store: EventStore) => Promise<T>): Promise<T> {
  const store = await asSetting(() => openEventStore(configuredStore(), dataDir, { mode: 'read' }));
  try {
    return await work(store);
  } finally {
    await store.close();
  }
}

function nameOf(setting: string): string {
  return `the event store at ${storeAddress(setting)
    .hosts.map(({ host, port }) => `${host}:${port}`)
    .join(', ')}`;
}

/** @throws {EventStoreUnavailableError} when there is no embedded log in the folder. */
function embeddedLog(dataDir: string): string {
  const file = path.join(dataDir, EVENTS_FILE);
  if (!existsSync(file)) throw new EventStoreUnavailableError('not_an_event_log', `there is no event log at ${file}`);
  return file;
}
