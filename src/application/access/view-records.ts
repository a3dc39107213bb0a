import { CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { ViewedRecords } from '../../domain/access/access.events.js';
import { queryOfFilter, type AsOf, type ListFilter } from '../../domain/audit/lists/list-certificate.js';
import type { DrawnRow, ListName } from '../../domain/audit/lists/list-drawer.js';
import { differences, type Difference } from '../../domain/audit/story/time-travel.js';
import type { Json, JsonObject } from '../../domain/event-envelope.js';
import { canonicalJson } from '../../domain/values/canonical-json.js';
import { AuditLists, type ListAnswer, type ListQuestion } from '../audit/audit-lists.js';
import { CaseHistory, type CasePast } from '../audit/case-history.js';
import type { AskedMoment, ClippedMoment } from '../audit/moments.js';
import { ok, refused, type Outcome } from '../decisions/outcome.js';
import type { RequestStatusRow } from '../ports/store/read-models.js';
import { CaseQuestions, type HoldDetail } from '../queries/questions.js';
import { AccessLog } from './access-log.js';

/** Looking at records is an act like looking at a face: commands, because each is on record before its answer is given.
 * Lists that speak of no case (booths, policies, the dashboard) are not personal and leave no record. */
const PERSONAL_LISTS: ReadonlySet<ListName> = new Set([
  'requests',
  'holds',
  'accesses',
  'decisions',
  'erasures',
  'exports',
]);

/** One case at one or two moments. */
export class ViewCase {
  constructor(
    readonly commandId: string,
    readonly by: string,
    readonly requestId: string,
    readonly what: Extract<ViewedRecords, `case_${string}`>,
    readonly moments: readonly AskedMoment[],
  ) {}
}

/** One hold with the opinions that the asking person may see. */
export class ViewHold {
  constructor(
    readonly commandId: string,
    readonly by: string,
    readonly requestId: string,
  ) {}
}

/** Which case a receipt belongs to, for people of the office. */
export class ViewReceipt {
  constructor(
    readonly commandId: string,
    readonly by: string,
    readonly receipt: string,
  ) {}
}

/** A page of a list with its certificate. */
export class ViewList {
  constructor(
    readonly commandId: string,
    readonly by: string,
    readonly question: ListQuestion,
  ) {}
}

/** What differs in a list between two moments. */
export class CompareLists {
  constructor(
    readonly commandId: string,
    readonly by: string,
    readonly list: ListName,
    readonly filter: ListFilter,
    readonly moments: readonly [AskedMoment, AskedMoment],
  ) {}
}

/** Puts a look on record whose answer is made elsewhere. Whoever sends it waits before giving the answer. */
export class RecordView {
  constructor(
    readonly commandId: string,
    readonly by: string,
    readonly what: ViewedRecords,
    readonly requestId: string | null,
    readonly query: JsonObject,
  ) {}
}

export interface ListDifference {
  readonly from: AsOf;
  readonly to: AsOf;
  /** Bounds that lay outside of the log. */
  readonly clipped: readonly ClippedMoment[];
  readonly added: readonly JsonObject[];
  readonly removed: readonly JsonObject[];
  readonly changed: readonly { readonly key: string; readonly differences: readonly Difference[] }[];
}

@CommandHandler(ViewCase)
export class ViewCaseHandler implements ICommandHandler<ViewCase, Outcome<readonly CasePast[]>> {
  constructor(
    private readonly cases: CaseHistory,
    private readonly access: AccessLog,
  ) {}

  async execute({ commandId, by, requestId, what, moments }: ViewCase): Promise<Outcome<readonly CasePast[]>> {
    const pasts: CasePast[] = [];
    for (const [i, moment] of moments.entries()) {
      const bound = what === 'case_difference' ? ((['from', 'to'] as const)[i] ?? null) : null;
      pasts.push(await this.cases.at(requestId, moment, by, bound));
    }
    const last = pasts.at(-1) as CasePast;
    // Between two moments the first may lie before the case began; then it differs from nothing.
    if (last.rows.length === 0) return refused({ code: last.asOf === null ? 'not_found' : 'nothing_known_then' });
    await record(this.access, { commandId, by, what, requestId, query: { moments: moments.map(momentJson) } });
    return ok(pasts);
  }
}

@CommandHandler(ViewHold)
export class ViewHoldHandler implements ICommandHandler<ViewHold, Outcome<HoldDetail>> {
  constructor(
    private readonly questions: CaseQuestions,
    private readonly access: AccessLog,
  ) {}

  async execute({ commandId, by, requestId }: ViewHold): Promise<Outcome<HoldDetail>> {
    const detail = await this.questions.hold(requestId, by);
    if (!detail) return refused({ code: 'not_found' });
    await record(this.access, { commandId, by, what: 'hold', requestId, query: {} });
    return ok(detail);
  }
}

@CommandHandler(ViewReceipt)
export class ViewReceiptHandler implements ICommandHandler<ViewReceipt, Outcome<RequestStatusRow>> {
  constructor(
    private readonly questions: CaseQuestions,
    private readonly access: AccessLog,
  ) {}

  async execute({ commandId, by, receipt }: ViewReceipt): Promise<Outcome<RequestStatusRow>> {
    const row = await this.questions.byReceipt(receipt);
    if (!row) return refused({ code: 'not_found' });
    // The receipt itself opens the status page for whoever has it, so it stays out of the record.
    await record(this.access, { commandId, by, what: 'case_of_receipt', requestId: row.requestId, query: {} });
    return ok(row);
  }
}

@CommandHandler(ViewList)
export class ViewListHandler implements ICommandHandler<ViewList, Outcome<ListAnswer>> {
  constructor(
    private readonly lists: AuditLists,
    private readonly access: AccessLog,
  ) {}

  async execute({ commandId, by, question }: ViewList): Promise<Outcome<ListAnswer>> {
    const answer = await this.lists.page(question);
    const { list, filter, moment, withNames } = question;
    if (PERSONAL_LISTS.has(list) || withNames) {
      await record(this.access, {
        commandId,
        by,
        what: 'list',
        requestId: null,
        query: {
          list,
          ...queryOfFilter(filter),
          moment: momentJson(moment),
          treeSize: answer.asOf.treeSize,
          offset: answer.page.offset,
          rows: answer.page.rows,
          withNames,
        },
      });
    }
    return ok(answer);
  }
}

@CommandHandler(CompareLists)
export class CompareListsHandler implements ICommandHandler<CompareLists, Outcome<ListDifference>> {
  constructor(
    private readonly lists: AuditLists,
    private readonly access: AccessLog,
  ) {}

  async execute({ commandId, by, list, filter, moments }: CompareLists): Promise<Outcome<ListDifference>> {
    const [from, to] = [
      await this.lists.rowsAt(list, filter, { bound: 'from', moment: moments[0] }),
      await this.lists.rowsAt(list, filter, { bound: 'to', moment: moments[1] }),
    ];
    if (PERSONAL_LISTS.has(list))
      await record(this.access, {
        commandId,
        by,
        what: 'list_difference',
        requestId: null,
        query: { list, ...queryOfFilter(filter), moments: moments.map(momentJson) },
      });
    return ok({
      from: from.asOf,
      to: to.asOf,
      clipped: [from.clipped, to.clipped].filter((clipped) => clipped !== null),
      ...listDifference(from.rows, to.rows),
    });
  }
}

@CommandHandler(RecordView)
export class RecordViewHandler implements ICommandHandler<RecordView, void> {
  constructor(private readonly access: AccessLog) {}

  execute(command: RecordView): Promise<void> {
    return record(this.access, command);
  }
}

/** What differs between two drawings of a list: rows that came, rows that went, and members that changed. */
export function listDifference(
  before: readonly DrawnRow[],
  after: readonly DrawnRow[],
): Pick<ListDifference, 'added' | 'removed' | 'changed'> {
  const [old, now] = [new Map(before.map((d) => [d.key, d.row])), new Map(after.map((d) => [d.key, d.row]))];
  return {
    added: after.filter(({ key }) => !old.has(key)).map(({ row }) => row),
    removed: before.filter(({ key }) => !now.has(key)).map(({ row }) => row),
    changed: after.flatMap(({ key, row }) => {
      const found = differences(old.get(key) as Json | undefined, row as Json);
      return old.has(key) && found.length > 0 ? [{ key, differences: found }] : [];
    }),
  };
}

export function momentJson(moment: AskedMoment): Json {
  return moment === 'now' ? 'now' : { ...moment };
}

/** Anything that cannot be stored ends here, before the answer. */
async function record(
  access: AccessLog,
  { commandId, by, what, requestId, query }: Pick<RecordView, 'commandId' | 'by' | 'what' | 'requestId' | 'query'>,
): Promise<void> {
  // A correlation of its own: looking at a case must not change the history that is looked at.
  await access.record(
    { type: 'RecordsViewed', data: { by, what, requestId, query: canonicalJson(query) } },
    { commandId, actor: `officer:${by}`, correlationId: commandId },
  );
}
