import { createPrivateKey, createPublicKey, sign } from 'node:crypto';
import { bundleLines, coveredByCertificate, type BundleHeader } from '../../src/domain/audit/bundle/bundle.js';
import { toBase64, toHex, utf8 } from '../../src/domain/audit/log/bytes.js';
import { checkpointText } from '../../src/domain/audit/log/checkpoint.js';
import { commitmentToken, type Person } from '../../src/domain/audit/log/commitment.js';
import { successionText } from '../../src/domain/audit/log/key-succession.js';
import { leafText, parseLeaf, type LeafEvent } from '../../src/domain/audit/log/leaf.js';
import {
  consistencyProof,
  GrowingTree,
  rootHash,
  setProof,
  type Hash,
  type NodeReader,
} from '../../src/domain/audit/log/merkle-tree.js';
import { ListDrawer, LISTS, populationText, type ListName } from '../../src/domain/audit/lists/list-drawer.js';
import {
  hexId,
  parseNote,
  verifierKey,
  verifierKeyText,
  writeNote,
  type VerifierKey,
} from '../../src/domain/audit/log/signed-note.js';
import type { JsonObject } from '../../src/domain/event-envelope.js';
import { canonicalJson } from '../../src/domain/values/canonical-json.js';
import { hasher, hmacSha256, sha256 } from '../../src/infrastructure/audit/digest.js';
import type { SyntheticAppend } from '../../src/sandbox/synthetic-history.js';

export const MADE_ORIGIN = 'vectors.example/log';
const PKCS8_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex');

/** A key of a log that is the same in every run: its secret half is no secret. */
export class MadeKey {
  readonly key: VerifierKey;
  private readonly secret;

  constructor(seed: number, name = MADE_ORIGIN) {
    const der = Buffer.concat([PKCS8_PREFIX, Buffer.alloc(32, seed)]);
    this.secret = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
    const raw = createPublicKey(this.secret).export({ format: 'der', type: 'spki' }).subarray(-32);
    this.key = verifierKey(name, new Uint8Array(raw), sha256);
  }

  get text(): string {
    return verifierKeyText(this.key);
  }

  /** A note under this key, and under others where they sign too. */
  note(text: string, ...others: readonly MadeKey[]): string {
    const signatures = [this, ...others].map((signer) => {
      return { name: signer.key.name, id: signer.key.id, bytes: sign(null, utf8(text), signer.secret) };
    });
    return writeNote({ text, signatures });
  }
}

/** A witness whose secret half is no secret. */
export class MadeWitness {
  readonly key: VerifierKey;
  private readonly secret;

  constructor(seed: number, name: string) {
    const der = Buffer.concat([PKCS8_PREFIX, Buffer.alloc(32, seed)]);
    this.secret = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
    const raw = createPublicKey(this.secret).export({ format: 'der', type: 'spki' }).subarray(-32);
    this.key = verifierKey(name, new Uint8Array(raw), sha256, COSIGNATURE);
  }

  /** `name+id+base64`, as its operator publishes it. */
  get text(): string {
    const { name, id, publicKey } = this.key;
    return `${name}+${hexId(id)}+${toBase64(Uint8Array.of(COSIGNATURE, ...publicKey))}`;
  }

  /** The note with the witness's line. */
  cosign(note: string, seconds: number): string {
    const { text, signatures } = parseNote(note);
    const time = Buffer.alloc(8);
    time.writeBigUInt64BE(BigInt(seconds));
    const made = sign(null, utf8(`cosignature/v1\ntime ${seconds}\n${text}`), this.secret);
    const { name, id } = this.key;
    return writeNote({ text, signatures: [...signatures, { name, id, bytes: Buffer.concat([time, made]) }] });
  }
}

/** First byte of a witness's key (C2SP tlog-cosignature). */
const COSIGNATURE = 0x04;

/** What a server with the true key can hand over about whatever leaves it likes: every hash and signature is right. */
export class MadeLog {
  private readonly nodesByPlace = new Map<string, Hash>();
  readonly node: NodeReader = (level, index) => this.nodesByPlace.get(`${level}/${index}`) as Hash;

  constructor(
    readonly leaves: readonly string[],
    private readonly key: MadeKey,
  ) {
    const tree = new GrowingTree(hasher, (level, index, hash) => void this.nodesByPlace.set(`${level}/${index}`, hash));
    for (const text of leaves) tree.append(hasher.leaf(utf8(text)));
  }

  checkpoint(size = this.leaves.length, key = this.key): string {
    return key.note(checkpointText({ origin: key.key.name, size, root: rootHash(hasher, this.node, size) }));
  }

  root(size = this.leaves.length): Hash {
    return rootHash(hasher, this.node, size);
  }

  succession(from: MadeKey, to: MadeKey, size: number): string {
    const root = this.root(size);
    return from.note(successionText({ origin: MADE_ORIGIN, from: from.key, to: to.key, size, root }), to);
  }

  /** Why the tree of the first leaves is the beginning of the whole. */
  grown(size: number): string[] {
    return consistencyProof(hasher, this.node, { first: size, second: this.leaves.length }).map(toBase64);
  }

