import type { Json, JsonObject } from '../../event-envelope.js';
import { canonicalJson } from '../../values/canonical-json.js';
import { isInstant } from '../../values/instant.js';
import { fromBase64, toBase64 } from '../log/bytes.js';
import { HASH_BYTES, type Hash } from '../log/merkle-tree.js';
import { LISTS, type DrawnRow, type ListName, type RecordedSpan } from './list-drawer.js';

/** First line of every certificate of a list. It has spaces, so it is no origin, and the line after it is no number: a
 * certificate can never be read as a checkpoint, nor as the certificate of a bundle. */
const LABEL = 'honnin list certificate v1';

/** What is asked of a list besides its name. Each list knows some of these; the others do not restrict it. */
export interface ListFilter {
  /** `requests`, `holds`: only of this booth. */
  readonly boothId?: string;
  /** `requests`: only in this stage. */
  readonly stage?: string;
  /** `holds`: `resolved` gives those too; absent: open ones only. */
  readonly include?: 'resolved';
  /** `accesses`, and the lists of what was done: only of this request. */
  readonly requestId?: string;
  /** Lists that have a time (`TIME_OF`): only rows of that instant or later, and of that instant or earlier. UTC. */
  readonly from?: string;
  readonly to?: string;
}

/** Filters that a list understands. */
export const FILTERS_OF: Readonly<Record<ListName, readonly (keyof ListFilter)[]>> = {
  requests: ['boothId', 'stage', 'from', 'to'],
  holds: ['boothId', 'include', 'from', 'to'],
  booths: [],
  acts: ['from', 'to'],
  policies: [],
  accesses: ['requestId', 'from', 'to'],
  dashboard: [],
  decisions: ['boothId', 'requestId', 'from', 'to'],
  erasures: ['requestId', 'from', 'to'],
  exports: ['requestId', 'from', 'to'],
};

/** The member by which rows lie between two moments. */
export const TIME_OF: Readonly<Partial<Record<ListName, string>>> = {
  requests: 'receivedAtUtc',
  holds: 'openedAtUtc',
  acts: 'proposedAtUtc',
  accesses: 'atUtc',
  decisions: 'atUtc',
  erasures: 'atUtc',
  exports: 'atUtc',
};

/** A bound that lay outside of what the log can tell of, and what was taken instead. */
export interface ClippedBound {
  readonly bound: 'from' | 'to';
  readonly askedUtc: string;
  /** `from`: when the first event was recorded; `to`: when the latest was. */
  readonly usedUtc: string;
  readonly why: 'before_the_first_event' | 'after_the_latest_event';
}

/** Bounds as the log can tell of them. Nobody knows what will be recorded tomorrow: a list that was asked for until
 * then speaks until the latest event, and says so.
 * @param recorded of the events that count; null: there are none, and no bound can be met */
export function clippedBounds(
  filter: ListFilter,
  recorded: RecordedSpan | null,
): { readonly filter: ListFilter; readonly clipped: readonly ClippedBound[] } {
  if (recorded === null) return { filter, clipped: [] };
  const { earliestUtc, latestUtc } = recorded;
  const clipped: ClippedBound[] = [];
  if (filter.from !== undefined && Date.parse(filter.from) < Date.parse(earliestUtc))
    clipped.push({ bound: 'from', askedUtc: filter.from, usedUtc: earliestUtc, why: 'before_the_first_event' });
  if (filter.to !== undefined && Date.parse(filter.to) > Date.parse(latestUtc))
    clipped.push({ bound: 'to', askedUtc: filter.to, usedUtc: latestUtc, why: 'after_the_latest_event' });
  const used = Object.fromEntries(clipped.map(({ bound, usedUtc }) => [bound, usedUtc]));
  return { filter: { ...filter, ...used }, clipped };
}

/** Up to which event a list speaks: the first `position + 1` entries, or those entries of the tree that were recorded
 * until an instant (inclusive). */
