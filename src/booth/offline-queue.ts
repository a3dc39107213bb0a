import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, renameSync, unlinkSync } from 'node:fs';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import {
  BoothNotTrustedError,
  RecaptureNeededError,
  ServerRefusedError,
  UncertainOutcomeError,
} from './booth-errors.js';
import type { BoothClient, Capture, RequestStatus, SignedRequest } from './booth-client.js';
import { removeDurably, replaceDurably } from './durable-file.js';

/** What became of a queued request. */
export type QueueOutcome =
  /** The server has it, from this sending or from an earlier one whose answer was lost. */
  | {
      readonly result: 'received';
      readonly receipt: string;
      readonly status: RequestStatus['status'];
      /** The log's signed promise, to be handed to the holder or checked later. Absent in outcomes of an earlier
       * version. */
      readonly promise?: string | null;
    }
  /** The server does not have it and its nonce no longer counts: the holder must come again. Never signed again by
   * us. */
  | { readonly result: 'recapture_needed'; readonly code: string }
  | { readonly result: 'refused'; readonly code: string }
  /** Kept as long as allowed without a clear answer, then erased: the server may or may not have it. */
  | { readonly result: 'outcome_unknown' }
  /** The file was damaged or sealed with another key; it is set aside, not deleted. */
  | { readonly result: 'unreadable' };

export interface QueueEntry {
  /** Name within the queue; entries are delivered in this order. */
  readonly id: string;
  readonly idempotencyKey: string | null;
  readonly preparedAtUtc: string | null;
  /** Null while the answer is awaited. */
  readonly outcome: QueueOutcome | null;
}

export interface OfflineQueueOptions {
  readonly folder: string;
  /** 32 bytes for AES-256-GCM; kept elsewhere than the folder, for example in the booth's TPM. */
  readonly key: Uint8Array;
  /** How long a photograph may wait on the booth. Default 24 hours. */
  readonly keepMsMax?: number;
  readonly now?: () => Date;
}

/** The queue is open in another process. */
export class QueueInUseError extends Error {}

/** What is sealed into an entry's file, in front of the body. */
interface Header {
  readonly request: Omit<SignedRequest, 'body'>;
  readonly outcome: QueueOutcome | null;
}

const SUFFIX = '.entry';
const DAMAGED_SUFFIX = '.damaged';
const FORMAT = 'honnin/booth-queue/v1';
const IV_BYTES = 12;
const TAG_BYTES = 16;
const DAY_MS = 24 * 3600_000;

/** Signed requests whose answer has not come, encrypted in a folder; survives restarts, crashes and power cuts. Only
 * finished requests enter. A nonce expires while they wait, and that is not hidden: the same bytes are sent, and a
 * server that had received them before gives its first answer, while one that had not refuses, which is reported as
 * `recapture_needed`. Nothing is ever signed in the holder's absence. */
export class OfflineQueue {
  readonly #options: OfflineQueueOptions;
  readonly #lock: DatabaseSync;
  #lastNumber: number;

  /** @throws {QueueInUseError} when another process has the folder; {RangeError} for a key that is not 32 bytes. */
  constructor(options: OfflineQueueOptions) {
    if (options.key.length !== 32) throw new RangeError('the queue key has 32 bytes');
    mkdirSync(options.folder, { recursive: true, mode: 0o700 });
    this.#options = options;
    this.#lock = lockFolder(options.folder);
    const files = readdirSync(options.folder);
    // Drafts of a write that a crash cut short: never part of the queue.
    for (const name of files.filter((each) => each.endsWith('.new'))) unlinkSync(path.join(options.folder, name));
    this.#lastNumber = Math.max(0, ...files.map((name) => Number.parseInt(name, 10)).filter(Number.isSafeInteger));
  }

