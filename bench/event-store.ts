import { fork } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { closeSync, existsSync, fdatasyncSync, mkdtempSync, openSync, rmSync, statSync, writeSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { registrations } from '../dist/application/aggregates.js';
import { DecideAndAppend } from '../dist/application/commands/decide-and-append.js';
import { SubscriptionRunner } from '../dist/application/subscriptions/subscription-runner.js';
import { SqliteEventStore } from '../dist/infrastructure/event-store/sqlite-event-store.js';
import { ReadModelDatabase } from '../dist/infrastructure/read-model/read-model-database.js';
import { SqlitePositionStore } from '../dist/infrastructure/read-model/sqlite-position-store.js';
import { SqliteReadModel } from '../dist/infrastructure/read-model/sqlite-read-model.js';
import type { Bench, BenchReport } from './report.ts';

/** Events of the replay. 2,000,000 take some minutes to write; the usual run does fewer. */
const REPLAY = Number(process.env['HONNIN_BENCH_EVENTS'] ?? '200000');
const SLICES = 5;
const SLICE_MS = 400;
const peers = fileURLToPath(new URL('./event-store/peers/', import.meta.url));

export const bench: Bench = {
  summary: 'durable appends, loads, replay and what they do to HTTP answers, beside a raw fdatasync loop and emmett-sqlite (HONNIN_BENCH_EVENTS=2000000 for the long replay)',
  async run(report) {
    // Not in a temporary folder: that may be memory, which syncs nothing.
    const folder = mkdtempSync(path.join(process.cwd(), '.bench-events-'));
    try {
      await appends(report, folder);
      await loads(report, folder);
      await replay(report, folder);
      await readerBeside(report, folder);
      await answersMeanwhile(report, folder);
      report.note('Ratios are medians of alternating slices of this run; figures of one run only compare with figures of the same run.');
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
};

const metadata = (correlationId: string) => ({ actor: 'system:bench', correlationId, causationId: correlationId, recordedAtUtc: new Date().toISOString(), policyVersion: 1 });
/** About 600 bytes, as the events of a case are. */
const data = { note: 'x'.repeat(180), points: 9500, digest: 'ab'.repeat(32), other: 'cd'.repeat(32) };
const event = (stream: string, type = 'Measured') => ({ id: randomUUID(), type, schemaVersion: 1, data, metadata: metadata(stream) });

interface Rate {
  readonly name: string;
  /** Does the thing once and says how many events that was. */
  readonly once: () => Promise<number> | number;
}

/** Runs each in turn, slice after slice, so that all see the same disk and the same neighbours. @returns per second, by slice */
async function inTurn(report: BenchReport, what: string, rates: readonly Rate[]): Promise<Map<string, number[]>> {
  report.progress(`${what} ...`);
  const slices = new Map(rates.map(({ name }): [string, number[]] => [name, []]));
  // The first slice warms up and does not count.
  for (let slice = -1; slice < SLICES; slice += 1) {
    for (const { name, once } of rates) {
      const begun = performance.now();
      let events = 0;
      while (performance.now() - begun < SLICE_MS) events += await once();
      if (slice >= 0) slices.get(name)!.push((events * 1000) / (performance.now() - begun));
    }
  }
  for (const [name, perSecond] of slices) report.row(name, { perSecond: Math.round(median(perSecond)), slowest: Math.round(Math.min(...perSecond)), fastest: Math.round(Math.max(...perSecond)) });
  return slices;
}

function ratio(report: BenchReport, slices: Map<string, number[]>, a: string, b: string, target: string): void {
  const [x, y] = [slices.get(a), slices.get(b)];
  if (x && y) report.ratio(`${a} ÷ ${b}`, median(x.map((value, i) => value / y[i]!)), target);
}

async function appends(report: BenchReport, folder: string): Promise<void> {
  const store = await SqliteEventStore.openOnThread({ file: path.join(folder, 'appends.db') });
  const raw = openSync(path.join(folder, 'raw'), 'w');
  const kibibyte = Buffer.alloc(1024);
  const peer = await emmett(report, path.join(folder, 'emmett.db'));
  const [RAW, ONE, EIGHT, MANY, PEER_ONE, PEER_EIGHT] = ['raw write + fdatasync', 'append 1', 'append 8 at once', '64 writers', 'emmett-sqlite, append 1', 'emmett-sqlite, append 8 at once'];
  const many = Array.from({ length: 64 }, () => writer(store, 1));
  const [one, eight] = [writer(store, 1), writer(store, 8)];
  const slices = await inTurn(report, 'appends', [
    { name: RAW, once: () => (writeSync(raw, kibibyte), fdatasyncSync(raw), 1) },
    { name: ONE, once: one },
    { name: EIGHT, once: eight },
    { name: MANY, once: async () => (await Promise.all(many.map(async (next) => (await next()) + (await next())))).reduce((a, b) => a + b, 0) },
    ...(peer ? [{ name: PEER_ONE, once: () => peer.append(randomUUID(), 1) }, { name: PEER_EIGHT, once: () => peer.append(randomUUID(), 8) }] : []),
  ]);
  ratio(report, slices, ONE, RAW, '≥ 0.5');
  ratio(report, slices, MANY, ONE, '≥ 2.5');
  ratio(report, slices, ONE, PEER_ONE, '≥ 10');
  ratio(report, slices, EIGHT, PEER_EIGHT, '≥ 5');
  ratio(report, slices, MANY, PEER_ONE, '≥ 40 (emmett-sqlite takes one writer)');
  closeSync(raw);
  await store.close();
  await peer?.close();
}

function writer(store: SqliteEventStore, events: number): () => Promise<number> {
  const stream = `stream-${randomUUID()}`;
  let expected: 'no_stream' | number = 'no_stream';
  return async () => {
    const result = await store.append(stream, Array.from({ length: events }, () => event(stream)), expected);
    if (result.outcome !== 'appended') throw new Error(JSON.stringify(result));
    expected = result.revision;
    return events;
  };
}

async function loads(report: BenchReport, folder: string): Promise<void> {
  const store = await SqliteEventStore.openOnThread({ file: path.join(folder, 'loads.db') });
  const peer = await emmett(report, path.join(folder, 'emmett-loads.db'));
  const ids = Array.from({ length: 2000 }, () => randomUUID());
  await Promise.all(ids.map((id) => store.append(`registration-${id}`, Array.from({ length: 8 }, () => event(id, 'CertificateCheckDeferred')), 'no_stream')));
  const peerIds = ids.slice(0, 100);
  if (peer) for (const id of peerIds) await peer.append(id, 8);
  const aggregates = new DecideAndAppend(store, { nowUtc: () => new Date().toISOString() });
  let n = 0;
  const [OURS, PEER] = ['load + fold 8 events', 'emmett-sqlite, load + fold 8 events'];
  const slices = await inTurn(report, 'loads', [
    {
      name: OURS,
      once: async () => {
        const { expected } = await aggregates.load(registrations, ids[(n += 7919) % ids.length]!);
        if (expected !== 7) throw new Error('a stream is not what it should be');
        return 1;
      },
    },
    ...(peer ? [{ name: PEER, once: () => peer.load(peerIds[(n += 1) % peerIds.length]!) }] : []),
  ]);
  ratio(report, slices, OURS, PEER, '≥ 12, and ≥ 8000 per second');
  await store.close();
  await peer?.close();
}

/** A projection with a row per stream, as most read models have. */
const counter = {
  name: 'counter', version: 1, handles: ['Measured'],
  tables: { counts: { columns: 'stream TEXT PRIMARY KEY, events INTEGER NOT NULL, last TEXT NOT NULL' } },
  apply: (rows: { run(sql: string, ...params: (string | number)[]): void }, { stream, metadata: { recordedAtUtc } }: { stream: string; metadata: { recordedAtUtc: string } }) =>
    rows.run('INSERT INTO {counts} VALUES (?, 1, ?) ON CONFLICT (stream) DO UPDATE SET events = events + 1, last = excluded.last', stream, recordedAtUtc),
};

async function replay(report: BenchReport, folder: string): Promise<void> {
  const file = path.join(folder, 'replay.db');
  const store = await SqliteEventStore.openOnThread({ file });
  let written = 0;
  let bytes = 0;
  const perEvent: number[] = [];
  for (const events of [10_000, 50_000, REPLAY].filter((size, index, all) => size <= REPLAY && all.indexOf(size) === index)) {
    report.progress(`replay of ${events} events ...`);
    for (; written < events; written += 8 * 64) {
      await Promise.all(Array.from({ length: 64 }, () => store.append(`stream-${randomUUID()}`, Array.from({ length: 8 }, () => event('replay')), 'no_stream')));
      bytes += 8 * 64 * (JSON.stringify(data).length + JSON.stringify(metadata('replay')).length);
    }
    const read = await readOnly(store);
    const projected = await project(store, path.join(folder, `replay-${events}.db`));
    perEvent.push(projected.microsecondsPerEvent);
    report.row(`replay of ${written} events`, { readPerSecond: Math.round(read), projectedDurablyPerSecond: Math.round(1e6 / projected.microsecondsPerEvent), microsecondsPerEvent: projected.microsecondsPerEvent });
  }
  report.ratio('projected durably ÷ 60,000 per second', 1e6 / perEvent.at(-1)! / 60_000, '≥ 1 on a quiet machine');
  report.ratio(`cost per event, ${REPLAY} ÷ 10,000 events`, perEvent.at(-1)! / perEvent[0]!, 'about 1: flat');
  await store.close();
  report.ratio('file ÷ sum of its JSON', statSync(file).size / bytes, '≤ 1.3 (short events: ids and indexes weigh more)');
}

async function readOnly(store: SqliteEventStore): Promise<number> {
  const begun = performance.now();
  let events = 0;
  for (let after: Awaited<ReturnType<SqliteEventStore['head']>> = null; ; ) {
    const batch: Awaited<ReturnType<SqliteEventStore['readAll']>> = await store.readAll(after, { limit: 1000 });
    events += batch.events.length;
    after = batch.position;
    if (batch.caughtUp) return (events * 1000) / (performance.now() - begun);
  }
}

async function project(store: SqliteEventStore, file: string): Promise<{ microsecondsPerEvent: number }> {
  const database = ReadModelDatabase.open(file);
  const model = new SqliteReadModel(database, new SqlitePositionStore(database), [counter]);
  const { events, seconds } = await model.rebuild('counter', { store, then: 'switch' });
  database.close();
  return { microsecondsPerEvent: (seconds * 1e6) / events };
}

/** What a projection that follows the log costs the writers. */
async function readerBeside(report: BenchReport, folder: string): Promise<void> {
  const store = await SqliteEventStore.openOnThread({ file: path.join(folder, 'beside.db') });
  const database = ReadModelDatabase.open(path.join(folder, 'beside-rows.db'));
  const positions = new SqlitePositionStore(database);
  const model = new SqliteReadModel(database, positions, [counter]);
  const follower = () => new SubscriptionRunner({ consumer: 'counter', store, positions, handler: model.handler('counter', { store }), poison: 'stop', filter: { types: counter.handles } });
  const next = writer(store, 1);
  let running: SubscriptionRunner | null = null;
  const [ALONE, FOLLOWED] = ['append 1, alone', 'append 1, followed by a projection'];
  const slices = await inTurn(report, 'a projection beside the writer', [
    { name: ALONE, once: async () => (running && (await running.stop(), (running = null)), next()) },
    { name: FOLLOWED, once: async () => (running ?? (running = follower()).start(), next()) },
  ]);
  ratio(report, slices, FOLLOWED, ALONE, '≥ 0.85');
  await (running as SubscriptionRunner | null)?.stop();
  database.close();
  await store.close();
}

/** A small HTTP server in the process of the store, asked by another process while 64 writers append. */
async function answersMeanwhile(report: BenchReport, folder: string): Promise<void> {
  report.progress('answers while 64 writers append ...');
  const server = createServer((question, answer) => void question.resume().on('end', () => answer.end(JSON.stringify({ nonce: randomUUID() }))));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const p99 = { idle: [] as number[], thread: [] as number[], main: [] as number[] };
  for (let round = 0; round < 3; round += 1) {
    p99.idle.push((await askFor(port, 1500)).p99Ms);
    for (const where of ['thread', 'main'] as const) {
      const file = path.join(folder, `answers-${where}-${round}.db`);
      const store = where === 'thread' ? await SqliteEventStore.openOnThread({ file }) : SqliteEventStore.open({ file });
      let on = true;
      const writing = Promise.all(Array.from({ length: 64 }, async () => { for (const next = writer(store, 1); on; ) await next(); }));
      p99[where].push((await askFor(port, 1500)).p99Ms);
      on = false;
      await writing;
      await store.close();
    }
  }
  server.close();
  for (const [name, times] of Object.entries(p99)) report.row(`answers, ${name === 'idle' ? 'nobody writes' : `64 writers, commits on ${name === 'main' ? 'the main thread' : 'a thread'}`}`, { p99Ms: median(times) });
  report.ratio('p99 of answers while 64 writers append ÷ idle', median(p99.thread.map((t, i) => t / p99.idle[i]!)), '≤ 3');
  report.ratio('the same with commits on the main thread', median(p99.main.map((t, i) => t / p99.idle[i]!)), 'for comparison');
}

function askFor(port: number, milliseconds: number): Promise<{ p50Ms: number; p99Ms: number }> {
  const child = fork(fileURLToPath(new URL('./event-store/questions.mjs', import.meta.url)), [String(port), String(milliseconds)]);
  return new Promise((resolve, reject) => {
    child.once('message', (message) => resolve(message as { p50Ms: number; p99Ms: number }));
    child.once('error', reject);
  });
}

interface Peer {
  append(id: string, events: number): Promise<number>;
  load(id: string): Promise<number>;
  close(): Promise<void>;
}

let toldAboutPeers = false;

/** emmett-sqlite with its own defaults, or null where it is not installed. */
async function emmett(report: BenchReport, fileName: string): Promise<Peer | null> {
  const entry = path.join(peers, 'node_modules/@event-driven-io/emmett-sqlite/dist/index.js');
  if (!existsSync(entry)) {
    if (!toldAboutPeers) report.note('Not compared with emmett-sqlite: it is not installed (its driver is compiled, which takes minutes): npm install --prefix bench/event-store/peers --legacy-peer-deps');
    toldAboutPeers = true;
    return null;
  }
  const { getSQLiteEventStore } = (await import(pathToFileURL(entry).href)) as { getSQLiteEventStore(options: object): EmmettStore };
  const store = getSQLiteEventStore({ fileName, schema: { autoMigration: 'CreateOrUpdate' } });
  return {
    append: async (id, events) => (await patiently(() => store.appendToStream(`stream-${id}`, Array.from({ length: events }, () => ({ type: 'Measured', data, metadata: metadata(id) })))), events),
    load: async (id) => (await store.aggregateStream(`stream-${id}`, { initialState: () => ({ events: 0 }), evolve: (state) => ({ events: state.events + 1 }) }), 1),
    close: async () => store.close?.(),
  };
}

/** Its own transactions collide now and then even with one writer (SQLITE_BUSY); trying again is what its user would do. */
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

interface EmmettStore {
  appendToStream(stream: string, events: readonly object[]): Promise<unknown>;
  aggregateStream(stream: string, options: { initialState: () => { events: number }; evolve: (state: { events: number }) => { events: number } }): Promise<unknown>;
  close?(): Promise<void>;
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1]!;
}