export type AsOf = { readonly position: number } | { readonly atUtc: string };

/** What a server states about a list: that these are all its rows, as the log of this tree gives them. */
export interface ListClaim {
  readonly origin: string;
  /** The tree that it speaks about: everything in it was looked at. */
  readonly treeSize: number;
  readonly root: Hash;
  readonly list: ListName;
  /** The filter as it was asked. */
  readonly query: JsonObject;
  readonly asOf: AsOf;
  /** Entries of the tree that count at that moment. */
  readonly events: number;
  /** Policy in force at that moment. */
  readonly policyVersion: number | null;
  /** Rows of the whole list, on all its pages. */
  readonly count: number;
  /** SHA-256 of the canonical JSON of all rows, hex. */
  readonly rowsSha256: string;
  /** The page that this certificate came with: its first row, its number of rows, SHA-256 of their canonical JSON. */
  readonly page: { readonly offset: number; readonly rows: number; readonly sha256: string };
  readonly createdAtUtc: string;
  /** SHA-256 of what else came with the page (`coveredByListCertificate`), hex; null for lists of versions that did not
   * state it. */
  readonly answerSha256: string | null;
}

/** A page of a list as it is handed over, and as it is kept in a file. */
export interface CertifiedPage {
  readonly list: ListName;
  readonly query: JsonObject;
  readonly rows: readonly JsonObject[];
  /** Signed `listCertificateText`. */
  readonly certificate: string;
  /** The signed checkpoint of the tree that the certificate speaks about. */
  readonly checkpoint: string;
  /** Notes in which a key of the log vouches for the next. */
  readonly successions: readonly string[];
  /** Who the tokens in the rows stand for, where the reader may know; token → person and salt. */
  readonly openings: Readonly<Record<string, { readonly kind: 'staff'; readonly id: string; readonly salt: string }>>;
  /** Asks for the next page of the very same list; null on the last page. */
  readonly next: string | null;
  readonly asOf: {
    /** Place of the newest entry that was looked at, and when it was recorded; for a list of an instant that
     * instant. */
    readonly position: number;
    readonly atUtc: string;
    /** False when the signed log was behind what was stored when the question came. */
    readonly isNewest: boolean;
    readonly treeSize: number;
  };
  readonly page: { readonly offset: number; readonly rows: number; readonly of: number };
  /** Bounds that lay outside of what the log can tell of; absent where no bound was asked for. */
  readonly clipped?: readonly ClippedBound[];
}

/** What the certificate of a page covers besides list, query and rows, which it states themselves: everything else but
 * itself. */
export function coveredByListCertificate(page: Omit<CertifiedPage, 'list' | 'query' | 'rows' | 'certificate'>): string {
  const { asOf, checkpoint, clipped, next, openings, page: place, successions } = page;
  const always = { asOf, checkpoint, next, openings, page: place, successions };
  return canonicalJson((clipped === undefined ? always : { ...always, clipped }) as unknown as Json);
}

/** The cursor of the next page. @param to rows up to the end of this page */
export function cursorAfter(treeSize: number, to: number): string {
  return `${treeSize}-${to}`;
}

export function listCertificateText(claim: ListClaim): string {
  const {
    origin,
    treeSize,
    root,
    list,
    query,
    asOf,
    events,
    policyVersion,
    count,
    rowsSha256,
    page,
    createdAtUtc,
    answerSha256,
  } = claim;
  const lines = [
    LABEL,
    origin,
    treeSize,
    toBase64(root),
    `list ${list}`,
    `query ${canonicalJson(query)}`,
    'position' in asOf ? `asof position ${asOf.position}` : `asof instant ${asOf.atUtc}`,
    'first 0',
    `last ${treeSize - 1}`,
    'gaps none',
    `events ${events}`,
    `policy ${policyVersion ?? 'none'}`,
    `count ${count}`,
    `rows ${rowsSha256}`,
    `page ${page.offset} ${page.rows} ${page.sha256}`,
    `created ${createdAtUtc}`,
    ...(answerSha256 === null ? [] : [`answer ${answerSha256}`]),
  ];
  return `${lines.join('\n')}\n`;
}

