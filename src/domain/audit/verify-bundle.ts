import type { Json } from '../event-envelope.js';
import { canonicalJson } from '../values/canonical-json.js';
import { fromBase64, toHex, utf8 } from './bytes.js';
import { BundleFormatError, readBundle, type BundleHeader, type BundleLeaf } from './bundle.js';
import { CertificateReplay, NO_CERTIFICATES, type CertificateJudge, type CertificateReport } from './certificate-replay.js';
import { parseCheckpoint, type Checkpoint } from './checkpoint.js';
import { commitmentToken, type Hmac } from './commitment.js';
import { DecisionReplay, type ReplayReport } from './decision-replay.js';
import { keysThatFollow } from './key-succession.js';
import { parseLeaf, registrantOf, type LeafEvent } from './leaf.js';
import { GrowingTree, HASH_BYTES, isConsistent, rootFromSet, sameHash, treeHasher, type Hash, type HashFunction, type TreeHasher } from './merkle-tree.js';
import { LISTS, ListDrawer, populationText, type ListName } from './population.js';
import { judgeNote, NoteFormatError, parseNote, verifierKeyText, type SignatureCheck, type VerifierKey } from './signed-note.js';

/** The cryptography that the verifier runs on: Node's in the command line, plain JavaScript in the offline page. */
export interface Primitives {
  readonly hash: HashFunction;
  readonly hmac: Hmac;
  readonly isSigned: SignatureCheck;
}

export interface VerifyOptions {
  /** Keys that the reader trusts, from outside the bundle. Empty: signatures are checked against the key that the bundle states, which
   *  proves nothing about who made it, and the report says so. */
  readonly trusted: readonly VerifierKey[];
  /** Checkpoints that the reader got earlier or elsewhere (a copy, a receipt): the bundle must agree with each. */
  readonly known?: readonly string[];
  /** Recomputes certificate verdicts with the reader's own trust anchors; absent: they are counted and left. */
  readonly certificates?: CertificateJudge;
}

/** What is wrong, and where. `index` is the place in the log, where one can be named. */
export interface Discrepancy {
  readonly code:
    | 'bundle_malformed' | 'checkpoint_malformed' | 'checkpoint_unsigned' | 'checkpoint_signature' | 'origin_differs' | 'leaf_malformed' | 'root_differs' | 'range_has_gaps' | 'fork' | 'rolled_back' | 'consistency_missing'
    | 'certificate_differs' | 'certificate_signature' | 'list_differs' | 'opening_differs' | 'timestamp_checkpoint' | 'decision_differs' | 'certificate_verdict_differs';
  readonly index: number | null;
  readonly detail: string;
}

export interface Erasure {
  readonly registrant: string;
  readonly index: number;
  readonly atUtc: string;
  readonly rule: string;
}

export interface VerifyReport {
  readonly origin: string | null;
  readonly query: Json;
  readonly createdAtUtc: string | null;
  readonly treeSize: number | null;
  readonly leaves: number;
  readonly first: number | null;
  readonly last: number | null;
  readonly noGaps: boolean;
  /** `trusted`: signed by a key that the reader gave. `stated`: only by a key that the bundle itself names. */
  readonly trust: 'trusted' | 'stated' | 'none';
  /** Verifier key that signed the checkpoint. */
  readonly signedBy: string | null;
  readonly knownCheckpoints: number;
  readonly replay: ReplayReport;
  readonly erased: readonly Erasure[];
  readonly openings: number;
  readonly evidence: number;
  readonly certificates: CertificateReport;
  readonly timestamp: BundleHeader['timestamp'];
  readonly discrepancies: readonly Discrepancy[];
}

const NOTHING: ReplayReport = { decisions: 0, reproduced: 0, facts: 0, notReproducible: [], findings: [] };

/** Checks a bundle from its bytes alone. It believes nothing that it can compute: hashes, proof, signatures, gaps, lists and every
 *  decision are made again. Never throws on what a bundle says: each lie is a discrepancy with its place.
 *  @param lines of the bundle, without line ends
 *  @param stated keys that the bundle's maker states; used only when none is trusted */
export function verifyBundle(lines: Iterable<string>, primitives: Primitives, options: VerifyOptions & { readonly stated?: readonly VerifierKey[] }): VerifyReport {
  const run = new Verification(primitives, options);
  try {
    return run.verify(lines);
  } catch (error) {
    // Whatever a bundle can make this code stumble over, it is the bundle that is not what it should be; and it must never pass.
    const isExpected = error instanceof BundleFormatError || error instanceof NoteFormatError;
    return run.malformed(isExpected ? error.message : `the verifier cannot read it: ${error instanceof Error ? error.message : String(error)}`);
  }
}

class Verification {
  private readonly discrepancies: Discrepancy[] = [];
  private readonly hasher: TreeHasher;
  private header: BundleHeader | null = null;

