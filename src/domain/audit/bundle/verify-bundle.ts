import type { Json } from '../../event-envelope.js';
import { canonicalJson } from '../../values/canonical-json.js';
import { printable } from '../../values/printable.js';
import { fromBase64, toHex, utf8 } from '../log/bytes.js';
import { BundleFormatError, coveredByCertificate, readBundle, type BundleHeader, type BundleLeaf } from './bundle.js';
import {
  CertificateReplay,
  NO_CERTIFICATES,
  type CertificateJudge,
  type CertificateReport,
  type KeptVerdict,
  type UndecidedVerdict,
} from '../replay/certificate-replay.js';
import { parseCheckpoint, type Checkpoint } from '../log/checkpoint.js';
import { commitmentToken, type Hmac } from '../log/commitment.js';
import { DecisionReplay, type ReplayReport } from '../replay/decision-replay.js';
import { isNamedEvidence, type EvidenceName } from '../replay/evidence-name.js';
import { judgeWitnesses, type Witnessed, type WitnessPolicy } from '../log/cosignature.js';
import { keysThatFollow, readSuccession } from '../log/key-succession.js';
import {
  contradictionOfLost,
  isCalledLoss,
  lossesThatLeadTo,
  lossInWords,
  readLoss,
  type LossSince,
} from '../log/loss-declaration.js';
import { parseLeaf, registrantOf, type LeafEvent } from '../log/leaf.js';
import {
  GrowingTree,
  HASH_BYTES,
  isConsistent,
  rootFromSet,
  sameHash,
  treeHasher,
  type Hash,
  type HashFunction,
  type TreeHasher,
} from '../log/merkle-tree.js';
import { LISTS, ListDrawer, populationText, type ListName } from '../lists/list-drawer.js';
import {
  judgeNote,
  NoteFormatError,
  parseNote,
  verifierKeyText,
  type SignatureCheck,
  type VerifierKey,
} from '../log/signed-note.js';

/** The cryptography that the verifier runs on: Node's in the command line, plain JavaScript in the offline page. */
export interface Primitives {
  readonly hash: HashFunction;
  readonly hmac: Hmac;
  readonly isSigned: SignatureCheck;
  /** SHA-1, for the names of evidence in events of versions before its SHA-256 stood there. */
  readonly sha1: HashFunction;
}

export interface VerifyOptions {
  /** Keys that the reader trusts, from outside the bundle. Empty: nobody knows who made it, and the report says so. */
  readonly trusted: readonly VerifierKey[];
  /** Checkpoints that the reader got earlier or elsewhere (a copy, a receipt): the bundle must agree with each. */
  readonly known?: readonly string[];
  /** Witnesses that the reader trusts: enough of them must have cosigned a checkpoint with which this log begins.
   * Absent: nobody is asked for. */
  readonly witnesses?: WitnessPolicy;
  /** Recomputes certificate verdicts with the reader's own trust anchors; absent: they are counted and left. */
  readonly certificates?: CertificateJudge;
}

/** What is wrong, and where. `index` is the place in the log, where one can be named. */
export interface Discrepancy {
  readonly code:
    | 'bundle_malformed'
    | 'checkpoint_signature'
    | 'origin_differs'
    | 'leaf_malformed'
    | 'root_differs'
    | 'range_has_gaps'
    | 'fork'
    | 'succession_malformed'
    | 'two_successors'
    | 'certificate_differs'
    | 'certificate_signature'
    | 'list_differs'
    | 'opening_differs'
    | 'timestamp_checkpoint'
    | 'evidence_missing'
    | 'evidence_differs'
    | 'decision_differs'
    | 'certificate_verdict_differs'
    | 'cosignature_wrong'
    | 'loss_wrong';
  readonly index: number | null;
  readonly detail: string;
}

/** What this reader cannot judge with what it holds, and why. It accuses nobody, and it is never "right". */
export interface Undecided {
  readonly code:
    | 'no_key'
    | 'other_key'
    | 'known_unreadable'
    | 'known_of_another_log'
    | 'known_unsigned'
    | 'known_is_newer'
    | 'known_without_proof'
    | 'evidence_absent'
    | 'decision_of_another_version'
    | 'not_witnessed'
    | 'loss_declared'
    | UndecidedVerdict;
  readonly index: number | null;
  readonly detail: string;
}

/** Outcomes of every check: `right`, `wrong`, or `undecided`: cannot be judged, because of what stands in
 * `undecided`. */
