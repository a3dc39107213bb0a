import { createHash, type Hash } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { toBase64 } from '../../domain/audit/log/bytes.js';
import { glanceAtLeaf, parseLeaf, personsIn } from '../../domain/audit/log/leaf.js';
import {
  chosenRows,
  clippedBounds,
  countsAt,
  coveredByListCertificate,
  cursorAfter,
  listCertificateText,
  queryOfFilter,
  type AsOf,
  type CertifiedPage,
  type ClippedBound,
  type ListFilter,
} from '../../domain/audit/lists/list-certificate.js';
import { isDrawnFrom, ListDrawer, LISTS, type DrawnRow, type ListName } from '../../domain/audit/lists/list-drawer.js';
import { writeNote } from '../../domain/audit/log/signed-note.js';
import { canonicalJson } from '../../domain/values/canonical-json.js';
import type { JsonObject } from '../../domain/event-envelope.js';
import { AuditLog, type PublishedCheckpoint } from '../ports/audit/audit-log.js';
import { CheckpointSigner } from '../ports/audit/checkpoint-signer.js';
import { Clock } from '../ports/store/clock.js';
import { EventStore } from '../ports/store/event-store.js';
import { Pseudonyms } from '../ports/audit/pseudonyms.js';
import { PeriodicLook } from '../saga/periodic-look.js';
import { notesThatLeadTo } from './declared-losses.js';
import { signedWithKeys } from './sign-with-keys.js';
import {
  boundIn,
  caughtUpLog,
  leafAt,
  momentIn,
  NoCheckpointError,
  type AskedMoment,
  type ClippedMoment,
} from './moments.js';

export interface ListQuestion {
  readonly list: ListName;
  readonly filter: ListFilter;
  readonly moment: AskedMoment;
  /** Who the tokens stand for. */
  readonly withNames: boolean;
  /** `next` of the page before, or null for the first page. */
  readonly cursor: string | null;
  readonly limit: number;
}

export type ListAnswer = CertifiedPage;

/** The cursor is not one that was handed out for this list. */
export class BadCursorError extends Error {}

const CATCH_UP_LIMIT_MS = 2_000;
/** Leaves between two breaths of the event loop. */
const LEAVES_AT_ONCE = 500;
const ROWS_AT_ONCE = 2_000;
/** Drawn lists that later pages may ask for again. */
const KEPT_MAX = 4;
/** Leaves that are drawn before somebody who waits for a list gets a turn. */
const LEAVES_A_TURN = 20_000;
const LOOK_MS = 5_000;
/** Lists to which rows are only added. */
const ONLY_GROWING: ReadonlySet<ListName> = new Set(['accesses', 'decisions', 'erasures', 'exports']);

interface Drawn {
  readonly checkpoint: PublishedCheckpoint;
  readonly asOf: AsOf;
  readonly rows: readonly DrawnRow[];
  readonly events: number;
  readonly policyVersion: number | null;
  readonly rowsSha256: string;
  /** The filter with the bounds that were taken. */
  readonly filter: ListFilter;
  readonly clipped: readonly ClippedBound[];
}

interface DigestSoFar {
  readonly hash: Hash;
  readonly rows: number;
  readonly last: JsonObject;
}

/** Draws lists from the signed log, at any moment, each with a certificate that whoever has the log can hold it
 * against. The rows come from the leaves of one tree and nothing else, so a list never shows more than its certificate
 * covers. */
@Injectable()
export class AuditLists {
  /** How long a question waits for the signed log to catch up with the store. Milliseconds. */
  catchUpLimitMs = CATCH_UP_LIMIT_MS;
  private present: { readonly drawer: ListDrawer; size: number; root: string | null } | null = null;
  private advancing: Promise<unknown> = Promise.resolve();
  private readonly kept = new Map<string, Drawn>();
  private readonly soFar = new Map<ListName, DigestSoFar>();
  private isWarm = false;
  private readonly texts = new WeakMap<JsonObject, string>();
  private readonly looking = new PeriodicLook({ name: 'Lists', of: 'the signed log', everyMs: LOOK_MS });

