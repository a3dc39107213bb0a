import type { LeafEvent } from '../../domain/audit/log/leaf.js';
import { parseLeaf } from '../../domain/audit/log/leaf.js';
import type { AsOf } from '../../domain/audit/lists/list-certificate.js';
import type { Position } from '../../domain/event-envelope.js';
import type { AuditLog, PublishedCheckpoint } from '../ports/audit/audit-log.js';

/** A moment as people ask for it: an instant, a place in the log, or now. */
export type AskedMoment = { readonly atUtc: string } | { readonly position: number } | 'now';

/** Where the log begins and ends, for who asked for a moment outside of it. */
export interface LogSpan {
  readonly first: { readonly position: number; readonly atUtc: string };
  readonly last: { readonly position: number; readonly atUtc: string };
}

/** The moment is not one that the log can tell of. The message says what can be asked for. */
export class MomentOutOfRangeError extends Error {
  constructor(
    message: string,
    readonly span: LogSpan,
  ) {
    super(message);
  }
}

/** There is no signed log to speak about. */
export class NoCheckpointError extends Error {
  constructor() {
    super('the audit log has no checkpoint yet');
  }
}

const POLL_MS = 5;

/** The moment in the log of a checkpoint.
 *  @throws {MomentOutOfRangeError} for what lies before the first event, after the last one, or in the future */
export function momentIn(log: Pick<AuditLog, 'leaf'>, size: number, moment: AskedMoment, nowUtc: string): AsOf {
  if (moment === 'now') return { position: size - 1 };
  const span = {
    first: { position: 0, atUtc: recordedAt(log, 0) },
    last: { position: size - 1, atUtc: recordedAt(log, size - 1) },
  };
  if ('position' in moment) {
    if (moment.position < size) return moment;
    throw new MomentOutOfRangeError(`the log has ${size} entries: positions go from 0 to ${size - 1}`, span);
  }
  const atMs = Date.parse(moment.atUtc);
  if (atMs > Date.parse(nowUtc))
    throw new MomentOutOfRangeError(`${moment.atUtc} is in the future; it is ${nowUtc} now`, span);
  if (atMs < Date.parse(span.first.atUtc))
    throw new MomentOutOfRangeError(
      `${moment.atUtc} is before the first event of the log, which is of ${span.first.atUtc}`,
      span,
    );
  return { atUtc: moment.atUtc };
}

/** A bound of a question between two moments that lay outside of the log, and what was taken instead. */
export interface ClippedMoment {
  readonly bound: 'from' | 'to';
  readonly asked: { readonly atUtc: string } | { readonly position: number };
  readonly why: 'before_the_first_event' | 'after_the_latest_event';
}

/** A bound of a question between two moments, in the log of a checkpoint. Before the first event nothing was known, which is an answer; after the newest
 * one nobody knows yet, so that what is known now is taken, and said. */
export function boundIn(
  log: Pick<AuditLog, 'leaf'>,
  size: number,
  { bound, moment, nowUtc }: { readonly bound: 'from' | 'to'; readonly moment: AskedMoment; readonly nowUtc: string },
): { readonly asOf: AsOf; readonly clipped: ClippedMoment | null } {
  const newest = { position: size - 1 };
  if (moment === 'now') return { asOf: newest, clipped: null };
  const isAfter = 'position' in moment ? moment.position >= size : Date.parse(moment.atUtc) > Date.parse(nowUtc);
  if (isAfter) return { asOf: newest, clipped: { bound, asked: moment, why: 'after_the_latest_event' } };
  const isBefore = 'atUtc' in moment && Date.parse(moment.atUtc) < Date.parse(recordedAt(log, 0));
  return { asOf: moment, clipped: isBefore ? { bound, asked: moment, why: 'before_the_first_event' } : null };
}

/** Waits until the signed log holds everything up to a position.
 *  @returns the newest checkpoint, which may still be behind after the time limit; null when there is none */
export async function caughtUpLog(
  log: AuditLog,
  head: Position | null,
  limitMs: number,
): Promise<PublishedCheckpoint | null> {
  const deadline = performance.now() + limitMs;
  for (;;) {
    const checkpoint = log.checkpoint();
    const isCovered =
      head === null || (checkpoint !== null && checkpoint.size > 0 && log.positionOf(checkpoint.size - 1) >= head);
    if (isCovered || performance.now() >= deadline) return checkpoint;
    log.demand.raise();
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

export function leafAt(log: Pick<AuditLog, 'leaf'>, index: number): LeafEvent {
  const leaf = parseLeaf(log.leaf(index));
  if (!leaf) throw new Error(`leaf ${index} is not an event; run './honnin audit fsck'`);
  return leaf;
}

function recordedAt(log: Pick<AuditLog, 'leaf'>, index: number): string {
  return leafAt(log, index).metadata.recordedAtUtc;
}