export type Judgement = 'right' | 'wrong' | 'undecided';

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
  /** `trusted`: signed by a key that the reader gave, or by one that follows from it. */
  readonly trust: 'trusted' | 'none';
  /** Verifier key that signed the checkpoint. */
  readonly signedBy: string | null;
  readonly knownCheckpoints: number;
  /** null: the reader named no witnesses. */
  readonly witnessed: Witnessed | null;
  readonly replay: ReplayReport;
  readonly erased: readonly Erasure[];
  readonly openings: number;
  readonly evidence: number;
  readonly certificates: CertificateReport;
  readonly timestamp: BundleHeader['timestamp'];
  /** False for what could not be read to its end: then nothing of it may be shown. */
  readonly wasRead: boolean;
  /** True when every leaf leads to the root of the checkpoint: only then may people be shown what the leaves tell. */
  readonly areLeavesProven: boolean;
  /** Lists that are only as good as the signature on the certificate: their rows need leaves that the bundle does not
   * have. */
  readonly listsNotDrawn: readonly ListName[];
  readonly judgement: Judgement;
  readonly discrepancies: readonly Discrepancy[];
  readonly undecided: readonly Undecided[];
}

type Leaves = { readonly indices: readonly number[]; readonly hashes: readonly Hash[] };

const NOTHING: ReplayReport = { decisions: 0, reproduced: 0, facts: 0, notReproducible: [], unknown: [], findings: [] };

/** Checks a bundle from its bytes alone. It believes nothing that it can compute: hashes, proof, signatures, gaps,
 * lists and every decision are made again. Never throws on what a bundle says: each lie is a discrepancy with its
 * place.
 * @param lines of the bundle, without line ends (`cutIntoLines`) */
export function verifyBundle(lines: Iterable<string>, primitives: Primitives, options: VerifyOptions): VerifyReport {
  return beginVerification(lines, primitives, options).finish(options.certificates ?? null);
}

/** A verification of which everything is done but the certificates: for judges whose cryptography has to be waited
 * for. */
export interface BegunVerification {
  /** Verdicts that can be recomputed from evidence in the bundle. */
  readonly kept: readonly KeptVerdict[];
  /** @param judge null: certificate verdicts are counted and left */
  readonly finish: (judge: CertificateJudge | null) => VerifyReport;
}

/** As {@link verifyBundle}, in two steps. `finish` may be called once. */
export function beginVerification(
  lines: Iterable<string>,
  primitives: Primitives,
  options: VerifyOptions,
): BegunVerification {
  const run = new Verification(primitives, options);
  const malformed = (error: unknown): VerifyReport => {
    // Whatever a bundle can make this code stumble over, it is the bundle that is not what it should be; and it must
    // never pass.
    const isExpected = error instanceof BundleFormatError || error instanceof NoteFormatError;
    return run.malformed(
      isExpected
        ? error.message
        : `the verifier cannot read it: ${error instanceof Error ? error.message : String(error)}`,
    );
  };
  try {
    const { kept, finish } = run.begin(lines);
    const finished = (judge: CertificateJudge | null): VerifyReport => {
      try {
        return finish(judge);
      } catch (error) {
        return malformed(error);
      }
    };
    return { kept, finish: finished };
  } catch (error) {
    const report = malformed(error);
    return { kept: [], finish: () => report };
  }
}

class Verification {
  private readonly discrepancies: Discrepancy[] = [];
  private readonly undecided: Undecided[] = [];
  private readonly hasher: TreeHasher;

  constructor(
    private readonly primitives: Primitives,
    private readonly options: VerifyOptions,
  ) {
    this.hasher = treeHasher(primitives.hash);
  }

