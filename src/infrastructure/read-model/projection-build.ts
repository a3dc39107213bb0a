import { createHash } from 'node:crypto';
import type { DatabaseSync } from 'node:sqlite';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { StoredEvent } from '../../domain/event-envelope.js';
import type { Projection, ReadModelTransaction, SqlValue } from '../../projections/projection.js';
import type { ReadModelDatabase } from './read-model-database.js';

/** The rows of a build, reduced to something that can be compared. */
export interface BuildDigest {
  readonly sha256: string;
  readonly rows: number;
}

/** One set of tables of one projection. A rebuild writes a second set beside the one that is served. */
export class ProjectionBuild {
  private readonly resolved = new Map<string, string>();
  private readonly rows: ReadModelTransaction;

  constructor(
    private readonly database: ReadModelDatabase,
    readonly projection: Projection,
    readonly build: number,
  ) {
    this.rows = {
      run: (sql, ...params) => void database.statement(this.sql(sql)).run(...params),
      get: <Row>(sql: string, ...params: SqlValue[]) =>
        database.statement(this.sql(sql)).get(...params) as Row | undefined,
      all: <Row>(sql: string, ...params: SqlValue[]) => database.statement(this.sql(sql)).all(...params) as Row[],
    };
  }

  /** Names of the real tables, for the day when this program no longer knows the projection and they are dropped. */
  tableNames(): string[] {
    return Object.keys(this.projection.tables).map((table) => this.tableName(table));
  }

  /** Creates tables and indexes. Inside a write transaction. */
  createTables(): void {
    for (const [table, { columns, indexes }] of Object.entries(this.projection.tables)) {
      this.database.execute(`CREATE TABLE ${quoted(this.tableName(table))} (${columns}) STRICT`);
      for (const [n, index] of (indexes ?? []).entries())
        this.database.execute(
          `CREATE INDEX ${quoted(`${this.tableName(table)}/${n}`)} ON ${quoted(this.tableName(table))} (${index})`,
        );
    }
  }

  /** Applies events to the rows. Inside a write transaction. */
  apply(events: readonly StoredEvent[]): void {
    for (const event of events) this.projection.apply(this.rows, event);
  }

  /** Replaces `{table}` by the table of this build. @throws {Error} when the projection has no such table. */
  sql(template: string): string {
    let sql = this.resolved.get(template);
    if (sql === undefined) {
      sql = template.replace(/\{(\w+)\}/g, (_, table: string) => {
        if (!Object.hasOwn(this.projection.tables, table))
          throw new Error(`projection ${this.projection.name} has no table ${table}`);
        return quoted(this.tableName(table));
      });
      this.resolved.set(template, sql);
    }
    return sql;
  }

  /** SHA-256 over all rows in an order that does not depend on when they were written: by primary key, or by all
   * columns where a table has none. Types count: 1 and 1.0 and '1' are different.
   * @param snapshot a connection inside a read transaction */
  async digest(snapshot: DatabaseSync): Promise<BuildDigest> {
    const hash = createHash('sha256');
    let rows = 0;
    for (const table of Object.keys(this.projection.tables).sort()) {
      const columns = snapshot.prepare(`PRAGMA table_info(${quoted(this.tableName(table))})`).all() as {
        name: string;
        pk: number;
      }[];
      const names = columns.map((column) => quoted(column.name));
      const key = columns.filter((column) => column.pk > 0).sort((a, b) => a.pk - b.pk);
      hash.update(`${table} ${names.join(' ')}\n`);
      const select = snapshot.prepare(
        `SELECT ${names.join(', ')} FROM ${quoted(this.tableName(table))} ORDER BY ${(key.length > 0 ? key.map((column) => quoted(column.name)) : names).join(', ')}`,
      );
      select.setReadBigInts(true);
      select.setReturnArrays(true);
      for (const row of select.iterate() as Iterable<unknown>) {
        hash.update(`${(row as SqlValue[]).map(canonicalValue).join(' ')}\n`);
        rows += 1;
        if (rows % 2000 === 0) await nextTurn();
      }
    }
    return { sha256: hash.digest('hex'), rows };
  }

  private tableName(table: string): string {
    return `${this.projection.name}/${table}/${this.build}`;
  }
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

function canonicalValue(value: SqlValue): string {
  if (value === null) return 'n';
  if (typeof value === 'bigint') return `i${value}`;
  if (typeof value === 'number') return `r${value}`;
  if (typeof value === 'string') return `t${JSON.stringify(value)}`;
  return `b${Buffer.from(value).toString('hex')}`;
}