  constructor(
    private readonly primitives: Primitives,
    private readonly options: VerifyOptions & { readonly stated?: readonly VerifierKey[] },
  ) {
    this.hasher = treeHasher(primitives.hash);
  }

  verify(lines: Iterable<string>): VerifyReport {
    const { header, leaves } = readBundle(lines);
    this.header = header;
    const { checkpoint, note } = parseCheckpoint(header.checkpoint);
    const read = this.readLeaves(leaves, header, checkpoint.size);
    const keys = this.keys(header);
    const signing = this.checkSignature(checkpoint, note, keys);
    this.checkRoot(header, checkpoint, read);
    const knownCheckpoints = this.checkKnown(header, checkpoint, read);
    this.checkCertificate(header, checkpoint, read, keys);
    this.checkLists(header, read.lists);
    const openings = this.checkOpenings(header);
    this.checkTimestampPlace(header, checkpoint, keys);
    const certificates = this.recomputeCertificates(header, read.certificates);
    for (const { index, type, stream, problem } of read.replay.findings) this.wrong('decision_differs', index, `${type} in ${stream}: ${problem}`);
    return {
      origin: checkpoint.origin, query: header.query, createdAtUtc: header.createdAtUtc, treeSize: checkpoint.size, leaves: read.indices.length, first: read.indices[0] ?? null, last: read.indices.at(-1) ?? null, noGaps: read.noGaps,
      trust: signing === null ? 'none' : this.options.trusted.length > 0 ? 'trusted' : 'stated', signedBy: signing && verifierKeyText(signing), knownCheckpoints, replay: read.replay, erased: read.erased, openings,
      evidence: Object.keys(header.evidence).length, certificates, timestamp: header.timestamp, discrepancies: this.discrepancies,
    };
  }

  malformed(detail: string): VerifyReport {
    this.wrong('bundle_malformed', null, detail);
    const { header } = this;
    return { origin: null, query: header?.query ?? null, createdAtUtc: header?.createdAtUtc ?? null, treeSize: null, leaves: 0, first: null, last: null, noGaps: false, trust: 'none', signedBy: null, knownCheckpoints: 0, replay: NOTHING, erased: [], openings: 0, evidence: 0, certificates: NO_CERTIFICATES, timestamp: null, discrepancies: this.discrepancies };
  }

  /** One pass over the leaves: hashes, decisions, lists, erasures. */
  private readLeaves(leaves: Iterable<BundleLeaf>, header: BundleHeader, treeSize: number) {
    const replay = new DecisionReplay({ isPartial: header.query.kind !== 'range' || (header.asked?.first ?? 1) !== 0 });
    const drawer = new ListDrawer();
    const certificates = new CertificateReplay();
    const indices: number[] = [];
    const hashes: Hash[] = [];
    const erased: Erasure[] = [];
    const [first, last] = [header.asked?.first ?? 0, header.asked?.last ?? -1];
    for (const { index, text } of leaves) {
      indices.push(index);
      hashes.push(this.hasher.leaf(utf8(text)));
      const leaf = parseLeaf(text);
      if (!leaf) {
        this.wrong('leaf_malformed', index, 'the leaf is not an event');
        continue;
      }
      replay.feed(index, leaf);
      certificates.feed(index, leaf);
      if (index >= first && index <= last) drawer.feed(leaf);
      if (leaf.type === 'RegistrantErased') erased.push(erasureOf(index, leaf));
    }
    const noGaps = header.query.kind === 'range' && this.isWhatWasAsked(header, treeSize) && this.hasNoGaps(header, indices);
    return { indices, hashes, erased, noGaps, lists: drawer, certificates, replay: replay.finish({ isCut: (indices.at(-1) ?? 0) + 1 < treeSize }) };
  }

  /** A range by numbers is exactly the range that the signed query names. A range by time cannot be checked so: what lies outside of it is
   *  not in the bundle, and the certificate's signature is what stands for it. */
  private isWhatWasAsked({ query, asked }: BundleHeader, treeSize: number): boolean {
    if (query['by'] !== 'range') return true;
    const last = query['to'] === null ? treeSize - 1 : Math.min(Number(query['to']), treeSize - 1);
    if (asked !== null && asked.first === query['from'] && asked.last === last) return true;
    this.wrong('range_has_gaps', null, `the range ${String(query['from'])}..${last} was asked for and ${asked?.first}..${asked?.last} was handed over`);
    return false;
  }

  /** Leaves before the range may have holes between them; the range itself may not. */
  private hasNoGaps(header: BundleHeader, indices: readonly number[]): boolean {
    if (header.asked === null) return indices.length === 0;
    const { first, last } = header.asked;
    const start = indices.indexOf(first);
    for (let k = 0; k <= last - first; k += 1) {
      if (start < 0 || indices[start + k] !== first + k) {
        this.wrong('range_has_gaps', first + k, `leaf ${first + k} of the range ${first}..${last} is missing`);
        return false;
      }
    }
    return true;
  }

