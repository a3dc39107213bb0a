import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { NewEvent } from '../../dist/domain/event-envelope.js';
import { canonicalJson } from '../../dist/domain/values/canonical-json.js';
import { LogKeys } from '../../dist/infrastructure/audit/log-keys.js';
import { ThreadedLogBuilder } from '../../dist/infrastructure/audit/log/threaded-log-builder.js';
import { TileLog } from '../../dist/infrastructure/audit/log/tile-log.js';
import { prepareSchema, rowChecksum } from '../../dist/infrastructure/event-store/sqlite/sqlite-schema.js';
import { KeyRing } from '../../dist/infrastructure/vault/key-ring.js';
import { SyntheticHistory } from '../../dist/sandbox/synthetic-history.js';

export const ORIGIN = 'bench.example/log';
const MASTER = new Uint8Array(32).fill(1);
const SECRET = new Uint8Array(32).fill(2);
const REGISTRANT = 'registrant-';

/** One append of a history, its registrant and streams named anew in every round, so that a short history made by the
 * real rules can be repeated for as long as a measurement takes. */
export interface Repeatable {
  readonly stream: string;
  readonly events: readonly NewEvent[];
  readonly expected: number | 'no_stream';
}

export function history(cases: number, registrants: number): Repeatable[] {
  return [...new SyntheticHistory({ seed: 4 }).appends(cases, { registrants })];
}

export function registrantsOf(appends: readonly Repeatable[]): string[] {
  return [
    ...new Set(
      appends.flatMap(({ stream }) => (stream.startsWith(REGISTRANT) ? [stream.slice(REGISTRANT.length)] : [])),
    ),
  ];
}

export function inRound(name: string, round: number): string {
  return round === 0 ? name : `${name}.${round}`;
}

/** A data folder as a server has it, without the server. */
export class World {
  readonly folder: string;

  private constructor(parent: string) {
    this.folder = mkdtempSync(path.join(parent, '.bench-audit-'));
  }

  /** @param parent a folder on a real disk: a temporary folder may be memory, which syncs nothing */
  static async create(parent: string): Promise<World> {
    const world = new World(parent);
    for (const folder of ['keys', 'vault', 'audit']) mkdirSync(path.join(world.folder, folder));
    writeFileSync(path.join(world.folder, 'keys/master.key'), MASTER);
    writeFileSync(path.join(world.folder, 'keys/server.secret'), SECRET);
    new KeyRing(world.keyRingFile, MASTER).close();
    await LogKeys.open({
      origin: ORIGIN,
      secretFolder: path.join(world.folder, 'keys/audit'),
      auditFolder: world.auditFolder,
    });
    return world;
  }

  get eventsFile(): string {
    return path.join(this.folder, 'events.db');
  }

  get auditFolder(): string {
    return path.join(this.folder, 'audit');
  }

  get log(): TileLog {
    return new TileLog(this.auditFolder);
  }

  get keyRingFile(): string {
    return path.join(this.folder, 'vault/keys.db');
  }

  builder(): ThreadedLogBuilder {
    return new ThreadedLogBuilder(
      { eventsFile: this.eventsFile },
      {
        auditFolder: this.auditFolder,
        origin: ORIGIN,
        signingKeyFolder: path.join(this.folder, 'keys/audit'),
        keyRingFile: this.keyRingFile,
        masterKey: MASTER,
        serverSecret: SECRET,
      },
    );
  }

  /** Keys of registrants. In a server each is there before the first event that names its registrant, because the
   * evidence of the certificate is sealed under it first. Made in memory where there is some: each costs two syncs
   * otherwise. */
  addRegistrants(names: Iterable<string>): void {
    const fast = existsSync('/dev/shm')
      ? mkdtempSync('/dev/shm/bench-audit-')
      : mkdtempSync(path.join(tmpdir(), 'bench-audit-'));
    copyFileSync(this.keyRingFile, path.join(fast, 'keys.db'));
    const ring = new KeyRing(path.join(fast, 'keys.db'), MASTER);
    for (const name of names) ring.keyFor(`registrant:${name}`);
    ring.close();
    copyFileSync(path.join(fast, 'keys.db'), this.keyRingFile);
    rmSync(fast, { recursive: true });
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

interface TextEvent {
  readonly stream: string;
  readonly revision: number;
  readonly id: string;
  readonly type: string;
  readonly schemaVersion: number;
  readonly data: string;
  readonly metadata: string;
}

/** Writes a long history straight into the tables of the event store, some 100,000 events a second: the same rows that
 * the store would write, without its answers and without waiting for the disk. */
export class HistoryWriter {
  private readonly events: readonly TextEvent[];
  private readonly registrants: readonly string[];
  private round = 0;
  private next = 0;
  private position = 0;
  private streams = new Map<string, number>();
  private streamNo = 0;

  private readonly world: World;

  constructor(world: World) {
    this.world = world;
    const appends = history(2000, 1000);
    this.registrants = registrantsOf(appends);
    const revisions = new Map<string, number>();
    this.events = appends.flatMap(({ stream, events }) =>
      events.map(({ id, type, schemaVersion, data, metadata }) => {
        const revision = (revisions.get(stream) ?? -1) + 1;
        revisions.set(stream, revision);
        return {
          stream,
          revision,
          id,
          type,
          schemaVersion,
          data: canonicalJson(data),
          metadata: canonicalJson(metadata as never),
        };
      }),
    );
  }

  /** Goes on until the store has so many events. */
  grow(size: number): void {
    const database = new DatabaseSync(this.world.eventsFile);
    database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF; PRAGMA cache_size = -64000');
    prepareSchema(database, this.world.eventsFile, 'write');
    const addStream = database.prepare('INSERT INTO streams (no, name) VALUES (?, ?)');
    const addEvent = database.prepare(
      'INSERT INTO events (position, stream_no, revision, id, type, schema_version, data, metadata, checksum) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)',
    );
    database.exec('BEGIN');
    while (this.position < size) {
      if (this.next === 0) this.world.addRegistrants(this.registrants.map((name) => inRound(name, this.round)));
      const event = this.events[this.next] as TextEvent;
      const stream = inRound(event.stream, this.round);
      // The key of a registrant stands before a quotation mark only where it is the whole value.
      const data = this.round === 0 ? event.data : event.data.replace(/("subjectKey":"[^"]+)"/, `$1.${this.round}"`);
      let no = this.streams.get(stream);
      if (no === undefined) {
        this.streams.set(stream, (no = this.streamNo += 1));
        addStream.run(no, stream);
      }
      const position = (this.position += 1);
      const { revision, id, type, schemaVersion } = event;
      // Cases of later rounds are cases of their own.
      const metadata =
        this.round === 0 ? event.metadata : event.metadata.replace(/("correlationId":"[^"]+)"/, `$1.${this.round}"`);
      addEvent.run(
        position,
        no,
        revision,
        id,
        type,
        schemaVersion,
        data,
        metadata,
        rowChecksum({ position, stream, revision, id, type, schema_version: schemaVersion, data, metadata }),
      );
      this.next += 1;
      if (this.next < this.events.length) continue;
      [this.next, this.round] = [0, this.round + 1];
      this.streams = new Map();
      database.exec('COMMIT; BEGIN');
    }
    database.exec('COMMIT; PRAGMA wal_checkpoint(TRUNCATE)');
    database.close();
  }
}
