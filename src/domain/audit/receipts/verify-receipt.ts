import { parseCheckpoint, type Checkpoint } from '../log/checkpoint.js';
import { keysThatFollow } from '../log/key-succession.js';
import { lossInWords, readLoss } from '../log/loss-declaration.js';
import { rootFromInclusion, sameHash, treeHasher, type Hash } from '../log/merkle-tree.js';
import { judgeNote, NoteFormatError, parseNote, type SignedNote, type VerifierKey } from '../log/signed-note.js';
import type { Judgement, Primitives } from '../bundle/verify-bundle.js';
import { hashOf, parseAbsence, parsePromise, receiptDigest, type ReceiptPromise } from './receipt-promise.js';

/** What a holder of a receipt has, out of one or several answers of a server. What is missing is missing. */
export interface ReceiptPapers {
  /** As it is printed. */
  readonly receipts: readonly string[];
  readonly promises: readonly string[];
  readonly inclusions: readonly unknown[];
  readonly absences: readonly string[];
  readonly successions: readonly string[];
  readonly losses: readonly string[];
}

/** Entries of the log that the reader has from elsewhere: a bundle of all of them, whose certificate states when. */
export interface WholeLog {
  readonly origin: string;
  readonly treeSize: number;
  readonly createdAtUtc: string;
  /** Place of the entry with this leaf hash and its event type; null where none has it. */
  readonly find: (leaf: Hash) => { readonly index: number; readonly type: string } | null;
}

export interface ReceiptQuestion {
  /** Keys that the reader trusts. Empty: nobody knows who promised. */
  readonly trusted: readonly VerifierKey[];
  readonly wholeLog?: WholeLog;
}

export interface ReceiptFinding {
  readonly code:
    | 'papers_malformed'
    | 'promise_signature'
    | 'promises_differ'
    | 'receipt_differs'
    | 'leaf_differs'
    | 'inclusion_wrong'
    | 'promise_not_kept'
    | 'log_contradicts_itself'
    | 'no_promise'
    | 'no_key'
    | 'other_key'
    | 'receipt_unknown'
    | 'not_shown_yet'
    | 'loss_declared';
  readonly detail: string;
}

export interface ReceiptReport {
  /** right: the promise is the log's, of this receipt, and the log holds the entry. wrong: something contradicts
   * itself, or the promise was provably not kept. undecided: cannot be told with what is here. */
  readonly judgement: Judgement;
  readonly promise: Omit<ReceiptPromise, 'leaf'> | null;
  /** Where the log holds the entry, under which checkpoint. */
  readonly entry: { readonly index: number; readonly size: number } | null;
  readonly discrepancies: readonly ReceiptFinding[];
  readonly undecided: readonly ReceiptFinding[];
}

/** The members of a server's answer (to a registration, to the question for the proof, to the question for the keys)
 * that count here. Others are left aside.
 * @returns null where the value is no such answer */
export function papersOf(value: unknown): ReceiptPapers | null {
  if (!isRecord(value)) return null;
  const texts = (name: string): string[] => {
    const member = value[name];
    return (Array.isArray(member) ? member : [member]).filter((each): each is string => typeof each === 'string');
  };
  const inclusion = value['inclusion'];
  const papers = {
    receipts: texts('receipt'),
    promises: texts('promise'),
    inclusions: inclusion === undefined || inclusion === null ? [] : [inclusion],
    absences: texts('absence'),
    successions: texts('successions'),
    losses: texts('losses'),
  };
  return Object.values(papers).some((some) => some.length > 0) ? papers : null;
}

/** All papers together. */
export function joinedPapers(all: readonly ReceiptPapers[]): ReceiptPapers {
  const distinct = <T>(pick: (papers: ReceiptPapers) => readonly T[]): T[] => [...new Set(all.flatMap(pick))];
  return {
    receipts: distinct((p) => p.receipts),
    promises: distinct((p) => p.promises),
    inclusions: distinct((p) => p.inclusions),
    absences: distinct((p) => p.absences),
    successions: distinct((p) => p.successions),
    losses: distinct((p) => p.losses),
  };
}

/** Judges a receipt's promise without asking anybody. The outcome is "right" only where promise, number and inclusion
 *  are all there and by a key that the reader trusts. */
export function verifyReceipt(papers: ReceiptPapers, primitives: Primitives, question: ReceiptQuestion): ReceiptReport {
  return new ReceiptJudge(papers, primitives, question).report();
}

