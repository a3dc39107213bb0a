import { Worker } from 'node:worker_threads';
import { StorageUnavailableError } from '../../application/ports/store/storage-trouble.js';
import type { CardKeys } from './card-keys.js';
import { KeyDiffersError, type Keys } from './key-ring.js';
import { builtFile } from '../threads/built-file.js';

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
 * step; each wish is answered after it. */
export class ThreadedKeyRing implements Keys, CardKeys {
  private readonly waiting = new Map<number, Waiting>();
  private numbers = 0;
  private dead: Error | null = null;
  private readonly ended: Promise<void>;

  private constructor(private readonly thread: Worker) {
    thread.on('message', (message: FromKeyThread) => this.heard(message));
    thread.on('error', (error) => this.died(error));
    this.ended = new Promise((resolve) => {
      thread.on('exit', () => {
        this.died(new StorageUnavailableError('the thread of the key ring has ended'));
        resolve();
      });
    });
  }

  /** @throws what opening the file throws, in words. */
  static async open(file: string, masterKey: Uint8Array): Promise<ThreadedKeyRing> {
    const data: KeyThreadData = { file, masterKey };
    const thread = new Worker(builtFile(import.meta.url, 'key-ring-thread.js'), {
      name: 'keys',
      workerData: data,
      execArgv: THREAD_ARGUMENTS,
    });
    await new Promise<void>((resolve, reject) => {
      thread.once('message', () => resolve());
      thread.once('error', reject);
    });
    return new ThreadedKeyRing(thread);
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
    if (!this.dead) this.thread.postMessage('close' satisfies ToKeyThread);
    await this.ended;
  }

  private ask(wish: KeyWish): Promise<Answer> {
    if (this.dead) return Promise.reject(this.dead);
    const number = (this.numbers += 1);
    return new Promise((resolve, reject) => {
      this.waiting.set(number, { resolve, reject });
      this.thread.postMessage({ number, wish } satisfies ToKeyThread);
    });
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
  private died(error: Error): void {
    this.dead ??= error;
    for (const { reject } of this.waiting.values()) reject(this.dead);
    this.waiting.clear();
  }
}
