/** A part of the server that follows the log, where it met an event that it could not take. Events are named by their
 *  ids, because the name of a stream can be a person's. */
export type ConsumerEvent =
  /** It could not be handled. It waits, with later ones of the same case; other cases go on. */
  | { readonly type: 'EventParked'; readonly data: { readonly eventId: string; readonly eventType: string } }
  /** It could not be handled, and the order of everything after it matters: the consumer stands still before it. */
  | { readonly type: 'ConsumerStopped'; readonly data: { readonly eventId: string; readonly eventType: string } }
  /** Somebody lets it try again after what was in the way has been put right. */
  | { readonly type: 'ConsumerResumed'; readonly data: { readonly by: string } }
  /** Somebody has events handled that were parked: this one and what waits behind it. */
  | { readonly type: 'ParkedReplayed'; readonly data: { readonly eventId: string; readonly by: string } }
  /** Two people agreed that the consumer goes past it where it still cannot take it. */
  | { readonly type: 'EventSkipped'; readonly data: { readonly eventId: string; readonly by: string } }
  /** The log holds a kind or a version of event that the program does not know: a later one has written it. */
  | { readonly type: 'UnknownEventMet'; readonly data: { readonly eventType: string; readonly schemaVersion: number } };
