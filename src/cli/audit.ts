import { existsSync, statSync, writeFileSync, createWriteStream } from 'node:fs';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { parseArgs } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import type { BundleQuery } from '../application/audit/bundle-maker.js';
import type { ExportReason } from '../application/access/export-bundle.js';
import { RecordView, RecordViewHandler } from '../application/access/view-records.js';
import { EXPORT_PURPOSES } from '../domain/access/access.events.js';
import { gapsInWords } from '../domain/audit/bundle/gaps-in-words.js';
import { toBase64, utf8 } from '../domain/audit/log/bytes.js';
import { consistencyProof, inclusionProof } from '../domain/audit/log/merkle-tree.js';
import { LISTS } from '../domain/audit/lists/list-drawer.js';
import { verifierKeyText, type VerifierKey } from '../domain/audit/log/signed-note.js';
import { isSoundReport, verifyBundle, type VerifyReport } from '../domain/audit/bundle/verify-bundle.js';
import type { Refusal } from '../domain/refusal.js';
import { REFERENCE } from '../domain/values/file-number.js';
import { isInstant } from '../domain/values/instant.js';
import { holdsMyNumber } from '../domain/values/my-number.js';
import { hasher, NODE_PRIMITIVES } from '../infrastructure/audit/digest.js';
import { timestampAnchors } from '../infrastructure/audit/outlets/configured-outlets.js';
import { fsck } from '../infrastructure/audit/fsck/fsck.js';
import { withLogFile } from '../infrastructure/event-store/log-file/copy-log.js';
import { LogKeys } from '../infrastructure/audit/log-keys.js';
import { EventStoreUnavailableError } from '../application/ports/store/event-store.js';
import { EXIT, UsageError, type CliCommand } from './command.js';
import { ANCHOR_OPTIONS, certificateLines, judgeWith } from './audit/certificates.js';
import { compare } from './audit/compare.js';
import { judgeTimestamp, type TimestampFinding } from './audit/judge-timestamp.js';
import {
  complain,
  FLAG,
  keysOf,
  listOf,
  MANY,
  notesIn,
  say,
  sayJson,
  TEXT,
  wholeNumber,
  witnessedLine,
  witnessesOf,
} from './audit/arguments.js';
import { OpenAudit, operatorName } from './audit/open-audit.js';
import { diff, history, inFolder, show, why } from './audit/time-travel.js';
import { linesOf, verifyListCommand } from './audit/verify-list.js';
import { verifyReceiptCommand } from './audit/verify-receipt.js';

/** Findings of one kind that are printed; --json has all. */
const SHOWN_MAX = 50;