/** Reads what `listCertificateText` wrote. @returns null for any other text */
export function parseListCertificate(text: string): ListClaim | null {
  const [label, origin, size, root, ...members] = text.split('\n');
  const claim =
    label === LABEL && origin !== undefined && isWholeNumber(size) && root !== undefined
      ? claimOf({ origin, treeSize: Number(size), root }, members)
      : null;
  // Whatever is not written in exactly one way is not accepted in any other.
  return claim !== null && listCertificateText(claim) === text ? claim : null;
}

function claimOf(
  head: { readonly origin: string; readonly treeSize: number; readonly root: string },
  members: readonly string[],
): ListClaim | null {
  const member = (name: string) => members.find((line) => line.startsWith(`${name} `))?.slice(name.length + 1) ?? '';
  try {
    const list = LISTS.find((known) => known === member('list'));
    const [kind, moment = ''] = member('asof').split(' ');
    const asOf: AsOf | null =
      kind === 'position' && isWholeNumber(moment)
        ? { position: Number(moment) }
        : kind === 'instant' && isInstant(moment)
          ? { atUtc: moment }
          : null;
    const [offset, rows, sha256 = ''] = member('page').split(' ');
    const root = fromBase64(head.root);
    const numbers = [member('events'), member('count'), offset, rows].every(isWholeNumber);
    if (!list || !asOf || !numbers || root.length !== HASH_BYTES) return null;
    return {
      ...head,
      root,
      list,
      query: JSON.parse(member('query')) as JsonObject,
      asOf,
      events: Number(member('events')),
      policyVersion: member('policy') === 'none' ? null : Number(member('policy')),
      count: Number(member('count')),
      rowsSha256: member('rows'),
      page: { offset: Number(offset), rows: Number(rows), sha256 },
      createdAtUtc: member('created'),
      answerSha256: member('answer') === '' ? null : member('answer'),
    };
  } catch {
    // Neither JSON nor base64 where they belong: no certificate.
    return null;
  }
}

function isWholeNumber(text: string | undefined): boolean {
  return text !== undefined && /^(?:0|[1-9]\d{0,14})$/.test(text);
}

/** Whether an entry counts at a moment. */
export function countsAt(asOf: AsOf, index: number, recordedAtUtc: string): boolean {
  return 'position' in asOf ? index <= asOf.position : Date.parse(recordedAtUtc) <= Date.parse(asOf.atUtc);
}

/** The rows that a filter leaves, in the order of the list. */
export function chosenRows(list: ListName, query: JsonObject, drawn: readonly DrawnRow[]): readonly DrawnRow[] {
  const is = (row: JsonObject, name: keyof ListFilter) =>
    query[name] === undefined || !FILTERS_OF[list].includes(name) || row[name] === query[name];
  const time = TIME_OF[list];
  const [from, to] = [query['from'] ?? null, query['to'] ?? null];
  const isBetween = (row: JsonObject) => {
    if (time === undefined) return true;
    const atMs = Date.parse(String(row[time]));
    return (from === null || atMs >= Date.parse(String(from))) && (to === null || atMs <= Date.parse(String(to)));
  };
  return drawn.filter(({ row }) => {
    if (!isBetween(row)) return false;
    if (list === 'holds' && query['include'] !== 'resolved' && row['outcome'] !== null) return false;
    return is(row, 'boothId') && is(row, 'stage') && is(row, 'requestId');
  });
}

/** A filter as it stands in a query: absent members left out, those that the list does not know refused by the
 * caller. */
export function queryOfFilter(filter: ListFilter): JsonObject {
  return Object.fromEntries(Object.entries(filter).filter(([, value]) => value !== undefined)) as {
    [name: string]: Json;
  };
}
