import type { Json, JsonObject } from '../../event-envelope.js';
import { canonicalJson } from '../../values/canonical-json.js';
import { printable } from '../../values/printable.js';
import { fromBase64, toHex, utf8 } from '../log/bytes.js';
import { readBundle } from '../bundle/bundle.js';
import { parseCheckpoint, type Checkpoint } from '../log/checkpoint.js';
import { commitmentToken, type Person } from '../log/commitment.js';
import { judgeWitnesses, type Witnessed, type WitnessPolicy } from '../log/cosignature.js';
import { keysThatFollow } from '../log/key-succession.js';
import {
  contradictionOfLost,
  isCalledLoss,
  lossesThatLeadTo,
  lossInWords,
  readLoss,
  type LossSince,
} from '../log/loss-declaration.js';
import { parseLeaf } from '../log/leaf.js';
import {
  chosenRows,
  clippedBounds,
  countsAt,
  coveredByListCertificate,
  cursorAfter,
  parseListCertificate,
  queryOfFilter,
  type CertifiedPage,
  type ListClaim,
} from './list-certificate.js';
import { GrowingTree, sameHash, treeHasher } from '../log/merkle-tree.js';
import { ListDrawer, type DrawnRow, type RecordedSpan } from './list-drawer.js';
import { judgeNote, NoteFormatError, parseNote, type SignedNote, type VerifierKey } from '../log/signed-note.js';
import {
  checkpointIn,
  verifyBundle,
  type Judgement,
  type Primitives,
  type Undecided,
} from '../bundle/verify-bundle.js';

/** What is wrong with a list, and where. `index` is the place in the log of the event behind it, where one can be
 * named. */
export interface ListDiscrepancy {
  readonly code:
    | 'list_malformed'
    | 'certificate_missing'
    | 'certificate_malformed'
    | 'certificate_signature'
    | 'certificate_of_another_list'
    | 'checkpoint_differs'
    | 'origin_differs'
    | 'fork'
    | 'page_differs'
    | 'page_missing'
    | 'pages_of_different_lists'
    | 'count_differs'
    | 'rows_differ'
    | 'opening_differs'
    | 'answer_differs'
    | 'cosignature_wrong'
    | 'loss_wrong'
    | 'two_successors'
    | 'bundle_unsound'
    | 'bundle_too_small'
    | 'events_differ'
    | 'policy_differs'
    | 'bounds_differ'
    | 'row_missing'
    | 'row_added'
    | 'row_changed'
    | 'row_moved';
  readonly index: number | null;
  readonly detail: string;
}

/** What this reader cannot judge with what it holds. It accuses nobody, and it is never "right". */
export interface ListUndecided {
  readonly code: Undecided['code'] | 'not_drawn' | 'bundle_undecided';
  readonly detail: string;
}

export interface ListReport {
  readonly claim: ListClaim | null;
  readonly pages: number;
  readonly rows: number;
  /** True when the rows were drawn again from the events of a bundle. */
  readonly recomputed: boolean;
  /** Rows that were drawn again and are the same. */
  readonly agreeing: number;
  /** `trusted`: signed by a key that the reader gave (or one that follows from it). */
  readonly trust: 'trusted' | 'none';
  /** Entries of the bundle that came after the tree that the list speaks about. */
  readonly laterEvents: number;
  /** What the witnesses that the reader trusts say of the log that the list was drawn from; null: the reader named
   *  none. */
  readonly witnessed: Witnessed | null;
  readonly judgement: Judgement;
  readonly discrepancies: readonly ListDiscrepancy[];
  readonly undecided: readonly ListUndecided[];
}

export interface VerifyListOptions {
  readonly trusted: readonly VerifierKey[];
  /** Lines of a bundle of the whole log, which can be gone through twice, or null: then only what the list says about
   * itself is checked. */
  readonly bundle: Iterable<string> | null;
  /** Checkpoints that the reader got before the list. */
  readonly known?: readonly string[];
  /** Witnesses that the reader trusts: enough of them must have cosigned the checkpoint of the list, one of the same
   *  tree that the reader
   *  has, or a beginning of the bundle's log. Absent: nobody is asked for. */
  readonly witnesses?: WitnessPolicy;
}

/** Checks a list that was handed over, page by page, and draws it again from the events of a bundle with the same
 * rules.
 * @param pages the answers of the server in the order of their pages, as parsed JSON Never throws on what they say:
 *   each lie is a discrepancy. */
