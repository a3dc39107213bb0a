import type { EventStore } from '../../../application/ports/store/event-store.js';
import type { Pseudonyms } from '../../../application/ports/audit/pseudonyms.js';
import type { SignedState } from '../../../application/ports/audit/signed-log.js';
import type { Person } from '../../../domain/audit/log/commitment.js';
import { leafText, type StoredText, type TokenOf } from '../../../domain/audit/log/leaf.js';
import type { JsonObject, Position, StoredEvent } from '../../../domain/event-envelope.js';
import { canonicalJson } from '../../../domain/values/canonical-json.js';
import type { TileWriter } from './tile-writer.js';

/** Leaves of one checkpoint: sixteen full bundles, about 3 MB. More would only take longer to be published. */
export const LEAVES_PER_STEP = 4096;

/** What one step did. */
export interface LogStep {
  /** Store position of the newest event in the log, or null when the log is empty. */
  readonly last: Position | null;
  /** Leaves that this step published. */
  readonly leaves: number;
  /** True when the store had more. */
  readonly isMore: boolean;
}

/** Brings the log forward from its own last event on. After an error nothing of the failed step is published, and the
 * next step begins with what is on disk. */
export interface LogBuilder {
  /** Publishes the next events of the store under one checkpoint. At the end of the store it does nothing. */
  step(): Promise<LogStep>;
  /** Compares what lies on the disk with what was signed before; later steps hold it against the recorded states too.
   *  @throws {AuditLogForkError} in words that say what to restore */
  check(recorded: readonly SignedState[]): Promise<void>;
  close(): Promise<void>;
}

/** An event on its way to the log. */
export type TextAtPosition = StoredText & { readonly position: Position };

/** The stored texts of an event: canonical JSON of a value is the text that was stored for it. */
export function storedText({ stream, revision, id, type, schemaVersion, data, metadata }: StoredEvent): StoredText {
  return {
    stream,
    revision,
    id,
    type,
    schemaVersion,
    data: canonicalJson(data),
    metadata: canonicalJson(metadata as unknown as JsonObject),
  };
}

/** Tokens for one step: a registrant's is made once per step, because opening a key costs more than everything else
 * that is done with an event. Within a step nobody's key can come or go that the log knows of; beyond it nothing of an
 * erased person is remembered. */
export function tokensOfAStep(pseudonyms: Pseudonyms): TokenOf {
  const registrants = new Map<string, string>();
  return (person: Person) => {
    if (person.kind !== 'registrant') return pseudonyms.tokenOf(person);
    let token = registrants.get(person.id);
    if (token === undefined) registrants.set(person.id, (token = pseudonyms.tokenOf(person)));
    return token;
  };
}

/** Builds the log on the calling thread, out of any store. For tools and tests; a server uses `ThreadedLogBuilder`. */
export class PlainLogBuilder implements LogBuilder {
  private writer: TileWriter | null = null;
  private recorded: readonly SignedState[] = [];

  constructor(
    private readonly store: EventStore,
    private readonly pseudonyms: Pseudonyms,
    private readonly openWriter: (recorded: readonly SignedState[]) => TileWriter,
    private readonly leavesPerStep = LEAVES_PER_STEP,
  ) {}

  async step(): Promise<LogStep> {
    try {
      const writer = (this.writer ??= this.openWriter(this.recorded));
      const { events } = await this.store.readAll(writer.lastPosition(), { limit: this.leavesPerStep });
      const tokenOf = tokensOfAStep(this.pseudonyms);
      writer.publish(events.map((event) => ({ text: leafText(storedText(event), tokenOf), position: event.position })));
      return { last: writer.lastPosition(), leaves: events.length, isMore: events.length === this.leavesPerStep };
    } catch (error) {
      // Half a step is in memory: the next one begins with what is on disk.
      this.writer = null;
      throw error;
    }
  }

  async check(recorded: readonly SignedState[]): Promise<void> {
    this.recorded = recorded;
    try {
      (this.writer ??= this.openWriter(recorded)).check(recorded);
    } catch (error) {
      this.writer = null;
      throw error;
    }
  }

  async close(): Promise<void> {
    this.writer = null;
  }
}
