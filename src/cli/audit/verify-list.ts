import { createReadStream, existsSync, readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { NoteFormatError } from '../../domain/audit/signed-note.js';
import { isSoundList, verifyList, type ListReport } from '../../domain/audit/verify-list.js';
import { hmacSha256, isSignedEd25519, sha256 } from '../../infrastructure/audit/digest.js';
import { EXIT, UsageError } from '../command.js';
import { FLAG, keysOf, MANY, notesIn, say, TEXT } from './arguments.js';

const UNSIGNED: readonly string[] = ['certificate_unsigned'];

/** Holds a list that was handed over against the events of a bundle. Exit code 0: every row follows; 1: something is wrong; 2: nothing is
 *  wrong as far as could be seen, but the rows were not drawn again or nobody knows who signed. */
export async function verifyListCommand(args: string[]): Promise<number> {
  const { values, positionals } = parseArgs({ args, allowPositionals: true, options: { bundle: TEXT, key: MANY, known: MANY, json: FLAG } });
  if (positionals.length === 0) throw new UsageError('verify-list needs the file of a list (or of each of its pages, in their order)');
  for (const file of [...positionals, ...(values.bundle === undefined ? [] : [values.bundle])]) if (!existsSync(file)) throw new UsageError(`there is no file ${file}`);
  const pages = positionals.flatMap(pagesIn);
  const trusted = keysOf(values.key);
  const bundle = values.bundle === undefined ? null : await linesOf(values.bundle);
  const report = reportOf(pages, { trusted, bundle, known: (values.known ?? []).flatMap(notesIn) });
  const wrong = trusted.length > 0 ? report.discrepancies : report.discrepancies.filter((d) => !UNSIGNED.includes(d.code));
  if (values.json) say(JSON.stringify({ sound: isSoundList(report), ...report, claim: report.claim && { ...report.claim, root: Buffer.from(report.claim.root).toString('base64') } }, null, 2));
  else print(report, wrong, trusted.length > 0);
  return wrong.length > 0 ? EXIT.failed : isSoundList(report) ? EXIT.ok : EXIT.unknown;
}

function reportOf(pages: readonly unknown[], options: { readonly trusted: ReturnType<typeof keysOf>; readonly bundle: readonly string[] | null; readonly known: readonly string[] }): ListReport {
  try {
    return verifyList(pages, { hash: sha256, hmac: hmacSha256, isSigned: isSignedEd25519 }, options);
  } catch (error) {
    if (error instanceof NoteFormatError) throw new UsageError(`--known: ${error.message}`);
    throw error;
  }
}

function print({ claim, pages, rows, recomputed, agreeing, laterEvents, trust }: ListReport, wrong: ListReport['discrepancies'], hasKey: boolean): void {
  if (claim) {
    say(`list       ${claim.list} ${JSON.stringify(claim.query)}: ${claim.count} rows stated, ${rows} at hand on ${pages} ${pages === 1 ? 'page' : 'pages'}`);
    say(`log        ${claim.origin}, ${claim.treeSize} entries, no gaps; made ${claim.createdAtUtc}`);
    say(`moment     ${'position' in claim.asOf ? `position ${claim.asOf.position}` : claim.asOf.atUtc}: ${claim.events} events, policy ${claim.policyVersion ?? 'none'}`);
  }
  say(`signature  ${trust === 'trusted' ? 'by the key that you gave, or one that follows from it' : hasKey ? 'NOT by the key that you gave' : 'not checked: give the key of the log with --key'}`);
  say(`rows       ${recomputed ? `${agreeing} of ${rows} rows follow from the events of the bundle` : 'not drawn again: give a bundle of the whole log with --bundle'}${laterEvents > 0 ? `; the bundle has ${laterEvents} later events` : ''}`);
  for (const { code, index, detail } of wrong.slice(0, 50)) say(`WRONG      ${index === null ? '' : `entry ${index}: `}${detail} [${code}]`);
  if (wrong.length > 50) say(`           and ${wrong.length - 50} more`);
  say(wrong.length > 0 ? `${wrong.length} discrepancies` : recomputed && trust === 'trusted' ? 'the list is complete and every row is as the events say' : 'nothing is wrong as far as could be seen');
}

/** One answer, or an array of answers. */
function pagesIn(file: string): unknown[] {
  try {
    const value = JSON.parse(readFileSync(file, 'utf8')) as unknown;
    return Array.isArray(value) ? value : [value];
  } catch {
    throw new UsageError(`${file} is not JSON`);
  }
}

/** A bundle can be larger than the longest string, so its lines are cut out of chunks. */
export async function linesOf(path: string): Promise<string[]> {
  const lines: string[] = [];
  let rest = '';
  for await (const chunk of createReadStream(path, { encoding: 'utf8', highWaterMark: 1 << 20 })) {
    const parts = (rest + String(chunk)).split('\n');
    rest = parts.pop() as string;
    for (const part of parts) lines.push(part);
  }
  return rest === '' ? lines : [...lines, rest];
}