export function verifyList(pages: readonly unknown[], primitives: Primitives, options: VerifyListOptions): ListReport {
  return new ListVerification(primitives, options).verify(pages);
}

/** True when nothing is wrong, the maker is known, and every row was drawn again. */
export function isSoundList({ judgement, trust, recomputed }: ListReport): boolean {
  return judgement === 'right' && trust === 'trusted' && recomputed;
}

interface ReadPage {
  readonly page: CertifiedPage;
  readonly claim: ListClaim;
}

class ListVerification {
  private readonly discrepancies: ListDiscrepancy[] = [];
  private readonly undecided: ListUndecided[] = [];
  private laterEvents = 0;
  private agreeing = 0;
  private witnessed: Witnessed | null = null;
  /** What the log of the list declares to be lost. */
  private losses: readonly LossSince[] = [];

  constructor(
    private readonly primitives: Primitives,
    private readonly options: VerifyListOptions,
  ) {}

  verify(given: readonly unknown[]): ListReport {
    if (given.length === 0) this.wrong('list_malformed', null, 'no page of a list was handed over');
    const read = given.map((page, i) => this.readPage(page, i)).filter((page) => page !== null);
    const first = read[0];
    if (!first || read.length !== given.length) return this.report(first?.claim ?? null, given.length, 0, false);
    const signed = this.checkSignatures(read);
    this.losses = this.checkLosses(first, read);
    for (const { page, claim } of read) this.checkPage(page, claim);
    const rows = this.checkPages(read);
    this.checkKnown(first);
    this.checkWitnesses(read);
    for (const { page } of read) this.checkOpenings(page);
    if (this.options.bundle === null)
      this.cannotJudge('not_drawn', 'the rows were not drawn again: give a bundle of the whole log');
    const drawn = this.options.bundle === null ? null : this.drawAgain(first.claim, this.options.bundle);
    if (drawn) this.compare(rows, drawn.rows);
    this.checkEnoughWitnesses();
    if (drawn) this.checkMoments(read, drawn.newestUtc);
    if (drawn) for (const { page, claim } of read) this.checkBounds(page, claim, drawn.recorded);
    return this.report(first.claim, given.length, rows.length, drawn !== null, signed);
  }

  private report(
    claim: ListClaim | null,
    pages: number,
    rows: number,
    recomputed: boolean,
    signed = false,
  ): ListReport {
    return {
      claim,
      pages,
      rows,
      recomputed,
      agreeing: this.agreeing,
      trust: signed ? 'trusted' : 'none',
      laterEvents: this.laterEvents,
      witnessed: this.witnessed,
      ...this.outcome(),
    };
  }

  private outcome(): Pick<ListReport, 'judgement' | 'discrepancies' | 'undecided'> {
    const { discrepancies, undecided } = this;
    return {
      judgement: discrepancies.length > 0 ? 'wrong' : undecided.length > 0 ? 'undecided' : 'right',
      discrepancies,
      undecided,
    };
  }

  private readPage(given: unknown, number: number): ReadPage | null {
    const page = pageOf(given);
    if (!page) {
      const isUncertified = isObject(given) && given['certificate'] === null;
      const uncovered = isObject(given) ? Object.keys(given).filter((name) => !PAGE_MEMBERS.includes(name)) : [];
      const form = `page ${number + 1} has not the form of a list with its certificate${uncovered.length > 0 ? `: no certificate covers ${uncovered.join(', ')}` : ''}`;
      this.wrong(
        isUncertified ? 'certificate_missing' : 'list_malformed',
        null,
        isUncertified ? 'the list was handed over without a certificate' : form,
      );
      return null;
    }
    const claim = this.claimOf(page.certificate);
    if (!claim) this.wrong('certificate_malformed', null, `the certificate of page ${number + 1} is not one of a list`);
    return claim && { page, claim };
  }

  private claimOf(note: string): ListClaim | null {
    try {
      return parseListCertificate(parseNote(note).text);
    } catch (error) {
      if (error instanceof NoteFormatError) return null;
      throw error;
    }
  }

