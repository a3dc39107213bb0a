import { createHash, X509Certificate } from 'node:crypto';
import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, readFileSync, truncateSync, writeSync } from 'node:fs';
import path from 'node:path';
import { FaultTape } from '../stand-in/fault-tape.js';
import { ListeningStandIn, type Troublable } from '../stand-in/listening-stand-in.js';
import {
  commonControl,
  controlBody,
  json,
  problem,
  type StandInAnswer,
  type StandInOptions,
  type StandInRequest,
} from '../stand-in/stand-in-listener.js';
import { canonicalJson } from '../../domain/values/canonical-json.js';
import { CERTIFICATE_TYPES, type CertificateType } from '../../domain/values/certificate-status.js';

/** What goes wrong on the way, before or after the submission was stored. */
export const GOVERNMENT_FAULTS = [
  'none',
  'drop_before_storing',
  'drop_after_storing',
  'http500_before_storing',
  'http500_after_storing',
  'hang_after_storing',
  'answer_twice',
  'garbage',
  'wrong_submission_id',
  'redirect',
  'unauthorized',
  'too_many_requests',
  'unknown_status',
] as const;
export type GovernmentFault = (typeof GOVERNMENT_FAULTS)[number];

/** What the office decides about submissions that come in from now on. */
export type Decision =
  | { readonly decide: 'accept' }
  | { readonly decide: 'refuse'; readonly reason: string }
  /** Received first; the outcome stands after so many milliseconds, or after so many questions, whichever is given. */
  | {
      readonly decide: 'receive';
      readonly then: 'accept' | 'refuse';
      readonly reason?: string;
      readonly afterMs?: number;
      readonly afterPolls?: number;
    };

export interface Submission {
  readonly submissionId: string;
  readonly capturedAtUtc: string;
  readonly photoSha256: string;
  readonly certificateType: CertificateType;
  readonly policyVersion: number;
}

export type SubmissionStatus = 'received' | 'accepted' | 'refused';

/** One submission as the stand-in keeps it. */
export interface KeptSubmission extends Submission {
  /** Digest over the statement and both files: tells a repetition from another content under the same id. */
  readonly contentSha256: string;
  readonly certificateSha256: string;
  readonly receivedAtUtc: string;
  readonly decision: Decision;
  readonly polls: number;
}

/** One attempt, whatever became of it. The history is only ever added to. */
export interface GovernmentAttempt {
  readonly number: number;
  readonly atUtc: string;
  readonly method: string;
  readonly path: string;
  readonly submissionId: string | null;
  /** SHA-256 of the raw body as it came over the wire. */
  readonly bodySha256: string;
  /** SHA-256 over the contents of the parts, which a repetition repeats although its multipart boundary differs; null
   * when unreadable. */
  readonly contentSha256: string | null;
  readonly fault: GovernmentFault;
  /** `stored`, `repeated`, `asked`, or the code of the problem. */
  readonly outcome: string;
  /** Status that was sent, or null when the connection was broken. */
  readonly status: number | null;
}

export interface GovernmentOptions extends StandInOptions {
  /** Attempts and submissions are appended here as JSON lines and read again at the next start. */
  readonly logFile?: string;
  /** When given, requests must carry `Authorization: Bearer` with it. */
  readonly bearerToken?: string;
}

export interface GovernmentServer extends Troublable {
  /** Sets the decision for submissions from now on; those already received keep theirs. */
  decide(decision: Decision): void;
  readonly faults: FaultTape<GovernmentFault>;
  readonly history: readonly GovernmentAttempt[];
  readonly submissions: readonly (KeptSubmission & { readonly status: SubmissionStatus })[];
  /** The capture times that are registered with this photograph, oldest submission first. @req R11 */
  capturedAtOf(photoSha256: string): readonly string[];
}

/** Starts the stand-in for the administrative server. It checks what it is sent, stores each submission id once, and
 *  remembers every attempt. @req R8 R11 */
export async function startGovernmentServer(options: GovernmentOptions = {}): Promise<GovernmentServer> {
  const server = new GovernmentStandIn(options);
  await server.listen();
  return server;
}

type LogLine =
  | { readonly attempt: GovernmentAttempt }
  | { readonly kept: Omit<KeptSubmission, 'polls'> }
  | { readonly polled: string };

const COLLECTION = '/v1/face-registrations';

class GovernmentStandIn extends ListeningStandIn implements GovernmentServer {
  readonly faults = new FaultTape<GovernmentFault>(GOVERNMENT_FAULTS, 'none');
  readonly #options: GovernmentOptions;
  readonly #history: GovernmentAttempt[] = [];
  readonly #kept = new Map<string, KeptSubmission>();
  #decision: Decision = { decide: 'accept' };