  constructor(
    private readonly log: AuditLog,
    private readonly signer: CheckpointSigner,
    private readonly store: EventStore,
    private readonly pseudonyms: Pseudonyms,
    private readonly clock: Clock,
  ) {}

  /** Draws the present in the background, so that nobody who asks waits for years of history. */
  start(): void {
    this.looking.start(() => this.keepUp(() => this.looking.isStopping));
  }

  async stop(): Promise<void> {
    await this.looking.stop();
  }

  /** Carries the present on to the newest checkpoint, in turns that others get between. */
  async keepUp(isStopping: () => boolean = () => false): Promise<void> {
    for (let isMore = true; isMore && !isStopping();) {
      const checkpoint = this.log.checkpoint();
      if (checkpoint === null) return;
      isMore = await this.inTurn(async () => {
        const { drawer, isThere } = await this.advance(checkpoint, LEAVES_A_TURN);
        if (isThere && !this.isWarm) await this.warm(drawer);
        return !isThere;
      });
    }
  }

  /** @throws {NoCheckpointError}, {MomentOutOfRangeError}, {BadCursorError} */
  async page(question: ListQuestion): Promise<ListAnswer> {
    const { list, filter, moment, cursor, limit } = question;
    const head = cursor === null ? await this.store.head() : null;
    const { size, offset } = cursor === null ? { size: null, offset: 0 } : cursorOf(cursor);
    const checkpoint =
      size === null ? await caughtUpLog(this.log, head, this.catchUpLimitMs) : this.log.checkpointOf(size);
    if (!checkpoint && size !== null) throw new BadCursorError('no page of a list was handed out with this cursor');
    if (!checkpoint || checkpoint.size === 0) throw new NoCheckpointError();
    const drawn = await this.drawn(
      list,
      filter,
      momentIn(this.log, checkpoint.size, moment, this.clock.nowUtc()),
      checkpoint,
    );
    if (offset > 0 && offset >= drawn.rows.length) throw new BadCursorError('the list ends before this page');
    const isNewest = head === null || this.log.positionOf(checkpoint.size - 1) >= head;
    return this.certified(question, drawn, offset, offset + limit, isNewest);
  }

  /** All rows of a list at a bound of a comparison. @throws {NoCheckpointError} */
  async rowsAt(
    list: ListName,
    filter: ListFilter,
    asked: { readonly bound: 'from' | 'to'; readonly moment: AskedMoment },
  ): Promise<{ readonly asOf: AsOf; readonly clipped: ClippedMoment | null; readonly rows: readonly DrawnRow[] }> {
    const checkpoint = await caughtUpLog(this.log, await this.store.head(), this.catchUpLimitMs);
    if (!checkpoint || checkpoint.size === 0) throw new NoCheckpointError();
    const { asOf, clipped } = boundIn(this.log, checkpoint.size, { ...asked, nowUtc: this.clock.nowUtc() });
    return { asOf, clipped, rows: (await this.drawn(list, filter, asOf, checkpoint)).rows };
  }

  private async certified(
    { list, withNames }: ListQuestion,
    drawn: Drawn,
    from: number,
    to: number,
    isNewest: boolean,
  ): Promise<ListAnswer> {
    const { checkpoint, asOf, events, policyVersion, rowsSha256, filter, clipped } = drawn;
    const chosen = drawn.rows.slice(from, to);
    const rows = chosen.map(({ row }) => row);
    const query = queryOfFilter(filter);
    const position = 'position' in asOf ? asOf.position : checkpoint.size - 1;
    const [of, size] = [drawn.rows.length, checkpoint.size];
    // Waited for before the keys are named: see signedWithKeys.
    const openings = withNames ? await this.openings(chosen) : {};
    const page = { offset: from, rows: rows.length };
    const pageSha256 = await this.digestOf(rows);
    const { answer, text, signatures } = signedWithKeys(this.signer, () => {
      const answer = {
        checkpoint: checkpoint.note,
        successions: notesThatLeadTo(checkpoint.origin, this.signer),
        openings,
        next: to < of ? cursorAfter(size, to) : null,
        asOf: {
          position,
          atUtc: 'atUtc' in asOf ? asOf.atUtc : leafAt(this.log, position).metadata.recordedAtUtc,
          isNewest,
          treeSize: size,
        },
        page: { ...page, of },
        ...(filter.from === undefined && filter.to === undefined ? {} : { clipped }),
      };
      const text = listCertificateText({
        origin: checkpoint.origin,
        treeSize: size,
        root: checkpoint.root,
        list,
        query,
        asOf,
        events,
        policyVersion,
        count: of,
        rowsSha256,
        page: { ...page, sha256: pageSha256 },
        createdAtUtc: this.clock.nowUtc(),
        answerSha256: createHash('sha256').update(coveredByListCertificate(answer)).digest('hex'),
      });
      return { answer, text };
    });
    return { list, query, rows, certificate: writeNote({ text, signatures }), ...answer };
  }