  /** @returns true when every page is signed by a key of the reader, or one that follows from it */
  private checkSignatures(read: readonly ReadPage[]): boolean {
    const { hash, isSigned } = this.primitives;
    let good = 0;
    read.forEach(({ page, claim }, i) => {
      const keys = keysThatFollow(this.options.trusted, page.successions, { hash, isSigned });
      const verdict = judgeNote(parseNote(page.certificate), keys, isSigned);
      if (verdict.verdict === 'bad_signature')
        this.wrong(
          'certificate_signature',
          null,
          `the signature on the certificate of page ${i + 1} is wrong: its text was changed`,
        );
      else if (verdict.verdict === 'unsigned') this.unsigned(`the certificate of page ${i + 1}`);
      else if (verdict.by.every((key) => key.name !== claim.origin))
        this.wrong(
          'origin_differs',
          null,
          `the certificate of page ${i + 1} is of ${claim.origin} and the key is of ${verdict.by[0]?.name}`,
        );
      else good += 1;
      this.checkCheckpoint(page, claim, keys, i);
    });
    return good === read.length;
  }

  /** What the log declares to be lost comes with every page, among the notes in which a key vouches for the next. Such a
   *  list is never plainly right, and nobody is a forger for saying so. */
  private checkLosses({ claim }: ReadPage, read: readonly ReadPage[]): readonly LossSince[] {
    const notes = new Set(read.flatMap(({ page }) => page.successions.filter(isCalledLoss)));
    const declared = [...notes].flatMap((note) => {
      const loss = readLoss(note, this.primitives);
      const detail = 'a note that declares a loss is none, or is not signed under both names of the log';
      if (loss === null) this.wrong('loss_wrong', null, detail);
      return loss ?? [];
    });
    const chain = lossesThatLeadTo(claim.origin, declared);
    for (const since of chain) {
      const { kept } = since.loss;
      const detail = `a loss is declared after ${kept.size} entries, and the list speaks of ${claim.treeSize}`;
      if (kept.size <= since.left && kept.size > claim.treeSize) this.wrong('loss_wrong', null, detail);
      this.cannotJudge('loss_declared', lossInWords(since));
    }
    const names = chain.map(({ loss: { signed } }) => signed.origin);
    const isTwice = new Set(names).size < names.length;
    if (isTwice) this.wrong('two_successors', null, 'two losses are declared of one log: two logs go on from it');
    return chain;
  }

  /** A tree of a name of before of which entries were declared lost: nothing is left to compare it with but the
   *  declarations. @returns false where it is left */
  private judgeLost(what: string, known: Checkpoint, losses: readonly LossSince[]): boolean {
    const since = losses.find(({ loss: { signed } }) => signed.origin === known.origin);
    if (!since || known.size <= since.left) return false;
    const contradiction = contradictionOfLost(known, since.loss, losses);
    if (contradiction !== null) this.wrong('loss_wrong', null, `${what} ${contradiction}`);
    else this.cannotJudge('loss_declared', `${what} is of what the log declares to be lost`);
    return true;
  }

  private checkCheckpoint(page: CertifiedPage, claim: ListClaim, keys: readonly VerifierKey[], i: number): void {
    try {
      const { checkpoint, note } = parseCheckpoint(page.checkpoint);
      const isSame =
        checkpoint.origin === claim.origin &&
        checkpoint.size === claim.treeSize &&
        sameHash(checkpoint.root, claim.root);
      if (!isSame)
        this.wrong(
          'checkpoint_differs',
          null,
          `page ${i + 1} comes with a checkpoint of ${checkpoint.size} entries and its certificate speaks of another tree of ${claim.treeSize}`,
        );
      else {
        const { verdict } = judgeNote(note, keys, this.primitives.isSigned);
        if (verdict === 'bad_signature')
          this.wrong('checkpoint_differs', null, `the signature on the checkpoint of page ${i + 1} is wrong`);
        if (verdict === 'unsigned') this.unsigned(`the checkpoint of page ${i + 1}`);
      }
    } catch (error) {
      if (!(error instanceof NoteFormatError || error instanceof RangeError)) throw error;
      this.wrong('checkpoint_differs', null, `page ${i + 1} comes with a checkpoint that is none: ${error.message}`);
    }
  }

  /** A signature under a key that the reader does not have says nothing. */
  private unsigned(what: string): void {
    if (this.options.trusted.length === 0)
      return this.cannotJudge('no_key', `nobody knows who made ${what}: give the key of the log`);
    this.cannotJudge(
      'other_key',
      `${what} is not signed by a key that you gave, nor by one that follows from it: another key of this log, or another log`,
    );
  }

