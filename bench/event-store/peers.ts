import { existsSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const folder = fileURLToPath(new URL('./peers/node_modules/@event-driven-io/', import.meta.url));

export interface PeerEvent {
  readonly type: string;
  readonly data: object;
  readonly metadata: object;
}

/** What the benchmark asks of an event store that people would otherwise take. */
export interface Peer {
  append(stream: string, events: readonly PeerEvent[]): Promise<number>;
  load(stream: string): Promise<number>;
  close(): Promise<void>;
}

interface EmmettStore {
  appendToStream(stream: string, events: readonly PeerEvent[]): Promise<unknown>;
  aggregateStream(
    stream: string,
    options: { initialState: () => { events: number }; evolve: (state: { events: number }) => { events: number } },
  ): Promise<unknown>;
  consumer(options: object): { processor(options: object): unknown; start(): Promise<void>; stop(): Promise<void> };
  close?(): Promise<void>;
}

interface SqliteConnection {
  command(sql: string, params?: readonly unknown[]): Promise<unknown>;
  close(): void;
}

export function isInstalled(name: string): boolean {
  return existsSync(path.join(folder, name, 'dist/index.js'));
}

function load<Module>(name: string): Promise<Module> {
  return import(pathToFileURL(path.join(folder, name, 'dist/index.js')).href) as Promise<Module>;
}

/** emmett-sqlite with its own defaults. */
export async function emmettSqlite(fileName: string): Promise<Peer> {
  const { getSQLiteEventStore } = await load<{ getSQLiteEventStore(options: object): EmmettStore }>('emmett-sqlite');
  return asPeer(getSQLiteEventStore({ fileName, schema: { autoMigration: 'CreateOrUpdate' } }));
}

/** emmett-postgresql with its own defaults on a server with its own defaults. */
export async function emmettPostgresql(url: string): Promise<Peer> {
  const { getPostgreSQLEventStore } = await load<{
    getPostgreSQLEventStore(url: string, options?: object): EmmettStore;
  }>('emmett-postgresql');
  return asPeer(getPostgreSQLEventStore(url));
}

function asPeer(store: EmmettStore): Peer {
  return {
    append: async (stream, events) => (await patiently(() => store.appendToStream(stream, events)), events.length),
    load: async (stream) => (
      await store.aggregateStream(stream, {
        initialState: () => ({ events: 0 }),
        evolve: (state) => ({ events: state.events + 1 }),
      }),
      1
    ),
    close: async () => store.close?.(),
  };
}

/** The transactions of emmett-sqlite collide now and then even with one writer (SQLITE_BUSY); trying again is what its
 * user would do. */
async function patiently(append: () => Promise<unknown>): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      await append();
      return;
    } catch (error) {
      if (attempt === 50) throw error;
    }
  }
}

/** A projection of emmett-sqlite over `events` events, tuned as far as its public interface goes: one connection that
 * stays open instead of one for each operation, WAL, `synchronous = NORMAL`, batches of 1000 without a pause between
 * them. It does the same work as ours: a row per stream and its own durable checkpoint. @returns events per second */
export async function emmettSqliteReplay(
  fileName: string,
  events: number,
  sample: (n: number) => { stream: string; event: PeerEvent },
): Promise<number> {
  const { getSQLiteEventStore, sqliteConnection } = await load<{
    getSQLiteEventStore(options: object): EmmettStore;
    sqliteConnection(options: object): SqliteConnection;
  }>('emmett-sqlite');
  const connection = sqliteConnection({ fileName });
  await connection.command('PRAGMA journal_mode = WAL');
  await connection.command('PRAGMA synchronous = NORMAL');
  await connection.command('PRAGMA cache_size = -32000');
  const store = getSQLiteEventStore({
    fileName,
    connectionOptions: { singleton: true, connection },
    schema: { autoMigration: 'CreateOrUpdate' },
  });
  for (let n = 0; n < events; n += 100)
    await store.appendToStream(
      sample(n).stream,
      Array.from({ length: 100 }, (_, k) => sample(n + k).event),
    );
  await connection.command(
    'CREATE TABLE counts (stream TEXT PRIMARY KEY, events INTEGER NOT NULL, last TEXT NOT NULL)',
  );
  const consumer = store.consumer({ pulling: { batchSize: 1000, pullingFrequencyInMs: 0 } });
  let handled = 0;
  let begunMs = 0;
  const done = new Promise<number>((resolve) => {
    consumer.processor({
      processorId: 'counter',
      startFrom: 'BEGINNING',
      connectionOptions: { fileName, connection },
      projection: {
        canHandle: ['Measured'],
        handle: async (
          messages: readonly { metadata: { streamName: string; recordedAtUtc: string } }[],
          context: { connection: SqliteConnection },
        ) => {
          begunMs ||= performance.now();
          for (const { metadata } of messages)
            await context.connection.command(
              'INSERT INTO counts VALUES (?, 1, ?) ON CONFLICT (stream) DO UPDATE SET events = events + 1, last = excluded.last',
              [metadata.streamName, metadata.recordedAtUtc],
            );
          handled += messages.length;
        },
      },
      // The last batch's commit is not waited for, which favours it by one commit.
      stopAfter: () => handled >= events && (resolve(performance.now()), true),
    });
  });
  const running = consumer.start();
  const endMs = await Promise.race([done, running.then(() => performance.now())]);
  await consumer.stop();
  connection.close();
  if (handled < events) throw new Error(`emmett-sqlite projected ${handled} of ${events} events`);
  return (handled * 1000) / (endMs - begunMs);
}