  private async drawn(list: ListName, filter: ListFilter, asOf: AsOf, checkpoint: PublishedCheckpoint): Promise<Drawn> {
    const query = queryOfFilter(filter);
    const name = canonicalJson({
      list,
      query,
      asOf: asOf as unknown as JsonObject,
      size: checkpoint.size,
      root: toBase64(checkpoint.root),
    });
    const known = this.kept.get(name);
    if (known) return known;
    const taken = await this.rowsOf(list, filter, asOf, checkpoint);
    const drawn = { checkpoint, asOf, ...taken, rowsSha256: await this.digestOfList(list, taken) };
    if (this.kept.size >= KEPT_MAX) this.kept.delete(this.kept.keys().next().value as string);
    this.kept.set(name, drawn);
    return drawn;
  }

  private async rowsOf(
    list: ListName,
    asked: ListFilter,
    asOf: AsOf,
    checkpoint: PublishedCheckpoint,
  ): Promise<Pick<Drawn, 'rows' | 'events' | 'policyVersion' | 'filter' | 'clipped'>> {
    const take = (drawer: ListDrawer, events: number) => {
      const { filter, clipped } = clippedBounds(asked, drawer.recorded);
      const drawn = drawer.drawn(list, 'atUtc' in asOf ? asOf.atUtc : undefined);
      return {
        rows: chosenRows(list, queryOfFilter(filter), drawn),
        events,
        policyVersion: drawer.policyVersion,
        filter,
        clipped,
      };
    };
    if ('position' in asOf && asOf.position === checkpoint.size - 1) {
      const taken = await this.inTurn(async () => {
        const { drawer, isBeyond } = await this.advance(checkpoint, checkpoint.size);
        return isBeyond ? null : take(drawer, checkpoint.size);
      });
      if (taken) return taken;
    }
    const drawer = new ListDrawer([list]);
    return take(drawer, await this.feed(drawer, 0, 'position' in asOf ? asOf.position + 1 : checkpoint.size, asOf));
  }

  /** One at a time: the present drawer is shared. */
  private inTurn<T>(work: () => Promise<T>): Promise<T> {
    const next = this.advancing.then(work);
    this.advancing = next.catch(() => {});
    return next;
  }

  /** Carries the present drawer on towards this checkpoint, by so many leaves at most. */
  private async advance(
    { size, root }: PublishedCheckpoint,
    leavesMax: number,
  ): Promise<{ readonly drawer: ListDrawer; readonly isThere: boolean; readonly isBeyond: boolean }> {
    const isOther = this.present?.size === size && this.present.root !== null && this.present.root !== toBase64(root);
    if (!this.present || isOther) this.present = { drawer: new ListDrawer(), size: 0, root: null };
    const { present } = this;
    const { drawer } = present;
    if (present.size > size) return { drawer, isThere: true, isBeyond: true };
    if (present.size === size && present.root !== null) return { drawer, isThere: true, isBeyond: false };
    const to = Math.min(size, present.size + leavesMax);
    try {
      await this.feed(drawer, present.size, to, { position: to - 1 });
    } catch (error) {
      // Half fed: the next question begins anew.
      this.present = null;
      throw error;
    }
    present.size = to;
    present.root = to === size ? toBase64(root) : null;
    return { drawer, isThere: to === size, isBeyond: false };
  }

