import { setTimeout as sleepFor } from 'node:timers/promises';
import type { ApiSettings } from './api/api-settings.js';
import { WaitingDoor } from './api/edge/waiting-door.js';
import { OutcomeUnknownError } from './application/decisions/decide-and-append.js';
import { EventStoreUnavailableError, type EventStore } from './application/ports/store/event-store.js';
import { urlOf, type Config } from './infrastructure/settings/config.js';
import { storeAddress } from './infrastructure/event-store/kurrent/kurrent-address.js';
import { tlsTrouble } from './infrastructure/event-store/kurrent/store-tls.js';
import { openedStore } from './infrastructure/installation/foundation.js';

const AGAIN_MS = 1_000;
const SIGNALS = ['SIGINT', 'SIGTERM'] as const;

/** Where a server that waits can be asked, and why it waits. */
export interface Waiting {
  readonly url: string;
  readonly reason: string;
}

interface Options {
  readonly takesSignals: boolean;
  readonly onWaiting: (waiting: Waiting) => void;
}

/** A start that outlasts an event store that is away. With the embedded store there is nothing to wait for. */
export class PatientStart {
  /** What listens meanwhile, and whose socket the server takes over; null where there was no need to. */
  door: WaitingDoor | null = null;
  private reason: string | null = null;
  private readonly stopping = new AbortController();
  private signal: NodeJS.Signals | null = null;

  constructor(
    private readonly config: Config,
    private readonly settings: ApiSettings,
    private readonly options: Options,
  ) {}

  /** Builds, again and again while only the store is missing. Asked to end meanwhile, it closes what it has opened
   *  and ends the process.
   *   @throws what no waiting mends. */
  async build<Built extends { close(): Promise<void> }>(build: () => Promise<Built>): Promise<Built> {
    if (this.config.values.eventStore === 'sqlite') return build();
    const door = await WaitingDoor.open(this.settings, this.config.values);
    if (this.options.takesSignals) for (const signal of SIGNALS) process.once(signal, this.stop);
    try {
      const built = await this.outlast(build, door);
      if (built !== null && !this.stopping.signal.aborted) {
        this.door = door;
        return built;
      }
      await built?.close();
    } finally {
      if (this.door === null) await door.close();
      for (const signal of SIGNALS) process.off(signal, this.stop);
    }
    // As a server that runs ends: by the signal itself.
    process.kill(process.pid, this.signal ?? 'SIGTERM');
    return new Promise(() => {});
  }

  private readonly stop = (signal: NodeJS.Signals): void => {
    this.signal = signal;
    this.stopping.abort();
  };

  /** One connection is asked until it answers, and only then is anything built: a connection that does not come about
   *  goes on looking for its store after it was closed, and one for each try would become a crowd. */
  private async outlast<Built>(build: () => Promise<Built>, door: WaitingDoor): Promise<Built | null> {
    const store = await openedStore(this.config);
    try {
      return await this.outlastWith(store, build, door);
    } finally {
      await store.close();
    }
  }

  private async outlastWith<Built>(
    store: EventStore,
    build: () => Promise<Built>,
    door: WaitingDoor,
  ): Promise<Built | null> {
    while (!this.stopping.signal.aborted) {
      try {
        await store.head();
        return await build();
      } catch (error) {
        const reason = await this.waitable(error);
        door.says(reason);
        if (reason !== this.reason) this.options.onWaiting({ url: urlOf(this.config, door.port), reason });
        this.reason = reason;
        await sleepFor(AGAIN_MS, undefined, { signal: this.stopping.signal }).catch(() => {
          // Asked to end: the loop says so.
        });
      }
    }
    return null;
  }

  /** @returns why the store cannot be used now, in words. @throws what no waiting mends */
  private async waitable(error: unknown): Promise<string> {
    // Nobody knows whether the first words to the store arrived; said again, they are there once.
    if (error instanceof OutcomeUnknownError) return error.message;
    if (!(error instanceof EventStoreUnavailableError) || error.reason !== 'unreachable') throw error;
    const trouble = await tlsTrouble(storeAddress(this.config.values.eventStore));
    if (trouble !== null) throw new EventStoreUnavailableError('refused', trouble, { cause: error });
    return error.message;
  }
}
