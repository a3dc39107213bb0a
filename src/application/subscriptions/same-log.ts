import type { Position } from '../../domain/event-envelope.js';
import type { EventAnchor, EventStore } from '../ports/store/event-store.js';
import type { StoredPosition } from '../ports/store/position-store.js';

/** The log is not the one that a position was taken in: events were lost, an older copy was put back, or it is
 *  another. */
export class LogDiffersError extends Error {}

/** What to do. */
const RESTORE = "restore the newest copy of it, or let two administrators accept the loss ('./honnin recover')";

/** Compares a stored position with the log: it must reach that far, and hold the very event there.
 *  @param whose for the words
 *  @throws {LogDiffersError} */
export async function assertSameLog(store: EventStore, whose: string, stored: StoredPosition): Promise<void> {
  if (stored.anchor) return assertAnchored(store, whose, stored.anchor);
  // Stored before positions knew their events: that the log reaches so far is all that can be asked.
  const head = await store.head();
  if (head === null || head < stored.position) {
    const ends = `the event log ends at ${String(head)}, before position ${stored.position} of ${whose}`;
    throw new LogDiffersError(`${ends}: events were lost, or this is another log; ${RESTORE}`);
  }
}

/** @throws {LogDiffersError} when the log has another event, or none, at the anchor's position. */
export async function assertAnchored(store: EventStore, whose: string, anchor: EventAnchor): Promise<void> {
  const found = await store.anchorAt(anchor.position);
  if (found?.position === anchor.position && found.id === anchor.id) return;
  const end = found ? `ends at position ${found.position}` : 'is empty';
  if (found?.position !== anchor.position && (await isEnd(store, found))) {
    throw new LogDiffersError(
      `the event log ${end}, before event ${anchor.id} at position ${anchor.position} of ${whose}: events were lost, or ` +
        `this is another log; ${RESTORE}`,
    );
  }
  const there = found?.position === anchor.position ? `event ${found.id}` : 'no event';
  throw new LogDiffersError(
    `the event log has ${there} at position ${anchor.position} where ${whose} saw event ${anchor.id}: an older copy was ` +
      `put back, or this is another log; ${RESTORE}`,
  );
}

/** Whether the log goes on after this event, for the words. */
async function isEnd(store: EventStore, found: EventAnchor | null): Promise<boolean> {
  const head = await store.head();
  return head === null || (found !== null && head <= found.position);
}

/** The event at a position that somebody's own record names. @throws {LogDiffersError} when the log has none there. */
export async function eventAt(store: EventStore, whose: string, position: Position): Promise<EventAnchor> {
  const anchor = await store.anchorAt(position);
  if (anchor?.position === position) return anchor;
  throw new LogDiffersError(
    `${whose} knows an event at position ${position}, and the event log has none there: events were lost, or this is ` +
      `another log; ${RESTORE}`,
  );
}