  begin(lines: Iterable<string>): BegunVerification {
    const { header, leaves } = readBundle(lines);
    const { checkpoint, note } = parseCheckpoint(header.checkpoint);
    const read = this.readLeaves(leaves, header, checkpoint.size);
    const keys = this.keys(header);
    const losses = this.checkLosses(header, checkpoint);
    const signing = this.checkSignature(checkpoint, note, keys);
    const areLeavesProven = this.checkRoot(header, checkpoint, read);
    const knownCheckpoints = this.checkKnown(header, checkpoint, read, keys, losses);
    this.checkCarriedCheckpoints(header, checkpoint, keys);
    const witnessed = this.checkWitnesses(header, checkpoint, read, keys);
    const listsNotDrawn = this.checkCertificate(header, checkpoint, read, keys);
    this.checkLists(header, read.lists, listsNotDrawn);
    const openings = this.checkOpenings(header);
    this.checkTimestampPlace(header, checkpoint, keys);
    const finish = (judge: CertificateJudge | null): VerifyReport => {
      const certificates = this.recomputeCertificates(header, read, judge);
      this.checkReplay(read.replay);
      return {
        origin: checkpoint.origin,
        query: header.query,
        createdAtUtc: header.createdAtUtc,
        treeSize: checkpoint.size,
        leaves: read.indices.length,
        first: read.indices[0] ?? null,
        last: read.indices.at(-1) ?? null,
        noGaps: read.noGaps,
        trust: signing === null ? 'none' : 'trusted',
        signedBy: signing && verifierKeyText(signing),
        knownCheckpoints,
        witnessed,
        replay: read.replay,
        erased: read.erased,
        openings,
        evidence: Object.keys(header.evidence).length,
        certificates,
        timestamp: header.timestamp,
        wasRead: true,
        areLeavesProven,
        listsNotDrawn,
        ...this.outcome(),
      };
    };
    return { kept: this.keptVerdicts(header, read), finish };
  }

  /** What a judge will be asked, without asking. */
  private keptVerdicts(header: BundleHeader, read: ReturnType<Verification['readLeaves']>): readonly KeptVerdict[] {
    const kept: KeptVerdict[] = [];
    if (Object.keys(header.evidence).length === 0) return kept;
    this.certificateReport(header, read, (verdict) => {
      kept.push(verdict);
      return { judged: 'not_possible', why: '' };
    });
    return kept;
  }

  /** Nothing of what could not be read to its end is told: not even what stood before the fault. */
  malformed(detail: string): VerifyReport {
    this.wrong('bundle_malformed', null, detail);
    return {
      origin: null,
      query: null,
      createdAtUtc: null,
      treeSize: null,
      leaves: 0,
      first: null,
      last: null,
      noGaps: false,
      trust: 'none',
      signedBy: null,
      knownCheckpoints: 0,
      witnessed: null,
      replay: NOTHING,
      erased: [],
      openings: 0,
      evidence: 0,
      certificates: NO_CERTIFICATES,
      timestamp: null,
      wasRead: false,
      areLeavesProven: false,
      listsNotDrawn: [],
      ...this.outcome(),
    };
  }