export const command: CliCommand = {
  help: `
Proves what happened, to people who do not trust this machine.

  ./honnin audit export (--registration ID | (--from N [--to N] | --from INSTANT --to INSTANT) [--list NAME]...) --out FILE
        writes a bundle: events, proofs, checkpoint, timestamp, policies. The export is put on record first.
        --with-names shows who the tokens stand for; --with-evidence adds sealed certificate evidence;
        --purpose disclosure --reference NUMBER: for somebody else, with the number of the request or order that
        is answered; without it the purpose is audit (--reference then names the file of the audit, if there is one);
        --known FILE adds the proof for a checkpoint that the reader has (repeatable);
        --server URL --token TOKEN asks a running server, as an auditor; without it the data folder is opened
  ./honnin audit verify BUNDLE [--key VKEY|FILE]... [--known FILE|FOLDER]... [--anchors FILE]...
        [--tsa-anchor FILE]... [--tsa-crl FILE]... [--tsa-policy OID] [--require-timestamp]
        [--witness KEY|FILE]... [--json]
        checks signatures, proofs, gaps, lists and makes every decision again. Exit code 0: all is as it says; 1: something is
        not; 2: nothing is wrong, and something cannot be judged with what you gave (UNDECIDED says what and why: no key, another key of
        the log, a checkpoint newer than the bundle, evidence that is not there). --anchors names your own copies of the roots of the
        certification service (PEM or DER): certificate verdicts are then recomputed from the evidence in the bundle
        (export --with-evidence). --auth-anchors and --sign-anchors keep the roots of the two kinds apart;
        --auth-policy OID, --sign-policy OID, --auth-usage OID, --sign-usage OID (repeatable) and --status-age SECONDS
        are for services whose rules differ from the defaults: a verdict that follows only with what the server had set
        is UNDECIDED and says which of these to give. --tsa-anchor names the roots of a timestamp authority (PEM or
        DER): the report then says before when the log existed, or that a timestamp does not hold; a bundle without one is
        UNDECIDED, because whoever rewrote a log would leave it out. --require-timestamp is for a log of which you know that it
        is stamped: without a timestamp that holds it is wrong. --tsa-crl has revocation judged too
        --witness KEY|FILE (repeatable), --witnesses-needed N (all without it): keys of independent witnesses, so many of which must
        have cosigned a beginning of this log
  ./honnin audit compare --copies FOLDER|FILE|URL|kafka... [--key VKEY|FILE]... [--witness KEY|FILE]... [--server URL] [--json]
        holds checkpoints that were kept elsewhere against the present log and names the first fork. kafka: the topic of the settings
        HONNIN_AUDIT_COPY_KAFKA_*. Exit code 0: the log has only grown; 1: it has not; 2: no key, or nothing to compare
  ./honnin audit fsck [--copies FOLDER] [--no-vault] [--with-projections] [--json]
        recomputes tree, checkpoints, vault references (and read models) from the stored bytes; exit code 1 names the first bad place
  ./honnin audit checkpoint | key [--out FILE] | rotate-key [--destroy-old]
  ./honnin audit prove --index N [--with-entry] | --from SIZE --to SIZE    a proof as JSON; --with-entry shows the entry, on record
  ./honnin audit show --registration ID | --list NAME [--booth ID] [--stage NAME] [--resolved] [--of ID] [--from INSTANT] [--to INSTANT]
        [--names] [--out LIST.json]
        what was known at a moment: --at INSTANT or --position N of the log; without them now. --out keeps the list with its certificate.
        --from, --to: only rows of these times (both included); clipped to what the log tells of, which is said
  ./honnin audit history --registration ID [--at INSTANT | --position N]
  ./honnin audit diff --registration ID | --list NAME --from INSTANT|N --to INSTANT|N
  ./honnin audit why --registration ID [--lang ja|en] [--at INSTANT | --position N]
        each of these looks is put on record before anything is shown, as the operating-system user and HONNIN_OPERATOR; beside a
        running server they need --server URL --token TOKEN (or HONNIN_TOKEN), as an auditor. --json for programs
  ./honnin audit verify-list LIST.json... --bundle BUNDLE [--key VKEY|FILE]... [--known FILE|FOLDER]...
        [--witness KEY|FILE]... [--witnesses-needed N] [--json]
        draws a list again from the events of a bundle and names each row that was left out, added or changed
  ./honnin audit verify-receipt FILE... [--key VKEY|FILE]... [--receipt NUMBER] [--bundle BUNDLE] [--json]
        judges the promise that came with a receipt, offline. FILE: answers of the server as they came: of the registration,
        of GET /v1/registrations/NUMBER/proof, of GET /v1/audit/keys. --bundle has all entries of the log (export --from 0).
        Exit code 0: the log holds the entry; 1: something is wrong, or the promise was provably not kept; 2: cannot be told
  ./honnin audit page --out FILE | --sources
        the offline verifier as one HTML file; its SHA-256 also stands in the log of a server that gives it out.
        --sources prints the sources of which it is made, with their SHA-256, as sha256sum -c takes them

Options
  --data FOLDER   the data folder (default: HONNIN_DATA, else ./data)

Lists: ${LISTS.join(', ')}

Example
  ./honnin audit export --from 0 --list holds --out november.honnin && ./honnin audit verify november.honnin --key log.vkey
`,
  async run(args) {
    const [name, ...rest] = args;
    const sub = name !== undefined && Object.hasOwn(SUBCOMMANDS, name) ? SUBCOMMANDS[name] : undefined;
    if (!sub) throw new UsageError(`audit needs one of: ${Object.keys(SUBCOMMANDS).join(', ')}`);
    return sub(rest);
  },
};

