import type { ExpectedRevision } from '../../application/ports/store/event-store.js';
import { sameContent, type EncodedEvent } from './event-bytes.js';

/** An event of the stream whose id is among those to append. */
export interface KnownEvent extends EncodedEvent {
  readonly revision: number;
}

export type AppendDecision =
  | { readonly kind: 'write'; readonly firstRevision: number }
  | { readonly kind: 'repeat'; readonly lastRevision: number }
  | { readonly kind: 'conflict' }
  | { readonly kind: 'id_conflict'; readonly eventId: string };

/** Decides one append; the same rule in every store. Ids come first: a batch that is in the stream already, whole and
 * with the same content, is answered as written, whatever was appended since. Only then the expectation counts.
 * @param known events of this stream with one of the ids, in any order
 * @param actual the stream's last revision, or `no_stream` */
export function decideAppend(
  events: readonly EncodedEvent[],
  known: readonly KnownEvent[],
  expected: ExpectedRevision,
  actual: ExpectedRevision,
): AppendDecision {
  if (known.length > 0) return decideRepeat(events, known);
  if (expected !== actual) return { kind: 'conflict' };
  return { kind: 'write', firstRevision: actual === 'no_stream' ? 0 : actual + 1 };
}

function decideRepeat(events: readonly EncodedEvent[], known: readonly KnownEvent[]): AppendDecision {
  const byId = new Map(known.map((event) => [event.id, event]));
  const first = byId.get((events[0] as EncodedEvent).id);
  for (const [index, event] of events.entries()) {
    const stored = byId.get(event.id);
    const inPlace = first !== undefined && stored !== undefined && stored.revision === first.revision + index;
    if (!inPlace || !sameContent(stored, event)) return { kind: 'id_conflict', eventId: event.id };
  }
  return { kind: 'repeat', lastRevision: (first as KnownEvent).revision + events.length - 1 };
}