class ReceiptJudge {
  private readonly discrepancies: ReceiptFinding[] = [];
  private readonly undecided: ReceiptFinding[] = [];
  private readonly keys: readonly VerifierKey[];
  private entry: { index: number; size: number; origin: string } | null = null;

  constructor(
    private readonly papers: ReceiptPapers,
    private readonly primitives: Primitives,
    private readonly question: ReceiptQuestion,
  ) {
    this.keys = keysThatFollow(question.trusted, [...papers.successions, ...papers.losses], primitives);
  }

  report(): ReceiptReport {
    const promise = this.promise();
    if (promise) {
      this.judgeReceipt(promise);
      for (const inclusion of this.papers.inclusions) this.judgeInclusion(promise, inclusion);
      for (const absence of this.papers.absences) this.judgeAbsence(promise, absence);
      if (this.question.wholeLog) this.judgeWholeLog(promise, this.question.wholeLog);
      this.judgeLosses();
      if (this.entry === null && !this.discrepancies.some(({ code }) => code === 'promise_not_kept'))
        this.doubt(
          'not_shown_yet',
          `nothing here shows that the log holds the entry; ask for the proof after ${promise.dueAtUtc}`,
        );
    }
    const { discrepancies, undecided, entry } = this;
    const { leaf: _, ...stated } = promise ?? { leaf: null };
    return {
      judgement: discrepancies.length > 0 ? 'wrong' : undecided.length > 0 ? 'undecided' : 'right',
      promise: promise && (stated as Omit<ReceiptPromise, 'leaf'>),
      entry: entry && { index: entry.index, size: entry.size },
      discrepancies,
      undecided,
    };
  }

  /** The promise that all that are here agree on. The log's name and key may have changed in between. */
  private promise(): ReceiptPromise | null {
    const read = this.papers.promises.flatMap((text) => {
      const note = this.note(text, 'the promise');
      const promise = note && parsePromise(note.text);
      if (note && !promise) this.accuse('papers_malformed', 'a note that is called a promise says something else');
      return note && promise && this.isTrusted(note, 'promise_signature', 'the promise') ? [promise] : [];
    });
    const [first] = read;
    if (!first) {
      if (this.discrepancies.length === 0 && this.undecided.length === 0)
        this.doubt(
          'no_promise',
          'there is no promise here: the answer to the registration has it, or that of the proof',
        );
      return null;
    }
    const isSame = (other: ReceiptPromise): boolean =>
      other.receiptSha256 === first.receiptSha256 &&
      sameHash(other.leaf, first.leaf) &&
      other.recordedAtUtc === first.recordedAtUtc;
    if (!read.every(isSame)) this.accuse('promises_differ', 'the promises here are of different requests');
    return first;
  }

  private judgeReceipt({ receiptSha256 }: ReceiptPromise): void {
    const { receipts } = this.papers;
    if (receipts.length === 0)
      this.doubt('receipt_unknown', 'no receipt number is here, so nobody can tell whose promise this is');
    for (const receipt of receipts)
      if (receiptDigest(receipt, this.primitives.hash) !== receiptSha256)
        this.accuse('receipt_differs', 'the promise is not of this receipt number');
  }

  private judgeInclusion({ leaf }: ReceiptPromise, inclusion: unknown): void {
    const stated = inclusionOf(inclusion);
    const checkpoint = stated && this.checkpoint(stated.checkpoint);
    if (stated === null) this.accuse('papers_malformed', 'the inclusion proof has not its form');
    if (!stated || !checkpoint) return;
    if (!sameHash(stated.leaf, leaf))
      return this.accuse('leaf_differs', 'the proof is of another entry than the promise names');
    const hasher = treeHasher(this.primitives.hash);
    const { index } = stated;
    const root = rootFromInclusion(hasher, stated.hashes, { index, size: checkpoint.size, leaf });
    if (root === null || !sameHash(root, checkpoint.root))
      return this.accuse(
        'inclusion_wrong',
        `the proof does not lead from entry ${index} to the root of the checkpoint`,
      );
    this.entry = { index, size: checkpoint.size, origin: checkpoint.origin };
  }

