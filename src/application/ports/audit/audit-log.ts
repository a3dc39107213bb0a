import type { Checkpoint } from '../../../domain/audit/log/checkpoint.js';
import type { NodeReader } from '../../../domain/audit/log/merkle-tree.js';
import type { Position } from '../../../domain/event-envelope.js';
import { LogDemand } from './log-demand.js';

/** What has been published of the audit log. */
export interface PublishedCheckpoint extends Checkpoint {
  /** The signed note as it was published. */
  readonly note: string;
}

/** Reads the published log: everything here is covered by a signed checkpoint. */
export abstract class AuditLog {
  /** Where somebody waits for the log, it is written at once instead of at its next turn. */
  readonly demand = new LogDemand();
  /** The newest checkpoint, or null before the first. */
  abstract checkpoint(): PublishedCheckpoint | null;
  /** An earlier checkpoint as it was published, or null when none of that size was. */
  abstract checkpointOf(size: number): PublishedCheckpoint | null;
  /** Hashes of the tree of `size` leaves. */
  abstract nodes(size: number): NodeReader;
  /** A leaf's text. @throws when the log has no such leaf. */
  abstract leaf(index: number): string;
  /** Leaves [from, to), read a bundle at a time. */
  abstract leaves(from: number, to: number): Iterable<string>;
  /** Position in the event store of the event behind a leaf. */
  abstract positionOf(index: number): Position;
  /** Place in the log of an event, or null when the log does not hold it yet. */
  abstract indexOf(position: Position): number | null;
  /** The newest checkpoint that witnesses have cosigned, with their lines, or null. */
  abstract cosigned(): PublishedCheckpoint | null;
  /** RFC 3161 answer over the checkpoint of this size (DER), or null. */
  abstract timestamp(size: number): Uint8Array | null;
  /** Sizes of the checkpoints that have a timestamp, ascending. */
  abstract timestamped(): readonly number[];
  /** A file of the public layout: `checkpoint` or a tile; null when it is not there or not part of it. */
  abstract file(path: string): Uint8Array | null;
}