  constructor(options: GovernmentOptions) {
    super('government server', options);
    this.#options = options;
    for (const line of readLog(options.logFile)) this.#apply(line);
  }

  decide(decision: Decision): void {
    this.#decision = decision;
  }

  get history(): readonly GovernmentAttempt[] {
    return [...this.#history];
  }

  get submissions(): readonly (KeptSubmission & { readonly status: SubmissionStatus })[] {
    return [...this.#kept.values()].map((kept) => ({ ...kept, status: this.#statusOf(kept) }));
  }

  capturedAtOf(photoSha256: string): readonly string[] {
    return [...this.#kept.values()]
      .filter((kept) => kept.photoSha256 === photoSha256)
      .map(({ capturedAtUtc }) => capturedAtUtc);
  }

  protected override async serve(request: StandInRequest): Promise<StandInAnswer> {
    const fault = this.faults.next();
    const refusal = this.#unauthorised(request, fault);
    if (refusal !== null)
      return this.#attempted(request, {
        fault,
        submissionId: null,
        contentSha256: null,
        outcome: 'unauthorized',
        answer: refusal,
      });
    if (request.method === 'POST' && request.path === COLLECTION) return this.#submit(request, fault);
    if (request.method === 'GET' && request.path.startsWith(`${COLLECTION}/`)) return this.#ask(request, fault);
    return this.#attempted(request, {
      fault,
      submissionId: null,
      contentSha256: null,
      outcome: 'not_found',
      answer: problem(404, 'not_found', 'no such address'),
    });
  }

  #unauthorised(request: StandInRequest, fault: GovernmentFault): StandInAnswer | null {
    const { bearerToken } = this.#options;
    const missing = bearerToken !== undefined && request.headers.authorization !== `Bearer ${bearerToken}`;
    return missing || fault === 'unauthorized' ? problem(401, 'unauthorized', 'a valid access token is needed') : null;
  }

  async #submit(request: StandInRequest, fault: GovernmentFault): Promise<StandInAnswer> {
    const read = await readSubmission(request);
    if ('problem' in read)
      return this.#attempted(request, {
        fault,
        submissionId: null,
        contentSha256: null,
        outcome: read.outcome,
        answer: read.problem,
      });
    const { submission, contentSha256, certificateSha256 } = read;
    const about = { fault, submissionId: submission.submissionId, contentSha256 };
    const before = answerBeforeStoring(fault);
    if (before !== null) return this.#attempted(request, { ...about, outcome: fault, answer: before });
    const known = this.#kept.get(submission.submissionId);
    if (known !== undefined && known.contentSha256 !== contentSha256) {
      return this.#attempted(request, {
        ...about,
        outcome: 'submission_id_reused',
        answer: problem(409, 'submission_id_reused', 'this submission id is known with other content'),
      });
    }
    if (known === undefined)
      this.#log({
        kept: {
          ...submission,
          contentSha256,
          certificateSha256,
          receivedAtUtc: this.now().toISOString(),
          decision: this.#decision,
        },
      });
    const kept = this.#kept.get(submission.submissionId);
    if (kept === undefined) throw new Error('the submission was not kept');
    const answer = await this.#spoiled(json(known === undefined ? 201 : 200, this.#view(kept)), fault);
    return this.#attempted(request, { ...about, outcome: known === undefined ? 'stored' : 'repeated', answer });
  }

  async #ask(request: StandInRequest, fault: GovernmentFault): Promise<StandInAnswer> {
    const submissionId = decodeURIComponent(request.path.slice(COLLECTION.length + 1));
    const about = { fault, submissionId, contentSha256: null };
    const before = answerBeforeStoring(fault);
    if (before !== null) return this.#attempted(request, { ...about, outcome: fault, answer: before });
    if (!this.#kept.has(submissionId))
      return this.#attempted(request, {
        ...about,
        outcome: 'unknown_submission',
        answer: problem(404, 'unknown_submission', 'no such submission'),
      });
    this.#log({ polled: submissionId });
    const kept = this.#kept.get(submissionId);
    if (kept === undefined) throw new Error('a kept submission disappeared');
    return this.#attempted(request, {
      ...about,
      outcome: 'asked',
      answer: await this.#spoiled(json(200, this.#view(kept)), fault),
    });
  }

  /** The object of docs/wire.md. */
  #view(kept: KeptSubmission): Record<string, string> {
    const status = this.#statusOf(kept);
    const reason = kept.decision.decide === 'accept' ? undefined : kept.decision.reason;
    return {
      submissionId: kept.submissionId,
      status,
      ...(status === 'accepted' ? { reference: `GOV-${kept.contentSha256.slice(0, 12).toUpperCase()}` } : {}),
      ...(status === 'refused' ? { reason: reason ?? 'unspecified' } : {}),
    };
  }

  #statusOf(kept: KeptSubmission): SubmissionStatus {
    const { decision } = kept;
    if (decision.decide === 'accept') return 'accepted';
    if (decision.decide === 'refuse') return 'refused';
    const elapsed = this.now().getTime() - Date.parse(kept.receivedAtUtc) >= (decision.afterMs ?? 0);
    const asked = kept.polls >= (decision.afterPolls ?? 0);
    if (!elapsed || !asked) return 'received';
    return decision.then === 'accept' ? 'accepted' : 'refused';
  }

  async #spoiled(answer: StandInAnswer, fault: GovernmentFault): Promise<StandInAnswer> {
    switch (fault) {
      case 'drop_after_storing':
        return { status: 0, drop: true };
      case 'http500_after_storing':
        return problem(500, 'internal', 'the stand-in plays a fault');
      case 'hang_after_storing':
        await this.listening.closing;
        return { status: 0, drop: true };
      case 'answer_twice':
        return { ...answer, twice: true };
      case 'garbage':
        return { status: 200, headers: { 'content-type': 'text/html' }, body: '<html>please sign in</html>' };
      case 'wrong_submission_id':
        return json(200, { submissionId: 'another-submission', status: 'accepted', reference: 'GOV-WRONG' });
      case 'unknown_status':
        return json(200, { ...(JSON.parse(String(answer.body)) as object), status: 'on_a_pile' });
      default:
        return answer;
    }
  }

  #attempted(
    request: StandInRequest,
    what: {
      fault: GovernmentFault;
      submissionId: string | null;
      contentSha256: string | null;
      outcome: string;
      answer: StandInAnswer;
    },
  ): StandInAnswer {
    const { answer, ...rest } = what;
    this.#log({
      attempt: {
        number: this.#history.length + 1,
        atUtc: this.now().toISOString(),
        method: request.method,
        path: request.path,
        bodySha256: request.bodySha256,
        ...rest,
        status: answer.drop === true ? null : answer.status,
      },
    });
    return answer;
  }

  /** Appended before it counts, so that a killed stand-in remembers everything that it answered. */
  #log(line: LogLine): void {
    appendDurably(this.#options.logFile, line);
    this.#apply(line);
  }

  #apply(line: LogLine): void {
    if ('attempt' in line) this.#history.push(line.attempt);
    else if ('kept' in line) this.#kept.set(line.kept.submissionId, { ...line.kept, polls: 0 });
    else {
      const kept = this.#kept.get(line.polled);
      if (kept !== undefined) this.#kept.set(line.polled, { ...kept, polls: kept.polls + 1 });
    }
  }

  protected override async control(request: StandInRequest): Promise<StandInAnswer> {
    const common = await commonControl(request, this.listening, this.faults);
    if (common !== null) return common;
    const photo = /^\/control\/photos\/([0-9a-f]{64})$/.exec(request.path)?.[1];
    if (request.method === 'GET' && photo !== undefined) {
      const capturedAtUtc = this.capturedAtOf(photo);
      return capturedAtUtc.length > 0
        ? json(200, { photoSha256: photo, capturedAtUtc })
        : problem(404, 'unknown_photo', 'no such photograph was registered');
    }
    switch (`${request.method} ${request.path}`) {
      case 'GET /control/history':
        return json(200, this.#history);
      case 'GET /control/submissions':
        return json(200, this.submissions);
      case 'POST /control/decision':
        this.decide(decisionFrom(controlBody(request)));
        return json(200, { ok: true });
      default:
        return problem(404, 'not_found', 'no such control call; docs/sandbox.md lists them');
    }
  }
}