  private judgeAbsence(promise: ReceiptPromise, text: string): void {
    const note = this.note(text, 'the statement of absence');
    const absence = note && parseAbsence(note.text);
    if (note && !absence)
      this.accuse('papers_malformed', 'a note that is called a statement of absence says otherwise');
    if (!note || !absence || !this.isTrusted(note, 'promise_signature', 'the statement of absence')) return;
    if (!sameHash(absence.leaf, promise.leaf))
      return this.accuse('leaf_differs', 'the statement of absence is of another entry than the promise names');
    if (this.entry && absence.origin === this.entry.origin && this.entry.index < absence.size)
      this.accuse(
        'log_contradicts_itself',
        `it has entry ${this.entry.index}, and states that its first ${absence.size} entries are without it`,
      );
    if (Date.parse(absence.createdAtUtc) > Date.parse(promise.dueAtUtc))
      this.accuse(
        'promise_not_kept',
        `promised until ${promise.dueAtUtc}; at ${absence.createdAtUtc} the log itself states that its newest ` +
          `checkpoint, of ${absence.size} entries, is without it`,
      );
  }

  private judgeWholeLog(promise: ReceiptPromise, { find, treeSize, createdAtUtc, origin }: WholeLog): void {
    const found = find(promise.leaf);
    if (found === null) {
      if (origin === promise.origin && Date.parse(createdAtUtc) > Date.parse(promise.dueAtUtc))
        this.accuse(
          'promise_not_kept',
          `promised until ${promise.dueAtUtc}; none of the ${treeSize} entries that the log had at ${createdAtUtc} is it`,
        );
      return;
    }
    if (found.type !== 'RequestReceived')
      this.accuse('leaf_differs', `the promised entry ${found.index} is no request that was received: ${found.type}`);
    this.entry ??= { index: found.index, size: treeSize, origin };
  }

  /** Who follows from a log that has lost entries knows that it did. */
  private judgeLosses(): void {
    for (const text of this.papers.losses) {
      const loss = readLoss(text, this.primitives);
      if (loss) this.doubt('loss_declared', lossInWords({ loss, left: loss.kept.size }));
      else this.accuse('papers_malformed', 'a declaration of loss is not signed under both names');
    }
  }

  private checkpoint(text: string): Checkpoint | null {
    const note = this.note(text, 'the checkpoint');
    if (!note) return null;
    try {
      const { checkpoint } = parseCheckpoint(text);
      return this.isTrusted(note, 'promise_signature', 'the checkpoint') ? checkpoint : null;
    } catch (error) {
      if (!(error instanceof NoteFormatError)) throw error;
      this.accuse('papers_malformed', `the checkpoint: ${error.message}`);
      return null;
    }
  }

  private note(text: string, name: string): SignedNote | null {
    try {
      return parseNote(text);
    } catch (error) {
      if (!(error instanceof NoteFormatError)) throw error;
      this.accuse('papers_malformed', `${name}: ${error.message}`);
      return null;
    }
  }

  /** @returns whether the note counts; why it does not is said */
  private isTrusted(note: SignedNote, code: ReceiptFinding['code'], name: string): boolean {
    const verdict = judgeNote(note, this.keys, this.primitives.isSigned);
    const signer = note.text.split('\n')[note.text.startsWith('honnin receipt ') ? 1 : 0];
    if (verdict.verdict === 'bad_signature') this.accuse(code, `${name} is not signed by the key that it names`);
    else if (verdict.verdict === 'signed' && verdict.by.every((key) => key.name !== signer))
      this.accuse(code, `${name} is of ${signer}, and signed by a key of another log`);
    else if (verdict.verdict === 'unsigned')
      this.doubt(
        this.question.trusted.length === 0 ? 'no_key' : 'other_key',
        this.question.trusted.length === 0
          ? `nobody knows who signed ${name}: give the key of the log`
          : `${name} is signed by another key than yours, and none of the notes here leads to it`,
      );
    else return true;
    return false;
  }

  private accuse(code: ReceiptFinding['code'], detail: string): void {
    this.discrepancies.push({ code, detail });
  }

  private doubt(code: ReceiptFinding['code'], detail: string): void {
    if (!this.undecided.some((known) => known.code === code && known.detail === detail))
      this.undecided.push({ code, detail });
  }
}

interface StatedInclusion {
  readonly index: number;
  readonly leaf: Hash;
  readonly hashes: readonly Hash[];
  readonly checkpoint: string;
}

function inclusionOf(value: unknown): StatedInclusion | null {
  if (!isRecord(value)) return null;
  const { index, checkpoint, proof } = value;
  const leaf = hashOf(value['leafHash']);
  const hashes = Array.isArray(proof) ? proof.map(hashOf) : [null];
  if (typeof index !== 'number' || !Number.isSafeInteger(index) || index < 0 || typeof checkpoint !== 'string')
    return null;
  return leaf && hashes.every((hash) => hash !== null) ? { index, leaf, hashes, checkpoint } : null;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