  /** What people read beside the rows: the moment, the place of the page, the cursor, names. */
  private checkAnswer(page: CertifiedPage, claim: ListClaim): void {
    const { asOf, page: place, next } = page;
    const { treeSize, count } = claim;
    const to = claim.page.offset + claim.page.rows;
    const expected: JsonObject = {
      'asOf.treeSize': treeSize,
      'asOf.position': 'position' in claim.asOf ? claim.asOf.position : treeSize - 1,
      'asOf.atUtc': 'atUtc' in claim.asOf ? claim.asOf.atUtc : asOf.atUtc,
      'page.offset': claim.page.offset,
      'page.rows': claim.page.rows,
      'page.of': count,
      next: to < count ? cursorAfter(treeSize, to) : null,
    };
    const stated: JsonObject = {
      'asOf.treeSize': asOf.treeSize,
      'asOf.position': asOf.position,
      'asOf.atUtc': asOf.atUtc,
      'page.offset': place.offset,
      'page.rows': place.rows,
      'page.of': place.of,
      next,
    };
    const other = memberDifference(stated, expected);
    if (other !== '')
      this.wrong(
        'answer_differs',
        null,
        `the page from row ${claim.page.offset + 1} on says something else than its certificate: ${other}`,
      );
    else if (
      claim.answerSha256 !== null &&
      claim.answerSha256 !== toHex(this.primitives.hash(utf8(coveredByListCertificate(page))))
    ) {
      this.wrong(
        'answer_differs',
        null,
        `what came with the page from row ${claim.page.offset + 1} on is not what its certificate covers`,
      );
    }
  }

  /** The instant of the entry up to which the list speaks, which only the entries know. */
  private checkMoments(read: readonly ReadPage[], newestUtc: string | null): void {
    for (const { page, claim } of read) {
      if ('atUtc' in claim.asOf || page.asOf.atUtc === newestUtc) continue;
      this.wrong(
        'answer_differs',
        claim.asOf.position,
        `the page says that entry ${claim.asOf.position} was recorded at ${page.asOf.atUtc}, and it was at ${newestUtc ?? 'no time'}`,
      );
    }
  }

  /** A list speaks of no time before the first event and of none after the latest, and says where more was asked. */
  private checkBounds(
    { query, clipped = [] }: CertifiedPage,
    { page }: ListClaim,
    recorded: RecordedSpan | null,
  ): void {
    const stated = Object.fromEntries(clipped.map(({ bound, askedUtc }) => [bound, askedUtc]));
    const asked = { ...boundsOf(query), ...stated };
    const { filter, clipped: due } = clippedBounds(asked, recorded);
    const isTrue =
      canonicalJson(boundsOf(query)) === canonicalJson(boundsOf(queryOfFilter(filter))) &&
      canonicalJson(clipped as unknown as Json) === canonicalJson(due as unknown as Json);
    if (isTrue) return;
    this.wrong(
      'bounds_differ',
      null,
      `the page from row ${page.offset + 1} on speaks of ${canonicalJson(boundsOf(query))}, and the log tells of ${recorded?.earliestUtc ?? 'nothing'} to ${recorded?.latestUtc ?? 'nothing'}: its bounds were not clipped so, or it does not say so`,
    );
  }

  private checkPage(handed: CertifiedPage, claim: ListClaim): void {
    const { list, query, rows } = handed;
    this.checkAnswer(handed, claim);
    const name = `the certificate of the page from row ${claim.page.offset + 1} on`;
    if (claim.list !== list || canonicalJson(claim.query) !== canonicalJson(query))
      this.wrong(
        'certificate_of_another_list',
        null,
        `${name} is of the list ${claim.list} ${canonicalJson(claim.query)}, and it came with ${list} ${canonicalJson(query)}`,
      );
    else if (claim.page.rows !== rows.length)
      this.wrong('page_differs', null, `${name} states ${claim.page.rows} rows and ${rows.length} were handed over`);
    else if (claim.page.sha256 !== this.digest(rows))
      this.wrong(
        'page_differs',
        null,
        `${name} is of other rows: one was changed, or the certificate belongs to another page`,
      );
  }

