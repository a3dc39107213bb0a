import { Injectable } from '@nestjs/common';
import { HealthChecks, type Readiness } from './api/health-checks.js';
import { ServerHealth } from './server-health.js';

/** Milliseconds for which an answer holds. */
const HOLDS_MS = 250;

/** Readiness as it was a moment ago: whoever asks hundreds of times a second costs one look at store and disk. */
@Injectable()
export class RecentHealth extends HealthChecks {
  private last: { readonly atMs: number; readonly answer: Promise<Readiness> } | null = null;

  constructor(private readonly health: ServerHealth) {
    super();
  }

  override ready(): Promise<Readiness> {
    const atMs = performance.now();
    if (this.last === null || atMs - this.last.atMs >= HOLDS_MS) this.last = { atMs, answer: this.health.ready() };
    return this.last.answer;
  }

  override isAccepting(): boolean {
    return this.health.isAccepting();
  }
}