  /** Takes a request in. When this returns, it is safe on disk. @returns its id. */
  add(request: SignedRequest): string {
    this.#lastNumber += 1;
    const id = String(this.#lastNumber).padStart(12, '0');
    const { body, ...rest } = request;
    this.#write(id, { request: rest, outcome: null }, body);
    return id;
  }

  /** Everything in the queue, oldest first, with outcomes that nobody has acknowledged yet. */
  list(): QueueEntry[] {
    return this.#ids().map((id) => {
      const read = this.#read(id);
      if (read === null) return { id, idempotencyKey: null, preparedAtUtc: null, outcome: { result: 'unreadable' } };
      const { request, outcome } = read.header;
      return { id, idempotencyKey: request.idempotencyKey, preparedAtUtc: request.preparedAtUtc, outcome };
    });
  }

  /** Stores the outcome; the photograph is gone from the entry from then on. */
  settle(id: string, outcome: QueueOutcome): void {
    const read = this.#read(id);
    if (read === null) throw new RangeError(`no readable entry ${id}`);
    this.#write(id, { ...read.header, outcome }, new Uint8Array());
  }

  /** Removes an entry whose outcome was told to whom it concerns. A damaged file is set aside under another name.
   *  @throws {RangeError} while the outcome is open: a request whose answer is awaited cannot be forgotten. */
  acknowledge(id: string): void {
    const file = this.#file(id);
    const read = this.#read(id);
    if (read === null) renameSync(file, `${file}${DAMAGED_SUFFIX}`);
    else if (read.header.outcome === null) throw new RangeError(`the outcome of entry ${id} is still open`);
    else removeDurably(file);
  }

  /** Sends what waits, oldest first, and stores each outcome before going on. Stops at the first request without a
   * clear answer, and when the server no longer trusts this booth, because that says nothing about earlier sendings.
   * @returns the entries that have an outcome now. */
  async deliver(client: Pick<BoothClient, 'send'>, signal?: AbortSignal): Promise<QueueEntry[]> {
    for (const id of this.#ids()) {
      const read = this.#read(id);
      if (read === null || read.header.outcome !== null) continue;
      const outcome = this.#tooOld(read.header)
        ? ({ result: 'outcome_unknown' } as const)
        : await outcomeOf(client, { ...read.header.request, body: read.body }, signal);
      if (outcome === null) break;
      this.settle(id, outcome);
    }
    return this.list().filter((entry) => entry.outcome !== null);
  }

  /** Gives the folder free. */
  close(): void {
    this.#lock.close();
  }

  #tooOld({ request }: Header): boolean {
    const now = this.#options.now?.() ?? new Date();
    return now.getTime() - Date.parse(request.preparedAtUtc) > (this.#options.keepMsMax ?? DAY_MS);
  }

  #ids(): string[] {
    return readdirSync(this.#options.folder)
      .filter((name) => name.endsWith(SUFFIX))
      .map((name) => name.slice(0, -SUFFIX.length))
      .sort();
  }

  #file(id: string): string {
    return path.join(this.#options.folder, `${id}${SUFFIX}`);
  }

  #write(id: string, header: Header, body: Uint8Array): void {
    const headerBytes = Buffer.from(JSON.stringify(header), 'utf8');
    const length = Buffer.alloc(4);
    length.writeUInt32BE(headerBytes.length);
    replaceDurably(this.#file(id), this.#seal(id, Buffer.concat([length, headerBytes, body])));
  }

  /** @returns null when the file is damaged or was sealed with another key. */
  #read(id: string): { header: Header; body: Uint8Array } | null {
    const plain = this.#open(id, readFileSync(this.#file(id)));
    if (plain === null) return null;
    const end = 4 + plain.readUInt32BE(0);
    return { header: JSON.parse(plain.subarray(4, end).toString('utf8')) as Header, body: plain.subarray(end) };
  }

  #seal(id: string, plain: Uint8Array): Buffer {
    const iv = randomBytes(IV_BYTES);
    const cipher = createCipheriv('aes-256-gcm', this.#options.key, iv);
    cipher.setAAD(additionalData(id));
    const sealed = Buffer.concat([cipher.update(plain), cipher.final()]);
    return Buffer.concat([iv, sealed, cipher.getAuthTag()]);
  }

  #open(id: string, sealed: Buffer): Buffer | null {
    if (sealed.length < IV_BYTES + TAG_BYTES + 4) return null;
    const decipher = createDecipheriv('aes-256-gcm', this.#options.key, sealed.subarray(0, IV_BYTES), {
      authTagLength: TAG_BYTES,
    });
    decipher.setAAD(additionalData(id));
    decipher.setAuthTag(sealed.subarray(-TAG_BYTES));
    const plain = decipher.update(sealed.subarray(IV_BYTES, -TAG_BYTES));
    try {
      return Buffer.concat([plain, decipher.final()]);
    } catch {
      // The only failure here is a wrong tag, and null says so to the caller.
      return null;
    }
  }
}

/** Registers so that no crash and no lost answer loses the request: it is on disk before its first sending.
 *  @returns the entry with its outcome, or with `outcome: null` while the answer is awaited: call `deliver` later.
 *  @throws what {@link BoothClient.prepare} throws; then nothing was sent and nothing is queued. */
export async function registerDurably(client: BoothClient, queue: OfflineQueue, capture: Capture): Promise<QueueEntry> {
  const request = await client.prepare(capture);
  const id = queue.add(request);
  await queue.deliver(client);
  const entry = queue.list().find((candidate) => candidate.id === id);
  if (entry === undefined) throw new RangeError(`entry ${id} was acknowledged by somebody else`);
  return entry;
}

async function outcomeOf(
  client: Pick<BoothClient, 'send'>,
  request: SignedRequest,
  signal?: AbortSignal,
): Promise<QueueOutcome | null> {
  try {
    const { receipt, status, promise } = await client.send(request, signal);
    return { result: 'received', receipt, status, promise };
  } catch (error) {
    if (error instanceof UncertainOutcomeError || error instanceof BoothNotTrustedError) return null;
    if (error instanceof RecaptureNeededError) return { result: 'recapture_needed', code: error.code };
    if (error instanceof ServerRefusedError) return { result: 'refused', code: error.code };
    throw error;
  }
}

/** Binds a file's content to its name: entries cannot be exchanged for each other. */
function additionalData(id: string): Buffer {
  return Buffer.from(`${FORMAT} ${id}`, 'utf8');
}

/** A lock that the operating system gives back when the process dies, however it dies. */
function lockFolder(folder: string): DatabaseSync {
  const lock = new DatabaseSync(path.join(folder, 'lock.db'), { timeout: 0 });
  try {
    lock.exec('BEGIN EXCLUSIVE');
    return lock;
  } catch (error) {
    lock.close();
    throw new QueueInUseError(`another process uses the queue in ${folder}`, { cause: error });
  }
}
