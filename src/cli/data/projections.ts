import path from 'node:path';
import { parseArgs } from 'node:util';
import { EventStoreUnavailableError, type EventStore } from '../../application/ports/store/event-store.js';
import { upcast } from '../../domain/event-registry.js';
import { Config, SETTINGS } from '../../infrastructure/settings/config.js';
import { openEventStore } from '../../infrastructure/event-store/open-event-store.js';
import { READ_MODEL_FILE, ReadModelDatabase } from '../../infrastructure/read-model/read-model-database.js';
import { SqlitePositionStore } from '../../infrastructure/read-model/sqlite-position-store.js';
import {
  progressInWords,
  SqliteReadModel,
  type RebuildProgress,
  type RebuildReport,
} from '../../infrastructure/read-model/sqlite-read-model.js';
import { ALL_PROJECTIONS } from '../../projections/all-projections.js';
import { EXIT, UsageError, type CliCommand } from '../command.js';

type Action = (model: SqliteReadModel, store: EventStore, names: readonly string[]) => Promise<number>;

const ACTIONS: Readonly<Record<string, Action>> = {
  status: printStatus,
  check: (model, store, names) => rebuildAll(model, store, names, 'check'),
  rebuild: (model, store, names) => rebuildAll(model, store, names, 'switch'),
};

export const command: CliCommand = {
  help: `
Looks after the read models: the rows that answer questions, all of which follow from the events. Works on a stopped server and beside a
running one: new rows are built from the first event beside those that are served, compared with them at one position of the log by the
SHA-256 of all rows, and then served from one moment to the next.

  ./honnin projections status  [--name NAME] [--data DIR]   how far each read model is
  ./honnin projections check   [--name NAME] [--data DIR]   build again and compare; the served rows stay (exit 1 when they differ)
  ./honnin projections rebuild [--name NAME] [--data DIR]   build again, compare, and serve the new rows

Options
  --name NAME   only this one of: ${ALL_PROJECTIONS.map((projection) => projection.name).join(', ')}
  --data DIR    data folder (default: HONNIN_DATA, or ${SETTINGS.dataDir.fallback})

Example
  ./honnin projections rebuild --name hold-desk
`,
  async run(args) {
    const { values, positionals } = parseArgs({
      args,
      allowPositionals: true,
      options: { name: { type: 'string' }, data: { type: 'string' } },
    });
    const [action, ...rest] = positionals;
    if (action === undefined || !Object.hasOwn(ACTIONS, action) || rest.length > 0)
      throw new UsageError(`say one of: ${Object.keys(ACTIONS).join(', ')}`);
    const names = ALL_PROJECTIONS.map((projection) => projection.name).filter(
      (name) => values.name === undefined || name === values.name,
    );
    if (names.length === 0)
      throw new UsageError(
        `there is no read model '${values.name}'; there are ${ALL_PROJECTIONS.map((projection) => projection.name).join(', ')}`,
      );
    const dataDir = path.resolve(
      values.data ?? (process.env[SETTINGS.dataDir.env] || (SETTINGS.dataDir.fallback as string)),
    );
    try {
      return await withReadModel(dataDir, (model, store) => (ACTIONS[action] as Action)(model, store, names));
    } catch (error) {
      if (!(error instanceof EventStoreUnavailableError)) throw error;
      process.stderr.write(`honnin projections: ${error.message}\n`);
      return EXIT.failed;
    }
  },
};

async function withReadModel<Result>(
  dataDir: string,
  use: (model: SqliteReadModel, store: EventStore) => Promise<Result>,
): Promise<Result> {
  const store = await openEventStore(Config.from(process.env).values.eventStore, dataDir, { mode: 'read' });
  try {
    const database = ReadModelDatabase.open(path.join(dataDir, READ_MODEL_FILE));
    try {
      return await use(new SqliteReadModel(database, new SqlitePositionStore(database), ALL_PROJECTIONS), store);
    } finally {
      database.close();
    }
  } finally {
    await store.close();
  }
}

async function printStatus(model: SqliteReadModel, store: EventStore, names: readonly string[]): Promise<number> {
  const head = await store.head();
  process.stdout.write(`the event log ends at position ${head ?? '- (it is empty)'}\n`);
  const width = Math.max(...names.map((name) => name.length));
  for (const name of names) {
    const { version, servedVersion, position, rows, parkedEvents, owner } = model.state(name);
    const waiting = await eventsAfter(store, model.projection(name).handles, position);
    const served =
      servedVersion === null
        ? 'not built yet'
        : servedVersion === version
          ? `version ${version}`
          : `version ${servedVersion}, to be built again as version ${version}`;
    const parts = [
      served,
      `position ${position ?? '-'}`,
      waiting === 0 ? 'caught up' : `${waiting} events behind`,
      `${rows} rows`,
      parkedEvents > 0 ? `${parkedEvents} EVENTS PARKED` : '',
      owner ? `projected by ${owner}` : 'no server projects now',
    ];
    process.stdout.write(`${name.padEnd(width)}  ${parts.filter(Boolean).join(', ')}\n`);
  }
  return EXIT.ok;
}

/** Events that a projection still has to handle; `1000+` where there are more. Positions are opaque, so they are
 * counted, not subtracted. */
async function eventsAfter(
  store: EventStore,
  types: readonly string[],
  position: Parameters<EventStore['readAll']>[0],
): Promise<number | string> {
  let count = 0;
  for (let after = position; ;) {
    const batch = await store.readAll(after, { filter: { types }, limit: 1000 });
    count += batch.events.length;
    if (count >= 1000) return '1000+';
    if (batch.caughtUp) return count;
    after = batch.position;
  }
}

async function rebuildAll(
  model: SqliteReadModel,
  store: EventStore,
  names: readonly string[],
  then: 'switch' | 'check',
): Promise<number> {
  let different = 0;
  for (const name of names) {
    const report = await model.rebuild(name, {
      store,
      upcast: (event) => [upcast(event)],
      then,
      onProgress: showProgress,
    });
    clearProgress();
    process.stdout.write(describe(report));
    if (report.comparison?.equal === false) different += 1;
  }
  // A rebuild that replaces different rows has done its work; a check that finds them has not.
  return different > 0 && then === 'check' ? EXIT.failed : EXIT.ok;
}

function describe({ projection, events, seconds, comparison, switched }: RebuildReport): string {
  const rate = seconds > 0 ? Math.round(events / seconds) : events;
  const lines = [`${projection}: ${events} events in ${seconds.toFixed(2)} s (${rate} per second)`];
  if (comparison) {
    const { position, served, rebuilt, equal } = comparison;
    lines.push(
      `  served   ${served.sha256}  ${served.rows} rows`,
      `  rebuilt  ${rebuilt.sha256}  ${rebuilt.rows} rows`,
      `  ${equal ? 'equal' : 'DIFFERENT'} at position ${position}`,
    );
  } else {
    lines.push('  nothing to compare with: no rows of this version were served');
  }
  if (switched) lines.push('  the rebuilt rows are served now');
  return `${lines.join('\n')}\n`;
}

function showProgress(progress: RebuildProgress): void {
  const line = `${progress.projection}: ${progressInWords(progress)}`;
  process.stderr.write(process.stderr.isTTY ? `\r\x1b[K${line}` : `${line}\n`);
}

function clearProgress(): void {
  if (process.stderr.isTTY) process.stderr.write('\r\x1b[K');
}
