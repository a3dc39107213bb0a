import { randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import type { ListAnswer } from '../../application/audit/audit-lists.js';
import {
  boundIn,
  MomentOutOfRangeError,
  momentIn,
  NoCheckpointError,
  type AskedMoment,
  type ClippedMoment,
} from '../../application/audit/moments.js';
import {
  CompareLists,
  CompareListsHandler,
  momentJson,
  RecordView,
  RecordViewHandler,
  ViewList,
  ViewListHandler,
  type ListDifference,
} from '../../application/access/view-records.js';
import type { Outcome } from '../../application/decisions/outcome.js';
import { EventStoreUnavailableError } from '../../application/ports/store/event-store.js';
import type { ViewedRecords } from '../../domain/access/access.events.js';
import { explain, type Language } from '../../domain/audit/story/explain.js';
import { registrantOf, type LeafEvent } from '../../domain/audit/log/leaf.js';
import { countsAt, queryOfFilter, type ListFilter } from '../../domain/audit/lists/list-certificate.js';
import type { ListName } from '../../domain/audit/lists/list-drawer.js';
import { blinded, caseState, differences, type Difference } from '../../domain/audit/story/time-travel.js';
import type { Json, JsonObject } from '../../domain/event-envelope.js';
import { EXIT, UsageError } from '../command.js';
import { complain, eitherMomentOf, filterOf, FLAG, listOf, momentOf, needed, say, sayJson, TEXT } from './arguments.js';
import { OpenAudit, operatorName, type Recorder } from './open-audit.js';
import { memberLines, shortText, tableLines } from './print-table.js';
import { ask, orSayWhy } from './server-answers.js';

/** Looking at any past moment: of one case, of a list, of the dashboard. Every look is on record before anything is
 * printed: beside a running server through its interface, else in the data folder itself. */

const COMMON = { data: TEXT, server: TEXT, token: TEXT, json: FLAG } as const;
const FILTER = { booth: TEXT, stage: TEXT, resolved: FLAG, of: TEXT } as const;
const PAGE_LIMIT = 200;

interface Values {
  readonly data?: string | undefined;
  readonly server?: string | undefined;
  readonly token?: string | undefined;
  readonly json?: boolean | undefined;
}

export async function show(args: string[]): Promise<number> {
  const { values } = parseArgs({
    args,
    options: {
      ...COMMON,
      ...FILTER,
      from: TEXT,
      to: TEXT,
      registration: TEXT,
      list: TEXT,
      at: TEXT,
      position: TEXT,
      index: TEXT,
      out: TEXT,
      names: FLAG,
    },
  });
  const moment = momentOf(values);
  if ((values.registration === undefined) === (values.list === undefined))
    throw new UsageError('show needs --registration ID or --list NAME');
  if (values.list !== undefined) return showList(values, listOf(values.list), moment);
  const requestId = needed(values.registration, 'registration');
  return aCase(
    'show',
    values,
    { requestId, what: 'case_state', moments: [moment], path: `state${momentQuery(moment)}` },
    {
      server: (answer: { state: JsonObject }) => answer.state,
      local: ([events]) => caseState(events as readonly LeafEvent[]),
      print: (state) => memberLines(state).forEach(say),
    },
  );
}

export async function history(args: string[]): Promise<number> {
  const { values } = parseArgs({
    args,
    options: { ...COMMON, registration: TEXT, at: TEXT, position: TEXT, index: TEXT },
  });
  const moment = momentOf(values);
  const requestId = needed(values.registration, 'registration');
  type Line = {
    readonly recordedAtUtc: string;
    readonly type: string;
    readonly stream: string;
    readonly revision: number;
  };
  return aCase(
    'history',
    values,
    { requestId, what: 'case_history', moments: [moment], root: 'cases', path: `history${momentQuery(moment)}` },
    {
      server: (answer: { events: readonly Line[] }) => answer.events,
      local: ([events]) =>
        (events as readonly LeafEvent[]).map(({ stream, revision, type, metadata, data }) => ({
          recordedAtUtc: metadata.recordedAtUtc,
          type,
          stream,
          revision,
          actor: metadata.actor,
          data,
        })),
      print: (lines: readonly Line[]) =>
        lines.forEach(({ recordedAtUtc, type, stream, revision }) =>
          say(`${recordedAtUtc}  ${type.padEnd(26)} ${shortText(stream)}@${revision}`),
        ),
    },
  );
}

export async function diff(args: string[]): Promise<number> {
  const { values } = parseArgs({
    args,
    options: { ...COMMON, ...FILTER, registration: TEXT, list: TEXT, from: TEXT, to: TEXT },
  });
  const moments = [eitherMomentOf(values.from, 'from'), eitherMomentOf(values.to, 'to')] as const;
  if ((values.registration === undefined) === (values.list === undefined))
    throw new UsageError('diff needs --registration ID or --list NAME');
  if (values.list !== undefined) return compareList(values, listOf(values.list), moments);
  const requestId = needed(values.registration, 'registration');
  return aCase(
    'diff',
    values,
    {
      requestId,
      what: 'case_difference',
      moments,
      path: `difference?from=${plain(moments[0])}&to=${plain(moments[1])}`,
    },
    {
      server: ({ clipped, differences: found }: { clipped: ClippedMoment[]; differences: readonly Difference[] }) => {
        clipped.forEach((bound) => complain(clippedText(bound)));
        return found;
      },
      local: ([before, after]) =>
        differences(
          caseState(before as readonly LeafEvent[]) as Json,
          caseState(after as readonly LeafEvent[]) as Json,
        ),
      print: (found) => printDifferences(found),
    },
  );
}

export async function why(args: string[]): Promise<number> {
  const { values } = parseArgs({
    args,
    options: { ...COMMON, registration: TEXT, at: TEXT, position: TEXT, index: TEXT, lang: { ...TEXT, default: 'ja' } },
  });
  const { lang } = values;
  if (lang !== 'ja' && lang !== 'en') throw new UsageError('--lang is ja or en');
  const moment = momentOf(values);
  const requestId = needed(values.registration, 'registration');
  const query = momentQuery(moment);
  return aCase(
    'why',
    values,
    {
      requestId,
      what: 'case_explanation',
      moments: [moment],
      path: `explanation${query}${query === '' ? '?' : '&'}lang=${lang}`,
    },
    {
      server: (answer: { lines: readonly { atUtc: string; text: string }[] }) => answer.lines,
      local: ([events]) =>
        (events as readonly LeafEvent[])
          .filter(({ stream }) => !/^(?:saga|challenge)-/.test(stream))
          .map((leaf) => ({
            atUtc: leaf.metadata.recordedAtUtc,
            type: leaf.type,
            text: explain(leaf, lang as Language),
          })),
      print: (lines) => lines.forEach(({ atUtc, text }) => say(`${atUtc}  ${text}`)),
    },
  );
}

interface CaseQuestion {
  readonly requestId: string;
  readonly what: Extract<ViewedRecords, `case_${string}`>;
  readonly moments: readonly AskedMoment[];
  readonly root?: string;
  readonly path: string;
}

interface CaseForms<Answer, Shown> {
  readonly server: (answer: Answer) => Shown;
  readonly local: (pasts: readonly (readonly LeafEvent[])[]) => Shown;
  readonly print: (shown: Shown) => void;
}

async function aCase<Answer, Shown>(
  name: string,
  values: Values,
  { requestId, what, moments, root = 'audit/cases', path }: CaseQuestion,
  { server, local, print }: CaseForms<Answer, Shown>,
): Promise<number> {
  const give = (shown: Shown) => (values.json ? sayJson(shown) : print(shown));
  const { server: url } = values;
  if (url !== undefined) {
    return orSayWhy(`audit ${name}`, async () => {
      give(server(await ask<Answer>(url, values.token, `/v1/${root}/${encodeURIComponent(requestId)}/${path}`)));
      return EXIT.ok;
    });
  }
  return inFolder(`audit ${name}`, values.data, async (audit, recorder) => {
    const pasts = moments.map((moment, i) =>
      caseEvents(audit, requestId, { moment, bound: what === 'case_difference' ? (i === 0 ? 'from' : 'to') : null }),
    );
    if (pasts.at(-1)?.length === 0) {
      complain(
        moments.at(-1) === 'now' ? 'there is no such case in the log' : 'nothing was known of it at that moment',
      );
      return EXIT.failed;
    }
    await new RecordViewHandler(recorder.access).execute(
      new RecordView(randomUUID(), operatorName(audit.config), what, requestId, { moments: moments.map(momentJson) }),
    );
    give(local(pasts));
    return EXIT.ok;
  });
}

/** Everything of a case until a moment, with the erasure of its registrant. */
function caseEvents(
  audit: OpenAudit,
  requestId: string,
  { moment, bound }: { readonly moment: AskedMoment; readonly bound: ClippedMoment['bound'] | null },
): readonly LeafEvent[] {
  const size = audit.log.checkpoint()?.size ?? 0;
  if (size === 0) throw new NoCheckpointError();
  const nowUtc = new Date().toISOString();
  const { asOf, clipped } =
    bound === null
      ? { asOf: momentIn(audit.log, size, moment, nowUtc), clipped: null }
      : boundIn(audit.log, size, { bound, moment, nowUtc });
  if (clipped) complain(clippedText(clipped));
  const all: LeafEvent[] = [];
  const own: LeafEvent[] = [];
  let registrant: string | null = null;
  for (const { index, leaf } of audit.events()) {
    const isOwn = leaf.metadata.correlationId === requestId;
    if (isOwn && leaf.type === 'CertificateVerified') registrant = String(leaf.data['subjectKey']);
    const isErasure =
      leaf.type === 'RegistrantErased' && registrant !== null && registrantOf(leaf.stream) === registrant;
    if (!isOwn && !isErasure) continue;
    all.push(leaf);
    if (countsAt(asOf, index, leaf.metadata.recordedAtUtc)) own.push(leaf);
  }
  return blinded(own, all, null);
}

async function showList(
  values: Values & { readonly out?: string | undefined; readonly names?: boolean } & Parameters<typeof filterOf>[1],
  list: ListName,
  moment: AskedMoment,
): Promise<number> {
  const filter = filterOf(list, values);
  const withNames = values.names ?? false;
  const give = (pages: readonly ListAnswer[]) => {
    if (values.out !== undefined)
      writeFileSync(values.out, `${JSON.stringify(pages.length === 1 ? pages[0] : pages, null, 1)}\n`);
    if (values.json) sayJson(pages.length === 1 ? pages[0] : pages);
    else printList(list, pages, values.out);
    return EXIT.ok;
  };
  const { server } = values;
  if (server !== undefined)
    return orSayWhy('audit show', async () =>
      give(
        await pagesOf(server, values.token, list, {
          ...queryOfFilter(filter),
          ...momentMembers(moment),
          ...(withNames ? { withNames: 'true' } : {}),
        }),
      ),
    );
  return inFolder('audit show', values.data, async (audit, recorder) => {
    const question = { list, filter, moment, withNames, cursor: null, limit: Number.MAX_SAFE_INTEGER };
    const outcome: Outcome<ListAnswer> = await new ViewListHandler(recorder.lists, recorder.access).execute(
      new ViewList(randomUUID(), operatorName(audit.config), question),
    );
    return 'ok' in outcome ? give([outcome.ok]) : EXIT.failed;
  });
}

async function pagesOf(
  server: string,
  token: string | undefined,
  list: ListName,
  query: JsonObject,
): Promise<ListAnswer[]> {
  const pages: ListAnswer[] = [];
  let cursor: string | null = null;
  do {
    const parameters = new URLSearchParams({
      ...(query as Record<string, string>),
      limit: String(PAGE_LIMIT),
      ...(cursor === null ? {} : { cursor }),
    });
    const page: ListAnswer = await ask<ListAnswer>(server, token, `/v1/audit/lists/${list}?${parameters.toString()}`);
    pages.push(page);
    cursor = page.next;
  } while (cursor !== null);
  return pages;
}

function printList(list: ListName, pages: readonly ListAnswer[], out: string | undefined): void {
  const [{ asOf, page, clipped = [] }] = pages as readonly [ListAnswer];
  const names = Object.fromEntries(
    pages.flatMap(({ openings }) => Object.entries(openings).map(([token, { id }]) => [token, id])),
  );
  const rows = pages
    .flatMap((p) => p.rows)
    .map(
      (row) =>
        JSON.parse(
          JSON.stringify(row).replace(/committed:[0-9a-f]{64}/g, (token) => names[token] ?? token),
        ) as JsonObject,
    );
  if (list === 'dashboard') memberLines(rows[0] as JsonObject).forEach(say);
  // The values of a policy are many: a table has their numbers, JSON has all of them.
  else tableLines(list === 'policies' ? rows.map(({ values: _, ...row }) => row) : rows).forEach(say);
  say();
  const moment = `as of position ${asOf.position} (${asOf.atUtc})`;
  const count = `${page.of} ${page.of === 1 ? 'row' : 'rows'}`;
  say(`${count}, ${moment}, drawn from all ${asOf.treeSize} entries of the signed log`);
  for (const { bound, askedUtc, usedUtc, why: outside } of clipped)
    say(`--${bound} ${askedUtc} lies ${outside.replaceAll('_', ' ')}: the list speaks ${bound} ${usedUtc}`);
  if (!asOf.isNewest) say('more was stored since; the signed log does not have it yet');
  if (out !== undefined)
    say(`${out}: the list with its certificate; ./honnin audit verify-list ${out} --bundle BUNDLE --key log.vkey`);
}

async function compareList(
  values: Values & Parameters<typeof filterOf>[1],
  list: ListName,
  moments: readonly [AskedMoment, AskedMoment],
): Promise<number> {
  const { booth, stage, resolved, of } = values;
  const filter: ListFilter = filterOf(list, { booth, stage, resolved, of });
  const give = (found: ListDifference) => {
    if (values.json) sayJson(found);
    else printListDifference(found);
    return EXIT.ok;
  };
  const { server } = values;
  if (server !== undefined)
    return orSayWhy('audit diff', async () =>
      give(
        await ask<ListDifference>(
          server,
          values.token,
          `/v1/audit/lists/${list}/difference?${new URLSearchParams({ ...(queryOfFilter(filter) as Record<string, string>), from: plain(moments[0]), to: plain(moments[1]) }).toString()}`,
        ),
      ),
    );
  return inFolder('audit diff', values.data, async (audit, recorder) => {
    const outcome: Outcome<ListDifference> = await new CompareListsHandler(recorder.lists, recorder.access).execute(
      new CompareLists(randomUUID(), operatorName(audit.config), list, filter, moments),
    );
    return 'ok' in outcome ? give(outcome.ok) : EXIT.failed;
  });
}

function printListDifference({ added, removed, changed, clipped }: ListDifference): void {
  clipped.forEach((bound) => say(clippedText(bound)));
  for (const row of removed) say(`- ${shortText(row)}`);
  for (const row of added) say(`+ ${shortText(row)}`);
  for (const { key, differences: found } of changed) {
    say(`~ ${key}`);
    printDifferences(found, '    ');
  }
  say(`${added.length} rows came, ${removed.length} went, ${changed.length} changed`);
}

function clippedText({ bound, asked, why: outside }: ClippedMoment): string {
  return `--${bound} ${'atUtc' in asked ? asked.atUtc : asked.position} lies ${outside.replaceAll('_', ' ')}`;
}

function printDifferences(found: readonly Difference[], indent = ''): void {
  if (found.length === 0) say('nothing differs');
  for (const { path, before, after } of found) say(`${indent}${path}: ${shortText(before)} → ${shortText(after)}`);
}

/** Opens the folder with the right to put looks on record. Beside a running server there is no such right, and nothing
 * is shown. */
export async function inFolder(
  name: string,
  data: string | undefined,
  work: (audit: OpenAudit, recorder: Recorder) => Promise<number>,
): Promise<number> {
  const audit = OpenAudit.at(data);
  try {
    const recorder = await audit.recorder();
    try {
      return await work(audit, recorder);
    } finally {
      await recorder.close();
    }
  } catch (error) {
    if (error instanceof MomentOutOfRangeError || error instanceof NoCheckpointError)
      throw new UsageError(error.message);
    if (!(error instanceof EventStoreUnavailableError)) throw error;
    complain(`honnin ${name}: the look cannot be put on record, so nothing is shown: ${error.message}`);
    complain('Beside a running server use --server URL --token TOKEN.');
    return EXIT.failed;
  }
}

function momentQuery(moment: AskedMoment): string {
  const members = Object.entries(momentMembers(moment));
  return members.length === 0 ? '' : `?${new URLSearchParams(Object.fromEntries(members)).toString()}`;
}

function momentMembers(moment: AskedMoment): Record<string, string> {
  if (moment === 'now') return {};
  return 'atUtc' in moment ? { at: moment.atUtc } : { position: String(moment.position) };
}

function plain(moment: AskedMoment): string {
  return moment === 'now' ? '' : 'atUtc' in moment ? encodeURIComponent(moment.atUtc) : String(moment.position);
}