  /** The pages together must be the whole list of one moment. */
  private checkPages(read: readonly ReadPage[]): readonly JsonObject[] {
    const whole = (read[0] as ReadPage).claim;
    let expected = 0;
    for (const { claim } of read) {
      if (identityOf(claim) !== identityOf(whole))
        this.wrong(
          'pages_of_different_lists',
          null,
          `the page from row ${claim.page.offset + 1} on is of another list or moment than the first page`,
        );
      if (claim.page.offset !== expected)
        this.wrong(
          'page_missing',
          null,
          claim.page.offset > expected
            ? `rows ${expected + 1} to ${claim.page.offset} are not here: a page was left out`
            : `row ${claim.page.offset + 1} comes again: a page was repeated or moved`,
        );
      expected = claim.page.offset + claim.page.rows;
    }
    const rows = read.flatMap(({ page }) => page.rows);
    if (expected !== whole.count && expected < whole.count)
      this.wrong(
        'page_missing',
        null,
        `rows ${expected + 1} to ${whole.count} are not here: the last pages were left out`,
      );
    if (rows.length !== whole.count)
      this.wrong(
        'count_differs',
        null,
        `the certificate states ${whole.count} rows and ${rows.length} were handed over`,
      );
    else if (this.digest(rows) !== whole.rowsSha256)
      this.wrong('rows_differ', null, 'the rows are not those whose digest the certificate states');
    return rows;
  }

  /** Agreement with checkpoints that the reader has; one that nobody of this log signed says nothing about it. */
  private checkKnown({ page, claim }: ReadPage): void {
    const { trusted, known = [] } = this.options;
    const { hash, isSigned } = this.primitives;
    const keys = keysThatFollow(trusted, page.successions, { hash, isSigned });
    for (const text of known) {
      const read = checkpointIn(text);
      if (read === null) this.cannotJudge('known_unreadable', 'one of your known checkpoints is no checkpoint');
      else if (
        read.checkpoint.origin !== claim.origin &&
        !this.losses.some(({ loss: { signed } }) => signed.origin === read.checkpoint.origin)
      )
        this.cannotJudge('known_of_another_log', `one of your known checkpoints is of ${read.checkpoint.origin}`);
      else if (trusted.length > 0 && judgeNote(read.note, keys, isSigned).verdict !== 'signed') {
        this.cannotJudge(
          'known_unsigned',
          `the checkpoint of ${read.checkpoint.size} entries that you have is not signed by a key of this log`,
        );
      } else if (this.judgeLost(knownInWords(read.checkpoint), read.checkpoint, this.losses)) {
        continue;
      } else if (read.checkpoint.size > claim.treeSize) {
        this.cannotJudge(
          'known_is_newer',
          `the list speaks of ${claim.treeSize} entries and you have a checkpoint of ${read.checkpoint.size}: the list is older, or an old checkpoint was used`,
        );
      } else if (read.checkpoint.size === claim.treeSize && !sameHash(read.checkpoint.root, claim.root)) {
        this.wrong(
          'fork',
          null,
          `the list speaks of another log than the checkpoint of ${read.checkpoint.size} entries that you have`,
        );
      } else if (read.checkpoint.size < claim.treeSize && this.options.bundle === null) {
        this.cannotJudge(
          'known_without_proof',
          `whether the log of the list begins with your checkpoint of ${read.checkpoint.size} entries is known with a bundle only`,
        );
      }
    }
  }

  /** Cosignatures on the checkpoints that came with the pages, and on those of the same tree that the reader has. A
   *  wrong line on one of the first is
   *  the list's; one in the reader's own files says nothing about it. */
  private checkWitnesses(read: readonly ReadPage[]): void {
    const { witnesses, trusted, known = [] } = this.options;
    if (witnesses === undefined) return;
    const { hash, isSigned } = this.primitives;
    const carried = read.flatMap(({ page, claim }) => ofTheTree(checkpointIn(page.checkpoint), claim));
    for (const { size, witness } of judgeWitnesses(carried, witnesses, isSigned).wrong) {
      this.wrong(
        'cosignature_wrong',
        null,
        `the line of ${witness} on the checkpoint of ${size} entries is not its cosignature`,
      );
    }
    const { page, claim } = read[0] as ReadPage;
    const keys = keysThatFollow(trusted, page.successions, { hash, isSigned });
    const own = known
      .flatMap((text) => ofTheTree(checkpointIn(text), claim))
      .filter(({ note }) => trusted.length === 0 || judgeNote(note, keys, isSigned).verdict === 'signed');
    this.witnessed = judgeWitnesses([...carried, ...own], witnesses, isSigned).witnessed;
  }