  private outcome(): Pick<VerifyReport, 'judgement' | 'discrepancies' | 'undecided'> {
    const { discrepancies, undecided } = this;
    return {
      judgement: discrepancies.length > 0 ? 'wrong' : undecided.length > 0 ? 'undecided' : 'right',
      discrepancies,
      undecided,
    };
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
      const isKnown = replay.feed(index, leaf);
      certificates.feed(index, leaf);
      if (isKnown && index >= first && index <= last) drawer.feed(leaf, index);
      if (leaf.type === 'RegistrantErased') erased.push(erasureOf(index, leaf));
    }
    const noGaps =
      header.query.kind === 'range' && this.isWhatWasAsked(header, treeSize) && this.hasNoGaps(header, indices);
    return {
      indices,
      hashes,
      erased,
      noGaps,
      lists: drawer,
      certificates,
      replay: replay.finish({ isCut: (indices.at(-1) ?? 0) + 1 < treeSize }),
    };
  }

  /** A range by numbers is exactly the range that the signed query names. A range by time cannot be checked so: what
   * lies outside of it is not in the bundle, and the certificate's signature is what stands for it. */
  private isWhatWasAsked({ query, asked }: BundleHeader, treeSize: number): boolean {
    if (query['by'] !== 'range') return true;
    const last = query['to'] === null ? treeSize - 1 : Math.min(Number(query['to']), treeSize - 1);
    if (asked !== null && asked.first === query['from'] && asked.last === last) return true;
    this.wrong(
      'range_has_gaps',
      null,
      `the range ${String(query['from'])}..${last} was asked for and ${asked?.first}..${asked?.last} was handed over`,
    );
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

  /** The reader's keys and those that follow from them. Every succession must be one, also where none of the reader's
   * keys began it: the keys stand in its text, so that both signatures can be judged. */
  private keys({ successions, known }: BundleHeader): readonly VerifierKey[] {
    const { hash, isSigned } = this.primitives;
    const followers = new Map<string, string>();
    for (const note of successions) {
      const read = readSuccession(note, { hash, isSigned });
      if (read === null)
        this.wrong(
          'succession_malformed',
          null,
          'a note that should vouch for a key of the log is none, or is not signed by both keys',
        );
      else if ((followers.get(read.from) ?? read.to) !== read.to)
        this.wrong(
          'two_successors',
          null,
          'one key of the log vouches for two different successors: two logs go on under one name',
        );
      else followers.set(read.from, read.to);
    }
    const losses = known.map(({ checkpoint }) => checkpoint).filter(isCalledLoss);
    return keysThatFollow(this.options.trusted, [...successions, ...losses], { hash, isSigned });
  }

  private checkSignature(
    { origin }: Checkpoint,
    note: ReturnType<typeof parseNote>,
    keys: readonly VerifierKey[],
  ): VerifierKey | null {
    const verdict = judgeNote(note, keys, this.primitives.isSigned);
    if (verdict.verdict === 'bad_signature')
      this.wrong('checkpoint_signature', null, 'the signature on the checkpoint is wrong');
    if (verdict.verdict === 'unsigned') this.unsigned('the checkpoint');
    if (verdict.verdict !== 'signed') return null;
    const key = verdict.by.find((k) => k.name === origin);
    if (!key)
      this.wrong('origin_differs', null, `the checkpoint is of ${origin} and the key is of ${verdict.by[0]?.name}`);
    return key ?? null;
  }

  /** What the log itself declares to be lost. It is never right with such a gap, and nobody who says so is a forger:
   *  but what is declared must be signed by both names, and must be how this log begins.
   *  @returns the declarations that lead from names of before to this one */
  private checkLosses({ known }: BundleHeader, present: Checkpoint): readonly LossSince[] {
    const declared = known
      .filter(({ checkpoint }) => isCalledLoss(checkpoint))
      .flatMap(({ checkpoint: text, proof }) => {
        const loss = readLoss(text, this.primitives);
        const detail = 'a note that declares a loss is none, or is not signed under both names of the log';
        if (loss === null) this.wrong('loss_wrong', null, detail);
        return loss === null ? [] : [{ loss, proof }];
      });
    const all = declared.map(({ loss }) => loss);
    const ofLater = new Map(lossesThatLeadTo(present.origin, all).map(({ loss, left }) => [loss, left]));
    const fitting = declared.filter(({ loss, proof }) => {
      const { kept } = loss;
      // What a later loss took is nowhere any more: nobody could prove that the log of now begins with it.
      if ((ofLater.get(loss) ?? kept.size) < kept.size) return true;
      const trees = { first: kept.size, firstRoot: kept.root, second: present.size, secondRoot: present.root };
      if (kept.size <= present.size && isConsistent(this.hasher, hashesOf(proof), trees)) return true;
      const detail = `a loss is declared after ${kept.size} leaves with which this log does not begin`;
      this.wrong('loss_wrong', null, detail);
      return false;
    });
    const chain = lossesThatLeadTo(
      present.origin,
      fitting.map(({ loss }) => loss),
    );
    for (const since of chain) this.cannotJudge('loss_declared', null, lossInWords(since));
    const names = chain.map(({ loss: { signed } }) => signed.origin);
    const isTwice = new Set(names).size < names.length;
    if (isTwice) this.wrong('two_successors', null, 'two losses are declared of one log: two logs go on from it');
    return chain;
  }

  /** A signature under a key that the reader does not have says nothing, neither good nor bad. */
  private unsigned(what: string): void {
    if (this.options.trusted.length === 0)
      return this.cannotJudge('no_key', null, `nobody knows who made ${what}: give the key of the log`);
    this.cannotJudge(
      'other_key',
      null,
      `${what} is not signed by a key that you gave, nor by one that follows from it: another key of this log, or another log`,
    );
  }

  /** @returns whether the leaves are those of the checkpoint */
  private checkRoot(header: BundleHeader, { size, root }: Checkpoint, { indices, hashes }: Leaves): boolean {
    const beyond = indices.find((index) => index >= size);
    if (beyond !== undefined) {
      this.wrong('root_differs', beyond, `the checkpoint covers ${size} leaves and the bundle has leaf ${beyond}`);
      return false;
    }
    const computed = rootFromSet(this.hasher, hashesOf(header.proof), {
      indices,
      size,
      leafAt: (place) => hashes[place] as Hash,
    });
    if (computed !== null && sameHash(computed, root)) return true;
    this.wrong(
      'root_differs',
      null,
      'the leaves and the proof do not lead to the signed root: a leaf was changed, left out, added or moved',
    );
    return false;
  }

  /** Agreement with checkpoints that the reader has from elsewhere: this is what uncovers a log that was rewritten and
   * signed again. */
  private checkKnown(
    header: BundleHeader,
    checkpoint: Checkpoint,
    leaves: Leaves,
    keys: readonly VerifierKey[],
    losses: readonly LossSince[],
  ): number {
    const isIn = (text: string): boolean => {
      const known = this.knownCheckpoint(text, checkpoint, keys, losses);
      return known !== null && this.agreesWith(known, header, checkpoint, leaves);
    };
    return (this.options.known ?? []).filter(isIn).length;
  }

  private agreesWith(known: Checkpoint, header: BundleHeader, checkpoint: Checkpoint, leaves: Leaves): boolean {
    const isContained = this.contains(known, header, checkpoint, leaves);
    if (isContained === null)
      this.cannotJudge(
        'known_without_proof',
        null,
        `the bundle has no proof for the checkpoint of ${known.size} leaves that you have: export again with it (--known)`,
      );
    if (isContained === false)
      this.wrong(
        'fork',
        null,
        `the log was rewritten: its first ${known.size} leaves are not those of the checkpoint that you have`,
      );
    return isContained === true;
  }

  /** @returns null for what says nothing about this bundle; a stranger's file must not accuse the log */
  private knownCheckpoint(
    text: string,
    { origin, size }: Checkpoint,
    keys: readonly VerifierKey[],
    losses: readonly LossSince[],
  ): Checkpoint | null {
    const read = checkpointIn(text);
    const since = losses.find(({ loss: { signed } }) => signed.origin === read?.checkpoint.origin);
    if (read === null) this.cannotJudge('known_unreadable', null, 'one of your known checkpoints is no checkpoint');
    else if (read.checkpoint.origin !== origin && !since)
      this.cannotJudge('known_of_another_log', null, `one of your known checkpoints is of ${read.checkpoint.origin}`);
    else if (
      this.options.trusted.length > 0 &&
      judgeNote(read.note, keys, this.primitives.isSigned).verdict !== 'signed'
    ) {
      this.cannotJudge(
        'known_unsigned',
        null,
        `the checkpoint of ${read.checkpoint.size} leaves that you have is not signed by a key of this log`,
      );
    } else if (since && read.checkpoint.size > since.left) {
      this.judgeLost(read.checkpoint, since, losses);
    } else if (read.checkpoint.size > size) {
      this.cannotJudge(
        'known_is_newer',
        null,
        `the bundle's checkpoint has ${size} leaves and you have one with ${read.checkpoint.size}: the bundle is older, or an old checkpoint was replayed; export again`,
      );
    } else return read.checkpoint;
    return null;
  }

  /** A checkpoint of what was declared lost: nothing is left to compare it with but the declaration. */
  private judgeLost(known: Checkpoint, { loss }: LossSince, losses: readonly LossSince[]): void {
    const what = `the checkpoint of ${known.size} leaves of ${known.origin} that you have`;
    const contradiction = contradictionOfLost(known, loss, losses);
    if (contradiction !== null) this.wrong('loss_wrong', null, `${what} ${contradiction}`);
    else this.cannotJudge('loss_declared', null, `${what} is of what the log declares to be lost`);
  }

  /** Whether the log begins with the tree of a known checkpoint; null when the bundle has no proof of it. */
  private contains(
    known: Checkpoint,
    header: BundleHeader,
    checkpoint: Checkpoint,
    { indices, hashes }: Leaves,
  ): boolean | null {
    const isWhole = indices.length >= known.size && (known.size === 0 || indices[known.size - 1] === known.size - 1);
    if (isWhole) {
      const tree = new GrowingTree(this.hasher);
      for (const hash of hashes.slice(0, known.size)) tree.append(hash);
      return sameHash(tree.root(), known.root);
    }
    if (known.size === checkpoint.size) return sameHash(known.root, checkpoint.root);
    const proven = header.known.find((k) => parseCheckpoint(k.checkpoint).checkpoint.size === known.size);
    if (!proven) return null;
    const trees = { first: known.size, firstRoot: known.root, second: checkpoint.size, secondRoot: checkpoint.root };
    return isConsistent(this.hasher, hashesOf(proven.proof), trees);
  }

  /** Checkpoints that came with the bundle because its reader asked for them: who made them is not the log's doing
   * unless it signed them. */
  private checkCarriedCheckpoints(header: BundleHeader, present: Checkpoint, keys: readonly VerifierKey[]): void {
    for (const { checkpoint: text, proof } of header.known) {
      const { checkpoint, note } = parseCheckpoint(text);
      const isOurs =
        checkpoint.origin === present.origin && judgeNote(note, keys, this.primitives.isSigned).verdict === 'signed';
      if (!isOurs || checkpoint.size > present.size || isCalledLoss(text)) continue;
      const trees = {
        first: checkpoint.size,
        firstRoot: checkpoint.root,
        second: present.size,
        secondRoot: present.root,
      };
      if (!isConsistent(this.hasher, hashesOf(proof), trees))
        this.wrong('fork', null, `the log signed a checkpoint of ${checkpoint.size} leaves that is not its beginning`);
    }
  }

  /** Cosignatures count on checkpoints with which this log begins: those of the bundle, and those that the reader has.
   * A wrong line in the bundle is the bundle's; one in the reader's own files says nothing about it. */
  private checkWitnesses(
    header: BundleHeader,
    present: Checkpoint,
    leaves: Leaves,
    keys: readonly VerifierKey[],
  ): Witnessed | null {
    const policy = this.options.witnesses;
    if (policy === undefined) return null;
    const carried = [
      header.checkpoint,
      ...header.known.filter((known) => this.isBeginning(known, present)).map(({ checkpoint }) => checkpoint),
    ];
    const own = (this.options.known ?? []).filter((text) => this.isAgreed(text, header, present, leaves, keys));
    const notesOf = (texts: readonly string[]) =>
      texts.map((text) => parseCheckpoint(text)).map(({ checkpoint: { size }, note }) => ({ size, note }));
    const { wrong } = judgeWitnesses(notesOf(carried), policy, this.primitives.isSigned);
    for (const { size, witness } of wrong)
      this.wrong(
        'cosignature_wrong',
        null,
        `the line of ${witness} on the checkpoint of ${size} leaves is not its cosignature`,
      );
    const { witnessed } = judgeWitnesses(notesOf([...carried, ...own]), policy, this.primitives.isSigned);
    const { isEnough, by, size, needed, of } = witnessed;
    if (!isEnough)
      this.cannotJudge(
        'not_witnessed',
        null,
        `${needed} of your ${of} witnesses must have cosigned a beginning of this log, and ${by.length} have${size === null ? '' : `: ${by.join(', ')}, its first ${size} leaves`}`,
      );
    return witnessed;
  }

  private isBeginning({ checkpoint: text, proof }: BundleHeader['known'][number], present: Checkpoint): boolean {
    const { checkpoint } = parseCheckpoint(text);
    const trees = {
      first: checkpoint.size,
      firstRoot: checkpoint.root,
      second: present.size,
      secondRoot: present.root,
    };
    return (
      checkpoint.origin === present.origin &&
      checkpoint.size <= present.size &&
      isConsistent(this.hasher, hashesOf(proof), trees)
    );
  }

  /** As `checkKnown` judges it, without a word about it. */
  private isAgreed(
    text: string,
    header: BundleHeader,
    present: Checkpoint,
    leaves: Leaves,
    keys: readonly VerifierKey[],
  ): boolean {
    const read = checkpointIn(text);
    if (read === null || read.checkpoint.origin !== present.origin || read.checkpoint.size > present.size) return false;
    const isOurs =
      this.options.trusted.length === 0 || judgeNote(read.note, keys, this.primitives.isSigned).verdict === 'signed';
    return isOurs && this.contains(read.checkpoint, header, present, leaves) === true;
  }

  /** @returns lists whose rows the certificate states and the leaves cannot give */
  private checkCertificate(
    header: BundleHeader,
    { origin, size, root }: Checkpoint,
    leaves: ReturnType<Verification['readLeaves']>,
    keys: readonly VerifierKey[],
  ): readonly ListName[] {
    const { indices, hashes, noGaps, lists } = leaves;
    const digest = new Uint8Array(hashes.length * HASH_BYTES);
    hashes.forEach((hash, i) => digest.set(hash, i * HASH_BYTES));
    const note = parseNote(header.certificate);
    // A case's bundle has no leaves of other cases. Earlier versions gave lists with it all the same: they stand as
    // they were signed. So do lists of which some event is of a later version: what it would put into a row is not
    // known here.
    const isStated = header.query.kind === 'registration' || leaves.replay.unknown.length > 0;
    const rowsOf = (name: ListName): readonly Json[] => (isStated ? (header.lists[name] ?? []) : lists.rows(name));
    const claim = populationText({
      origin,
      treeSize: size,
      root,
      query: header.query,
      policyVersion: header.policyVersion,
      count: indices.length,
      first: indices[0] ?? null,
      last: indices.at(-1) ?? null,
      noGaps,
      leavesSha256: toHex(this.primitives.hash(digest)),
      lists: Object.fromEntries(
        listsIn(header).map((name) => [name, { rows: rowsOf(name).length, sha256: this.rowsDigest(rowsOf(name)) }]),
      ),
      createdAtUtc: header.createdAtUtc,
      headerSha256: /\nheader [0-9a-f]{64}\n$/.test(note.text)
        ? toHex(this.primitives.hash(utf8(coveredByCertificate(header))))
        : null,
    });
    if (note.text !== claim)
      this.wrong(
        'certificate_differs',
        null,
        `the population certificate states something else than the bundle holds: ${firstDifference(note.text, claim)}`,
      );
    const { verdict } = judgeNote(note, keys, this.primitives.isSigned);
    if (verdict === 'bad_signature')
      this.wrong('certificate_signature', null, 'the signature on the population certificate is wrong');
    if (verdict === 'unsigned') this.unsigned('the population certificate');
    return isStated ? listsIn(header) : [];
  }

  private checkLists(header: BundleHeader, lists: ListDrawer, notDrawn: readonly ListName[]): void {
    for (const name of listsIn(header).filter((list) => !notDrawn.includes(list))) {
      const [stated, drawn] = [header.lists[name] as readonly Json[], lists.rows(name)];
      const at = Array.from({ length: Math.max(stated.length, drawn.length) }).findIndex(
        (_, i) =>
          stated[i] === undefined ||
          drawn[i] === undefined ||
          canonicalJson(stated[i] as Json) !== canonicalJson(drawn[i] as Json),
      );
      if (at >= 0)
        this.wrong(
          'list_differs',
          null,
          `row ${at + 1} of the list ${name} is not what the events give (${stated.length} rows handed over, ${drawn.length} drawn)`,
        );
    }
  }

  private checkOpenings(header: BundleHeader): number {
    let good = 0;
    for (const [token, { kind, id, salt }] of Object.entries(header.openings)) {
      if (commitmentToken({ kind, id }, fromBase64(salt), this.primitives.hmac) === token) good += 1;
      else
        this.wrong(
          'opening_differs',
          null,
          `${token.slice(0, 22)}… does not stand for the ${kind} that the bundle states`,
        );
    }
    return good;
  }

  /** The timestamp itself is judged outside (it is CMS); here only that its checkpoint is the beginning of this log.
   * That it is so follows from the proof, whoever signed it. */
  private checkTimestampPlace(header: BundleHeader, checkpoint: Checkpoint, keys: readonly VerifierKey[]): void {
    if (header.timestamp === null) return;
    const { checkpoint: stamped, note } = parseCheckpoint(header.timestamp.checkpoint);
    const trees = {
      first: stamped.size,
      firstRoot: stamped.root,
      second: checkpoint.size,
      secondRoot: checkpoint.root,
    };
    const isBeginning =
      stamped.origin === checkpoint.origin && isConsistent(this.hasher, hashesOf(header.timestamp.proof), trees);
    const { verdict } = judgeNote(note, keys, this.primitives.isSigned);
    if (!isBeginning || verdict === 'bad_signature')
      this.wrong(
        'timestamp_checkpoint',
        null,
        `the checkpoint of ${stamped.size} leaves that has the timestamp is not a beginning of this log`,
      );
    else if (verdict === 'unsigned' && this.options.trusted.length > 0)
      this.unsigned('the checkpoint that has the timestamp');
  }

  private certificateReport(
    header: BundleHeader,
    { certificates }: ReturnType<Verification['readLeaves']>,
    judge: CertificateJudge | null,
  ): CertificateReport {
    const evidence = (id: string): Uint8Array | null =>
      Object.hasOwn(header.evidence, id) ? fromBase64(header.evidence[id] as string) : null;
    const { hash, sha1 } = this.primitives;
    const isNamed = (name: EvidenceName, effectId: string, bytes: Uint8Array) =>
      isNamedEvidence(name, effectId, bytes, { sha256: hash, sha1 });
    return certificates.finish({ evidence, isNamed, wasAsked: header.query['withEvidence'] === true, judge });
  }

  private recomputeCertificates(
    header: BundleHeader,
    read: ReturnType<Verification['readLeaves']>,
    judge: CertificateJudge | null,
  ): CertificateReport {
    const { certificates, indices } = read;
    const report = this.certificateReport(header, read, judge);
    for (const { index, detail } of report.differences)
      this.wrong(
        'certificate_verdict_differs',
        index,
        `the certificate verdict does not follow from its evidence: ${detail}`,
      );
    for (const { code, index, detail } of report.undecided)
      this.cannotJudge(code, index, `the certificate verdict: ${detail}`);
    for (const { index, detail } of report.foreign) this.wrong('evidence_differs', index, detail);
    const named = certificates.evidenceIds();
    for (const id of Object.keys(header.evidence))
      if (!named.has(id)) this.wrong('evidence_differs', null, 'the bundle holds evidence that no event in it names');
    this.checkWithheld(header, report, indices);
    return report;
  }

  /** The certificate names what was handed over; without that statement (earlier versions) it is only known what should
   * be there. */
  private checkWithheld(
    header: BundleHeader,
    { absent, absentCases }: CertificateReport,
    indices: readonly number[],
  ): void {
    if (absent.withheld === 0) return;
    const { size } = parseCheckpoint(header.checkpoint).checkpoint;
    const isStated = header.certificate.includes('\nheader ');
    // An erasure after the last leaf of a part is not in it.
    const mayBeErasedLater = header.query.kind === 'range' && (indices.at(-1) ?? -1) < size - 1;
    for (const { index, requestId } of absentCases.filter(({ why }) => why === 'withheld')) {
      const detail = `evidence of case ${requestId} was asked for and is not there, and no erasure in the bundle says why`;
      if (isStated || mayBeErasedLater) this.cannotJudge('evidence_absent', index, detail);
      else this.wrong('evidence_missing', index, detail);
    }
  }

  private checkReplay({ findings, unknown }: ReplayReport): void {
    for (const { index, type, stream, problem } of findings)
      this.wrong('decision_differs', index, `${type} in ${stream}: ${problem}`);
    for (const { index, type, problem } of unknown)
      this.cannotJudge('decision_of_another_version', index, `${type}: ${problem}`);
  }

  private rowsDigest(rows: readonly Json[]): string {
    return toHex(this.primitives.hash(utf8(canonicalJson(rows))));
  }

  private wrong(code: Discrepancy['code'], index: number | null, detail: string): void {
    this.discrepancies.push({ code, index, detail: printable(detail) });
  }

  private cannotJudge(code: Undecided['code'], index: number | null, detail: string): void {
    this.undecided.push({ code, index, detail: printable(detail) });
  }
}

