import { existsSync, readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { keysThatFollow } from '../../domain/audit/log/key-succession.js';
import { judgeNote, NoteFormatError, parseNote } from '../../domain/audit/log/signed-note.js';
import {
  holdAgainst,
  parsePublication,
  type PublicationClaim,
} from '../../domain/publication/publication-certificate.js';
import { NODE_PRIMITIVES, sha256 } from '../../infrastructure/audit/digest.js';
import type { KafkaSettings } from '../../infrastructure/kafka/kafka-client.js';
import { publishedRecords } from '../../infrastructure/kafka/reading/published-records.js';
import { keysOf, MANY, say, TEXT, wholeNumber } from '../audit/arguments.js';
import { ask, orSayWhy } from '../audit/server-answers.js';
import { EXIT, UsageError } from '../command.js';

interface Answer {
  readonly certificate: string;
  readonly successions: readonly string[];
  readonly losses: readonly string[];
}

/** Holds the facts on the topic against what the log states of its entries. Exit code 0: exactly these are there; 1:
 * some are missing, added or changed, or the certificate is not the log's; 2: nothing is wrong, and no key was given,
 * or records name no entry. */
export async function verifyPublished(args: string[], settings: () => KafkaSettings): Promise<number> {
  const { values } = parseArgs({
    args,
    options: { from: TEXT, to: TEXT, server: TEXT, token: TEXT, key: MANY, certificate: TEXT },
  });
  const trusted = keysOf(values.key);
  const kafka = settings();
  return orSayWhy('kafka verify', async () => {
    const answer = values.certificate === undefined ? await askedOf(values) : kept(values.certificate);
    const claim = claimOf(answer);
    if (claim === null) {
      say('WRONG      this is no certificate of what was published');
      return EXIT.failed;
    }
    const keys = keysThatFollow(trusted, [...answer.successions, ...answer.losses], NODE_PRIMITIVES);
    const { verdict } = judgeNote(parseNote(answer.certificate), keys, NODE_PRIMITIVES.isSigned);
    const { from, to, origin, count } = claim;
    say(`log        ${origin}: entries ${from.size} to ${to.size}, ${count} facts are published of them`);
    const found = await publishedRecords(kafka);
    const held = holdAgainst(claim, found.records, sha256);
    say(`topic      ${found.records.length} records, ${held.outside} of other entries, ${held.repeated} repetitions`);
    if (verdict === 'bad_signature' || (verdict === 'unsigned' && trusted.length > 0))
      say('WRONG      the certificate is not signed by a key that you gave, or one that follows from it');
    for (const id of held.contradictions) say(`WRONG      records of the id ${id} say different things`);
    if (!held.isWhole) say(`WRONG      ${whatDiffers(held.missing)}`);
    if (!held.isWhole || verdict === 'bad_signature' || (verdict === 'unsigned' && trusted.length > 0))
      return EXIT.failed;
    if (verdict !== 'signed')
      say('UNDECIDED  nobody knows who signed the certificate: give the key of the log with --key');
    if (found.nameless > 0)
      say(`UNDECIDED  ${found.nameless} records name no entry: published by an older version, or by somebody else`);
    if (verdict !== 'signed' || found.nameless > 0) return EXIT.unknown;
    say('nothing is missing and nothing was added');
    return EXIT.ok;
  });
}

function whatDiffers(missing: number): string {
  if (missing > 0) return `${missing} facts are missing on the topic (or older than it keeps)`;
  return missing < 0 ? `${-missing} records were added` : 'as many records as facts, and other ones';
}

async function askedOf(values: {
  readonly from?: string | undefined;
  readonly to?: string | undefined;
  readonly server?: string | undefined;
  readonly token?: string | undefined;
}): Promise<Answer> {
  if (values.server === undefined)
    throw new UsageError('verify needs --server URL and --token TOKEN, or --certificate FILE');
  const from = wholeNumber(values.from, 'from');
  const to = values.to === undefined ? '' : `&to=${wholeNumber(values.to, 'to')}`;
  return ask<Answer>(values.server, values.token, `/v1/published-events/certificate?from=${from}${to}`);
}

function kept(file: string): Answer {
  if (!existsSync(file)) throw new UsageError(`there is no file ${file}`);
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Answer;
  } catch {
    throw new UsageError(`${file} is not JSON: it should be the answer of /v1/published-events/certificate`);
  }
}

function claimOf({ certificate, successions, losses }: Answer): PublicationClaim | null {
  if (typeof certificate !== 'string' || !Array.isArray(successions) || !Array.isArray(losses)) return null;
  try {
    return parsePublication(parseNote(certificate).text);
  } catch (error) {
    if (error instanceof NoteFormatError) return null;
    throw error;
  }
}
