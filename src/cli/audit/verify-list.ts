import { createReadStream, existsSync, readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { cutIntoLines } from '../../domain/audit/bundle/bundle.js';
import { isSoundList, verifyList, type ListReport } from '../../domain/audit/lists/verify-list.js';
import { NODE_PRIMITIVES } from '../../infrastructure/audit/digest.js';
import { EXIT, UsageError } from '../command.js';
import { FLAG, keysOf, MANY, notesIn, say, sayJson, TEXT, witnessedLine, witnessesOf } from './arguments.js';

/** Holds a list that was handed over against the events of a bundle. Exit code 0: every row follows; 1: something is
 * wrong; 2: nothing is wrong as far as could be seen, but the rows were not drawn again or nobody knows who signed. */
export async function verifyListCommand(args: string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: { bundle: TEXT, key: MANY, known: MANY, witness: MANY, 'witnesses-needed': TEXT, json: FLAG },
  });
  if (positionals.length === 0)
    throw new UsageError('verify-list needs the file of a list (or of each of its pages, in their order)');
  for (const file of [...positionals, ...(values.bundle === undefined ? [] : [values.bundle])])
    if (!existsSync(file)) throw new UsageError(`there is no file ${file}`);
  const pages = positionals.flatMap(pagesIn);
  const trusted = keysOf(values.key);
  const witnesses = witnessesOf({ witness: values.witness, needed: values['witnesses-needed'] });
  const bundle = values.bundle === undefined ? null : await linesOf(values.bundle);
  const known = (values.known ?? []).flatMap(notesIn);
  const report = verifyList(pages, NODE_PRIMITIVES, { trusted, bundle, known, ...(witnesses && { witnesses }) });
  if (values.json)
    sayJson({
      sound: isSoundList(report),
      ...report,
      claim: report.claim && { ...report.claim, root: Buffer.from(report.claim.root).toString('base64') },
    });
  else print(report, trusted.length > 0);
  return report.judgement === 'wrong' ? EXIT.failed : isSoundList(report) ? EXIT.ok : EXIT.unknown;
}

function print(
  {
    claim,
    pages,
    rows,
    recomputed,
    agreeing,
    laterEvents,
    trust,
    witnessed,
    discrepancies: wrong,
    undecided,
  }: ListReport,
  hasKey: boolean,
): void {
  if (claim) {
    say(
      `list       ${claim.list} ${JSON.stringify(claim.query)}: ${claim.count} rows stated, ${rows} at hand on ${pages} ${pages === 1 ? 'page' : 'pages'}`,
    );
    say(`log        ${claim.origin}, ${claim.treeSize} entries, no gaps; made ${claim.createdAtUtc}`);
    say(
      `moment     ${'position' in claim.asOf ? `position ${claim.asOf.position}` : claim.asOf.atUtc}: ${claim.events} events, policy ${claim.policyVersion ?? 'none'}`,
    );
  }
  say(
    `signature  ${trust === 'trusted' ? 'by the key that you gave, or one that follows from it' : hasKey ? 'NOT by the key that you gave' : 'not checked: give the key of the log with --key'}`,
  );
  say(
    `rows       ${recomputed ? `${agreeing} of ${rows} rows follow from the events of the bundle` : 'not drawn again: give a bundle of the whole log with --bundle'}${laterEvents > 0 ? `; the bundle has ${laterEvents} later events` : ''}`,
  );
  if (witnessed) say(witnessedLine(witnessed));
  for (const { code, index, detail } of wrong.slice(0, 50))
    say(`WRONG      ${index === null ? '' : `entry ${index}: `}${detail} [${code}]`);
  if (wrong.length > 50) say(`           and ${wrong.length - 50} more`);
  for (const { code, detail } of undecided.slice(0, 50)) say(`UNDECIDED  ${detail} [${code}]`);
  say(
    wrong.length > 0
      ? `${wrong.length} discrepancies`
      : undecided.length === 0 && recomputed && trust === 'trusted'
        ? 'the list is complete and every row is as the events say'
        : 'nothing is wrong as far as could be seen',
  );
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

/** A bundle can be larger than the longest string, so it is read in pieces. The bytes are UTF-8 as it was written: no
 * mark of byte order is passed over and no broken character repaired. @throws {UsageError} for other bytes */
export async function linesOf(path: string): Promise<Iterable<string>> {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  const pieces: string[] = [];
  try {
    for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 }))
      pieces.push(decoder.decode(chunk as Buffer, { stream: true }));
    pieces.push(decoder.decode());
  } catch (error) {
    if (error instanceof TypeError)
      throw new UsageError(`${path} is not UTF-8 text: it is no bundle, or it was damaged on its way`);
    throw error;
  }
  return cutIntoLines(pieces);
}