  private keys(header: BundleHeader): readonly VerifierKey[] {
    const { hash, isSigned } = this.primitives;
    const roots = this.options.trusted.length > 0 ? this.options.trusted : (this.options.stated ?? []);
    return keysThatFollow(roots, header.successions, { hash, isSigned });
  }

  private checkSignature({ origin }: Checkpoint, note: ReturnType<typeof parseNote>, keys: readonly VerifierKey[]): VerifierKey | null {
    const verdict = judgeNote(note, keys, this.primitives.isSigned);
    if (verdict.verdict === 'bad_signature') this.wrong('checkpoint_signature', null, 'the signature on the checkpoint is wrong');
    if (verdict.verdict === 'unsigned') this.wrong('checkpoint_unsigned', null, 'the checkpoint is not signed by a key of this log (wrong key id, or another log)');
    if (verdict.verdict !== 'signed') return null;
    const key = verdict.by.find((k) => k.name === origin);
    if (!key) this.wrong('origin_differs', null, `the checkpoint is of ${origin} and the key is of ${verdict.by[0]?.name}`);
    return key ?? null;
  }

  private checkRoot(header: BundleHeader, { size, root }: Checkpoint, { indices, hashes }: { readonly indices: readonly number[]; readonly hashes: readonly Hash[] }): void {
    const beyond = indices.find((index) => index >= size);
    if (beyond !== undefined) return this.wrong('root_differs', beyond, `the checkpoint covers ${size} leaves and the bundle has leaf ${beyond}`);
    const computed = rootFromSet(this.hasher, hashesOf(header.proof), { indices, size, leafAt: (place) => hashes[place] as Hash });
    if (computed === null || !sameHash(computed, root)) this.wrong('root_differs', null, 'the leaves and the proof do not lead to the signed root: a leaf was changed, left out, added or moved');
  }

  /** Agreement with checkpoints that the reader has from elsewhere: this is what uncovers a log that was rewritten and signed again. */
  private checkKnown(header: BundleHeader, checkpoint: Checkpoint, { indices, hashes }: { readonly indices: readonly number[]; readonly hashes: readonly Hash[] }): number {
    let agreed = 0;
    for (const text of this.options.known ?? []) {
      const known = parseCheckpoint(text).checkpoint;
      const problem = this.knownProblem(header, checkpoint, known, indices, hashes);
      if (problem === null) agreed += 1;
      else this.wrong(problem.code, null, problem.detail);
    }
    return agreed;
  }

  private knownProblem(header: BundleHeader, checkpoint: Checkpoint, known: Checkpoint, indices: readonly number[], hashes: readonly Hash[]): { code: Discrepancy['code']; detail: string } | null {
    const fork = { code: 'fork', detail: `the log was rewritten: its first ${known.size} leaves are not those of the checkpoint that you have` } as const;
    if (known.origin !== checkpoint.origin) return { code: 'origin_differs', detail: `the checkpoint that you have is of ${known.origin}` };
    if (known.size > checkpoint.size) return { code: 'rolled_back', detail: `the bundle's checkpoint has ${checkpoint.size} leaves and you have seen one with ${known.size}: an old one was replayed, or the log was cut` };
    const isWhole = indices.length >= known.size && indices[known.size - 1] === known.size - 1;
    if (isWhole) {
      const tree = new GrowingTree(this.hasher);
      for (const hash of hashes.slice(0, known.size)) tree.append(hash);
      return sameHash(tree.root(), known.root) ? null : fork;
    }
    if (known.size === checkpoint.size) return sameHash(known.root, checkpoint.root) ? null : fork;
    const proven = header.known.find((k) => parseCheckpoint(k.checkpoint).checkpoint.size === known.size);
    if (!proven) return { code: 'consistency_missing', detail: `the bundle has no proof for the checkpoint of ${known.size} leaves that you have; export again with it` };
    const trees = { first: known.size, firstRoot: known.root, second: checkpoint.size, secondRoot: checkpoint.root };
    return isConsistent(this.hasher, hashesOf(proven.proof), trees) ? null : fork;
  }