  /** Lines of a bundle. @param options what a server chooses freely; absent: the whole log and nothing beside it */
  bundle(options: BundleChoice = {}): string[] {
    const size = this.leaves.length;
    const { indices = this.leaves.map((_, i) => i), lists = [], withHeaderLine = true } = options;
    const asked = options.asked === undefined ? (size === 0 ? null : { first: 0, last: size - 1 }) : options.asked;
    const query = options.query ?? {
      by: 'range',
      from: asked?.first ?? 0,
      kind: 'range',
      lists,
      to: null,
      withEvidence: false,
      withOpenings: false,
    };
    const hashes = indices.map((index) => this.node(0, index));
    const rest: Omit<BundleHeader, 'certificate'> = {
      query,
      createdAtUtc: '2026-11-23T12:00:00.000Z',
      policyVersion: 1,
      asked,
      checkpoint: this.checkpoint(),
      successions: [],
      proof: setProof(hasher, this.node, { indices, size }).map(toBase64),
      lists: this.rows(lists, asked),
      timestamp: null,
      known: [],
      openings: {},
      evidence: {},
      ...options.header,
    };
    const certificate = populationText({
      origin: this.key.key.name,
      treeSize: size,
      root: rootHash(hasher, this.node, size),
      query: rest.query,
      policyVersion: rest.policyVersion,
      count: indices.length,
      first: indices[0] ?? null,
      last: indices.at(-1) ?? null,
      noGaps: rest.query.kind === 'range',
      leavesSha256: toHex(sha256(Buffer.concat(hashes))),
      lists: Object.fromEntries(
        Object.entries(rest.lists).map(([name, all]) => [name, { rows: all.length, sha256: digest(all) }]),
      ),
      createdAtUtc: rest.createdAtUtc,
      headerSha256: withHeaderLine ? toHex(sha256(utf8(coveredByCertificate(rest)))) : null,
    });
    const header: BundleHeader = { ...rest, certificate: this.key.note(certificate) };
    return [
      ...bundleLines(
        header,
        indices.map((index) => ({ index, text: this.leaves[index] as string })),
      ),
    ];
  }

  /** False where a row needs what an event does not have: no server could hand such a list over. */
  canDraw(): boolean {
    const { first, last } = { first: 0, last: this.leaves.length - 1 };
    try {
      return canonicalJson(this.rows(LISTS, { first, last })) !== '';
    } catch (error) {
      if (error instanceof RangeError || error instanceof TypeError) return false;
      throw error;
    }
  }

  private rows(lists: readonly ListName[], asked: BundleHeader['asked']): Record<string, readonly JsonObject[]> {
    if (lists.length === 0 || asked === null) return {};
    const drawer = new ListDrawer();
    this.leaves.slice(asked.first, asked.last + 1).forEach((text, i) => {
      const leaf = parseLeaf(text);
      if (leaf) drawer.feed(leaf, asked.first + i);
    });
    return Object.fromEntries(lists.map((name) => [name, drawer.rows(name)]));
  }
}

/** What is asked for with the whole log and its evidence. */
export const WHOLE_WITH_EVIDENCE = {
  by: 'range',
  from: 0,
  kind: 'range',
  lists: [],
  to: null,
  withEvidence: true,
  withOpenings: false,
} as const;

export interface BundleChoice {
  readonly indices?: readonly number[];
  readonly asked?: BundleHeader['asked'];
  readonly query?: BundleHeader['query'];
  readonly lists?: readonly ListName[];
  /** Members of the header that stand there instead, before they are signed. */
  readonly header?: Partial<BundleHeader>;
  /** False: the certificate of older versions, which does not cover the header. */
  readonly withHeaderLine?: boolean;
}

/** Salts that are the same in every run. */
export function madeSalt({ kind, id }: Person): Uint8Array {
  return sha256(utf8(`salt of the vectors\n${kind}\n${id}`));
}

export function madeToken(person: Person): string {
  return commitmentToken(person, madeSalt(person), hmacSha256);
}

/** The leaves of a history, in order. */
export function madeLeaves(appends: Iterable<SyntheticAppend>): string[] {
  const leaves: string[] = [];
  for (const { stream, events, expected } of appends) {
    events.forEach(({ id, type, schemaVersion, data, metadata }, i) => {
      const revision = (expected === 'no_stream' ? 0 : expected + 1) + i;
      const texts = { data: canonicalJson(data), metadata: canonicalJson(metadata as unknown as JsonObject) };
      leaves.push(leafText({ stream, revision, id, type, schemaVersion, ...texts }, madeToken));
    });
  }
  return leaves;
}

/** A leaf with something else in it. */
export function leafWith(
  text: string,
  change: (leaf: { -readonly [K in keyof LeafEvent]: LeafEvent[K] }) => void,
): string {
  const leaf = JSON.parse(text) as LeafEvent;
  change(leaf);
  return canonicalJson(leaf as unknown as JsonObject);
}

function digest(rows: readonly JsonObject[]): string {
  return toHex(sha256(utf8(canonicalJson(rows))));
}
