import { toBase64 } from '../log/bytes.js';
import { parseCheckpoint, type Checkpoint } from '../log/checkpoint.js';
import {
  contradictionOfLost,
  lossesThatLeadTo,
  lossInWords,
  readLoss,
  type LossSince,
} from '../log/loss-declaration.js';
import { isConsistent, sameHash, treeHasher, type Hash, type HashFunction } from '../log/merkle-tree.js';
import { judgeNote, NoteFormatError, type SignatureCheck, type VerifierKey } from '../log/signed-note.js';

/** A checkpoint that somebody kept, and where. */
export interface KeptCopy {
  readonly note: string;
  readonly where: string;
}

export interface CopyDiscrepancy {
  readonly code:
    | 'fork'
    | 'rolled_back'
    | 'two_histories'
    | 'no_proof'
    | 'copy_signature'
    | 'present_signature'
    | 'present_malformed'
    | 'loss_wrong';
  /** Entries of the checkpoint in question, or null where it has none. */
  readonly size: number | null;
  readonly where: string;
  readonly detail: string;
}

export interface CopyReport {
  readonly origin: string | null;
  readonly treeSize: number | null;
  /** Different checkpoints among the copies, and how many of them the present log contains. */
  readonly checkpoints: number;
  readonly consistent: number;
  /** Largest checkpoint that agrees: up to here the log is what it was. */
  readonly consistentUpTo: number | null;
  /** Smallest checkpoint that does not: something before this entry was changed. */
  readonly firstFork: { readonly size: number; readonly afterEntry: number; readonly where: string } | null;
  /** Losses that the log declares, in words. With one it is never simply right. */
  readonly losses: readonly string[];
  /** Copies of what is declared to be lost. */
  readonly lost: number;
  /** Records that are no checkpoint of this log: anybody may have put them there, and they say nothing. */
  readonly ignored: number;
  readonly discrepancies: readonly CopyDiscrepancy[];
}

export interface CompareOptions {
  /** The note of the log as it is handed out now. */
  readonly present: string;
  readonly copies: readonly KeptCopy[];
  /** Notes in which the log declares losses. */
  readonly losses?: readonly string[];
  readonly keys: readonly VerifierKey[];
  readonly hash: HashFunction;
  readonly isSigned: SignatureCheck;
  /** Proof that the first tree is the beginning of the second, from whoever has the log; nothing of it is believed.
   * @throws when there is none */
  readonly proof: (first: number, second: number) => readonly Hash[];
}

const DISCREPANCIES_MAX = 100;

/** Holds every kept checkpoint against the present log. A kept checkpoint that carries the log's own signature and is
 * not a beginning of the present log proves that it was rewritten; two of one size with different roots prove it
 * without the log. Never throws on what a note says. */
export function compareCopies(options: CompareOptions): CopyReport {
  return new Comparison(options).run();
}

/** Sizes for which {@link compareCopies} will ask for a proof, for those who have to fetch them first; ascending. */
export function sizesToProve(
  present: string,
  copies: readonly KeptCopy[],
  losses: readonly string[] = [],
): readonly number[] {
  const size = parsed(present)?.checkpoint.size ?? 0;
  const notes = [...copies.map(({ note }) => note), ...losses];
  const sizes = new Set(notes.map((note) => parsed(note)?.checkpoint.size ?? 0));
  return [...sizes].filter((kept) => kept > 0 && kept < size).toSorted((a, b) => a - b);
}

class Comparison {
  private readonly discrepancies: CopyDiscrepancy[] = [];
  /** By size, then by root: where it was seen first. */
  private readonly kept = new Map<number, Map<string, { readonly checkpoint: Checkpoint; readonly where: string }>>();
  private ignored = 0;
  private lost = 0;
  private losses: readonly LossSince[] = [];
  /** Copies of names of before, by name and size: the root that was seen first. */
  private readonly former = new Map<string, { readonly checkpoint: Checkpoint; readonly where: string }>();

  constructor(private readonly options: CompareOptions) {}

