import type { ServerResponse } from 'node:http';
import { Injectable, Logger } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { ApiSettings, type TurnSettings } from '../api-settings.js';
import { UploadAdmission, type TurnKind } from '../booth/uploads/upload-admission.js';
import { EdgeLimits } from './edge-limits.js';
import { Lifecycle } from '../lifecycle.js';
import { Metrics } from '../metrics.js';
import { ProblemError } from '../contract/problems.js';
import { Turns } from './turns.js';

const QUESTIONS = '/v1/challenges';
const UPLOADS = new Set(['/v1/registrations', '/v1/photo-checks']);
/** Long to write, and nobody asks for them often. */
const PAGES = /^\/(?:docs|openapi|asyncapi|metrics|v1\/audit\/verifier)/;
/** A booth asks for a nonce, reads the card, and sends: between its requests others do not rush in. */
const BOOTH_SESSION_MS = 250;
const COME_AGAIN_SECONDS = 2;
const TELL_MS = 60_000;

/** Lets requests in before anything of them is read: a booth's that proves itself at once, all others in turns. Floods
 * are answered by one process, so what strangers ask must not stand before what booths ask. */
@Injectable()
export class EdgeGate {
  private readonly logger = new Logger('Gate');
  private readonly turns: Readonly<Record<keyof TurnSettings, Turns>>;
  private readonly away = new WeakSet<FastifyRequest>();
  private readonly boothsInHand = new Set<ServerResponse>();
  private boothsUntilMs = 0;
  private awayLately = 0;
  private telling: NodeJS.Timeout | null = null;

  constructor(
    settings: ApiSettings,
    private readonly admission: UploadAdmission,
    private readonly limits: EdgeLimits,
    private readonly metrics: Metrics,
    lifecycle: Lifecycle,
  ) {
    const isBesideBooths = (): boolean => this.boothsInHand.size > 0 || performance.now() < this.boothsUntilMs;
    const turnsOf = (kind: keyof TurnSettings): Turns => new Turns(settings.turns[kind], isBesideBooths);
    this.turns = {
      question: turnsOf('question'),
      shown: turnsOf('shown'),
      stranger: turnsOf('stranger'),
      page: turnsOf('page'),
      other: turnsOf('other'),
    };
    lifecycle.closing.addEventListener('abort', () => this.end(), { once: true });
  }

  /** Resolves when the request may begin. Never does for one whose client has gone meanwhile: nobody waits for it.
   *  @throws {ProblemError} `too_many_requests` */
  async admit(request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const kind = await this.kindOf(request);
    if (kind === 'booth') return this.inHand(reply.raw);
    let leave = (): void => {};
    const isTurn = await new Promise<boolean>((resolve) => {
      leave = this.turns[kind].take(this.limits.addressOf(request), resolve);
      reply.raw.once('close', leave);
    });
    reply.raw.off('close', leave);
    if (isTurn) return;
    this.away.add(request);
    this.metrics.turnedAway.inc({ turn: kind });
    this.tellLater();
    reply.header('connection', 'close');
    throw new ProblemError('too_many_requests', { retryAfterSeconds: COME_AGAIN_SECONDS });
  }

  /** Whether it was sent away: such requests are counted and not logged one by one. */
  hasSentAway(request: FastifyRequest): boolean {
    return this.away.has(request);
  }

  private async kindOf(request: FastifyRequest): Promise<TurnKind | 'page' | 'other'> {
    const url = request.routeOptions.url ?? '';
    if (request.method !== 'POST' || request.is404) return PAGES.test(url) ? 'page' : 'other';
    try {
      if (url === QUESTIONS) return await this.admission.turnOfQuestion(request);
      return UPLOADS.has(url) ? await this.admission.turnOfUpload(request) : 'other';
    } catch (error) {
      // Nobody can tell now whose it is: it waits with the others, and is judged again, and answered, at its turn.
      this.logger.debug(`${request.id}: ${String(error)}`);
      return url === QUESTIONS ? 'question' : 'shown';
    }
  }

  private inHand(raw: ServerResponse): void {
    this.boothsInHand.add(raw);
    raw.once('close', () => {
      this.boothsInHand.delete(raw);
      this.boothsUntilMs = performance.now() + BOOTH_SESSION_MS;
    });
  }

  private tellLater(): void {
    this.awayLately += 1;
    this.telling ??= setTimeout(() => this.tell(), TELL_MS).unref();
  }

  private tell(): void {
    this.telling = null;
    this.logger.warn(`${this.awayLately} requests without proof were sent away in the last minute: too many waited`);
    this.awayLately = 0;
  }

  private end(): void {
    if (this.telling) clearTimeout(this.telling);
    for (const turns of Object.values(this.turns)) turns.end();
  }
}
