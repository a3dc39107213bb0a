import { EVENT_CONTRACTS, parseSchemaId, type EventContract } from '../../domain/publication/event-contracts.js';
import { PUBLISHED_SOURCES, translate } from '../../domain/publication/published-language.js';
import { incompatibilities, type Incompatibility } from '../../domain/publication/schema-compatibility.js';
import type { JsonObject, Position, StoredEvent } from '../../domain/event-envelope.js';
import { upcast } from '../../domain/event-registry.js';
import { derivedId } from '../decisions/ids.js';
import type { EventStore } from '../ports/store/event-store.js';
import { SkippedEvents } from '../subscriptions/skipped-events.js';
import { RELAY } from './publication-relay.js';

export type SchemaVerdict =
  /** The same as a published revision. */
  | { readonly verdict: 'published' }
  /** May be published: a further revision of its version. */
  | { readonly verdict: 'compatible' }
  /** Another version, or a type that there was not: nothing has to be compatible. */
  | { readonly verdict: 'new_version' | 'new_type' }
  | { readonly verdict: 'refused'; readonly problems: readonly string[] };

/** Judges a candidate against every published revision of its version (transitively, in both directions).
 *  @param candidate JSON Schema whose `$id` says type, version and revision
 *  @param published every revision that was ever published */
export function judgeSchema(candidate: JsonObject, published: readonly EventContract[]): SchemaVerdict {
  const id = parseSchemaId(String(candidate['$id'] ?? ''));
  if (!id)
    return {
      verdict: 'refused',
      problems: [
        `$id must be urn:honnin:schema:<type>.v<version>:<revision>, it is ${JSON.stringify(candidate['$id'] ?? null)}`,
      ],
    };
  const known = published
    .map((contract) => ({ ...contract, id: parseSchemaId(String(contract.schema['$id'])) }))
    .filter((contract) => contract.id?.name === id.name);
  if (known.length === 0) return { verdict: 'new_type' };
  const ofVersion = known.filter(({ type }) => type === id.type).sort((a, b) => a.revision - b.revision);
  const newestVersion = Math.max(...known.map((contract) => contract.id?.version ?? 0));
  if (ofVersion.length === 0)
    return id.version === newestVersion + 1 && id.revision === 1
      ? { verdict: 'new_version' }
      : {
          verdict: 'refused',
          problems: [
            `the next version is v${newestVersion + 1}, revision 1; this is v${id.version}, revision ${id.revision}`,
          ],
        };
  const problems = ofVersion.flatMap(({ revision, schema }) =>
    incompatibilities(schema, candidate).map((difference) => describe(revision, difference)),
  );
  const same = ofVersion.find(({ revision }) => revision === id.revision);
  if (same && JSON.stringify(same.schema) === JSON.stringify(candidate)) return { verdict: 'published' };
  const newest = ofVersion.at(-1)?.revision ?? 0;
  if (id.revision !== newest + 1)
    problems.push(`a published revision is never changed: give this one the revision ${newest + 1}`);
  if (problems.length > 0)
    return {
      verdict: 'refused',
      problems: [...problems, `what changes the meaning is a new version: ${id.name}.v${newestVersion + 1}`],
    };
  return { verdict: 'compatible' };
}

export interface SchemaRun {
  /** Stored events that were read, and how many of them are published as the type. */
  readonly stored: number;
  readonly ofType: number;
  readonly firstFailure: {
    readonly position: Position;
    readonly eventId: string;
    readonly storedType: string;
    readonly error: string;
  } | null;
}

/** Runs a schema against every event ever stored, as it is published, and stops at the first that does not fit.
 *  @param type the published type whose data is to fit
 *  @param problemOf null when the data fits, otherwise what does not */
export async function runSchema(
  store: EventStore,
  type: string,
  problemOf: (data: JsonObject) => string | null,
): Promise<SchemaRun> {
  const registrants = new Map<string, string[]>();
  const skipped = new SkippedEvents(store, RELAY);
  const factsOf = async (raw: StoredEvent) => {
    try {
      const event = upcast(raw);
      return publishedData(event, type, registrants).map((data) => ({ event, data }));
    } catch (error) {
      await skipped.goPast(raw, error);
      return [];
    }
  };
  let [stored, ofType] = [0, 0];
  for (let after: Position | null = null; ;) {
    const page = await store.readAll(after, { filter: { types: PUBLISHED_SOURCES }, limit: 4096 });
    for (const raw of page.events) {
      stored += 1;
      for (const { event, data } of await factsOf(raw)) {
        ofType += 1;
        const error = problemOf(data);
        if (error !== null)
          return {
            stored,
            ofType,
            firstFailure: { position: event.position, eventId: event.id, storedType: event.type, error },
          };
      }
    }
    if (page.caughtUp || page.position === null || page.position === after)
      return { stored, ofType, firstFailure: null };
    after = page.position;
  }
}

/** The type whose data the log has: for a new version, the one before it. */
export function storedTypeFor(candidateType: string): string | null {
  if (Object.hasOwn(EVENT_CONTRACTS, candidateType)) return candidateType;
  const match = /^(.*\.v)([1-9]\d*)$/.exec(candidateType);
  const earlier = match ? `${match[1]}${Number(match[2]) - 1}` : '';
  return Object.hasOwn(EVENT_CONTRACTS, earlier) ? earlier : null;
}

function publishedData(event: StoredEvent, type: string, registrants: Map<string, string[]>): JsonObject[] {
  if (event.type === 'CertificateVerified') {
    const stream = `registrant-${String(event.data['subjectKey'])}`;
    registrants.set(stream, [...(registrants.get(stream) ?? []), event.metadata.correlationId]);
  }
  const registrationsOfRegistrant = event.type === 'RegistrantErased' ? (registrants.get(event.stream) ?? []) : [];
  const { events, statuses } = translate(event, {
    registrationsOfRegistrant,
    isForgotten: false,
    idOf: (...parts) => derivedId('published', ...parts),
  });
  return [...events, ...statuses].filter((fact) => fact.type === type).map(({ data }) => data);
}

function describe(revision: number, { at, problem }: Incompatibility): string {
  return `revision ${revision}, ${at}: ${problem}`;
}