  private checkEnoughWitnesses(): void {
    if (this.witnessed === null || this.witnessed.isEnough) return;
    const { by, needed, of } = this.witnessed;
    this.cannotJudge(
      'not_witnessed',
      `${needed} of your ${of} witnesses must have cosigned the log of this list, and ${by.length} have${by.length === 0 ? '' : `: ${by.join(', ')}`}`,
    );
  }

  private checkOpenings({ openings }: CertifiedPage): void {
    for (const [token, { kind, id, salt }] of Object.entries(openings)) {
      if (!this.isOpening(token, { kind, id }, salt))
        this.wrong('opening_differs', null, `${token.slice(0, 22)}… does not stand for ${id}`);
    }
  }

  private isOpening(token: string, person: Person, salt: string): boolean {
    try {
      return commitmentToken(person, fromBase64(salt), this.primitives.hmac) === token;
    } catch (error) {
      // Not base64: it opens nothing.
      if (error instanceof RangeError) return false;
      throw error;
    }
  }

  /** The rows as the events of the bundle give them, or null when the bundle cannot tell. */
  private drawAgain(claim: ListClaim, bundle: Iterable<string>): DrawnAgain | null {
    const { trusted, known = [], witnesses } = this.options;
    const sound = verifyBundle(bundle, this.primitives, { trusted, known, ...(witnesses && { witnesses }) });
    for (const { code, index, detail } of sound.discrepancies.slice(0, 10))
      this.wrong('bundle_unsound', index, `the bundle: ${detail} [${code}]`);
    // Whether enough witnesses have seen the log is said once, of list and bundle together.
    const doubts = sound.undecided.filter(({ code }) => code !== 'not_witnessed');
    for (const { code, detail } of doubts.slice(0, 10))
      this.cannotJudge('bundle_undecided', `the bundle: ${detail} [${code}]`);
    if (sound.judgement === 'wrong') return null;
    if (sound.replay.unknown.length > 0) {
      this.cannotJudge(
        'not_drawn',
        'the bundle has events of a later version: what they put into a row is not known here; run the newer release',
      );
      return null;
    }
    // A list of before a loss may speak of what is lost: then the bundle has other entries in its place.
    const ofList = { origin: claim.origin, size: claim.treeSize, root: claim.root };
    const later = lossesOf(bundle, this.primitives);
    if (
      this.judgeLost(`the tree of ${claim.treeSize} entries of ${claim.origin} that the list speaks of`, ofList, later)
    ) {
      this.cannotJudge('not_drawn', 'the rows cannot be drawn again: entries of which the list speaks are gone');
      return null;
    }
    if (sound.first !== 0 || !sound.noGaps || (sound.last ?? -1) < claim.treeSize - 1) {
      this.cannotJudge(
        'not_drawn',
        `the list speaks of the entries 0 to ${claim.treeSize - 1}, and the bundle holds ${sound.first ?? 'nothing'} to ${sound.last ?? 'nothing'}: export one with --from 0`,
      );
      return null;
    }
    const drawn = this.draw(claim, bundle);
    // The list's tree is a beginning of the bundle's: what witnesses say of the one they say of the other.
    if (drawn !== null && sound.witnessed && !this.witnessed?.isEnough) this.witnessed = sound.witnessed;
    return drawn;
  }

