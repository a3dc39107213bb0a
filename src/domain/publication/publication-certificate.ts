import { isInstant } from '../values/instant.js';
import { fromBase64, toBase64, toHex, utf8 } from '../audit/log/bytes.js';
import { HASH_BYTES, type Hash, type HashFunction } from '../audit/log/merkle-tree.js';

/** First line. It has spaces, so that the note can never be read as a checkpoint. */
const LABEL = 'honnin publication certificate v1';

/** A fact as it is counted: what was published, and of which entry of the log. */
export interface CountedRecord {
  readonly leafIndex: number;
  /** Base64. */
  readonly leafHash: string;
  readonly id: string;
  readonly type: string;
  readonly registrationId: string;
}

/** What a log states about its entries between two sizes: these are all the facts that are published of them, and
 * every other entry between is nobody's business outside. */
export interface PublicationClaim {
  readonly origin: string;
  readonly from: { readonly size: number; readonly root: Hash };
  readonly to: { readonly size: number; readonly root: Hash };
  /** CloudEvents `source` of the records. */
  readonly source: string;
  readonly count: number;
  /** `digestOfRecords`, hexadecimal. */
  readonly recordsSha256: string;
  readonly createdAtUtc: string;
}

/** SHA-256 over a line for each record, in the order of entries and, within an entry, of ids as texts:
 * `index hash id type registration`, each line ended by a line feed. */
export function digestOfRecords(records: readonly CountedRecord[], hash: HashFunction): string {
  const lines = records
    .toSorted((a, b) => a.leafIndex - b.leafIndex || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0))
    .map(({ leafIndex, leafHash, id, type, registrationId }) =>
      [leafIndex, leafHash, id, type, registrationId].join(' '),
    );
  return toHex(hash(utf8(lines.map((line) => `${line}\n`).join(''))));
}

export function publicationText(claim: PublicationClaim): string {
  const { origin, from, to, source, count, recordsSha256, createdAtUtc } = claim;
  const lines = [
    LABEL,
    origin,
    `from ${from.size} ${toBase64(from.root)}`,
    `to ${to.size} ${toBase64(to.root)}`,
    `source ${source}`,
    `count ${count}`,
    `records ${recordsSha256}`,
    `created ${createdAtUtc}`,
  ];
  return `${lines.join('\n')}\n`;
}

const FORM = new RegExp(
  [
    `^${LABEL}`,
    '([^\\n]+)',
    'from (0|[1-9]\\d{0,14}) (\\S+)',
    'to (0|[1-9]\\d{0,14}) (\\S+)',
    'source ([^\\n]+)',
    'count (0|[1-9]\\d{0,14})',
    'records ([0-9a-f]{64})',
    'created (\\S+)\\n$',
  ].join('\\n'),
);

/** Reads what `publicationText` wrote. @returns null for any other text */
export function parsePublication(text: string): PublicationClaim | null {
  const found = FORM.exec(text);
  if (!found) return null;
  const [, origin, from, fromRoot, to, toRoot, source, count, recordsSha256, createdAtUtc] =
    found as unknown as string[];
  const roots = [rootOf(fromRoot), rootOf(toRoot)] as const;
  if (roots[0] === null || roots[1] === null || !isInstant(createdAtUtc as string)) return null;
  const claim: PublicationClaim = {
    origin: origin as string,
    from: { size: Number(from), root: roots[0] },
    to: { size: Number(to), root: roots[1] },
    source: source as string,
    count: Number(count),
    recordsSha256: recordsSha256 as string,
    createdAtUtc: createdAtUtc as string,
  };
  return publicationText(claim) === text ? claim : null;
}

function rootOf(text: string | undefined): Hash | null {
  try {
    const bytes = fromBase64(text ?? '');
    return bytes.length === HASH_BYTES ? bytes : null;
  } catch {
    // Not base64: no root.
    return null;
  }
}

/** What differs between what a consumer has and what the log states. */
export interface RecordsVerdict {
  readonly missing: number;
  readonly isWhole: boolean;
  /** Records of entries outside of the claim: they say nothing here. */
  readonly outside: number;
  /** Records of an id that came more than once: at least once is the contract. */
  readonly repeated: number;
  /** Two records of one id that say different things. */
  readonly contradictions: readonly string[];
}

/** Holds records against a claim: whole where exactly those that the log states are there, none missing, none added. */
export function holdAgainst(
  { from, to, count, recordsSha256 }: PublicationClaim,
  records: readonly CountedRecord[],
  hash: HashFunction,
): RecordsVerdict {
  const inside = records.filter(({ leafIndex }) => leafIndex >= from.size && leafIndex < to.size);
  const byId = new Map<string, CountedRecord>();
  const contradictions = new Set<string>();
  for (const record of inside) {
    const known = byId.get(record.id);
    if (known && JSON.stringify(known) !== JSON.stringify(record)) contradictions.add(record.id);
    byId.set(record.id, record);
  }
  const distinct = [...byId.values()];
  return {
    missing: count - distinct.length,
    isWhole:
      contradictions.size === 0 && distinct.length === count && digestOfRecords(distinct, hash) === recordsSha256,
    outside: records.length - inside.length,
    repeated: inside.length - distinct.length,
    contradictions: [...contradictions],
  };
}
