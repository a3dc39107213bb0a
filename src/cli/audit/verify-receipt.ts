import { existsSync, readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { readBundle } from '../../domain/audit/bundle/bundle.js';
import { isSoundReport, verifyBundle } from '../../domain/audit/bundle/verify-bundle.js';
import { toHex, utf8 } from '../../domain/audit/log/bytes.js';
import { parseLeaf } from '../../domain/audit/log/leaf.js';
import type { VerifierKey } from '../../domain/audit/log/signed-note.js';
import {
  joinedPapers,
  papersOf,
  verifyReceipt,
  type ReceiptPapers,
  type ReceiptReport,
  type WholeLog,
} from '../../domain/audit/receipts/verify-receipt.js';
import { hasher, NODE_PRIMITIVES } from '../../infrastructure/audit/digest.js';
import { EXIT, UsageError } from '../command.js';
import { FLAG, keysOf, MANY, say, sayJson, TEXT } from './arguments.js';
import { linesOf } from './verify-list.js';

/** Judges a promise that came with a receipt, offline. Exit code 0: it is kept; 1: something is wrong, among it a
 * promise that was provably not kept; 2: cannot be told with what is here. */
export async function verifyReceiptCommand(args: string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: { key: MANY, receipt: MANY, bundle: TEXT, json: FLAG },
  });
  if (positionals.length === 0)
    throw new UsageError('verify-receipt needs the file of an answer: of a registration, or of …/{receipt}/proof');
  const trusted = keysOf(values.key);
  const typed = {
    receipts: values.receipt ?? [],
    promises: [],
    inclusions: [],
    absences: [],
    successions: [],
    losses: [],
  };
  const papers = joinedPapers([...positionals.map(papersIn), typed]);
  const wholeLog = values.bundle === undefined ? null : await wholeLogIn(values.bundle, trusted);
  const report = verifyReceipt(papers, NODE_PRIMITIVES, { trusted, ...(wholeLog && { wholeLog }) });
  if (values.json) sayJson(report);
  else print(report);
  return report.judgement === 'wrong' ? EXIT.failed : report.judgement === 'right' ? EXIT.ok : EXIT.unknown;
}

function print({ promise, entry, discrepancies, undecided, judgement }: ReceiptReport): void {
  if (promise) {
    say(`promise    by ${promise.origin}: stored ${promise.recordedAtUtc}, in the log until ${promise.dueAtUtc}`);
    say(`entry      ${entry ? `${entry.index}, in the log of ${entry.size} entries` : 'not shown to be in the log'}`);
  }
  for (const { code, detail } of discrepancies) say(`WRONG      ${detail} [${code}]`);
  for (const { code, detail } of undecided) say(`UNDECIDED  ${detail} [${code}]`);
  const words = {
    right: 'the request of this receipt is in the log, as it was promised',
    wrong: discrepancies.some(({ code }) => code === 'promise_not_kept')
      ? 'the promise was not kept: these files are the evidence, keep them'
      : `${discrepancies.length} discrepancies`,
    undecided: 'nothing is wrong as far as could be seen',
  };
  say(words[judgement]);
}

/** @throws {UsageError} for a file that is no answer of a server */
function papersIn(file: string): ReceiptPapers {
  if (!existsSync(file)) throw new UsageError(`there is no file ${file}`);
  const papers = papersOf(jsonIn(file));
  if (!papers)
    throw new UsageError(`${file} has no receipt, promise or proof: it should be an answer of the server as it came`);
  return papers;
}

function jsonIn(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    throw new UsageError(`${file} is not JSON`);
  }
}

/** Every entry that the log had when a bundle of all of it was made. @throws {UsageError} where it is not that */
async function wholeLogIn(file: string, trusted: readonly VerifierKey[]): Promise<WholeLog> {
  if (!existsSync(file)) throw new UsageError(`there is no file ${file}`);
  const lines = [...(await linesOf(file))];
  const report = verifyBundle(lines, NODE_PRIMITIVES, { trusted });
  const { origin, treeSize, createdAtUtc, leaves } = report;
  if (!isSoundReport(report) || origin === null || treeSize === null || createdAtUtc === null)
    throw new UsageError(`${file}: './honnin audit verify' does not call it right with this key, so it shows nothing`);
  if (leaves !== treeSize)
    throw new UsageError(`${file} has ${leaves} of ${treeSize} entries: export the whole log, --from 0`);
  const places = new Map<string, { index: number; type: string }>();
  for (const { index, text } of readBundle(lines).leaves)
    places.set(toHex(hasher.leaf(utf8(text))), { index, type: parseLeaf(text)?.type ?? 'no event' });
  return { origin, treeSize, createdAtUtc, find: (leaf) => places.get(toHex(leaf)) ?? null };
}