function answerBeforeStoring(fault: GovernmentFault): StandInAnswer | null {
  switch (fault) {
    case 'drop_before_storing':
      return { status: 0, drop: true };
    case 'http500_before_storing':
      return problem(500, 'internal', 'the stand-in plays a fault');
    case 'redirect':
      return { status: 302, headers: { location: 'http://127.0.0.1:9/elsewhere' } };
    case 'too_many_requests':
      return {
        ...problem(429, 'too_many_requests', 'the stand-in plays a fault'),
        headers: { 'content-type': 'application/problem+json', 'retry-after': '1' },
      };
    default:
      return null;
  }
}

type ReadSubmission =
  | { submission: Submission; contentSha256: string; certificateSha256: string }
  | { problem: StandInAnswer; outcome: string };

const refuse = (status: number, code: string, detail: string): ReadSubmission => ({
  problem: problem(status, code, detail),
  outcome: code,
});

/** Reads and checks the three parts. A submission whose statement does not fit its files is refused with 422. */
async function readSubmission(request: StandInRequest): Promise<ReadSubmission> {
  const parts = await readParts(request);
  if (parts === null) return refuse(400, 'malformed', 'the body is not multipart/form-data');
  const { submission: text, photo, certificate } = parts;
  if (text === undefined || photo === undefined || certificate === undefined)
    return refuse(400, 'part_missing', 'submission, photo and certificate are needed');
  const submission = parseSubmission(text);
  if (submission === null)
    return refuse(400, 'malformed_submission', 'the part submission is not what docs/wire.md says');
  if (request.headers['idempotency-key'] !== submission.submissionId)
    return refuse(400, 'idempotency_key_mismatch', 'Idempotency-Key is the submission id');
  if (sha256(photo) !== submission.photoSha256)
    return refuse(422, 'photo_digest_mismatch', 'photoSha256 is not the digest of the photograph');
  if (photo[0] !== 0xff || photo[1] !== 0xd8) return refuse(422, 'photo_unsupported', 'the photograph is not a JPEG');
  if (!isCertificate(certificate)) return refuse(422, 'certificate_unreadable', 'the certificate is not DER');
  const certificateSha256 = sha256(certificate);
  const contentSha256 = sha256(Buffer.from(canonicalJson({ ...submission, certificateSha256 })));
  return { submission, contentSha256, certificateSha256 };
}