const SUBCOMMANDS: Readonly<Record<string, (args: string[]) => Promise<number>>> = {
  export: exportBundle,
  verify,
  compare,
  fsck: check,
  checkpoint: async (args) => {
    const audit = OpenAudit.at(parseArgs({ args, options: { data: TEXT } }).values.data);
    process.stdout.write(audit.log.checkpoint()?.note ?? '');
    return audit.log.checkpoint() ? EXIT.ok : EXIT.failed;
  },
  key: async (args) => {
    const { values } = parseArgs({ args, options: { data: TEXT, out: TEXT } });
    // The first key of its name: after a declared loss that of the new one.
    const keys = await OpenAudit.at(values.data).keys();
    const text = `${verifierKeyText(keys.keys().find(({ name }) => name === keys.origin) as VerifierKey)}\n`;
    if (values.out) writeFileSync(values.out, text);
    else process.stdout.write(text);
    return EXIT.ok;
  },
  'rotate-key': async (args) => {
    const { values } = parseArgs({ args, options: { data: TEXT, 'destroy-old': FLAG } });
    const audit = OpenAudit.at(values.data);
    const next = await (await audit.keys()).rotate(audit.log.checkpoint(), { destroyOld: values['destroy-old'] });
    say(`the log signs with ${verifierKeyText(next)} from its next checkpoint on; the key before has signed for it`);
    return EXIT.ok;
  },
  'verify-list': verifyListCommand,
  'verify-receipt': verifyReceiptCommand,
  prove,
  show,
  history,
  diff,
  why,
  page: async (args) => {
    const { values } = parseArgs({ args, options: { out: TEXT, sources: FLAG } });
    const { pageSources, verifierPageFile } = await import('../console/build-page.js');
    if (values.sources) {
      process.stdout.write(pageSources());
      return EXIT.ok;
    }
    if (!values.out) throw new UsageError('page needs --out FILE, or --sources');
    const { html, digests } = verifierPageFile();
    writeFileSync(values.out, html);
    say(`${values.out}: ${statSync(values.out).size} bytes, needs no network`);
    // The same release gives the same bytes anywhere: two people who do not trust each other compare these.
    say(`SHA-256    ${digests.fileSha256}`);
    say(`engine     ${digests.engineSha256}, as the page shows it by itself`);
    say(`source     ${digests.sourceSha256}, of version ${digests.version}: --sources prints what it is the digest of`);
    return EXIT.ok;
  },
};

async function exportBundle(args: string[]): Promise<number> {
  const { values } = parseArgs({
    args,
    options: {
      data: TEXT,
      registration: TEXT,
      from: TEXT,
      to: TEXT,
      list: MANY,
      known: MANY,
      out: TEXT,
      server: TEXT,
      token: TEXT,
      'with-names': FLAG,
      'with-evidence': FLAG,
      purpose: TEXT,
      reference: TEXT,
    },
  });
  if (!values.out) throw new UsageError('export needs --out FILE');
  const query = queryOf(values);
  const lists = (values.list ?? []).map(listOf);
  const known = (values.known ?? []).flatMap(notesIn);
  const options = { lists, known, withOpenings: values['with-names'], withEvidence: values['with-evidence'] };
  const why = whyOf(values);
  if (values.server)
    return exportFrom(values.server, values.token, { ...bodyOf(query), ...options, ...bodyOfWhy(why) }, values.out);
  try {
    const audit = OpenAudit.at(values.data);
    const { handler, close } = await audit.exporter();
    try {
      const outcome = await handler.execute({
        commandId: randomUUID(),
        by: operatorName(audit.config),
        query,
        options,
        why,
      });
      if ('refused' in outcome) {
        complain(`honnin audit export: ${whyRefused(outcome.refused)}`);
        return EXIT.failed;
      }
      await writeLines(values.out, outcome.ok.lines);
      say(`${values.out}: ${outcome.ok.leaves} events`);
      return EXIT.ok;
    } finally {
      await close();
    }
  } catch (error) {
    if (!(error instanceof EventStoreUnavailableError)) throw error;
    complain(`honnin audit export: the export cannot be put on record, so nothing is given out: ${error.message}`);
    complain('Beside a running server use --server URL --token TOKEN.');
    return EXIT.failed;
  }
}