  run(): CopyReport {
    const present = this.presentCheckpoint();
    if (present === null) return this.report(null, [], []);
    this.losses = this.declared(present);
    for (const copy of this.options.copies) this.take(copy, present.origin);
    const [good, bad]: [number[], { size: number; where: string }[]] = [[], []];
    for (const { checkpoint, where } of this.former.values()) {
      const since = this.losses.find(({ loss }) => loss.signed.origin === checkpoint.origin) as LossSince;
      if (checkpoint.size > since.left) this.judgeLost(checkpoint, since, where);
      else if (this.isBeginning(checkpoint, present, where)) good.push(checkpoint.size);
      else bad.push({ size: checkpoint.size, where });
    }
    for (const size of [...this.kept.keys()].toSorted((a, b) => a - b)) {
      const roots = [...(this.kept.get(size) as Map<string, { checkpoint: Checkpoint; where: string }>).values()];
      if (roots.length > 1)
        this.wrong(
          'two_histories',
          size,
          roots.map(({ where }) => where).join(' and '),
          `the log has signed ${roots.length} different checkpoints of ${size} entries`,
        );
      for (const { checkpoint, where } of roots) {
        if (this.isBeginning(checkpoint, present, where)) good.push(size);
        else bad.push({ size, where });
      }
    }
    return this.report(present, good, bad);
  }

  private presentCheckpoint(): Checkpoint | null {
    const { present, keys, isSigned } = this.options;
    try {
      const { checkpoint, note } = parseCheckpoint(present);
      const verdict = judgeNote(note, keys, isSigned);
      if (verdict.verdict !== 'signed' || !verdict.by.some(({ name }) => name === checkpoint.origin))
        this.wrong(
          'present_signature',
          checkpoint.size,
          'the present log',
          'the present checkpoint is not signed by a key of this log',
        );
      return checkpoint;
    } catch (error) {
      if (!(error instanceof NoteFormatError)) throw error;
      this.wrong('present_malformed', null, 'the present log', error.message);
      return null;
    }
  }

  /** Declarations that are signed under both names, and of which what is left is how this log begins. */
  private declared(present: Checkpoint): readonly LossSince[] {
    const { losses = [], hash, isSigned } = this.options;
    const read = losses.flatMap((note) => {
      const loss = readLoss(note, { hash, isSigned });
      const detail = 'a note that declares a loss is none, or is not signed under both names of the log';
      if (loss === null) this.wrong('loss_wrong', null, 'the present log', detail);
      return loss ?? [];
    });
    const chain = lossesThatLeadTo(present.origin, read);
    const others = read.filter((loss) => !chain.some((since) => since.loss === loss));
    return [...chain, ...others.map((loss) => ({ loss, left: loss.kept.size }))].filter(
      ({ loss: { kept }, left }) => left < kept.size || this.isBeginning(kept, present, 'the declaration of loss'),
    );
  }

  private judgeLost(checkpoint: Checkpoint, { loss }: LossSince, where: string): void {
    const what = `a checkpoint of ${checkpoint.size} entries was given out, and it`;
    const contradiction = contradictionOfLost(checkpoint, loss, this.losses);
    if (contradiction === null) this.lost += 1;
    else this.wrong('loss_wrong', checkpoint.size, where, `${what} ${contradiction}`);
  }

  private takeFormer(checkpoint: Checkpoint, where: string): void {
    const name = `${checkpoint.origin}\n${checkpoint.size}`;
    const seen = this.former.get(name);
    if (!seen) this.former.set(name, { checkpoint, where });
    else if (!sameHash(seen.checkpoint.root, checkpoint.root)) {
      const detail = `the log has signed two different checkpoints of ${checkpoint.size} entries`;
      this.wrong('two_histories', checkpoint.size, `${seen.where} and ${where}`, detail);
    }
  }

