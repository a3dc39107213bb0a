import { Injectable } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { ApiSettings, type RateLimits } from './api-settings.js';
import { Metrics } from './metrics.js';
import { ProblemError } from './problems.js';
import { RateLimiter } from './rate-limiter.js';

/** Keeps one address, and all together, from taking more than their share. What is turned away here is not put on record:
 *  a record of every request of a flood would be the flood's success. */
@Injectable()
export class EdgeLimits {
  private readonly limiters: Readonly<Record<keyof RateLimits, RateLimiter>>;
  private uploads = 0;

  constructor(
    private readonly settings: ApiSettings,
    private readonly metrics: Metrics,
  ) {
    const { rateLimits } = settings;
    this.limiters = {
      challengesPerMinute: new RateLimiter(rateLimits.challengesPerMinute),
      registrationsPerMinute: new RateLimiter(rateLimits.registrationsPerMinute),
      statusPerMinute: new RateLimiter(rateLimits.statusPerMinute),
      photoChecksPerMinute: new RateLimiter(rateLimits.photoChecksPerMinute),
    };
  }

  /** @throws {ProblemError} `too_many_requests` with the time to wait. */
  admit(request: FastifyRequest, kind: keyof RateLimits): void {
    const waitSeconds = this.limiters[kind].take(request.ip);
    if (waitSeconds > 0) throw new ProblemError('too_many_requests', { retryAfterSeconds: waitSeconds });
  }

  /** Runs the work of one upload. @throws {ProblemError} `too_many_uploads` when too many run already: each holds its parts in memory. */
  async upload<T>(work: () => Promise<T>): Promise<T> {
    if (this.uploads >= this.settings.limits.uploadsAtOnceMax) throw new ProblemError('too_many_uploads', { retryAfterSeconds: 1 });
    this.metrics.uploads.set(++this.uploads);
    try {
      return await work();
    } finally {
      this.metrics.uploads.set(--this.uploads);
    }
  }
}
