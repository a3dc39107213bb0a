import type { Socket } from 'node:net';
import { Injectable } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import type { RefusalSource } from '../../application/door/refusal-budget.js';
import { ApiSettings, type RateLimits } from '../api-settings.js';
import { addressKey, clientAddress } from './client-address.js';
import { ProblemError } from '../contract/problems.js';
import { RateLimiter } from './rate-limiter.js';

/** Keeps one address, and all together, from taking more than their share. What is turned away here is not put on
 * record: a record of every request of a flood would be the flood's success. */
@Injectable()
export class EdgeLimits {
  private readonly limiters: Readonly<Record<keyof RateLimits, RateLimiter>>;
  private readonly placed = new WeakSet<Socket>();
  private readonly holders = new WeakMap<FastifyRequest, RefusalSource>();

  constructor(private readonly settings: ApiSettings) {
    const { rateLimits } = settings;
    this.limiters = {
      challengesPerMinute: new RateLimiter(rateLimits.challengesPerMinute),
      registrationsPerMinute: new RateLimiter(rateLimits.registrationsPerMinute),
      statusPerMinute: new RateLimiter(rateLimits.statusPerMinute),
      photoChecksPerMinute: new RateLimiter(rateLimits.photoChecksPerMinute),
    };
  }

  /** What limits count a request by when nothing else is proved. */
  addressOf({ headers, socket }: FastifyRequest): string {
    const { trustProxy: trust, clientAddressHeader: header } = this.settings;
    return addressKey(clientAddress({ peer: socket.remoteAddress, headers, trust, header }));
  }

  /** @throws {ProblemError} `too_many_requests` with the time to wait. */
  async admit(request: FastifyRequest, kind: keyof RateLimits): Promise<void> {
    const waitSeconds = await this.limiters[kind].take(this.holderOf(request).name);
    if (waitSeconds > 0) throw new ProblemError('too_many_requests', { retryAfterSeconds: waitSeconds });
  }

  /** Whom a request is counted by: the booth that proved itself with it, else its address. */
  holderOf(request: FastifyRequest): RefusalSource {
    return this.holders.get(request) ?? { name: this.addressOf(request), isProved: false };
  }

  provedBy(request: FastifyRequest, boothId: string): void {
    this.holders.set(request, { name: `booth ${boothId}`, isProved: true });
  }

  /** Marks the connection whose upload has a place by its challenge: it is not closed to make room for others. */
  holdsPlace({ raw }: FastifyRequest, isHeld: boolean): void {
    if (isHeld) this.placed.add(raw.socket);
    else this.placed.delete(raw.socket);
  }

  isPlaced(socket: Socket): boolean {
    return this.placed.has(socket);
  }
}
