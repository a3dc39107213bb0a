import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { rootHash, treeHasher } from '../../domain/audit/log/merkle-tree.js';
import { writeNote } from '../../domain/audit/log/signed-note.js';
import type { Position, StoredEvent } from '../../domain/event-envelope.js';
import { upcast } from '../../domain/event-registry.js';
import {
  digestOfRecords,
  publicationText,
  type CountedRecord,
} from '../../domain/publication/publication-certificate.js';
import {
  PUBLISHED_SOURCES,
  translate,
  type IntegrationEvent,
  type LeafPlace,
} from '../../domain/publication/published-language.js';
import { derivedId } from '../decisions/ids.js';
import { AuditLog, type PublishedCheckpoint } from '../ports/audit/audit-log.js';
import { CheckpointSigner } from '../ports/audit/checkpoint-signer.js';
import { PublicationDirectory } from '../ports/outside/publication-directory.js';
import { Clock } from '../ports/store/clock.js';
import { EventStore } from '../ports/store/event-store.js';
import { ReadModels } from '../ports/store/read-models.js';
import { TransientFailure } from '../subscriptions/subscription-handler.js';
import { AsyncApiSettings } from './asyncapi-settings.js';
import { PlacesInLog } from './places-in-log.js';

/** Entries that one certificate speaks of at most: a question costs that much reading. */
export const CERTIFIED_ENTRIES_MAX = 65_536;
const PAGE = 256;
const POLL_MS = 250;
const CATCH_UP_MS_MAX = 2_000;
const sha256 = (bytes: Uint8Array): Uint8Array => createHash('sha256').update(bytes).digest();
const hasher = treeHasher(sha256);

/** All facts of one entry of the log. An erasure has one for each registration that it reaches, or none. */
export interface FactsOfEntry {
  readonly leaf: LeafPlace;
  readonly facts: readonly IntegrationEvent[];
}

/** Everything that is published of the entries before this size was told. */
export interface FactsReached {
  readonly size: number;
}

export interface PublicationCertificate {
  readonly from: number;
  readonly to: number;
  readonly count: number;
  /** Signed `publicationText`. */
  readonly certificate: string;
  readonly successions: readonly string[];
  readonly losses: readonly string[];
}

/** The sizes are not ones that the log has. The message says which it has. */
export class SizesOutOfRangeError extends Error {}

/** What is published, in the order of the signed log: for who has no broker, and as a list that the log signs for who
 * has one. */
@Injectable()
export class PublishedFacts {
  constructor(
    private readonly store: EventStore,
    private readonly log: AuditLog,
    private readonly signer: CheckpointSigner,
    private readonly places: PlacesInLog,
    private readonly directory: PublicationDirectory,
    private readonly readModels: ReadModels,
    private readonly settings: AsyncApiSettings,
    private readonly clock: Clock,
  ) {}

  get source(): string {
    return this.settings.options.source;
  }

  /** Entries of the log now. */
  size(): number {
    return this.log.checkpoint()?.size ?? 0;
  }

  /** The facts of every entry from one on, then of new ones as they come, until the signal aborts. How far it is, is
   * told when the present end is reached, and after facts. */
  async *follow(from: number, signal: AbortSignal): AsyncIterable<FactsOfEntry | FactsReached> {
    let isNews = true;
    for (let next = from; !signal.aborted;) {
      const checkpoint = this.log.checkpoint();
      if (!checkpoint || checkpoint.size < next || (checkpoint.size === next && !isNews)) {
        await sleep(POLL_MS, undefined, { signal });
        continue;
      }
      for await (const entry of this.between(next, checkpoint)) {
        yield entry;
        isNews = true;
      }
      next = checkpoint.size;
      if (isNews) yield { size: next };
      isNews = false;
    }
  }

  /** What is published of the entries [from, to), under the log's signature.
   *  @param to absent: of all that are there
   *  @throws {SizesOutOfRangeError}, {SigningRefusedError}; {TransientFailure} while projections are behind */
  async certificate(from: number, to?: number): Promise<PublicationCertificate> {
    const checkpoint = this.log.checkpoint();
    const size = checkpoint?.size ?? 0;
    const end = to ?? size;
    if (!checkpoint || from > end || end > size)
      throw new SizesOutOfRangeError(`the log has ${size} entries: 0 <= from <= to <= ${size}`);
    if (end - from > CERTIFIED_ENTRIES_MAX)
      throw new SizesOutOfRangeError(
        `at most ${CERTIFIED_ENTRIES_MAX} entries at once: ask for one part after another`,
      );
    const nodes = this.log.nodes(size);
    const rootOf = (entries: number) => ({ size: entries, root: rootHash(hasher, nodes, entries) });
    const records: CountedRecord[] = [];
    for await (const { leaf, facts } of this.between(from, { ...checkpoint, size: end }))
      for (const { id, type, registrationId } of facts)
        records.push({ leafIndex: leaf.index, leafHash: leaf.hash, id, type, registrationId });
    const text = publicationText({
      origin: checkpoint.origin,
      from: rootOf(from),
      to: rootOf(end),
      source: this.source,
      count: records.length,
      recordsSha256: digestOfRecords(records, sha256),
      createdAtUtc: this.clock.nowUtc(),
    });
    return {
      from,
      to: end,
      count: records.length,
      certificate: writeNote({ text, signatures: this.signer.sign(text) }),
      successions: this.signer.successions(),
      losses: this.signer.losses(),
    };
  }

  /** Entries [from, checkpoint.size) that anything is published of. */
  private async *between(from: number, { size }: Pick<PublishedCheckpoint, 'size'>): AsyncIterable<FactsOfEntry> {
    if (size <= from) return;
    const last = this.log.positionOf(size - 1);
    for (let after = from === 0 ? null : this.log.positionOf(from - 1); ;) {
      const page = await this.store.readAll(after, { filter: { types: PUBLISHED_SOURCES }, limit: PAGE });
      const events = page.events.filter(({ position }) => position <= last);
      const places = this.places.now(events.map(({ position }) => position));
      for (const [i, event] of events.entries()) {
        const leaf = places[i] as LeafPlace;
        const facts = await this.factsOf(event, leaf);
        if (facts.length > 0) yield { leaf, facts };
      }
      const isOver = page.caughtUp || page.position === null || page.position >= last;
      if (isOver || page.position === after) return;
      after = page.position as Position;
    }
  }

  private async factsOf(stored: StoredEvent, leaf: LeafPlace): Promise<readonly IntegrationEvent[]> {
    const event = upcast(stored);
    if (event.type === 'RegistrantErased' && !(await this.readModels.caughtUpTo(event.position, CATCH_UP_MS_MAX)))
      throw new TransientFailure('the projections have not reached an erasure yet');
    const registrationsOfRegistrant =
      event.type === 'RegistrantErased' ? this.directory.registrationsOfErasure(event.id) : [];
    const idOf = (...parts: readonly string[]): string => derivedId('published', ...parts);
    return translate(event, { registrationsOfRegistrant, isForgotten: true, idOf, leaf }).events;
  }
}
