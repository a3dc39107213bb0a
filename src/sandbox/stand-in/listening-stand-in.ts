import type { IncomingMessage } from 'node:http';
import {
  StandInListener,
  type Library,
  type Outage,
  type StandIn,
  type StandInAnswer,
  type StandInOptions,
  type StandInRequest,
} from './stand-in-listener.js';

/** A stand-in that can be made slow, taken down and brought back. */
export interface Troublable extends StandIn {
  /** Every answer waits this long first. */
  slow(milliseconds: number): void;
  /** `refused`: connections are refused. `unavailable`: every request is answered 503. */
  down(mode?: Exclude<Outage, 'none'>): Promise<void>;
  up(): Promise<void>;
}

/** What every stand-in with a state of its own does in the same way: listen, be in trouble, close. */
export abstract class ListeningStandIn implements Troublable {
  #listener: StandInListener | null = null;

  /** @param name said on the first line, which names this as a stand-in */
  protected constructor(
    private readonly name: string,
    private readonly listenOptions: StandInOptions,
  ) {}

  protected abstract serve(request: StandInRequest): Promise<StandInAnswer>;
  protected abstract control(request: StandInRequest): Promise<StandInAnswer>;

  /** What a library answers by itself: nothing, unless a stand-in says so. */
  protected library(_message: IncomingMessage): ReturnType<Library> {
    return null;
  }

  async listen(): Promise<void> {
    this.#listener = await StandInListener.start(
      this.name,
      {
        service: (request) => this.serve(request),
        control: (request) => this.control(request),
        library: (message) => this.library(message),
      },
      this.listenOptions,
    );
  }

  get url(): string {
    return this.listening.url;
  }

  get controlUrl(): string {
    return this.listening.controlUrl;
  }

  slow(milliseconds: number): void {
    this.listening.slow(milliseconds);
  }

  async down(mode: Exclude<Outage, 'none'> = 'refused'): Promise<void> {
    await this.listening.setOutage(mode);
  }

  async up(): Promise<void> {
    await this.listening.setOutage('none');
  }

  async close(): Promise<void> {
    await this.listening.close();
  }

  protected get listening(): StandInListener {
    if (this.#listener === null) throw new Error('the stand-in is not listening yet');
    return this.#listener;
  }

  protected now(): Date {
    return this.listenOptions.now?.() ?? new Date();
  }
}