  private draw(claim: ListClaim, bundle: Iterable<string>): DrawnAgain | null {
    const hasher = treeHasher(this.primitives.hash);
    const tree = new GrowingTree(hasher);
    const drawer = new ListDrawer([claim.list]);
    let events = 0;
    let newestUtc: string | null = null;
    const stated = this.losses.filter(({ loss, left }) => loss.kept.size <= left).map(({ loss }) => loss.kept);
    const differing = () => stated.some(({ size, root }) => size === tree.size && !sameHash(root, tree.root()));
    let isAsDeclared = !differing();
    for (const { index, text } of readBundle(bundle).leaves) {
      if (index >= claim.treeSize) {
        this.laterEvents += 1;
        continue;
      }
      tree.append(hasher.leaf(utf8(text)));
      isAsDeclared &&= !differing();
      const leaf = parseLeaf(text);
      if (!leaf || !countsAt(claim.asOf, index, leaf.metadata.recordedAtUtc)) continue;
      events += 1;
      newestUtc = leaf.metadata.recordedAtUtc;
      drawer.feed(leaf, index);
    }
    // Before the range that was asked for a bundle holds only what its decisions need.
    if (tree.size < claim.treeSize) {
      this.cannotJudge(
        'not_drawn',
        `the bundle holds ${tree.size} of the ${claim.treeSize} entries of which the list speaks: export one with --from 0`,
      );
      return null;
    }
    if (!isAsDeclared)
      this.wrong('loss_wrong', null, 'a loss is declared after entries with which the log of the list does not begin');
    if (!sameHash(tree.root(), claim.root)) {
      this.wrong(
        'fork',
        null,
        `the first ${claim.treeSize} entries of the bundle are not the log that the list speaks of`,
      );
      return null;
    }
    if (events !== claim.events)
      this.wrong(
        'events_differ',
        null,
        `the certificate states ${claim.events} events until that moment and there are ${events}`,
      );
    if (drawer.policyVersion !== claim.policyVersion)
      this.wrong(
        'policy_differs',
        null,
        `the certificate states policy ${claim.policyVersion ?? 'none'} and policy ${drawer.policyVersion ?? 'none'} was in force`,
      );
    const drawn = drawer.drawn(claim.list, 'atUtc' in claim.asOf ? claim.asOf.atUtc : undefined);
    return { rows: chosenRows(claim.list, claim.query, drawn), newestUtc, recorded: drawer.recorded };
  }

  /** Names each row that was left out, added or changed, with the place of the event behind it. */
  private compare(rows: readonly JsonObject[], drawn: readonly DrawnRow[]): void {
    const list = drawn.map((d) => ({ ...d, text: canonicalJson(d.row) }));
    const byKey = new Map(list.map((d) => [d.key, d]));
    const byText = new Map<string, (typeof list)[number][]>();
    for (const d of list) byText.set(d.text, [...(byText.get(d.text) ?? []), d]);
    const seen = new Set<string>();
    const before = this.discrepancies.length;
    for (const row of rows) {
      const text = canonicalJson(row);
      const found = byText.get(text)?.shift() ?? byKey.get(keyOf(row));
      if (!found || seen.has(found.key)) {
        this.wrong('row_added', null, `no event gives this row, it was added: ${short(text)}`);
        continue;
      }
      seen.add(found.key);
      if (found.text === text) this.agreeing += 1;
      else
        this.wrong('row_changed', found.last, `the row ${found.key} was changed: ${memberDifference(row, found.row)}`);
    }
    for (const { key, first, text } of list)
      if (!seen.has(key)) this.wrong('row_missing', first, `the row ${key} was left out: ${short(text)}`);
    const moved = rows.findIndex((row, i) => canonicalJson(row) !== list[i]?.text);
    if (moved >= 0 && this.discrepancies.length === before)
      this.wrong('row_moved', null, `row ${moved + 1} is in another place than the order of the list gives`);
  }

  private digest(rows: readonly Json[]): string {
    return toHex(this.primitives.hash(utf8(canonicalJson(rows))));
  }

  private wrong(code: ListDiscrepancy['code'], index: number | null, detail: string): void {
    this.discrepancies.push({ code, index, detail: printable(detail) });
  }

  private cannotJudge(code: ListUndecided['code'], detail: string): void {
    this.undecided.push({ code, detail: printable(detail) });
  }
}

interface DrawnAgain {
  readonly rows: readonly DrawnRow[];
  /** When the newest entry that counts was recorded. */
  readonly newestUtc: string | null;
  /** Between which times they were recorded. */
  readonly recorded: RecordedSpan | null;
}

function knownInWords({ size, origin }: Checkpoint): string {
  return `the checkpoint of ${size} entries of ${origin} that you have`;
}

/** What the log of a sound bundle declares to be lost. */
function lossesOf(bundle: Iterable<string>, primitives: Primitives): readonly LossSince[] {
  const { header } = readBundle(bundle);
  const declared = header.known.flatMap(({ checkpoint }) => readLoss(checkpoint, primitives) ?? []);
  return lossesThatLeadTo(parseCheckpoint(header.checkpoint).checkpoint.origin, declared);
}

