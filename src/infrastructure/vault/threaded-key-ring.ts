import { Worker } from 'node:worker_threads';
import { StorageUnavailableError } from '../../application/ports/store/storage-trouble.js';
import type { CardKeys } from './card-keys.js';
import { KeyDiffersError, type Keys } from './key-ring.js';
import { builtFile } from '../threads/built-file.js';
import { fileIdentity } from '../threads/file-identity.js';

/** Said outright, because a thread takes over the arguments of its process, and some of them do not fit a thread. */
const THREAD_ARGUMENTS = ['--disable-warning=ExperimentalWarning'];

export interface KeyThreadData {
  readonly file: string;
  readonly masterKey: Uint8Array;
}

export type KeyWish =
  | { readonly do: 'keyFor' | 'existingKey'; readonly owner: string }
  | { readonly do: 'destroy'; readonly owner: string; readonly forever: boolean }
  | { readonly do: 'ownersAfter'; readonly owner: string; readonly limit: number }
  | CardWish;

/** A question to the table of cards, by its name. */
export type CardWish = {
  readonly [Name in keyof CardKeys]: {
    readonly do: 'card';
    readonly name: Name;
    readonly args: Parameters<CardKeys[Name]>;
  };
}[keyof CardKeys];

/** `number` is given back with the answer. */
export type ToKeyThread = { readonly number: number; readonly wish: KeyWish } | 'close';

type Answer = Uint8Array | null | readonly string[] | string | boolean | number | void;
export type FromKeyThread =
  | 'open'
  | { readonly number: number; readonly answer: Answer }
  | {
      readonly number: number;
      readonly failure: string;
      /** Whether it is the fault of this owner's row alone. */
      readonly ofKey: boolean;
    };

interface Waiting {
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: Error) => void;
}

/** The key ring on a thread of its own. What is wished for while the disk is busy is done together, in one durable
 * step; each wish is answered after it. A thread that ends takes nothing with it that was answered: what was asked and
 * not answered is refused as for a disk that is away, and the next wish begins another thread. */
export class ThreadedKeyRing implements Keys, CardKeys {
  private readonly waiting = new Map<number, Waiting>();
  private numbers = 0;
  private thread: Worker | null = null;
  private beginning: Promise<Worker> | null = null;
  private isClosing = false;
  private ended: Promise<void> = Promise.resolve();
  /** The file that was opened first: another one in its place has none of the keys. */
  private opened = '';

  private constructor(private readonly data: KeyThreadData) {}

  /** @throws what opening the file throws, in words. */
  static async open(file: string, masterKey: Uint8Array): Promise<ThreadedKeyRing> {
    const ring = new ThreadedKeyRing({ file, masterKey });
    await ring.begin();
    ring.opened = fileIdentity(file);
    return ring;
  }

  private async begin(): Promise<Worker> {
    const thread = new Worker(builtFile(import.meta.url, 'key-ring-thread.js'), {
      name: 'keys',
      workerData: this.data,
      execArgv: THREAD_ARGUMENTS,
    });
    const ended = new Promise<void>((resolve) => thread.once('exit', () => resolve()));
    await new Promise<void>((resolve, reject) => {
      thread.once('message', () => resolve());
      thread.once('error', reject);
      void ended.then(() => reject(new Error('it ended before it had begun')));
    });
    thread.on('message', (message: FromKeyThread) => this.heard(message));
    // An end follows, and says the same to whoever waits.
    thread.on('error', (error) => this.died(thread, error.message));
    void ended.then(() => this.died(thread, 'it ended'));
    [this.thread, this.ended] = [thread, ended];
    return thread;
  }

  /** One at a time, whoever asks. @throws {StorageUnavailableError} while none can be had */
  private async beginAgain(): Promise<Worker> {
    if (this.isClosing) throw new StorageUnavailableError('the key ring is closed');
    if (fileIdentity(this.data.file) !== this.opened)
      throw new StorageUnavailableError(`${this.data.file} is gone, or another file than at the start`);
    return this.begin().catch((cause: unknown) => {
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new StorageUnavailableError(`the thread of the key ring does not begin: ${why}`, { cause });
    });
  }

  keyFor(owner: string): Promise<Uint8Array | null> {
    return this.ask({ do: 'keyFor', owner }) as Promise<Uint8Array | null>;
  }

  existingKey(owner: string): Promise<Uint8Array | null> {
    return this.ask({ do: 'existingKey', owner }) as Promise<Uint8Array | null>;
  }

  async destroy(owner: string, { forever }: { readonly forever: boolean }): Promise<void> {
    await this.ask({ do: 'destroy', owner, forever });
  }

  ownersAfter(after: string, limit: number): Promise<readonly string[]> {
    return this.ask({ do: 'ownersAfter', owner: after, limit }) as Promise<readonly string[]>;
  }

  subjectOf(...args: Parameters<CardKeys['subjectOf']>): Promise<string | null> {
    return this.ask({ do: 'card', name: 'subjectOf', args }) as Promise<string | null>;
  }

  giveSubject(...args: Parameters<CardKeys['giveSubject']>): Promise<string> {
    return this.ask({ do: 'card', name: 'giveSubject', args }) as Promise<string>;
  }

  async retireSubject(...args: Parameters<CardKeys['retireSubject']>): Promise<void> {
    await this.ask({ do: 'card', name: 'retireSubject', args });
  }

  async rememberMark(...args: Parameters<CardKeys['rememberMark']>): Promise<void> {
    await this.ask({ do: 'card', name: 'rememberMark', args });
  }

  meetsTombstone(...args: Parameters<CardKeys['meetsTombstone']>): Promise<boolean> {
    return this.ask({ do: 'card', name: 'meetsTombstone', args }) as Promise<boolean>;
  }

  sweepTombstones(...args: Parameters<CardKeys['sweepTombstones']>): Promise<number> {
    return this.ask({ do: 'card', name: 'sweepTombstones', args }) as Promise<number>;
  }

  /** What was wished for before is done first. */
  async close(): Promise<void> {
    this.isClosing = true;
    await this.beginning?.catch(() => undefined);
    this.thread?.postMessage('close' satisfies ToKeyThread);
    await this.ended;
  }

  private async ask(wish: KeyWish): Promise<Answer> {
    const thread = this.thread ?? (await this.another());
    const number = (this.numbers += 1);
    return new Promise((resolve, reject) => {
      this.waiting.set(number, { resolve, reject });
      thread.postMessage({ number, wish } satisfies ToKeyThread);
    });
  }

  private another(): Promise<Worker> {
    this.beginning ??= this.beginAgain().finally(() => (this.beginning = null));
    return this.beginning;
  }

  private heard(message: FromKeyThread): void {
    if (message === 'open') return;
    const waiting = this.waiting.get(message.number);
    this.waiting.delete(message.number);
    if ('failure' in message)
      waiting?.reject(
        message.ofKey ? new KeyDiffersError(message.failure) : new StorageUnavailableError(message.failure),
      );
    else waiting?.resolve(message.answer);
  }

  /** Whoever waits must not wait for ever. A key that was being made may or may not be there: asking again makes it or
   * finds it. */
  private died(thread: Worker, why: string): void {
    if (this.thread !== thread) return;
    this.thread = null;
    const error = new StorageUnavailableError(`the thread of the key ring is gone: ${why}`);
    for (const { reject } of this.waiting.values()) reject(error);
    this.waiting.clear();
  }
}