/** The parts as bytes, read by the platform's own multipart parser. */
async function readParts(request: StandInRequest): Promise<Partial<Record<string, Buffer>> | null> {
  const contentType = request.headers['content-type'] ?? '';
  if (!contentType.startsWith('multipart/form-data')) return null;
  try {
    const form = await new Response(Uint8Array.from(request.body), {
      headers: { 'content-type': contentType },
    }).formData();
    const parts: Partial<Record<string, Buffer>> = {};
    for (const [name, value] of form)
      parts[name] = typeof value === 'string' ? Buffer.from(value, 'utf8') : Buffer.from(await value.arrayBuffer());
    return parts;
  } catch (error) {
    if (error instanceof TypeError) return null;
    throw error;
  }
}

function parseSubmission(text: Buffer): Submission | null {
  let value: Partial<Record<keyof Submission, unknown>>;
  try {
    value = JSON.parse(text.toString('utf8')) as typeof value;
  } catch {
    // Not JSON: the caller answers 400, which is the decision.
    return null;
  }
  const { submissionId, capturedAtUtc, photoSha256, policyVersion } = value;
  const certificateType = CERTIFICATE_TYPES.find((type) => type === value.certificateType);
  if (typeof submissionId !== 'string' || !/^[\x21-\x7e]{1,128}$/.test(submissionId)) return null;
  if (
    typeof capturedAtUtc !== 'string' ||
    !/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/.test(capturedAtUtc) ||
    Number.isNaN(Date.parse(capturedAtUtc))
  )
    return null;
  if (typeof photoSha256 !== 'string' || !/^[0-9a-f]{64}$/.test(photoSha256)) return null;
  if (certificateType === undefined || typeof policyVersion !== 'number' || !Number.isInteger(policyVersion))
    return null;
  return { submissionId, capturedAtUtc, photoSha256, certificateType, policyVersion };
}

function isCertificate(bytes: Buffer): boolean {
  try {
    return new X509Certificate(bytes).raw.equals(bytes);
  } catch {
    // Unreadable: the caller answers 422, which is the decision.
    return false;
  }
}

function decisionFrom(body: Record<string, unknown>): Decision {
  const { decide, then, reason, afterMs, afterPolls } = body;
  if (decide === 'accept') return { decide };
  if (decide === 'refuse') return { decide, reason: String(reason ?? 'unspecified') };
  if (decide !== 'receive' || (then !== 'accept' && then !== 'refuse'))
    throw new RangeError('decide is accept, refuse {reason}, or receive {then, afterMs?, afterPolls?, reason?}');
  return {
    decide,
    then,
    ...(typeof reason === 'string' ? { reason } : {}),
    ...(typeof afterMs === 'number' ? { afterMs } : {}),
    ...(typeof afterPolls === 'number' ? { afterPolls } : {}),
  };
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** Lines of an earlier run. A last line that a crash cut short was never answered; it is cut off. */
function readLog(file: string | undefined): LogLine[] {
  if (file === undefined || !existsSync(file)) return [];
  const bytes = readFileSync(file);
  const complete = bytes.lastIndexOf(0x0a) + 1;
  if (complete < bytes.length) truncateSync(file, complete);
  return bytes
    .subarray(0, complete)
    .toString('utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as LogLine);
}

function appendDurably(file: string | undefined, line: LogLine): void {
  if (file === undefined) return;
  mkdirSync(path.dirname(file), { recursive: true });
  const handle = openSync(file, 'a', 0o600);
  writeSync(handle, `${JSON.stringify(line)}\n`);
  fsyncSync(handle);
  closeSync(handle);
}
