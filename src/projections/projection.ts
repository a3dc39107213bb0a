import type { StoredEvent } from '../domain/event-envelope.js';

export type SqlValue = string | number | bigint | null | Uint8Array;

/** What a projection may do with its rows: plain SQL on its own tables, inside the transaction that also stores its
 * position. */
export interface ReadModelTransaction {
  run(sql: string, ...params: SqlValue[]): void;
  get<Row>(sql: string, ...params: SqlValue[]): Row | undefined;
  all<Row>(sql: string, ...params: SqlValue[]): Row[];
}

/** A read model: events in, rows out. Disposable: rebuilt from zero at any time, with an equal result. SQL names its
 * tables as `{table}` placeholders, so that a rebuild can write beside the rows that are being served. */
export interface Projection {
  /** Name of the consumer. Data: never renamed. */
  readonly name: string;
  /** Raised when the rows change meaning; a new version is rebuilt from zero. */
  readonly version: number;
  /** Tables that belong to this projection: name → column definitions (the part in parentheses of CREATE TABLE; the
   * table is STRICT) and indexes (the column list of each). A table that says PRIMARY KEY is compared after a rebuild
   * in that order. */
  readonly tables: Readonly<Record<string, { readonly columns: string; readonly indexes?: readonly string[] }>>;
  /** Stored names that it reads. */
  readonly handles: readonly string[];
  /** Applies one (upcast) event. Synchronous, total, without clock and without anything but the event and its own
   * rows. */
  apply(rows: ReadModelTransaction, event: StoredEvent): void;
}
