import { once } from 'node:events';
import { Injectable } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { ApiSettings } from '../api-settings.js';
import { Lifecycle } from '../lifecycle.js';
import { Metrics } from '../metrics.js';
import { ProblemError } from '../problems.js';
import { HSTS, SECURITY_HEADERS } from '../security-headers.js';

export interface StreamedEvent {
  readonly event: string;
  readonly data: unknown;
  /** True for the last one: the stream ends after it. */
  readonly last: boolean;
}

/** Server-sent events (HTML Living Standard, section 9.2): a bounded number of streams, each ended by its last event, by the
 *  client, by its age, or by the server's shutdown. */
@Injectable()
export class EventStreams {
  private open = 0;

  constructor(
    private readonly settings: ApiSettings,
    private readonly lifecycle: Lifecycle,
    private readonly metrics: Metrics,
  ) {}

  /** Sends what `source` yields. @throws {ProblemError} `too_many_streams` before anything was sent. */
  async serve(reply: FastifyReply, source: (signal: AbortSignal) => AsyncIterable<StreamedEvent>): Promise<void> {
    const { eventStreamsMax, eventStreamSecondsMax, heartbeatMs } = this.settings.limits;
    if (this.open >= eventStreamsMax) throw new ProblemError('too_many_streams', { retryAfterSeconds: 30 });
    const { raw } = reply;
    const gone = new AbortController();
    raw.once('close', () => gone.abort());
    const signal = AbortSignal.any([gone.signal, this.lifecycle.closing, AbortSignal.timeout(eventStreamSecondsMax * 1000)]);
    reply.hijack();
    this.count(1);
    this.writeHead(raw);
    // Proxies and clients drop connections that are silent for long.
    const heartbeat = setInterval(() => raw.write(': heartbeat\n\n'), heartbeatMs);
    try {
      await this.send(raw, source(signal), signal);
    } catch (error) {
      // An aborted wait is how a stream ends; anything else closes it too, and the client comes back for a new one.
      if (!signal.aborted) throw error;
    } finally {
      clearInterval(heartbeat);
      this.count(-1);
      raw.end();
    }
  }

  private async send(raw: FastifyReply['raw'], events: AsyncIterable<StreamedEvent>, signal: AbortSignal): Promise<void> {
    let before = '';
    for await (const { event, data, last } of events) {
      if (signal.aborted) return;
      const text = `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
      if (text !== before && !raw.write(text)) await once(raw, 'drain', { signal });
      before = text;
      if (last) return;
    }
  }

  private writeHead(raw: FastifyReply['raw']): void {
    raw.writeHead(200, {
      ...SECURITY_HEADERS,
      ...(this.settings.tls && { 'strict-transport-security': HSTS }),
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store, no-transform',
      'x-accel-buffering': 'no',
      // Else a stream that ends during shutdown leaves a connection that nobody closes.
      connection: 'close',
    });
    raw.write('retry: 3000\n\n');
  }

  private count(change: 1 | -1): void {
    this.open += change;
    this.metrics.eventStreams.set(this.open);
  }
}
