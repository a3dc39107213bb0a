import { execFileSync, fork, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import {
  closeSync,
  existsSync,
  fdatasyncSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { registrations } from '../dist/application/decisions/aggregates.js';
import { DecideAndAppend } from '../dist/application/decisions/decide-and-append.js';
import { SubscriptionRunner } from '../dist/application/subscriptions/subscription-runner.js';
import { encodeAppend } from '../dist/infrastructure/event-store/event-bytes.js';
import { SqliteEventStore } from '../dist/infrastructure/event-store/sqlite/sqlite-event-store.js';
import { SqliteLogWriter } from '../dist/infrastructure/event-store/sqlite/sqlite-log-writer.js';
import { ReadModelDatabase } from '../dist/infrastructure/read-model/read-model-database.js';
import { SqlitePositionStore } from '../dist/infrastructure/read-model/sqlite-position-store.js';
import { SqliteReadModel } from '../dist/infrastructure/read-model/sqlite-read-model.js';
import { emmettPostgresql, emmettSqlite, emmettSqliteReplay, isInstalled, type Peer } from './event-store/peers.ts';
import { plotCost, type PlotPoint } from './event-store/plot.ts';
import { startPostgres, type TemporaryPostgres } from './event-store/postgres.ts';
import type { Bench, BenchReport } from './report.ts';

/** Events of the longest replay. 2,000,000 take two minutes and 3 GB of disk; the usual run does fewer. */
const REPLAY = Number(process.env['HONNIN_BENCH_EVENTS'] ?? '200000');
const REPLAYS = [10_000, 30_000, 100_000, 300_000, 1_000_000, 2_000_000];
const PEER_REPLAY = 20_000;
const PLOT = process.env['HONNIN_BENCH_PLOT'] ?? path.join(tmpdir(), 'honnin-replay-cost.svg');
const SLICES = 5;
const SLICE_MS = 400;
const WRITERS = 64;
const here = (file: string): string => fileURLToPath(new URL(file, import.meta.url));

/** What a run has opened. Closed at its end in the opposite order, also when it fails: a thread or a process left
 * behind would keep the benchmark from ending. */
class Opened {
  private readonly closers: (() => unknown)[] = [];

  add<T>(resource: T, close: (resource: T) => unknown): T {
    this.closers.unshift(() => close(resource));
    return resource;
  }

  async close(): Promise<void> {
    for (const close of this.closers.splice(0)) await close();
  }
}

interface Run {
  readonly report: BenchReport;
  /** On the disk that is measured. */
  readonly folder: string;
  readonly opened: Opened;
  readonly postgres: TemporaryPostgres | null;
}

const PARTS: Readonly<Record<string, (run: Run) => Promise<void>>> = {
  appends,
  fsyncs,
  loads,
  replay,
  reader: readerBeside,
  answers: answersMeanwhile,
  challenges: challengesMeanwhile,
};

export const bench: Bench = {
  summary: `durable appends, loads, replay and what they do to HTTP answers, beside a raw fdatasync loop, emmett-sqlite and emmett-postgresql (HONNIN_BENCH_EVENTS=2000000 for the long replay, HONNIN_BENCH_PARTS=${Object.keys(PARTS).join(',')} for some of it)`,
  async run(report) {
    const wanted = (process.env['HONNIN_BENCH_PARTS'] ?? Object.keys(PARTS).join(',')).split(',');
    const unknown = wanted.filter((part) => !Object.hasOwn(PARTS, part));
    if (unknown.length > 0)
      throw new Error(`there is no part ${unknown.join(', ')}; the parts are ${Object.keys(PARTS).join(', ')}`);
    const opened = new Opened();
    const { log } = console;
    // emmett prints errors that it then throws.
    console.log = () => {};
    try {
      // Not in a temporary folder: that may be memory, which syncs nothing.
      const folder = opened.add(mkdtempSync(path.join(process.cwd(), '.bench-events-')), (made) =>
        rmSync(made, { recursive: true, force: true }),
      );
      const postgres = wanted.some((part) => ['appends', 'loads'].includes(part))
        ? await peerServer(report, folder, opened)
        : null;
      for (const part of wanted) await PARTS[part]!({ report, folder, opened, postgres });
      report.note(
        'Ratios are medians of alternating slices of this run; figures of one run only compare with figures of the same run.',
      );
    } finally {
      await opened.close();
      console.log = log;
    }
  },
};

const HOW_TO_INSTALL = 'npm install --prefix bench/event-store/peers --legacy-peer-deps --no-package-lock';

async function peerServer(report: BenchReport, folder: string, opened: Opened): Promise<TemporaryPostgres | null> {
  if (!isInstalled('emmett-sqlite'))
    report.note(
      `Not compared with emmett-sqlite: it is not installed (its driver is compiled, which takes minutes): ${HOW_TO_INSTALL}`,
    );
  if (!isInstalled('emmett-postgresql'))
    report.note(`Not compared with emmett-postgresql: it is not installed: ${HOW_TO_INSTALL}`);
  const postgres = isInstalled('emmett-postgresql') ? await startPostgres(folder) : null;
  if (postgres)
    report.note(
      `emmett-postgresql 0.42.0 ran on ${opened.add(postgres, (server) => server.stop()).version} with default settings, on this machine and this disk.`,
    );
  else if (isInstalled('emmett-postgresql'))
    report.note(
      'Not compared with emmett-postgresql: PostgreSQL is not installed here, or no user but root is there to run it.',
    );
  return postgres;
}

const metadata = (correlationId: string) => ({
  actor: 'system:bench',
  correlationId,
  causationId: correlationId,
  recordedAtUtc: new Date().toISOString(),
  policyVersion: 1,
});
/** About 600 bytes, as the events of a case are. */
const data = { note: 'x'.repeat(180), points: 9500, digest: 'ab'.repeat(32), other: 'cd'.repeat(32) };
const event = (stream: string, type = 'Measured') => ({
  id: randomUUID(),
  type,
  schemaVersion: 1,
  data,
  metadata: metadata(stream),
});

interface Rate {
  readonly name: string;
  /** Does the thing once and says how many events that was. */
  readonly once: () => Promise<number> | number;
}

/** Runs each in turn, slice after slice, so that all see the same disk and the same neighbours. @returns per second, by
 * slice */
async function inTurn(
  report: BenchReport,
  what: string,
  rates: readonly Rate[],
  { slices: count, sliceMs } = { slices: SLICES, sliceMs: SLICE_MS },
): Promise<Map<string, number[]>> {
  report.progress(`${what} ...`);
  const slices = new Map(rates.map(({ name }): [string, number[]] => [name, []]));
  // The first slice warms up and does not count.
  for (let slice = -1; slice < count; slice += 1) {
    for (const { name, once } of rates) {
      const begun = performance.now();
      let events = 0;
      while (performance.now() - begun < sliceMs) events += await once();
      if (slice >= 0) slices.get(name)!.push((events * 1000) / (performance.now() - begun));
    }
  }
  for (const [name, perSecond] of slices)
    report.row(name, {
      perSecond: Math.round(median(perSecond)),
      slowest: Math.round(Math.min(...perSecond)),
      fastest: Math.round(Math.max(...perSecond)),
    });
  return slices;
}

function ratio(report: BenchReport, slices: Map<string, number[]>, a: string, b: string, target: string): void {
  const [x, y] = [slices.get(a), slices.get(b)];
  if (x && y) report.ratio(`${a} ÷ ${b}`, median(x.map((value, i) => value / y[i]!)), target);
}

async function appends({ report, folder, opened, postgres }: Run): Promise<void> {
  const store = opened.add(await SqliteEventStore.openOnThread({ file: path.join(folder, 'appends.db') }), (s) =>
    s.close(),
  );
  const raw = opened.add(openSync(path.join(folder, 'raw'), 'w'), closeSync);
  const kibibyte = Buffer.alloc(1024);
  const sqlite = await sqlitePeer(opened, path.join(folder, 'emmett.db'));
  const postgresql = await postgresqlPeer(opened, postgres);
  const many = Array.from({ length: WRITERS }, () => writer(store, 1));
  const [one, eight] = [writer(store, 1), writer(store, 8)];
  const peerAppend = (peer: Peer, count: number): Promise<number> => {
    const stream = randomUUID();
    return peer.append(
      `stream-${stream}`,
      Array.from({ length: count }, () => peerEvent(stream)),
    );
  };
  const together = async (each: () => Promise<number>): Promise<number> =>
    (await Promise.all(Array.from({ length: WRITERS }, async () => (await each()) + (await each())))).reduce(
      (a, b) => a + b,
      0,
    );
  const slices = await inTurn(report, 'appends', [
    { name: 'raw write + fdatasync', once: () => (writeSync(raw, kibibyte), fdatasyncSync(raw), 1) },
    { name: 'append 1', once: one },
    { name: 'append 8 at once', once: eight },
    {
      name: '64 writers',
      once: async () =>
        (await Promise.all(many.map(async (next) => (await next()) + (await next())))).reduce((a, b) => a + b, 0),
    },
    ...(sqlite
      ? [
          { name: 'emmett-sqlite, append 1', once: () => peerAppend(sqlite, 1) },
          { name: 'emmett-sqlite, append 8 at once', once: () => peerAppend(sqlite, 8) },
        ]
      : []),
    ...(postgresql
      ? [
          { name: 'emmett-postgresql, append 1', once: () => peerAppend(postgresql, 1) },
          { name: 'emmett-postgresql, append 8 at once', once: () => peerAppend(postgresql, 8) },
          { name: 'emmett-postgresql, 64 writers', once: () => together(() => peerAppend(postgresql, 1)) },
        ]
      : []),
  ]);
  ratio(report, slices, 'append 1', 'raw write + fdatasync', '≥ 0.5');
  ratio(report, slices, '64 writers', 'append 1', '≥ 2.5');
  ratio(report, slices, '64 writers', 'emmett-postgresql, 64 writers', '≥ 6');
  ratio(report, slices, '64 writers', 'emmett-sqlite, append 1', '≥ 40 (emmett-sqlite takes one writer)');
  ratio(report, slices, 'append 1', 'emmett-sqlite, append 1', '≥ 10');
  ratio(report, slices, 'append 1', 'emmett-postgresql, append 1', '≥ 2.5 on a quiet disk');
  ratio(report, slices, 'append 8 at once', 'emmett-sqlite, append 8 at once', '≥ 5');
  ratio(report, slices, 'append 8 at once', 'emmett-postgresql, append 8 at once', '≥ 1.8');
}

/** Counts the calls to the disk from outside, which no neighbour can disturb. */
async function fsyncs({ report, folder }: Run): Promise<void> {
  const strace = ['/usr/bin/strace', '/usr/local/bin/strace'].find((file) => existsSync(file));
  if (!strace) return report.note('fsync calls were not counted: strace is not installed.');
  report.progress('counting fsync calls ...');
  const trace = path.join(folder, 'trace');
  execFileSync(
    strace,
    [
      '-f',
      '-qq',
      '-e',
      'trace=fsync,fdatasync,write',
      '-e',
      'signal=none',
      '-o',
      trace,
      process.execPath,
      '--disable-warning=ExperimentalWarning',
      here('../test/event-store/processes/append-and-count.mjs'),
      path.join(folder, 'counted.db'),
    ],
    { stdio: 'ignore' },
  );
  const lines = readFileSync(trace, 'utf8').split('\n');
  const between = (part: string): number => {
    const [from, to] = ['begin', 'end'].map((word) =>
      lines.findIndex((line) => line.includes(`write(1, "${word} ${part}`)),
    ) as [number, number];
    return lines.slice(from, to).filter((line) => /\b(fsync|fdatasync)\(/.test(line)).length;
  };
  const [oneByOne, together] = [between('one by one'), between('together')];
  report.row('fsync calls', { for100AppendsOneByOne: oneByOne, for256AppendsTogether: together });
  report.ratio('fsyncs for 256 concurrent appends ÷ 12', together / 12, '≤ 1');
  report.ratio('fsyncs per append, one by one', oneByOne / 100, '1 to 1.1');
}

function writer(store: SqliteEventStore, events: number): () => Promise<number> {
  const stream = `stream-${randomUUID()}`;
  let expected: 'no_stream' | number = 'no_stream';
  return async () => {
    const result = await store.append(
      stream,
      Array.from({ length: events }, () => event(stream)),
      expected,
    );
    if (result.outcome !== 'appended') throw new Error(JSON.stringify(result));
    expected = result.revision;
    return events;
  };
}

async function loads({ report, folder, opened, postgres }: Run): Promise<void> {
  const store = opened.add(await SqliteEventStore.openOnThread({ file: path.join(folder, 'loads.db') }), (s) =>
    s.close(),
  );
  const ids = Array.from({ length: 2000 }, () => randomUUID());
  await Promise.all(
    ids.map((id) =>
      store.append(
        `registration-${id}`,
        Array.from({ length: 8 }, () => event(id, 'CertificateCheckDeferred')),
        'no_stream',
      ),
    ),
  );
  const peerIds = ids.slice(0, 100);
  const peers = [
    ['emmett-sqlite', await sqlitePeer(opened, path.join(folder, 'emmett-loads.db'))],
    ['emmett-postgresql', await postgresqlPeer(opened, postgres)],
  ] as const;
  for (const [, peer] of peers)
    for (const id of peer ? peerIds : [])
      await peer?.append(
        `stream-${id}`,
        Array.from({ length: 8 }, () => peerEvent(id)),
      );
  const aggregates = new DecideAndAppend(store, { nowUtc: () => new Date().toISOString() });
  let n = 0;
  const OURS = 'load + fold 8 events';
  const slices = await inTurn(report, 'loads', [
    {
      name: OURS,
      once: async () => {
        const { expected } = await aggregates.load(registrations, ids[(n += 7919) % ids.length]!);
        if (expected !== 7) throw new Error('a stream is not what it should be');
        return 1;
      },
    },
    ...peers.flatMap(([name, peer]) =>
      peer
        ? [
            {
              name: `${name}, load + fold 8 events`,
              once: () => peer.load(`stream-${peerIds[(n += 1) % peerIds.length]!}`),
            },
          ]
        : [],
    ),
  ]);
  ratio(report, slices, OURS, 'emmett-sqlite, load + fold 8 events', '≥ 12, and ≥ 8000 per second');
  ratio(report, slices, OURS, 'emmett-postgresql, load + fold 8 events', '≥ 8');
}

/** A projection with a row per stream, as most read models have. */
const counter = {
  name: 'counter',
  version: 1,
  handles: ['Measured'],
  tables: { counts: { columns: 'stream TEXT PRIMARY KEY, events INTEGER NOT NULL, last TEXT NOT NULL' } },
  apply: (
    rows: { run(sql: string, ...params: (string | number)[]): void },
    { stream, metadata: { recordedAtUtc } }: { stream: string; metadata: { recordedAtUtc: string } },
  ) =>
    rows.run(
      'INSERT INTO {counts} VALUES (?, 1, ?) ON CONFLICT (stream) DO UPDATE SET events = events + 1, last = excluded.last',
      stream,
      recordedAtUtc,
    ),
};

/** Replays of growing logs, each built from the first event into new tables. The log is written once and grows between
 * them. */
async function replay({ report, folder }: Run): Promise<void> {
  const file = path.join(folder, 'replay.db');
  const points: PlotPoint[] = [];
  let bytes = 0;
  let written = 0;
  for (const events of [...REPLAYS.filter((size) => size < REPLAY), REPLAY]) {
    report.progress(`replay of ${events} events ...`);
    bytes += fill(file, written, events);
    written = events;
    const store = SqliteEventStore.open({ file, mode: 'read' });
    const read = await readOnly(store);
    const { microsecondsPerEvent, cpuMicrosecondsPerEvent } = await project(
      store,
      path.join(folder, `rows-${events}.db`),
    );
    await store.close();
    points.push({ events, microseconds: microsecondsPerEvent, cpuMicroseconds: cpuMicrosecondsPerEvent });
    report.row(`replay of ${events} events`, {
      readPerSecond: Math.round(read),
      projectedDurablyPerSecond: Math.round(1e6 / microsecondsPerEvent),
      microsecondsPerEvent,
      cpuMicrosecondsPerEvent,
    });
  }
  const [first, last] = [points[0]!, points.at(-1)!];
  const middle = points.find(({ events }) => events === 100_000) ?? last;
  report.ratio('projected durably ÷ 60,000 per second', 1e6 / middle.microseconds / 60_000, '≥ 1 on a quiet machine');
  report.ratio(
    `cost per event, ${last.events} ÷ ${first.events} events`,
    last.microseconds / first.microseconds,
    'about 1: flat',
  );
  report.ratio(
    `processor time per event, ${last.events} ÷ ${first.events} events`,
    last.cpuMicroseconds / first.cpuMicroseconds,
    'about 1: flat',
  );
  writeFileSync(PLOT, plotCost(points, 'Replay with a durable projection: cost per event'));
  report.note(`The cost per event over the number of events is drawn in ${PLOT}`);
  report.ratio('file ÷ sum of the JSON of its events', statSync(file).size / bytes, '≤ 1.3');
  await replayBesidePeer(report, folder);
}

/** Adds events to a log, eight to a stream. @returns bytes of their JSON: what a plain file with a line for each event
 * would hold */
function fill(file: string, from: number, to: number): number {
  const writer = new SqliteLogWriter(file);
  let bytes = 0;
  try {
    for (let n = from; n < to;) {
      const group = Array.from({ length: Math.min(256, Math.ceil((to - n) / 8)) }, () => {
        const stream = `stream-${randomUUID()}`;
        return {
          stream,
          events: encodeAppend(
            stream,
            Array.from({ length: 8 }, () => event('replay')),
            'no_stream',
          ),
          expected: 'no_stream' as const,
        };
      });
      for (const { stream, events } of group)
        for (const [revision, { id, type, schemaVersion, data: facts, metadata: about }] of events.entries())
          bytes +=
            Buffer.byteLength(JSON.stringify({ stream, revision, id, type, schemaVersion })) +
            Buffer.byteLength(facts) +
            Buffer.byteLength(about);
      const outcome = writer.commit(group);
      if (outcome.outcome !== 'committed') throw outcome.error;
      n += group.length * 8;
    }
  } finally {
    writer.close();
  }
  return bytes;
}

/** Both replay the same number of like events into a row per stream, with their checkpoint, in turn. */
async function replayBesidePeer(report: BenchReport, folder: string): Promise<void> {
  if (!isInstalled('emmett-sqlite')) return;
  const file = path.join(folder, 'beside-peer.db');
  fill(file, 0, PEER_REPLAY);
  const rates = { ours: [] as number[], peer: [] as number[] };
  for (let round = 0; round < 3; round += 1) {
    report.progress(`replay of ${PEER_REPLAY} events beside emmett-sqlite, round ${round + 1} ...`);
    const store = SqliteEventStore.open({ file, mode: 'read' });
    rates.ours.push(
      1e6 / (await project(store, path.join(folder, `beside-peer-${round}-rows.db`))).microsecondsPerEvent,
    );
    await store.close();
    const streams = Array.from({ length: PEER_REPLAY / 100 }, () => `stream-${randomUUID()}`);
    rates.peer.push(
      await emmettSqliteReplay(path.join(folder, `emmett-replay-${round}.db`), PEER_REPLAY, (n) => ({
        stream: streams[Math.floor(n / 100)]!,
        event: peerEvent('replay'),
      })),
    );
  }
  report.row(`replay of ${PEER_REPLAY} events`, { projectedDurablyPerSecond: Math.round(median(rates.ours)) });
  report.row('emmett-sqlite tuned, the same', { projectedDurablyPerSecond: Math.round(median(rates.peer)) });
  report.ratio(
    'replay ÷ emmett-sqlite tuned (one connection, WAL, NORMAL, batches of 1000)',
    median(rates.ours.map((rate, i) => rate / rates.peer[i]!)),
    '≥ 8',
  );
}

async function readOnly(store: SqliteEventStore): Promise<number> {
  const begun = performance.now();
  let events = 0;
  for (let after: Awaited<ReturnType<SqliteEventStore['head']>> = null; ;) {
    const batch: Awaited<ReturnType<SqliteEventStore['readAll']>> = await store.readAll(after, { limit: 1000 });
    events += batch.events.length;
    after = batch.position;
    if (batch.caughtUp) return (events * 1000) / (performance.now() - begun);
  }
}

/** @returns cost per event on the wall clock, and of this process's processor time, which neighbours disturb less */
async function project(
  store: SqliteEventStore,
  file: string,
): Promise<{ microsecondsPerEvent: number; cpuMicrosecondsPerEvent: number }> {
  const before = process.cpuUsage();
  const database = ReadModelDatabase.open(file);
  const model = new SqliteReadModel(database, new SqlitePositionStore(database), [counter]);
  const { events, seconds } = await model.rebuild('counter', { store, then: 'switch' });
  database.close();
  const { user, system } = process.cpuUsage(before);
  return { microsecondsPerEvent: (seconds * 1e6) / events, cpuMicrosecondsPerEvent: (user + system) / events };
}

/** What a projection that follows the log costs the writers. */
async function readerBeside({ report, folder, opened }: Run): Promise<void> {
  const [unread, read] = [
    await SqliteEventStore.openOnThread({ file: path.join(folder, 'unread.db') }),
    await SqliteEventStore.openOnThread({ file: path.join(folder, 'read.db') }),
  ];
  for (const store of [unread, read]) opened.add(store, (s) => s.close());
  const database = opened.add(ReadModelDatabase.open(path.join(folder, 'read-rows.db')), (d) => d.close());
  const positions = new SqlitePositionStore(database);
  const model = new SqliteReadModel(database, positions, [counter]);
  const follower = new SubscriptionRunner({
    consumer: 'counter',
    store: read,
    positions,
    handler: model.handler('counter', { store: read }),
    poison: 'stop',
    filter: { types: counter.handles },
  });
  follower.start();
  opened.add(follower, (runner) => runner.stop());
  const [ALONE, FOLLOWED] = ['append 1, alone', 'append 1, followed by a projection'];
  // Two logs, so that a slice never pays for what was appended in another one. Many short slices: two writers that are
  // both alone differ by a fifth on a busy disk, which is more than what is looked for.
  const slices = await inTurn(
    report,
    'a projection beside the writer',
    [
      { name: ALONE, once: writer(unread, 1) },
      { name: FOLLOWED, once: writer(read, 1) },
    ],
    { slices: 31, sliceMs: 150 },
  );
  ratio(report, slices, FOLLOWED, ALONE, '≥ 0.85');
  await untilEverythingIsProjected(read, model);
}

/** What was followed must be there: no event left out, none counted twice. */
async function untilEverythingIsProjected(store: SqliteEventStore, model: SqliteReadModel): Promise<void> {
  const head = await store.head();
  for (const end = performance.now() + 5000; model.position('counter') !== head;) {
    if (performance.now() > end) throw new Error('the projection does not reach the end of the log');
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  const counted = model.query('counter').get<{ n: number }>('SELECT sum(events) AS n FROM {counts}')?.n;
  if (BigInt(counted ?? 0) !== head) throw new Error(`${counted} events were projected of ${head}`);
}

/** A small HTTP server in the process of the store, asked by another process while 64 writers append. */
async function answersMeanwhile({ report, folder, opened }: Run): Promise<void> {
  report.progress('answers while 64 writers append ...');
  const server = opened.add(
    createServer(
      (question, answer) => void question.resume().on('end', () => answer.end(JSON.stringify({ nonce: randomUUID() }))),
    ),
    (s) => s.close(),
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const p99 = { idle: [] as number[], thread: [] as number[], main: [] as number[] };
  for (let round = 0; round < 3; round += 1) {
    p99.idle.push((await askFor(port, 1500)).p99Ms);
    for (const where of ['thread', 'main'] as const) {
      const file = path.join(folder, `answers-${where}-${round}.db`);
      const store =
        where === 'thread' ? await SqliteEventStore.openOnThread({ file }) : SqliteEventStore.open({ file });
      let on = true;
      const writing = Promise.all(
        Array.from({ length: WRITERS }, async () => {
          for (const next = writer(store, 1); on;) await next();
        }),
      );
      try {
        p99[where].push((await askFor(port, 1500)).p99Ms);
      } finally {
        on = false;
        await writing;
        await store.close();
      }
    }
  }
  for (const [name, times] of Object.entries(p99))
    report.row(
      `answers, ${name === 'idle' ? 'nobody writes' : `64 writers, commits on ${name === 'main' ? 'the main thread' : 'a thread'}`}`,
      { p99Ms: median(times) },
    );
  report.ratio(
    'p99 of small HTTP answers while 64 writers append ÷ idle',
    median(p99.thread.map((t, i) => t / p99.idle[i]!)),
    'for comparison: a server that does nothing else',
  );
  report.ratio(
    'the same with commits on the main thread',
    median(p99.main.map((t, i) => t / p99.idle[i]!)),
    'for comparison',
  );
}

/** The whole server in a process of its own, asked for challenges by another one while 64 writers inside it append. */
async function challengesMeanwhile({ report, folder, opened }: Run): Promise<void> {
  report.progress('starting a server ...');
  const server = opened.add(
    fork(here('./event-store/server.mjs'), [path.join(folder, 'server')], {
      execArgv: ['--disable-warning=ExperimentalWarning'],
    }),
    (child) => child.kill('SIGKILL'),
  );
  const { port } = await heard<{ port: number }>(server);
  const ask = (): Promise<Answers> => askFor(port, 2000, '/v1/challenges', JSON.stringify({ boothId: 'booth-bench' }));
  await ask();
  const under = async (load: 'write' | 'cases'): Promise<Answers & { readonly perSecond: number }> => {
    server.send(load);
    await heard(server);
    const answers = await ask();
    server.send('rest');
    return { ...answers, perSecond: (await heard<{ stored: number }>(server)).stored / 2 };
  };
  const rounds: { idle: Answers; loaded: Answers & { readonly perSecond: number }; vault: Answers }[] = [];
  for (let round = 0; round < 5; round += 1) {
    report.progress(`challenges, round ${round + 1} ...`);
    rounds.push({ idle: await ask(), loaded: await under('write'), vault: await under('cases') });
  }
  server.send('close');
  await new Promise((resolve) => server.once('exit', resolve));
  report.row('POST /v1/challenges, nobody writes', {
    p50Ms: median(rounds.map((r) => r.idle.p50Ms)),
    p99Ms: median(rounds.map((r) => r.idle.p99Ms)),
  });
  report.row('POST /v1/challenges, 64 writers', {
    p50Ms: median(rounds.map((r) => r.loaded.p50Ms)),
    p99Ms: median(rounds.map((r) => r.loaded.p99Ms)),
    appendsPerSecond: Math.round(median(rounds.map((r) => r.loaded.perSecond))),
  });
  report.row('POST /v1/challenges, 10 cases a second in the vault', {
    p50Ms: median(rounds.map((r) => r.vault.p50Ms)),
    p99Ms: median(rounds.map((r) => r.vault.p99Ms)),
  });
  report.ratio(
    'p99 of POST /v1/challenges while 64 writers append ÷ idle',
    median(rounds.map((r) => r.loaded.p99Ms / r.idle.p99Ms)),
    '≤ 3',
  );
  report.ratio(
    'the same while the vault makes and destroys ten keys a second ÷ idle',
    median(rounds.map((r) => r.vault.p99Ms / r.idle.p99Ms)),
    '≤ 3',
  );
}

interface Answers {
  readonly p50Ms: number;
  readonly p99Ms: number;
}

function askFor(port: number, milliseconds: number, target = '/', body = '{}'): Promise<Answers> {
  return heard(fork(here('./event-store/questions.mjs'), [String(port), String(milliseconds), target, body]));
}

/** The next message of a process. @throws when it ends without one. */
function heard<Message>(child: ChildProcess): Promise<Message> {
  return new Promise((resolve, reject) => {
    const ended = (code: number | null): void => reject(new Error(`a process of the benchmark ended with ${code}`));
    child.once('error', reject);
    child.once('exit', ended);
    child.once('message', (message) => {
      child.off('exit', ended);
      child.off('error', reject);
      resolve(message as Message);
    });
  });
}

function peerEvent(correlationId: string) {
  return { type: 'Measured', data, metadata: metadata(correlationId) };
}

async function sqlitePeer(opened: Opened, file: string): Promise<Peer | null> {
  return isInstalled('emmett-sqlite') ? opened.add(await emmettSqlite(file), (peer) => peer.close()) : null;
}

async function postgresqlPeer(opened: Opened, postgres: TemporaryPostgres | null): Promise<Peer | null> {
  return postgres ? opened.add(await emmettPostgresql(postgres.url), (peer) => peer.close()) : null;
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1]!;
}