  private checkCertificate(header: BundleHeader, { origin, size, root }: Checkpoint, { indices, hashes, noGaps, lists }: ReturnType<Verification['readLeaves']>, keys: readonly VerifierKey[]): void {
    const digest = new Uint8Array(hashes.length * HASH_BYTES);
    hashes.forEach((hash, i) => digest.set(hash, i * HASH_BYTES));
    const claim = populationText({
      origin, treeSize: size, root, query: header.query, policyVersion: header.policyVersion, count: indices.length, first: indices[0] ?? null, last: indices.at(-1) ?? null, noGaps, leavesSha256: toHex(this.primitives.hash(digest)),
      lists: Object.fromEntries(listsIn(header).map((name) => [name, { rows: lists.rows(name).length, sha256: this.rowsDigest(lists.rows(name)) }])), createdAtUtc: header.createdAtUtc,
    });
    const note = parseNote(header.certificate);
    if (note.text !== claim) this.wrong('certificate_differs', null, `the population certificate states something else than the bundle holds: ${firstDifference(note.text, claim)}`);
    const verdict = judgeNote(note, keys, this.primitives.isSigned);
    if (verdict.verdict !== 'signed') this.wrong('certificate_signature', null, 'the population certificate is not signed by a key of this log');
  }

  private checkLists(header: BundleHeader, lists: ListDrawer): void {
    for (const name of listsIn(header)) {
      const [stated, drawn] = [header.lists[name] as readonly Json[], lists.rows(name)];
      const at = Array.from({ length: Math.max(stated.length, drawn.length) }).findIndex((_, i) => stated[i] === undefined || drawn[i] === undefined || canonicalJson(stated[i] as Json) !== canonicalJson(drawn[i] as Json));
      if (at >= 0) this.wrong('list_differs', null, `row ${at + 1} of the list ${name} is not what the events give (${stated.length} rows handed over, ${drawn.length} drawn)`);
    }
  }

  private checkOpenings(header: BundleHeader): number {
    let good = 0;
    for (const [token, { kind, id, salt }] of Object.entries(header.openings)) {
      if (commitmentToken({ kind, id }, fromBase64(salt), this.primitives.hmac) === token) good += 1;
      else this.wrong('opening_differs', null, `${token.slice(0, 22)}… does not stand for the ${kind} that the bundle states`);
    }
    return good;
  }

  /** The timestamp itself is judged outside (it is CMS); here only that its checkpoint is the beginning of this log. */
  private checkTimestampPlace(header: BundleHeader, checkpoint: Checkpoint, keys: readonly VerifierKey[]): void {
    if (header.timestamp === null) return;
    const { checkpoint: stamped, note } = parseCheckpoint(header.timestamp.checkpoint);
    const trees = { first: stamped.size, firstRoot: stamped.root, second: checkpoint.size, secondRoot: checkpoint.root };
    const isGood = judgeNote(note, keys, this.primitives.isSigned).verdict === 'signed' && isConsistent(this.hasher, hashesOf(header.timestamp.proof), trees);
    if (!isGood) this.wrong('timestamp_checkpoint', null, `the checkpoint of ${stamped.size} leaves that has the timestamp is not a beginning of this log`);
  }

  private recomputeCertificates(header: BundleHeader, replay: CertificateReplay): CertificateReport {
    const evidence = (id: string): Uint8Array | null => (Object.hasOwn(header.evidence, id) ? fromBase64(header.evidence[id] as string) : null);
    const report = replay.finish({ evidence, wasAsked: header.query['withEvidence'] === true, judge: this.options.certificates ?? null });
    for (const { index, detail } of report.differences) this.wrong('certificate_verdict_differs', index, `the certificate verdict does not follow from its evidence: ${detail}`);
    return report;
  }

  private rowsDigest(rows: readonly Json[]): string {
    return toHex(this.primitives.hash(utf8(canonicalJson(rows))));
  }

  private wrong(code: Discrepancy['code'], index: number | null, detail: string): void {
    this.discrepancies.push({ code, index, detail });
  }
}

/** True when nothing is wrong and every decision that can be made again came out the same. */
export function isSoundReport(report: VerifyReport): boolean {
  return report.discrepancies.length === 0 && report.trust !== 'none' && report.replay.reproduced === report.replay.decisions;
}

function erasureOf(index: number, leaf: LeafEvent): Erasure {
  return { registrant: registrantOf(leaf.stream) ?? leaf.stream, index, atUtc: leaf.metadata.recordedAtUtc, rule: String(leaf.data['rule']) };
}

function listsIn(header: BundleHeader): ListName[] {
  return LISTS.filter((name) => Object.hasOwn(header.lists, name));
}

function hashesOf(proof: readonly string[]): Hash[] {
  return proof.map((text, i) => {
    const hash = fromBase64(text);
    if (hash.length !== HASH_BYTES) throw new BundleFormatError(`hash ${i + 1} of a proof has ${hash.length} bytes and not ${HASH_BYTES}`);
    return hash;
  });
}

function firstDifference(stated: string, computed: string): string {
  const [a, b] = [stated.split('\n'), computed.split('\n')];
  const at = a.findIndex((line, i) => line !== b[i]);
  return at < 0 ? `it has ${a.length} lines and should have ${b.length}` : `"${a[at]}" and should be "${b[at]}"`;
}