/** A checkpoint of the very tree that the list speaks of, or nothing. */
function ofTheTree(
  read: ReturnType<typeof checkpointIn>,
  { origin, treeSize, root }: ListClaim,
): { readonly size: number; readonly note: SignedNote }[] {
  if (read === null) return [];
  const { checkpoint, note } = read;
  return checkpoint.origin === origin && checkpoint.size === treeSize && sameHash(checkpoint.root, root)
    ? [{ size: treeSize, note }]
    : [];
}

/** What all pages of one list have in common. */
function identityOf({ origin, treeSize, root, list, query, asOf, count, rowsSha256 }: ListClaim): string {
  return canonicalJson({
    origin,
    treeSize,
    root: toHex(root),
    list,
    query,
    asOf,
    count,
    rowsSha256,
  } as unknown as Json);
}

/** The bounds of a query, and nothing else of it. */
function boundsOf(query: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(query).filter(([name]) => name === 'from' || name === 'to'));
}

/** What a handed-over row says it is the row of. A row of accesses names a request without being told apart by it. */
function keyOf(row: JsonObject): string {
  if (typeof row['position'] === 'number') return String(row['position']);
  if (row['act'] !== undefined) return '';
  const name = row['requestId'] ?? row['boothId'] ?? row['version'];
  return name === undefined || name === null ? 'dashboard' : String(name);
}

/** Names of the rows: answers of the ordinary routes name them after what they are. */
const ROWS = ['rows', 'holds', 'cases', 'booths', 'acts'];
const PAGE_MEMBERS = [
  'asOf',
  'certificate',
  'checkpoint',
  'clipped',
  'list',
  'next',
  'openings',
  'page',
  'query',
  'successions',
  ...ROWS,
];

/** Reads what a server hands over and nothing else: a member that no certificate covers would be read by people all the
 * same. */
function pageOf(given: unknown): CertifiedPage | null {
  if (!isObject(given) || Object.keys(given).some((name) => !PAGE_MEMBERS.includes(name))) return null;
  const named = ROWS.filter((name) => Object.hasOwn(given, name));
  const { list, query, certificate, checkpoint, successions, openings, next, asOf, page, clipped } = given as Record<
    string,
    unknown
  >;
  const rows = given[named[0] ?? ''];
  const isGood =
    named.length === 1 &&
    Array.isArray(rows) &&
    rows.every(isObject) &&
    [list, certificate, checkpoint].every((text) => typeof text === 'string') &&
    isObject(query) &&
    Array.isArray(successions) &&
    successions.every((s) => typeof s === 'string') &&
    (next === null || typeof next === 'string') &&
    isObject(openings) &&
    Object.values(openings).every(isOpening) &&
    hasExactly(asOf, { position: 'number', atUtc: 'string', isNewest: 'boolean', treeSize: 'number' }) &&
    hasExactly(page, { offset: 'number', rows: 'number', of: 'number' }) &&
    (clipped === undefined || (Array.isArray(clipped) && clipped.every(isClippedBound)));
  return isGood
    ? ({
        list,
        query,
        rows,
        certificate,
        checkpoint,
        successions,
        openings,
        next,
        asOf,
        page,
        ...(clipped === undefined ? {} : { clipped }),
      } as unknown as CertifiedPage)
    : null;
}

function isClippedBound(bound: unknown): boolean {
  return hasExactly(bound, { bound: 'string', askedUtc: 'string', usedUtc: 'string', why: 'string' });
}

function isOpening(opening: unknown): boolean {
  return hasExactly(opening, { kind: 'string', id: 'string', salt: 'string' });
}

function hasExactly(value: unknown, members: Readonly<Record<string, string>>): boolean {
  return (
    isObject(value) &&
    Object.keys(value).length === Object.keys(members).length &&
    Object.entries(members).every(([name, type]) => typeof value[name] === type)
  );
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function memberDifference(stated: JsonObject, drawn: JsonObject): string {
  const text = (value: Json | undefined) => (value === undefined ? 'absent' : canonicalJson(value));
  const names = [...new Set([...Object.keys(stated), ...Object.keys(drawn)])]
    .sort()
    .filter((name) => text(stated[name]) !== text(drawn[name]));
  return names.map((name) => `${name} is ${text(stated[name])} and should be ${text(drawn[name])}`).join('; ');
}

function short(text: string): string {
  return text.length > 200 ? `${text.slice(0, 200)}…` : text;
}
