import { appendKnown } from '../../../application/decisions/decide-and-append.js';
import { EVENT_LIMITS, type EventStore } from '../../../application/ports/store/event-store.js';
import type { JsonObject, Position, StoredEvent } from '../../../domain/event-envelope.js';
import { canonicalJson } from '../../../domain/values/canonical-json.js';
import { StoredEvents, type StoredRow } from '../../audit/log/stored-events.js';
import { sameContent, type EncodedEvent } from '../event-bytes.js';

const PAGE = 1000;

/** What a store elsewhere holds is not the beginning of the log that is to be written into it. */
export class OtherLogError extends Error {}

/** Compares what a store holds with the events of a file, from the first one on. Nothing, or the beginning of them, is
 *  what a writing that was cut short leaves.
 *  @param mayFollow whether an event may come after all of them
 *  @returns how many of them it holds. @throws {OtherLogError} where it holds anything else */
export async function assertBeginningOf(
  file: string,
  store: EventStore,
  mayFollow: (event: StoredEvent) => boolean = () => false,
): Promise<number> {
  return (await comparedWith(file, store, mayFollow)).length;
}

/** Writes the events of a file into a store elsewhere that is empty or holds the beginning of them, in their order and
 *  with their ids, revisions and texts, reads all of it again and compares. Positions are the store's own.
 *  @returns the position of each event, in their order */
export async function moveLog(file: string, store: EventStore): Promise<readonly Position[]> {
  const there = await assertBeginningOf(file, store);
  const events = StoredEvents.open(file);
  let count = 0;
  try {
    let run: StoredRow[] = [];
    for (let last = 0; ;) {
      const rows = events.after(last, PAGE);
      for (const row of rows) {
        count += 1;
        if (count <= there) continue;
        if (run.length === EVENT_LIMITS.eventsPerAppend || (run[0] && run[0].stream !== row.stream)) {
          await append(store, run);
          run = [];
        }
        run.push(row);
      }
      last = rows.at(-1)?.position ?? last;
      if (rows.length < PAGE) break;
    }
    if (run.length > 0) await append(store, run);
  } finally {
    events.close();
  }
  const positions = await comparedWith(file, store, () => false);
  if (positions.length !== count)
    throw new OtherLogError(`the store holds ${positions.length} of ${count} events after they were written`);
  return positions;
}

async function append(store: EventStore, rows: readonly StoredRow[]): Promise<void> {
  const { stream, revision } = rows[0] as StoredRow;
  const events = rows.map(({ id, type, schemaVersion, data, metadata }) => ({
    id,
    type,
    schemaVersion,
    data: JSON.parse(data) as JsonObject,
    metadata: JSON.parse(metadata) as StoredEvent['metadata'],
  }));
  const { outcome } = await appendKnown(store, stream, events, revision === 0 ? 'no_stream' : revision - 1);
  if (outcome !== 'appended') throw new OtherLogError(`somebody else writes into the store: ${stream} was changed`);
}

/** @returns the positions of what is there. @throws {OtherLogError} where it is not the beginning of the file */
async function comparedWith(
  file: string,
  store: EventStore,
  mayFollow: (event: StoredEvent) => boolean,
): Promise<Position[]> {
  const events = StoredEvents.open(file);
  const positions: Position[] = [];
  let [after, last]: [Position | null, number] = [null, 0];
  try {
    for (;;) {
      const page = await store.readAll(after, { limit: PAGE });
      const rows = page.events.length === 0 ? [] : events.after(last, page.events.length);
      for (const [index, event] of page.events.entries()) {
        if (rows[index] === undefined && mayFollow(event)) continue;
        if (!isSame(event, rows[index]))
          throw new OtherLogError(
            `the store holds ${event.type} ${event.id} in ${event.stream} as its event ${positions.length + 1}, and ` +
              `the backup has ${rows[index] ? `${rows[index].type} ${rows[index].id}` : 'no more'} there`,
          );
        positions.push(event.position);
      }
      last = rows.at(-1)?.position ?? last;
      after = page.position;
      if (page.caughtUp) return positions;
    }
  } finally {
    events.close();
  }
}

/** The time of an erasure that a restore carries out again may differ from one try to the next. */
function isSame(event: StoredEvent, row: StoredRow | undefined): boolean {
  if (row === undefined || event.stream !== row.stream || event.revision !== row.revision) return false;
  const { id, type, schemaVersion } = event;
  const encoded: EncodedEvent = {
    id,
    type,
    schemaVersion,
    data: canonicalJson(event.data),
    metadata: canonicalJson({ ...event.metadata }),
  };
  return event.id === row.id && sameContent(encoded, row);
}
