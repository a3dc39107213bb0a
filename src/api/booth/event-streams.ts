import { once } from 'node:events';
import { Injectable } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { Lockouts } from '../../application/access/lockouts.js';
import { ApiSettings } from '../api-settings.js';
import { Lifecycle } from '../lifecycle.js';
import { Metrics } from '../metrics.js';
import { ProblemError } from '../contract/problems.js';
import { HSTS, SECURITY_HEADERS } from '../edge/security-headers.js';

export interface StreamedEvent {
  readonly event: string;
  readonly data: unknown;
  /** What a client that comes back names as the last one that it saw. */
  readonly id?: string;
  /** True for the last one: the stream ends after it. */
  readonly last: boolean;
}

/** Whom streams are counted by. */
export interface StreamOwner {
  /** The receipt, or the consumer. */
  readonly owner: string;
  readonly address: string;
  /** Whoever signed in for it; absent: nobody has to. The stream ends when they are locked out. */
  readonly person?: string;
}

interface OpenStream extends StreamOwner {
  end(): void;
}

/** Server-sent events (HTML Living Standard, section 9.2): a bounded number of streams, each ended by its last event,
 * by the client, by its age, or by the server's shutdown. */
@Injectable()
export class EventStreams {
  private readonly open = new Set<OpenStream>();

  constructor(
    private readonly settings: ApiSettings,
    private readonly lifecycle: Lifecycle,
    private readonly metrics: Metrics,
    private readonly lockouts: Lockouts,
  ) {}

  /** Sends what `source` yields. @throws {ProblemError} `streams_under_way` or `too_many_streams` before anything was
   * sent. */
  async serve(
    reply: FastifyReply,
    of: StreamOwner,
    source: (signal: AbortSignal) => AsyncIterable<StreamedEvent>,
  ): Promise<void> {
    const { eventStreamSecondsMax, heartbeatMs } = this.settings.limits;
    this.makeRoom(of);
    const { raw } = reply;
    const gone = new AbortController();
    const stream = { ...of, end: () => gone.abort() };
    raw.once('close', () => gone.abort());
    const signal = AbortSignal.any([
      gone.signal,
      this.lifecycle.closing,
      AbortSignal.timeout(eventStreamSecondsMax * 1000),
    ]);
    reply.hijack();
    this.open.add(stream);
    this.measure();
    this.writeHead(raw);
    // Proxies and clients drop connections that are silent for long.
    const heartbeat = setInterval(() => {
      raw.write(': heartbeat\n\n');
      // Another server may have been told.
      void this.endIfLockedOut(stream);
    }, heartbeatMs);
    const forget = of.person === undefined ? null : this.lockouts.whileOpen(of.person, stream.end);
    try {
      await this.send(raw, source(signal), signal);
    } catch (error) {
      // An aborted wait is how a stream ends; anything else closes it too, and the client comes back for a new one.
      if (!signal.aborted) throw error;
    } finally {
      clearInterval(heartbeat);
      forget?.();
      this.open.delete(stream);
      this.measure();
      raw.end();
    }
  }

  private async endIfLockedOut({ person, end }: OpenStream): Promise<void> {
    if (person === undefined) return;
    // A store that cannot say so now is asked again at the next beat.
    if (await this.lockouts.isLockedOut(person).catch(() => false)) end();
  }

  private async send(
    raw: FastifyReply['raw'],
    events: AsyncIterable<StreamedEvent>,
    signal: AbortSignal,
  ): Promise<void> {
    let before = '';
    for await (const { event, data, id, last } of events) {
      if (signal.aborted) return;
      const text = `event: ${event}\n${id === undefined ? '' : `id: ${id}\n`}data: ${JSON.stringify(data)}\n\n`;
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

  /** Where all places are taken, the oldest stream of the address with most ends: its client asks again, and the
   * newcomer is let in. */
  private makeRoom({ owner, address }: StreamOwner): void {
    const { eventStreamsMax, eventStreamsPerReceiptMax, eventStreamsPerAddressMax } = this.settings.limits;
    const open = [...this.open];
    const ofAddress = open.filter((stream) => stream.address === address).length;
    if (
      ofAddress >= eventStreamsPerAddressMax ||
      open.filter((stream) => stream.owner === owner).length >= eventStreamsPerReceiptMax
    )
      throw new ProblemError('streams_under_way', { retryAfterSeconds: 30 });
    if (open.length < eventStreamsMax) return;
    const counts = new Map<string, number>();
    for (const stream of open) counts.set(stream.address, (counts.get(stream.address) ?? 0) + 1);
    const [largest, most] = [...counts].reduce((a, b) => (b[1] > a[1] ? b : a), ['', 0] as const);
    if (most <= ofAddress + 1) throw new ProblemError('too_many_streams', { retryAfterSeconds: 30 });
    const victim = open.find((stream) => stream.address === largest) as OpenStream;
    this.open.delete(victim);
    victim.end();
  }

  private measure(): void {
    this.metrics.eventStreams.set(this.open.size);
  }
}
