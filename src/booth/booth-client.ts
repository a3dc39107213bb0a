import { createHash, randomInt, randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import {
  captureEnvelopeText,
  FRAMES_MAX,
  type CaptureEnvelope,
  type RegistrationMode,
} from '../domain/booth/capture-envelope.js';
import type { VerifierKey } from '../domain/audit/log/signed-note.js';
import type { ReceiptReport } from '../domain/audit/receipts/verify-receipt.js';
import { challengeRequestText } from '../domain/booth/challenge-request.js';
import { photoCheckText } from '../domain/booth/photo-check.js';
import { uploadPlaceText, type PlaceClaim } from '../domain/booth/upload-place.js';
import type { InWords } from '../domain/registration/explain-score.js';
import type { PhotoGuidance } from '../domain/registration/photo-guidance.js';
import type { CertificateType } from '../domain/values/certificate-status.js';
import { HEAD_TURNS, type HeadTurn } from '../domain/values/face-comparison.js';
import {
  BoothError,
  LastTryNotConfirmedError,
  refusalError,
  ServerRefusedError,
  ServerUnreachableError,
  UncertainOutcomeError,
} from './booth-errors.js';
import { signAsBooth, type BoothKey } from './booth-key.js';
import { fetchAsBooth, type BoothTls } from './booth-tls.js';
import type { CaptureCounter } from './capture-counter.js';
import type { CardSession } from './card-session.js';
import { writeMultipart } from './multipart-body.js';
import { preparedPhoto, type PreparedPhoto } from './prepared-photo.js';
import { judgeReceipt, logKeyOf } from './receipt-promise.js';

export interface BoothClientOptions {
  /** The server's address, for example `https://registration.example`. */
  readonly baseUrl: string;
  readonly boothId: string;
  readonly key: BoothKey;
  /** The booth's certificate, where the server asks for one; for an https address. */
  readonly tls?: BoothTls;
  readonly counter: CaptureCounter;
  /** The key of the server's log (`./honnin audit key`), got by another way than from the server. With it promises are
   * checked as they come. */
  readonly logKey?: string;
  /** Language of the texts in refusals. Default Japanese. */
  readonly language?: 'ja' | 'en';
  /** For one attempt. Default 15,000. */
  readonly timeoutMs?: number;
  /** For one attempt to send a photograph: longer than a server waits for it, so that its answer to a slow line is
   * heard. Default
   * `timeoutMs` where that is given, else 40,000. */
  readonly uploadTimeoutMs?: number;
  /** Attempts of one call before it gives up. Default 6. */
  readonly attemptsMax?: number;
  /** Makes a camera's picture a plain JPEG before it is signed; replaced in tests. */
  readonly preparePhoto?: (picture: Uint8Array) => Promise<PreparedPhoto>;
  /** Waits between attempts and questions; replaced in tests. */
  readonly wait?: (milliseconds: number, signal?: AbortSignal) => Promise<void>;
  readonly now?: () => Date;
}

export interface Challenge {
  readonly nonce: string;
  readonly expiresAtUtc: string;
  /** What to ask the person to do while further frames are taken. */
  readonly prompt: HeadTurn;
}

/** What a server asks of booths. */
export interface BoothSettings {
  readonly serverTimeUtc: string;
  /** How this booth stands; null: the server does not know its key. */
  readonly booth: {
    readonly boothId: string;
    readonly standing: 'enrolled' | 'suspended';
    readonly keyVersion: number;
  } | null;
  /** Texts that a capture may name. null: the office gives out this text. */
  readonly consentTexts: readonly {
    readonly version: string;
    readonly text: InWords | null;
    readonly keepReferenceImage: InWords | null;
  }[];
  readonly limits: Readonly<Record<string, number>>;
}

/** Everything that one registration is made of. */
export interface Capture {
  readonly card: CardSession;
  /** PIN (user authentication) or password (signing). */
  readonly pin: string;
  /** 照合番号B from the card's front. */
  readonly accessNumber: string;
  /** Allows the last try of a secret. Ask the holder first. Default false. */
  readonly lastTryConfirmed?: boolean;
  /** The photograph that the booth took, JPEG or PNG. It is made a plain JPEG before it is signed. @req R3 */
  readonly photo: Uint8Array;
  /** Takes up to 4 further frames while the person turns the head as asked (left and right are the person's own).
   * Called once the server has said which way; the card is touched only afterwards. As the photograph, in the order in
   * which they were taken. */
  readonly frames?: (prompt: HeadTurn) => Promise<readonly Uint8Array[]> | readonly Uint8Array[];
  /** When the photograph was taken; now, when absent. @req R10 */
  readonly capturedAtUtc?: string;
  /** Default user authentication. */
  readonly certificateType?: CertificateType;
  /** Default `GOVERNMENT_SUBMISSION`. */
  readonly mode?: RegistrationMode;
  /** What the holder agreed to before the capture. */
  readonly consent: CaptureEnvelope['consent'];
  /** Makes the idempotency key; default a random UUID. */
  readonly idempotencyKey?: string;
}

/** A finished request. Its bytes never change: they are what was signed, and what every repetition sends. */
export interface SignedRequest {
  readonly idempotencyKey: string;
  readonly contentType: string;
  readonly body: Uint8Array;
  /** Hex SHA-256 of `body`; checked before every sending. */
  readonly bodySha256: string;
  readonly preparedAtUtc: string;
  readonly nonceExpiresAtUtc: string;
  /** What shows the server, before the body, that the upload is this booth's. Absent in requests that were queued by an
   * earlier version. */
  readonly place?: UploadPlaceProof;
}

export interface UploadPlaceProof extends PlaceClaim {
  /** Base64 of the booth's signature over `uploadPlaceText`. */
  readonly signature: string;
}

export type PublicStatus = 'received' | 'processing' | 'registered' | 'not_registered' | 'visit_again';
const STATUSES = [
  'received',
  'processing',
  'registered',
  'not_registered',
  'visit_again',
] as const satisfies readonly PublicStatus[];
/** Statuses after which nothing follows. */
export const FINAL_STATUSES: ReadonlySet<PublicStatus> = new Set(['registered', 'not_registered', 'visit_again']);

export interface RequestStatus {
  readonly receipt: string;
  readonly status: PublicStatus;
  readonly updatedAtUtc: string | null;
}

/** What a booth has once a request is received. */
export interface ReceivedRequest extends RequestStatus {
  /** The log's signed promise for this receipt, kept as it came, also where something is wrong with it; null where the
   * server gave none. */
  readonly promise: string | null;
  /** What is wrong with the promise, in words; null: nothing, as far as could be told with the key that this booth
   * has. */
  readonly promiseProblem: string | null;
}

export interface FollowOptions {
  /** `events`: server-sent events, asking again where the stream breaks. `poll`: questions only. Default `events`. */
  readonly by?: 'events' | 'poll';
  /** Between two questions. Default 1,000. */
  readonly pollMs?: number;
  readonly signal?: AbortSignal;
}

const RECEIPT = /^[0-9A-Z]{4}(-[0-9A-Z]{4}){3}$/;
const ANSWER_BYTES_MAX = 64 * 1024;
const STREAM_MS_MAX = 60_000;
const UNKNOWN_ROUNDS_MAX = 10;
const UPLOAD_TIMEOUT_MS = 40_000;

/** The booth's side of docs/wire.md: reads the card, signs, sends, and repeats without ever changing a byte. @req R1 R4
 * R10 */
export class BoothClient {
  readonly #options: BoothClientOptions;
  readonly #baseUrl: string;
  readonly #fetch: ReturnType<typeof fetchAsBooth>;
  /** The server's clock less this booth's. */
  #offsetMs = 0;

  constructor(options: BoothClientOptions) {
    this.#options = options;
    this.#baseUrl = options.baseUrl.replace(/\/+$/, '');
    this.#fetch = options.tls ? fetchAsBooth(options.tls) : (url, init) => fetch(url, init);
  }

  /** One registration from card to receipt. An outcome that stays uncertain loses the request: use
   *  `registerDurably` of the offline queue where that matters.
   *  @throws {BoothError} see {@link prepare} and {@link send}; errors of the card pass through. */
  async register(capture: Capture): Promise<ReceivedRequest> {
    return this.send(await this.prepare(capture));
  }

  /** Gets a nonce, reads the card and makes the three signatures over one envelope, in one stay on the reader.
   *  @throws {ServerUnreachableError | ServerRefusedError | LastTryNotConfirmedError | RangeError} */
  async prepare(capture: Capture): Promise<SignedRequest> {
    const { bytes: photo } = await this.#plain(capture.photo);
    const preparedAt = this.#now();
    const takenAt = this.#serverNow();
    const challenge = await this.challenge();
    const taken = (await capture.frames?.(challenge.prompt)) ?? [];
    if (taken.length > FRAMES_MAX) throw new RangeError(`at most ${FRAMES_MAX} frames are sent`);
    const frames = (await Promise.all(taken.map((frame) => this.#plain(frame)))).map(({ bytes }) => bytes);
    const { card } = capture;
    const certificateType = capture.certificateType ?? 'user_authentication';
    await refuseLastTry(capture, certificateType);
    // The order is the card's: the record is open only until the JPKI application is selected, and the PIN counts only
    // until the surface application is selected again; the active check needs no secret and comes last.
    await card.verifyAccessNumber(capture.accessNumber);
    const cardRecord = await card.readCardRecord();
    const cardIssuerCertificate = await card.readCardIssuerCertificate();
    await card.verifyPin(certificateType, capture.pin);
    const certificate = await card.readCertificate(certificateType);
    const envelope: CaptureEnvelope = {
      nonce: challenge.nonce,
      boothId: this.#options.boothId,
      counter: this.#options.counter.next(),
      certificateType,
      mode: capture.mode ?? 'GOVERNMENT_SUBMISSION',
      capturedAtUtc: capture.capturedAtUtc ?? takenAt.toISOString(),
      photoSha256: sha256(photo),
      certificateSha256: sha256(certificate),
      cardRecordSha256: sha256(cardRecord),
      cardIssuerCertificateSha256: sha256(cardIssuerCertificate),
      ...(frames.length > 0 && { framesSha256: frames.map(sha256) }),
      consent: capture.consent,
    };
    const signed = Buffer.from(captureEnvelopeText(envelope), 'utf8');
    const cardSignature = await card.sign(certificateType, signed);
    const cardChallengeSignature = await card.signChallenge(signed);
    const request = {
      envelope,
      boothSignature: base64(signAsBooth(this.#options.key, signed)),
      cardSignature: base64(cardSignature),
      cardChallengeSignature: base64(cardChallengeSignature),
    };
    const parts = { certificate, cardRecord, cardIssuerCertificate };
    return this.#finished({ capture, photo, frames, challenge, request, parts, preparedAt });
  }

  /** Sends a finished request until there is a clear answer. Always the same key and the same bytes.
   * @returns the receipt. @throws {ServerRefusedError} final; {@link UncertainOutcomeError} when nothing is known.
   *   @req R4 */
  async send(request: SignedRequest, signal?: AbortSignal): Promise<ReceivedRequest> {
    // A changed byte would make this a different request under a used key.
    if (sha256(request.body) !== request.bodySha256)
      throw new BoothError('the request was changed after it was signed; it is not sent');
    const init = {
      method: 'POST',
      headers: {
        'content-type': request.contentType,
        'idempotency-key': request.idempotencyKey,
        ...placeHeaders(request.place),
      },
      body: Uint8Array.from(request.body),
      timeoutMs: this.#uploadTimeoutMs,
    };
    const outcome = await this.#untilClear('/v1/registrations', init, (answer) => this.#received(answer), signal);
    if ('failed' in outcome) throw new UncertainOutcomeError(outcome.attempts, outcome.failed);
    return outcome.value;
  }

  /** A fresh nonce. @throws {ServerUnreachableError | ServerRefusedError} */
  async challenge(): Promise<Challenge> {
    const headers = { 'content-type': 'application/json', ...this.#signedQuestion() };
    const init = { method: 'POST', headers, body: JSON.stringify({ boothId: this.#options.boothId }) };
    return this.#question('/v1/challenges', init, readChallenge);
  }

  /** What the server asks of booths: consent texts, limits, how this booth stands, and its clock. From then on this
   * client tells times by the server's clock, also where its own is wrong. A booth whose clock is far off is not known
   * the first time: it asks again.
   * @throws {ServerUnreachableError | ServerRefusedError} */
  async settings(): Promise<BoothSettings> {
    const [asked, first] = [this.#now().getTime(), await this.#askSettings()];
    this.#offsetMs = offsetMs(first.serverTimeUtc, asked, this.#now().getTime());
    return first.booth === null ? this.#askSettings() : first;
  }

  #askSettings(): Promise<BoothSettings> {
    return this.#question('/v1/booth-settings', { method: 'GET', headers: this.#signedQuestion() }, readSettings);
  }

  /** Asks whether a photograph would be compared at all, and what to tell the person, before the card is touched. The
   * server keeps nothing of it. A `busy` server is asked again a few times; a booth that gets no answer may go on
   * without one.
   * @throws {ServerUnreachableError | ServerRefusedError | RangeError} */
  async checkPhoto(picture: Uint8Array, challenge?: Challenge): Promise<PhotoGuidance> {
    const { bytes: photo } = await this.#plain(picture);
    const { nonce } = challenge ?? (await this.challenge());
    const check = { boothId: this.#options.boothId, nonce, photoSha256: sha256(photo) };
    const boothSignature = base64(signAsBooth(this.#options.key, Buffer.from(photoCheckText(check), 'utf8')));
    const { contentType, bytes } = writeMultipart(
      [
        {
          name: 'request',
          contentType: 'application/json',
          content: Buffer.from(JSON.stringify({ ...check, boothSignature }), 'utf8'),
        },
        { name: 'photo', contentType: 'image/jpeg', fileName: 'photo.jpg', content: photo },
      ],
      freshBoundary(),
    );
    return this.#question(
      '/v1/photo-checks',
      {
        method: 'POST',
        headers: { 'content-type': contentType, ...placeHeaders(this.#place(nonce)) },
        body: Uint8Array.from(bytes),
        timeoutMs: this.#uploadTimeoutMs,
      },
      readGuidance,
    );
  }

  /** The neutral status of a request. @throws {ServerUnreachableError | ServerRefusedError} */
  async status(receipt: string, signal?: AbortSignal): Promise<RequestStatus> {
    return this.#question(
      statusPath(receipt),
      { method: 'GET' },
      (answer) => (answer.status === 200 ? readStatus(answer.json) : null),
      signal,
    );
  }

  /** Whether the log kept what it promised with a receipt. The booth judges by itself; the server gives the papers.
   * @param promise what came with the receipt
   * @returns "undecided" where the proof is not there yet, or this booth has no key of the log
   * @throws {ServerUnreachableError | ServerRefusedError} */
  async checkPromise(
    { receipt, promise }: { readonly receipt: string; readonly promise: string | null },
    signal?: AbortSignal,
  ): Promise<ReceiptReport> {
    const path = `${statusPath(receipt)}/proof`;
    const read = ({ status, json }: Answer) => (status === 200 && isRecord(json) ? json : null);
    const proof = await this.#question(path, { method: 'GET' }, read, signal);
    return judgeReceipt([{ receipt, promise }, proof], this.#logKeys);
  }

  /** Every change of the status until the final one. Repeated values are given once. Ends early when the signal is
   * aborted. A fresh receipt may be unknown for a moment, until the server's view has caught up with what it took in.
   * @throws {ServerRefusedError} `not_found` when it stays unknown. */
  async *follow(receipt: string, options: FollowOptions = {}): AsyncGenerator<RequestStatus, void, void> {
    let last: PublicStatus | null = null;
    for (let round = 1; ; round += 1) {
      for await (const status of options.by === 'poll'
        ? this.#asked(receipt, options)
        : this.#streamed(receipt, options)) {
        if (status.status === last) continue;
        last = status.status;
        yield status;
        if (FINAL_STATUSES.has(status.status)) return;
      }
      if (options.signal?.aborted === true) return;
      // Asked once more without patience: its refusal is the answer.
      if (last === null && round >= UNKNOWN_ROUNDS_MAX) await this.status(receipt, options.signal);
      await this.#wait(options.pollMs ?? 1_000, options.signal);
    }
  }

  /** One question. Yields nothing when the receipt is not known (yet), or when the signal ended the question. */
  async *#asked(receipt: string, options: FollowOptions): AsyncGenerator<RequestStatus, void, void> {
    if (isAborted(options.signal)) return;
    let status: RequestStatus;
    try {
      status = await this.status(receipt, options.signal);
    } catch (error) {
      if (isAborted(options.signal) || (error instanceof ServerRefusedError && error.code === 'not_found')) return;
      throw error;
    }
    yield status;
  }

  /** One stream's worth of statuses. A stream that cannot be had or breaks is no news: one question is asked
   * instead. */
  async *#streamed(receipt: string, options: FollowOptions): AsyncGenerator<RequestStatus, void, void> {
    // A stream whose other end died without a word would be silent for ever, so each one is given up after a minute.
    const limit = AbortSignal.timeout(STREAM_MS_MAX);
    const signal = options.signal === undefined ? limit : AbortSignal.any([limit, options.signal]);
    try {
      const response = await this.#fetch(`${this.#baseUrl}${statusPath(receipt)}/events`, {
        headers: { accept: 'text/event-stream' },
        redirect: 'error',
        signal,
      });
      if (response.ok && response.body !== null && isType(response, 'text/event-stream')) {
        for await (const data of serverSentEvents(response.body)) {
          const status = readStatus(parseJson(data));
          if (status !== null) yield status;
        }
      } else await response.body?.cancel();
    } catch (error) {
      // Broken streams end here, and the question below says where the case stands. Bugs are not hidden.
      if (!isNetworkError(error)) throw error;
    }
    yield* this.#asked(receipt, options);
  }

  #finished(made: {
    capture: Capture;
    photo: Uint8Array;
    frames: readonly Uint8Array[];
    challenge: Challenge;
    request: object;
    parts: { certificate: Uint8Array; cardRecord: Uint8Array; cardIssuerCertificate: Uint8Array };
    preparedAt: Date;
  }): SignedRequest {
    const { capture, photo, frames, challenge, request, parts, preparedAt } = made;
    const { contentType, bytes } = writeMultipart(
      [
        { name: 'request', contentType: 'application/json', content: Buffer.from(JSON.stringify(request), 'utf8') },
        {
          name: 'certificate',
          contentType: 'application/pkix-cert',
          fileName: 'certificate.der',
          content: parts.certificate,
        },
        {
          name: 'cardRecord',
          contentType: 'application/octet-stream',
          fileName: 'card-record.bin',
          content: parts.cardRecord,
        },
        {
          name: 'cardIssuerCertificate',
          contentType: 'application/octet-stream',
          fileName: 'card-issuer-certificate.bin',
          content: parts.cardIssuerCertificate,
        },
        { name: 'photo', contentType: 'image/jpeg', fileName: 'photo.jpg', content: photo },
        ...frames.map((content, i) => ({
          name: `frame${i}`,
          contentType: 'image/jpeg',
          fileName: `frame${i}.jpg`,
          content,
        })),
      ],
      freshBoundary(),
    );
    return {
      idempotencyKey: capture.idempotencyKey ?? randomUUID(),
      contentType,
      body: bytes,
      bodySha256: sha256(bytes),
      preparedAtUtc: preparedAt.toISOString(),
      nonceExpiresAtUtc: challenge.expiresAtUtc,
      place: this.#place(challenge.nonce),
    };
  }

  /** Header fields by which the server knows that this booth asks. */
  #signedQuestion(): Readonly<Record<string, string>> {
    const { boothId, key } = this.#options;
    const requestedAtUtc = this.#serverNow().toISOString();
    const signature = base64(signAsBooth(key, Buffer.from(challengeRequestText({ boothId, requestedAtUtc }), 'utf8')));
    return { 'honnin-booth-id': boothId, 'honnin-requested-at': requestedAtUtc, 'honnin-booth-signature': signature };
  }

  #place(nonce: string): UploadPlaceProof {
    const claim = { boothId: this.#options.boothId, nonce };
    return { ...claim, signature: base64(signAsBooth(this.#options.key, Buffer.from(uploadPlaceText(claim), 'utf8'))) };
  }

  /** The receipt is what counts: a promise that is wrong is kept and told, and makes the request no less received. */
  #received({ status, json }: Answer): ReceivedRequest | null {
    const received = status === 202 ? readStatus(json) : null;
    if (!received) return null;
    const promise = isRecord(json) && typeof json['promise'] === 'string' ? json['promise'] : null;
    const { discrepancies } = judgeReceipt([{ receipt: received.receipt, promise }], this.#logKeys);
    return { ...received, promise, promiseProblem: discrepancies[0]?.detail ?? null };
  }

  get #logKeys(): readonly VerifierKey[] {
    const { logKey } = this.#options;
    return logKey === undefined ? [] : [logKeyOf(logKey)];
  }

  get #uploadTimeoutMs(): number {
    return this.#options.uploadTimeoutMs ?? this.#options.timeoutMs ?? UPLOAD_TIMEOUT_MS;
  }

  async #question<T>(path: string, init: Init, read: (answer: Answer) => T | null, signal?: AbortSignal): Promise<T> {
    const outcome = await this.#untilClear(path, init, read, signal);
    if ('failed' in outcome)
      throw new ServerUnreachableError(`no clear answer from ${path} after ${outcome.attempts} attempts`, {
        cause: outcome.failed,
      });
    return outcome.value;
  }

  /** Repeats until an answer is clear: a value that `read` recognises, or a refusal with a code (thrown). */
  async #untilClear<T>(
    path: string,
    init: Init,
    read: (answer: Answer) => T | null,
    signal?: AbortSignal,
  ): Promise<{ value: T } | { failed: unknown; attempts: number }> {
    const attemptsMax = this.#options.attemptsMax ?? 6;
    let failed: unknown;
    for (let attempt = 1; attempt <= attemptsMax; attempt += 1) {
      const answer = await this.#once(path, init, signal);
      if (signal?.aborted === true) return { failed: signal.reason, attempts: attempt };
      if (!('lost' in answer)) {
        const value = read(answer);
        if (value !== null) return { value };
        const refusal = readRefusal(answer);
        if (refusal !== null) throw refusal;
        failed = new BoothError(`unclear answer with status ${answer.status}`);
      } else failed = answer.lost;
      if (attempt < attemptsMax)
        await this.#wait(backOffMs(attempt, 'lost' in answer ? null : answer.retryAfter), signal);
    }
    return { failed, attempts: attemptsMax };
  }

  async #once(path: string, { timeoutMs, ...init }: Init, signal?: AbortSignal): Promise<Answer | { lost: unknown }> {
    const limit = AbortSignal.timeout(timeoutMs ?? this.#options.timeoutMs ?? 15_000);
    try {
      const headers = { ...init.headers, 'accept-language': this.#options.language ?? 'ja' };
      const response = await this.#fetch(`${this.#baseUrl}${path}`, {
        ...init,
        headers,
        redirect: 'manual',
        signal: signal === undefined ? limit : AbortSignal.any([limit, signal]),
      });
      return {
        status: response.status,
        json: parseJson(await textOf(response)),
        problem: isType(response, 'application/problem+json'),
        retryAfter: response.headers.get('retry-after'),
      };
    } catch (error) {
      if (isNetworkError(error)) return { lost: error };
      throw error;
    }
  }

  #wait(milliseconds: number, signal?: AbortSignal): Promise<void> {
    return (this.#options.wait ?? waitFor)(milliseconds, signal);
  }

  #plain(picture: Uint8Array): Promise<PreparedPhoto> {
    return (this.#options.preparePhoto ?? preparedPhoto)(picture);
  }

  #now(): Date {
    return this.#options.now?.() ?? new Date();
  }

  /** By the server's clock, as far as it is known. */
  #serverNow(): Date {
    return new Date(this.#now().getTime() + this.#offsetMs);
  }
}

interface Init {
  readonly method: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array<ArrayBuffer>;
  readonly timeoutMs?: number;
}

interface Answer {
  readonly status: number;
  /** Undefined when the body is not JSON. */
  readonly json: unknown;
  readonly problem: boolean;
  readonly retryAfter: string | null;
}

/** A refusal is final only when it is a problem document with a code; a proxy's or portal's 4xx page says nothing about
 * our request. */
function readRefusal(answer: Answer): ServerRefusedError | null {
  const { status, json, problem } = answer;
  if (!problem || status < 400 || status >= 500 || status === 408 || status === 425 || status === 429) return null;
  if (!isRecord(json) || typeof json['code'] !== 'string') return null;
  return refusalError({
    status,
    code: json['code'],
    detail: typeof json['detail'] === 'string' ? json['detail'] : '',
    problem: json,
  });
}

function readStatus(json: unknown): RequestStatus | null {
  if (!isRecord(json)) return null;
  const { receipt, updatedAtUtc } = json;
  const status = STATUSES.find((name) => name === json['status']);
  if (typeof receipt !== 'string' || !RECEIPT.test(receipt) || status === undefined) return null;
  return { receipt, status, updatedAtUtc: typeof updatedAtUtc === 'string' ? updatedAtUtc : null };
}

function readChallenge({ status, json }: Answer): Challenge | null {
  if (status !== 201 || !isRecord(json)) return null;
  const { nonce, expiresAtUtc } = json;
  const prompt = HEAD_TURNS.find((turn) => turn === json['prompt']);
  if (prompt === undefined) return null;
  if (
    typeof nonce !== 'string' ||
    nonce === '' ||
    typeof expiresAtUtc !== 'string' ||
    Number.isNaN(Date.parse(expiresAtUtc))
  )
    return null;
  return { nonce, expiresAtUtc, prompt };
}

function readSettings({ status, json }: Answer): BoothSettings | null {
  if (status !== 200 || !isRecord(json)) return null;
  const { serverTimeUtc, booth, consentTexts, limits } = json;
  const isWhole =
    typeof serverTimeUtc === 'string' &&
    !Number.isNaN(Date.parse(serverTimeUtc)) &&
    isRecord(limits) &&
    (booth === null || isRecord(booth)) &&
    Array.isArray(consentTexts) &&
    (consentTexts as unknown[]).every((text) => isRecord(text) && typeof text['version'] === 'string');
  return isWhole ? (json as unknown as BoothSettings) : null;
}

/** How far a server's clock is ahead of ours; 0 for what the time on the way can explain. */
function offsetMs(serverTimeUtc: string, askedMs: number, answeredMs: number): number {
  const offset = Math.round(Date.parse(serverTimeUtc) - (askedMs + answeredMs) / 2);
  return Math.abs(offset) > (answeredMs - askedMs) / 2 ? offset : 0;
}

function readGuidance({ status, json }: Answer): PhotoGuidance | null {
  if (status !== 200 || !isRecord(json) || typeof json['usable'] !== 'boolean') return null;
  const { reasons, guidance } = json;
  if (
    !Array.isArray(reasons) ||
    !Array.isArray(guidance) ||
    ![...(reasons as unknown[]), ...(guidance as unknown[])].every(hasHint)
  )
    return null;
  // A server of before officers looked at photographs does not say.
  return { ...(json as unknown as PhotoGuidance), review: json['review'] === true };
}

function hasHint(entry: unknown): boolean {
  return (
    isRecord(entry) &&
    isRecord(entry['hint']) &&
    typeof entry['hint']['ja'] === 'string' &&
    typeof entry['hint']['en'] === 'string'
  );
}

function statusPath(receipt: string): string {
  if (!RECEIPT.test(receipt)) throw new RangeError('a receipt is written XXXX-XXXX-XXXX-XXXX');
  return `/v1/registrations/${receipt}`;
}

async function refuseLastTry(capture: Capture, type: CertificateType): Promise<void> {
  if (capture.lastTryConfirmed === true) return;
  for (const secret of [
    'accessNumber',
    type === 'user_authentication' ? 'authenticationPin' : 'signingPassword',
  ] as const) {
    if ((await capture.card.triesLeft(secret)) === 1)
      throw new LastTryNotConfirmedError(`one try is left for ${secret}; a wrong one blocks the card`);
  }
}

function isAborted(signal: AbortSignal | undefined): boolean {
  return signal?.aborted === true;
}

/** What a booth shows before its upload, so that it gets a place. */
export function placeHeaders(place: UploadPlaceProof | undefined): Record<string, string> {
  if (place === undefined) return {};
  return {
    'honnin-booth-id': place.boothId,
    'honnin-challenge': place.nonce,
    'honnin-booth-signature': place.signature,
  };
}

/** Letters only: nobody who looks for numbers in a request finds one in its boundary. */
function freshBoundary(): string {
  return `honnin${Array.from({ length: 32 }, () => String.fromCharCode(97 + randomInt(26))).join('')}`;
}

/** 250 ms, doubling to 10 s, half of it random so that booths that lost the server together do not come back together.
 *  A server's `Retry-After` in seconds is honoured up to a minute. */
function backOffMs(attempt: number, retryAfter: string | null): number {
  const asked = retryAfter !== null && /^\d+$/.test(retryAfter) ? Number(retryAfter) * 1000 : 0;
  const own = Math.min(10_000, 250 * 2 ** (attempt - 1));
  return Math.max(Math.min(asked, 60_000), own / 2 + randomInt(Math.ceil(own / 2) + 1));
}

async function waitFor(milliseconds: number, signal?: AbortSignal): Promise<void> {
  try {
    await delay(milliseconds, undefined, signal === undefined ? {} : { signal });
  } catch (error) {
    // An aborted wait only ends earlier; the caller looks at the signal.
    if (signal?.aborted !== true) throw error;
  }
}

/** What fetch throws when the exchange failed: a TypeError with a cause for broken connections, DOMException for time
 * limits and aborts. A TypeError without a cause is a bug of ours. */
function isNetworkError(error: unknown): boolean {
  if (!isRecord(error)) return false;
  const { name, cause } = error;
  return (name === 'TypeError' && cause !== undefined) || name === 'TimeoutError' || name === 'AbortError';
}

async function textOf(response: Response): Promise<string> {
  if (response.body === null) return '';
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of response.body) {
    length += chunk.length;
    // Breaking out of the loop cancels the rest; an answer this long is none of ours.
    if (length > ANSWER_BYTES_MAX) return '';
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** The data of each event of a stream. Source: HTML Living Standard, server-sent events. */
async function* serverSentEvents(body: AsyncIterable<Uint8Array>): AsyncGenerator<string, void, void> {
  const decoder = new TextDecoder();
  let rest = '';
  let data: string[] = [];
  for await (const chunk of body) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split(/\r\n|\n|\r(?!$)/);
    rest = lines.pop() ?? '';
    if (rest.length > ANSWER_BYTES_MAX) return;
    for (const line of lines) {
      if (line.startsWith('data:')) data.push(line.slice(5).replace(/^ /, ''));
      else if (line === '' && data.length > 0) {
        yield data.join('\n');
        data = [];
      }
    }
  }
}

function isType(response: Response, type: string): boolean {
  return response.headers.get('content-type')?.split(';')[0]?.trim().toLowerCase() === type;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Not JSON: nobody recognises `undefined`, so the answer counts as unclear.
    return undefined;
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64');
}
