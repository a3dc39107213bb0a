import type { EventMetadata, Json, JsonObject } from '../../event-envelope.js';
import { canonicalJson } from '../../values/canonical-json.js';
import { utf8 } from './bytes.js';
import type { Person } from './commitment.js';
import { ENTRY_BYTES_MAX } from './tiles.js';

/** An event as it is stored: `data` and `metadata` are the exact canonical texts. */
export interface StoredText {
  readonly stream: string;
  readonly revision: number;
  readonly id: string;
  readonly type: string;
  readonly schemaVersion: number;
  readonly data: string;
  readonly metadata: string;
}

/** An event as a leaf tells it: persons are tokens. The store's own position is left out, because it means nothing
 * outside the store; the place in the log is the position that counts. */
export interface LeafEvent {
  readonly stream: string;
  readonly revision: number;
  readonly id: string;
  readonly type: string;
  readonly schemaVersion: number;
  readonly data: JsonObject;
  readonly metadata: EventMetadata;
}

/** The token of a person. */
export type TokenOf = (person: Person) => string;

/** Members that name a person, wherever in an event's data they are. A new event that names somebody under another name
 * must be added here in the same commit; the test that reads a whole installation's leaves for known names finds what
 * was forgotten. */
const PERSONAL: Readonly<Record<string, Person['kind']>> = {
  subjectKey: 'registrant',
  registrantKey: 'registrant',
  receipt: 'receipt',
  officer: 'staff',
  officers: 'staff',
  subject: 'staff',
  by: 'staff',
  proposedBy: 'staff',
  approvedBy: 'staff',
  activatedBy: 'staff',
};
const NAMES = Object.keys(PERSONAL).join('|');
/** Only between members can a quotation mark follow a brace or a comma: inside of a text it has a backslash before
 * it. */
const NAMES_SOMEBODY = new RegExp(`[{,]"(?:${NAMES})":`);
const STRING = '"[^"\\\\]*(?:\\\\.[^"\\\\]*)*"';
const PERSONAL_MEMBERS = new RegExp(
  `([{,]"(${NAMES})":)(?:(${STRING})|(\\[(?:${STRING}(?:,${STRING})*)?\\])|null)`,
  'g',
);
const STRINGS = new RegExp(STRING, 'g');
const PERSONAL_NAMES = new RegExp(`[{,]"(?:${NAMES})":`, 'g');
const REGISTRANT_STREAM = 'registrant-';
const OFFICER = 'officer:';
/** id, stream, type, revision, schemaVersion, data, metadata. */
const LEAF_MEMBERS = 7;
/** Parts of the system act under names like `system:door`; they are nobody. */
const SYSTEM = 'system:';

/** The leaf of an event: RFC 8785 canonical JSON with a commitment in place of each person. The same event and the same
 * salts always give the same text. */
export function leafText(event: StoredText, tokenOf: TokenOf): string {
  const data = NAMES_SOMEBODY.test(event.data) ? dataWithTokens(event.data, tokenOf) : event.data;
  const metadata = event.metadata.startsWith(`{"actor":"${OFFICER}`)
    ? canonicalJson(metadataWithToken(JSON.parse(event.metadata) as EventMetadata, tokenOf))
    : event.metadata;
  const text = joined(event, data, metadata, streamWithToken(event.stream, tokenOf));
  // A leaf must fit into an entry bundle. No event of today comes near; one that does is committed to as a whole.
  if (text.length * 3 <= ENTRY_BYTES_MAX || utf8(text).length <= ENTRY_BYTES_MAX) return text;
  return joined(
    event,
    canonicalJson({ tooLarge: tokenOf({ kind: 'content', id: `${event.id}\n${data}` }) }),
    metadata,
    streamWithToken(event.stream, tokenOf),
  );
}

/** Members in the order of RFC 8785, joined as text because the parts are canonical already. */
function joined(
  { id, revision, schemaVersion, type }: StoredText,
  data: string,
  metadata: string,
  stream: string,
): string {
  return `{"data":${data},"id":${JSON.stringify(id)},"metadata":${metadata},"revision":${revision},"schemaVersion":${schemaVersion},"stream":${JSON.stringify(stream)},"type":${JSON.stringify(type)}}`;
}

/** Reads a leaf. @returns null for a text that `leafText` would not have written: one event has one text, so a member
 * twice, a space or another order is no leaf, whatever it means to other readers. */