/** True when nothing is wrong, the maker is known, and every decision came out the same. */
export function isSoundReport({ judgement, trust, replay }: VerifyReport): boolean {
  return judgement === 'right' && trust === 'trusted' && replay.reproduced === replay.decisions;
}

/** @returns null for a text that is no checkpoint */
export function checkpointIn(text: string): ReturnType<typeof parseCheckpoint> | null {
  try {
    return parseCheckpoint(text);
  } catch (error) {
    if (error instanceof NoteFormatError) return null;
    throw error;
  }
}

function erasureOf(index: number, leaf: LeafEvent): Erasure {
  return {
    registrant: registrantOf(leaf.stream) ?? leaf.stream,
    index,
    atUtc: leaf.metadata.recordedAtUtc,
    rule: String(leaf.data['rule']),
  };
}

function listsIn(header: BundleHeader): ListName[] {
  return LISTS.filter((name) => Object.hasOwn(header.lists, name));
}

function hashesOf(proof: readonly string[]): Hash[] {
  return proof.map((text, i) => {
    const hash = fromBase64(text);
    if (hash.length !== HASH_BYTES)
      throw new BundleFormatError(`hash ${i + 1} of a proof has ${hash.length} bytes and not ${HASH_BYTES}`);
    return hash;
  });
}

function firstDifference(stated: string, computed: string): string {
  const [a, b] = [stated.split('\n'), computed.split('\n')];
  // Both end with a line feed, so that the shorter one differs where it ends.
  const at = a.findIndex((line, i) => line !== b[i]);
  return `"${a[at]}" and should be "${b[at]}"`;
}