  /** @returns how many leaves counted */
  private async feed(drawer: ListDrawer, from: number, to: number, asOf: AsOf): Promise<number> {
    let [index, events] = [from, 0];
    for (const text of this.log.leaves(from, to)) {
      const glance = glanceAtLeaf(text);
      if (!glance) notAnEvent(index);
      if (countsAt(asOf, index, glance.recordedAtUtc)) {
        if (isDrawnFrom(glance.type)) drawer.feed(parseLeaf(text) ?? notAnEvent(index), index);
        else drawer.pass(glance.recordedAtUtc, index);
        events += 1;
      }
      index += 1;
      if (index % LEAVES_AT_ONCE === 0) await setImmediate();
    }
    return events;
  }

  /** Writes every row once, so that not the first who asks waits for that. */
  private async warm(drawer: ListDrawer): Promise<void> {
    for (const list of LISTS) await this.digestOfList(list, { rows: drawer.drawn(list), filter: {} });
    this.isWarm = true;
  }

  /** Of a list that only grows, what was written before is not gone through again. */
  private async digestOfList(list: ListName, { rows, filter }: Pick<Drawn, 'rows' | 'filter'>): Promise<string> {
    const plain = rows.map(({ row }) => row);
    const isWhole = ONLY_GROWING.has(list) && Object.keys(queryOfFilter(filter)).length === 0;
    if (!isWhole || plain.length === 0) return this.digestOf(plain);
    const before = this.soFar.get(list);
    const goesOn = before !== undefined && plain[before.rows - 1] === before.last;
    // A copy: another question may be at it.
    const hash = goesOn ? before.hash.copy() : createHash('sha256').update('[');
    for (let i = goesOn ? before.rows : 0; i < plain.length; i += 1) {
      hash.update(i === 0 ? canonicalJson(plain[i] as JsonObject) : `,${canonicalJson(plain[i] as JsonObject)}`);
      if (i % ROWS_AT_ONCE === ROWS_AT_ONCE - 1) await setImmediate();
    }
    // A look at the past does not take the place of the present.
    if (goesOn || before === undefined || plain.length >= before.rows)
      this.soFar.set(list, { hash, rows: plain.length, last: plain.at(-1) as JsonObject });
    return hash.copy().update(']').digest('hex');
  }

  /** SHA-256 of the canonical JSON of the rows, hex. The text of a row is made once, however often it is asked for. */
  private async digestOf(rows: readonly JsonObject[]): Promise<string> {
    const hash = createHash('sha256').update('[');
    for (const [i, row] of rows.entries()) {
      let text = this.texts.get(row);
      if (text === undefined) this.texts.set(row, (text = canonicalJson(row)));
      hash.update(i === 0 ? text : `,${text}`);
      if (i % ROWS_AT_ONCE === ROWS_AT_ONCE - 1) await setImmediate();
    }
    return hash.update(']').digest('hex');
  }

  private async openings(rows: readonly DrawnRow[]): Promise<CertifiedPage['openings']> {
    const openings: Record<string, CertifiedPage['openings'][string]> = {};
    for (const index of rows.flatMap(({ people }) => people)) {
      const [event] = (await this.store.readAll(index === 0 ? null : this.log.positionOf(index - 1), { limit: 1 }))
        .events;
      if (!event) continue;
      for (const person of personsIn({
        ...event,
        data: canonicalJson(event.data),
        metadata: canonicalJson(event.metadata as unknown as JsonObject),
      })) {
        const salt = person.kind === 'staff' ? this.pseudonyms.existingSaltOf(person) : null;
        if (salt) openings[this.pseudonyms.tokenOf(person)] = { kind: 'staff', id: person.id, salt: toBase64(salt) };
      }
    }
    return openings;
  }
}

function notAnEvent(index: number): never {
  throw new Error(`leaf ${index} is not an event; run './honnin audit fsck'`);
}

function cursorOf(cursor: string): { readonly size: number; readonly offset: number } {
  const [, size, offset] = /^([1-9]\d{0,14})-([1-9]\d{0,14})$/.exec(cursor) ?? [];
  if (size === undefined || offset === undefined)
    throw new BadCursorError('a cursor is what the page before states as next');
  return { size: Number(size), offset: Number(offset) };
}