export function parseLeaf(text: string): LeafEvent | null {
  try {
    const leaf = JSON.parse(text) as LeafEvent;
    if (canonicalJson(leaf as unknown as JsonObject) !== text || Object.keys(leaf).length !== LEAF_MEMBERS) return null;
    const { data, id, metadata, revision, schemaVersion, stream, type } = leaf;
    const isGood =
      [id, stream, type].every((t) => typeof t === 'string') &&
      Number.isSafeInteger(revision) &&
      revision >= 0 &&
      Number.isSafeInteger(schemaVersion) &&
      isObject(data) &&
      isObject(metadata) &&
      typeof metadata.recordedAtUtc === 'string' &&
      typeof metadata.actor === 'string';
    return isGood ? leaf : null;
  } catch {
    // Not JSON: whoever reads says at which place.
    return null;
  }
}

const [TIME, TYPE] = ['"recordedAtUtc":"', '"type":"'];

/** Type and time of a leaf that `leafText` wrote, from the end of its text: the type stands last, and after the metadata
 * there is no other member with the name of the time. Within a text both would have their quotation marks escaped.
 * @returns null where they do not stand there */
export function glanceAtLeaf(text: string): { readonly type: string; readonly recordedAtUtc: string } | null {
  const [type, time] = [text.lastIndexOf(TYPE), text.lastIndexOf(TIME)];
  if (type < 0 || time < 0 || !text.endsWith('"}')) return null;
  const timeEnd = text.indexOf('"', time + TIME.length);
  return { type: text.slice(type + TYPE.length, -2), recordedAtUtc: text.slice(time + TIME.length, timeEnd) };
}

/** Which registrant's stream this is: the key, or its token; null for other streams. */
export function registrantOf(stream: string): string | null {
  return stream.startsWith(REGISTRANT_STREAM) ? stream.slice(REGISTRANT_STREAM.length) : null;
}

/** Every person that an event names: what a bundle needs openings for. */
export function personsIn(event: StoredText): Person[] {
  const found: Person[] = [];
  leafText(event, (person) => {
    found.push(person);
    return '';
  });
  return found;
}

function streamWithToken(stream: string, tokenOf: TokenOf): string {
  const key = registrantOf(stream);
  return key === null ? stream : REGISTRANT_STREAM + tokenOf({ kind: 'registrant', id: key });
}

function metadataWithToken(metadata: EventMetadata, tokenOf: TokenOf): Json {
  return { ...metadata, actor: OFFICER + tokenOf({ kind: 'staff', id: metadata.actor.slice(OFFICER.length) }) };
}

/** Puts tokens into canonical JSON. Where every personal member is a text, a list of texts or null, which is in all
 * events of today, the values are exchanged in the text itself: what stands around them stays canonical. Anything else
 * is read and written again. */
function dataWithTokens(data: string, tokenOf: TokenOf): string {
  let exchanged = 0;
  const text = data.replace(
    PERSONAL_MEMBERS,
    (whole, before: string, name: string, one: string | undefined, many: string | undefined) => {
      exchanged += 1;
      const kind = PERSONAL[name] as Person['kind'];
      if (one !== undefined) return `${before}${tokenInJson(one, kind, tokenOf)}`;
      return many === undefined
        ? whole
        : `${before}${many.replace(STRINGS, (item) => tokenInJson(item, kind, tokenOf))}`;
    },
  );
  if (exchanged === data.match(PERSONAL_NAMES)?.length) return text;
  return canonicalJson(withTokens(JSON.parse(data) as Json, tokenOf));
}

function tokenInJson(text: string, kind: Person['kind'], tokenOf: TokenOf): string {
  const id = text.includes('\\') ? (JSON.parse(text) as string) : text.slice(1, -1);
  return id.startsWith(SYSTEM) ? text : JSON.stringify(tokenOf({ kind, id }));
}

function withTokens(value: Json, tokenOf: TokenOf): Json {
  if (isArray(value)) return value.map((item) => withTokens(item, tokenOf));
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [
      name,
      Object.hasOwn(PERSONAL, name)
        ? tokensFor(member as Json, PERSONAL[name] as Person['kind'], tokenOf)
        : withTokens(member as Json, tokenOf),
    ]),
  );
}

function tokensFor(value: Json, kind: Person['kind'], tokenOf: TokenOf): Json {
  if (isArray(value)) return value.map((item) => tokensFor(item, kind, tokenOf));
  return typeof value === 'string' && !value.startsWith(SYSTEM) ? tokenOf({ kind, id: value }) : value;
}

function isArray(value: Json): value is readonly Json[] {
  return Array.isArray(value);
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