  /** Only what this log has signed is evidence against it: everybody can write a note. */
  private take({ note, where }: KeptCopy, origin: string): void {
    const read = parsed(note);
    const isFormer = this.losses.some(({ loss }) => loss.signed.origin === read?.checkpoint.origin);
    if (read === null || (read.checkpoint.origin !== origin && !isFormer)) {
      this.ignored += 1;
      return;
    }
    const { checkpoint } = read;
    const { verdict } = judgeNote(read.note, this.options.keys, this.options.isSigned);
    if (verdict === 'bad_signature')
      return this.wrong(
        'copy_signature',
        checkpoint.size,
        where,
        `a copy of a checkpoint of ${checkpoint.size} entries has a wrong signature under a key of this log: the copy was changed`,
      );
    if (verdict === 'unsigned') {
      this.ignored += 1;
      return;
    }
    if (isFormer) return this.takeFormer(checkpoint, where);
    const roots =
      this.kept.get(checkpoint.size) ?? new Map<string, { readonly checkpoint: Checkpoint; readonly where: string }>();
    const root = toBase64(checkpoint.root);
    if (!roots.has(root)) roots.set(root, { checkpoint, where });
    this.kept.set(checkpoint.size, roots);
  }

  private isBeginning(kept: Checkpoint, present: Checkpoint, where: string): boolean {
    const { size } = kept;
    if (size > present.size) {
      this.wrong(
        'rolled_back',
        size,
        where,
        `a checkpoint of ${size} entries was given out and the log has ${present.size}: it was cut, or set back`,
      );
      return false;
    }
    const trees = { first: size, firstRoot: kept.root, second: present.size, secondRoot: present.root };
    let proof: readonly Hash[] = [];
    try {
      if (size > 0 && size < present.size) proof = this.options.proof(size, present.size);
    } catch (error) {
      this.wrong(
        'no_proof',
        size,
        where,
        `the log gives no proof for its ${size} first entries: ${error instanceof Error ? error.message : String(error)}`,
      );
      return false;
    }
    if (isConsistent(treeHasher(this.options.hash), proof, trees)) return true;
    const how =
      size === present.size && !sameHash(kept.root, present.root)
        ? 'another root'
        : 'a root that the present log does not grow from';
    this.wrong(
      'fork',
      size,
      where,
      `the checkpoint of ${size} entries that was given out has ${how}: the log was rewritten and signed again`,
    );
    return false;
  }

  private report(
    present: Checkpoint | null,
    good: readonly number[],
    bad: readonly { readonly size: number; readonly where: string }[],
  ): CopyReport {
    const fork = bad[0];
    const before = fork === undefined ? [] : good.filter((size) => size < fork.size);
    return {
      origin: present?.origin ?? null,
      treeSize: present?.size ?? null,
      checkpoints: good.length + bad.length,
      consistent: good.length,
      consistentUpTo: good.at(-1) ?? null,
      firstFork: fork === undefined ? null : { size: fork.size, afterEntry: before.at(-1) ?? 0, where: fork.where },
      ignored: this.ignored,
      discrepancies: this.discrepancies,
      losses: this.losses.map(lossInWords),
      lost: this.lost,
    };
  }

  private wrong(code: CopyDiscrepancy['code'], size: number | null, where: string, detail: string): void {
    if (this.discrepancies.length < DISCREPANCIES_MAX) this.discrepancies.push({ code, size, where, detail });
  }
}

function parsed(note: string): ReturnType<typeof parseCheckpoint> | null {
  try {
    return parseCheckpoint(note);
  } catch {
    // Not a checkpoint: counted as ignored.
    return null;
  }
}

/** Cuts a text of several notes, one after another, into notes: a note ends with its last signature line. */
export function notesInText(text: string): string[] {
  const notes: string[] = [];
  let [lines, isSigned]: [string[], boolean] = [[], false];
  for (const line of text.split('\n').slice(0, text.endsWith('\n') ? -1 : undefined)) {
    const isSignature = line.startsWith('\u2014 ');
    if (isSigned && !isSignature) {
      notes.push(`${lines.join('\n')}\n`);
      [lines, isSigned] = [[], false];
      // An empty line between two notes belongs to neither.
      if (line === '') continue;
    }
    isSigned ||= isSignature;
    lines.push(line);
  }
  if (lines.some((line) => line !== '')) notes.push(`${lines.join('\n')}\n`);
  return notes;
}