/** What an export is for. @throws {UsageError} */
function whyOf({ purpose = 'audit', reference }: { purpose?: string | undefined; reference?: string | undefined }) {
  const found = EXPORT_PURPOSES.find((known) => known === purpose);
  if (found === undefined) throw new UsageError(`--purpose is one of ${EXPORT_PURPOSES.join(', ')}`);
  if (found === 'disclosure' && reference === undefined)
    throw new UsageError('a disclosure needs --reference: the number of the request or order that it answers');
  if (reference !== undefined && (!REFERENCE.test(reference) || holdsMyNumber(reference)))
    throw new UsageError(`--reference is the number of a request, an order or a file: ${REFERENCE.source}`);
  return { purpose: found, reference: reference ?? null };
}

function bodyOfWhy({ purpose, reference }: ExportReason): object {
  return { purpose, ...(reference !== null && { reference }) };
}

function whyRefused(refusal: Refusal): string {
  if (refusal.code === 'lists_of_a_case')
    return 'lists go with a range of the log (--from) and not with one case: their rows are of other cases too';
  return refusal.code === 'checkpoint_unknown' ? `--known: ${refusal.data.problem}` : 'nothing in the log fits';
}

async function exportFrom(server: string, token: string | undefined, body: object, out: string): Promise<number> {
  const response = await fetch(`${server}/v1/audit/exports`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token ?? ''}` },
    body: JSON.stringify(body),
  });
  if (!response.ok || !response.body) {
    complain(`honnin audit export: ${response.status} ${await response.text()}`);
    return EXIT.failed;
  }
  const file = createWriteStream(out);
  for await (const chunk of response.body) if (!file.write(chunk)) await once(file, 'drain');
  file.end();
  await once(file, 'close');
  say(`${out}: ${statSync(out).size} bytes`);
  return EXIT.ok;
}

async function verify(args: string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      key: MANY,
      known: MANY,
      'tsa-anchor': MANY,
      'tsa-crl': MANY,
      'tsa-policy': TEXT,
      'require-timestamp': FLAG,
      witness: MANY,
      'witnesses-needed': TEXT,
      json: FLAG,
      ...ANCHOR_OPTIONS,
    },
  });
  const [file] = positionals;
  if (file === undefined || !existsSync(file)) throw new UsageError('verify needs the file of a bundle');
  const trusted = keysOf(values.key);
  const witnesses = witnessesOf({ witness: values.witness, needed: values['witnesses-needed'] });
  const asked = {
    trusted,
    known: (values.known ?? []).flatMap(notesIn),
    certificates: judgeWith(values),
    ...(witnesses && { witnesses }),
  };
  const startMs = performance.now();
  const report = verifyBundle(await linesOf(file), NODE_PRIMITIVES, asked);
  const seconds = (performance.now() - startMs) / 1000;
  const stamp = judgeTimestamp(report, {
    anchors: values['tsa-anchor'] ?? [],
    crls: values['tsa-crl'] ?? [],
    policy: values['tsa-policy'] ?? null,
    isRequired: values['require-timestamp'] ?? false,
  });
  const isSound = isSoundReport(report) && stamp.judgement === 'right';
  if (values.json) sayJson({ sound: isSound, seconds, ...report, timestamp: stamp });
  else printReport(report, seconds, trusted.length > 0, stamp);
  return report.judgement === 'wrong' || stamp.judgement === 'wrong' ? EXIT.failed : isSound ? EXIT.ok : EXIT.unknown;
}

function printReport(report: VerifyReport, seconds: number, hasKey: boolean, stamp: TimestampFinding): void {
  const { discrepancies, undecided } = report;
  if (report.wasRead) printContent(report, hasKey, stamp);
  for (const { code, index, detail } of discrepancies.slice(0, SHOWN_MAX))
    say(`WRONG      ${index === null ? '' : `entry ${index}: `}${detail} [${code}]`);
  if (stamp.judgement === 'wrong') say(`WRONG      the timestamp: ${stamp.text} [timestamp_${stamp.reason}]`);
  for (const { code, index, detail } of undecided.slice(0, SHOWN_MAX))
    say(`UNDECIDED  ${index === null ? '' : `entry ${index}: `}${detail} [${code}]`);
  if (stamp.judgement === 'undecided') say(`UNDECIDED  the timestamp: ${stamp.text} [timestamp_${stamp.reason}]`);
  const count = discrepancies.length + (stamp.judgement === 'wrong' ? 1 : 0);
  const doubts = undecided.length + (stamp.judgement === 'undecided' ? 1 : 0);
  const verdict =
    count > 0
      ? `${count} discrepancies`
      : doubts === 0
        ? 'everything is as it says'
        : hasKey
          ? `nothing is wrong, and ${doubts} things cannot be judged with what you have`
          : 'nothing is wrong with its content, but nobody knows who made it';
  say(`${verdict} (${seconds.toFixed(2)} s)`);
}

/** What a bundle that could be read to its end tells. */
function printContent(report: VerifyReport, hasKey: boolean, stamp: TimestampFinding): void {
  const { replay } = report;
  say(`log        ${report.origin ?? 'unknown'}, ${report.treeSize ?? 0} entries at the checkpoint`);
  say(
    `bundle     ${report.leaves} entries (${report.first ?? '—'} to ${report.last ?? '—'}), ${gapsInWords(report)}, made ${report.createdAtUtc ?? '—'}`,
  );
  say(
    `signature  ${report.trust === 'trusted' ? `by ${report.signedBy}` : hasKey ? 'NOT by the key that you gave' : 'not checked: give the key of the log with --key'}`,
  );
  say(
    `decisions  ${thousands(replay.reproduced)} of ${thousands(replay.decisions)} decisions reproduced; ${thousands(replay.facts)} facts without a decision; ${thousands(replay.notReproducible.length)} could not be made again`,
  );
  for (const line of certificateLines(report.certificates)) say(line);
  if (report.listsNotDrawn.length > 0)
    say(
      `lists      ${report.listsNotDrawn.join(', ')}: as the certificate states them; their rows are of other cases and were not drawn again`,
    );
  if (report.knownCheckpoints > 0) say(`known      agrees with ${report.knownCheckpoints} checkpoints that you have`);
  if (report.witnessed) say(witnessedLine(report.witnessed));
  for (const { registrant, atUtc, rule, index } of report.erased)
    say(`erased     ${registrant.slice(0, 26)}… on ${atUtc} by rule ${rule} (entry ${index})`);
  say(`timestamp  ${stamp.text}`);
}

async function check(args: string[]): Promise<number> {
  const { values } = parseArgs({
    args,
    options: { data: TEXT, copies: MANY, 'no-vault': FLAG, 'with-projections': FLAG, json: FLAG },
  });
  // A log of any size is checked in the memory of a small one: V8 would let its nursery grow tenfold for what dies at
  // once anyway.
  setFlagsFromString('--semi-space-growth-factor=1');
  const audit = OpenAudit.at(values.data);
  const { vault, pseudonyms, cards, close } = audit.vault();
  let toldMs = 0;
  const onProgress = (checked: number, total: number, perSecond: number): void => {
    if (performance.now() - toldMs < 1000) return;
    toldMs = performance.now();
    process.stderr.write(
      `\r${thousands(checked)} of ${thousands(total)} events, ${thousands(Math.round(perSecond))}/s   `,
    );
  };
  try {
    const report = await withLogFile(audit.config, (eventsFile) =>
      fsck({
        eventsFile,
        auditFolder: audit.auditFolder,
        signer: LogKeys.published(audit.auditFolder),
        pseudonyms,
        vault: values['no-vault'] ? null : vault,
        cards,
        copies: (values.copies ?? []).flatMap(notesIn),
        timestampAnchors: timestampAnchors(audit.config.values.tsaAnchorFiles),
        onProgress,
      }),
    );
    if (toldMs > 0) process.stderr.write('\n');
    const stale = values['with-projections'] ? await staleProjections(audit) : [];
    if (values.json) sayJson({ ...report, staleProjections: stale });
    else {
      for (const { code, index, detail } of report.problems)
        say(`WRONG  ${index === null ? '' : `entry ${index}: `}${detail} [${code}]`);
      for (const name of stale) say(`WRONG  the read model ${name} is not what the events give [projection_differs]`);
      say(
        `${thousands(report.events)} events, ${report.checkpoints} checkpoints, ${report.images} reference images, material of ${report.material} cases, ${report.erased} erased registrants: ${report.problems.length + stale.length === 0 ? 'all is right' : `${report.problems.length + stale.length} problems`} (${report.seconds.toFixed(1)} s, ${thousands(Math.round(report.events / report.seconds))} events/s)`,
      );
    }
    return report.problems.length + stale.length === 0 ? EXIT.ok : EXIT.failed;
  } finally {
    close();
  }
}

/** Builds every read model again beside the one that is served and compares. */
async function staleProjections(audit: OpenAudit): Promise<string[]> {
  const [{ ReadModelDatabase }, { SqlitePositionStore }, { SqliteReadModel }, { ALL_PROJECTIONS }, { upcast }] =
    await Promise.all([
      import('../infrastructure/read-model/read-model-database.js'),
      import('../infrastructure/read-model/sqlite-position-store.js'),
      import('../infrastructure/read-model/sqlite-read-model.js'),
      import('../projections/all-projections.js'),
      import('../domain/event-registry.js'),
    ]);
  const database = ReadModelDatabase.open(audit.config.inData('readmodel.db'));
  const store = await audit.store('read');
  try {
    const model = new SqliteReadModel(database, new SqlitePositionStore(database), ALL_PROJECTIONS);
    const stale: string[] = [];
    for (const name of model.names()) {
      const { comparison } = await model.rebuild(name, { store, upcast: (event) => [upcast(event)], then: 'check' });
      if (comparison && !comparison.equal) stale.push(name);
    }
    return stale;
  } finally {
    await store.close();
    database.close();
  }
}

async function prove(args: string[]): Promise<number> {
  const { values } = parseArgs({
    args,
    options: { data: TEXT, index: TEXT, from: TEXT, to: TEXT, 'with-entry': FLAG },
  });
  const { log } = OpenAudit.at(values.data);
  const checkpoint = log.checkpoint();
  if (!checkpoint) return EXIT.failed;
  const { size } = checkpoint;
  if (values.index !== undefined) {
    const index = wholeNumber(values.index, 'index');
    if (index >= size) throw new UsageError(`the log has ${size} entries: positions go from 0 to ${size - 1}`);
    const leaf = log.leaf(index);
    const isShown = values['with-entry'];
    const recorded = isShown
      ? await inFolder('audit prove', values.data, async (audit, { access }) => {
          await new RecordViewHandler(access).execute(
            new RecordView(randomUUID(), operatorName(audit.config), 'log_entries', null, { index }),
          );
          return EXIT.ok;
        })
      : EXIT.ok;
    if (recorded !== EXIT.ok) return recorded;
    sayJson({
      index,
      size,
      ...(isShown ? { leaf } : {}),
      leafHash: toBase64(hasher.leaf(utf8(leaf))),
      proof: inclusionProof(hasher, log.nodes(size), { index, size }).map(toBase64),
      checkpoint: checkpoint.note,
    });
    return EXIT.ok;
  }
  const [first, second] = [
    wholeNumber(values.from, 'from'),
    values.to === undefined ? size : wholeNumber(values.to, 'to'),
  ];
  if (second > size) throw new UsageError(`the log has ${size} entries`);
  sayJson({ first, second, proof: consistencyProof(hasher, log.nodes(size), { first, second }).map(toBase64) });
  return EXIT.ok;
}

function queryOf({
  registration,
  from,
  to,
}: {
  readonly registration?: string;
  readonly from?: string;
  readonly to?: string;
}): BundleQuery {
  if (registration !== undefined) return { kind: 'registration', requestId: registration };
  if (from === undefined) throw new UsageError('export needs --registration ID or --from');
  if (isInstant(from)) {
    if (to === undefined || !isInstant(to)) throw new UsageError('--from INSTANT goes with --to INSTANT');
    return { kind: 'time', fromUtc: from, toUtc: to };
  }
  return { kind: 'range', from: wholeNumber(from, 'from'), to: to === undefined ? null : wholeNumber(to, 'to') };
}

/** The query in the members of the HTTP interface. */
function bodyOf(query: BundleQuery): object {
  const { kind: _, ...members } = query;
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== null));
}

async function writeLines(path: string, lines: Iterable<string>): Promise<void> {
  const file = createWriteStream(path);
  for (const line of lines) if (!file.write(`${line}\n`)) await once(file, 'drain');
  file.end();
  await once(file, 'close');
}

function thousands(n: number): string {
  return n.toLocaleString('en-US');
}
