import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { RefuseAtDoor } from '../../application/door/refuse-at-door.js';
import { BOOTH_ID } from '../../domain/booth/booth.js';
import type { DoorRefusalCode } from '../../domain/refusal.js';
import { ApiSettings } from '../api-settings.js';
import { EdgeLimits } from '../edge/edge-limits.js';
import { Metrics } from '../metrics.js';
import { ProblemError } from '../contract/problems.js';
import type { FormError } from '../contract/validation.js';

/** Refuses what never reaches the command: first on record, then answered. Nothing of the request is kept but the
 * refusal. */
@Injectable()
export class Door {
  constructor(
    private readonly refusals: RefuseAtDoor,
    private readonly metrics: Metrics,
    private readonly limits: EdgeLimits,
    settings: ApiSettings,
  ) {
    refusals.boundBy(settings.refusals);
  }

  /** @param boothId as the request stated it, when it could be read and has the form of one
   *  @throws {ProblemError} always. */
  async refuse(
    request: FastifyRequest,
    code: DoorRefusalCode,
    { boothId = null, errors = [] }: { readonly boothId?: string | null; readonly errors?: readonly FormError[] } = {},
  ): Promise<never> {
    await this.record(request, code, boothId);
    throw new ProblemError(code, errors.length > 0 ? { extensions: { errors } } : {});
  }

  /** @throws when it cannot be stored; then the answer is that the outcome is unknown, and the booth tries again. */
  async record(request: FastifyRequest, code: DoorRefusalCode, boothId: string | null): Promise<void> {
    await this.refusals.record({
      code,
      boothId,
      policyVersion: null,
      refusalId: randomUUID(),
      source: this.limits.holderOf(request),
    });
    this.count(code);
  }

  /** Counts a refusal that the command itself has put on record. */
  count(code: string): void {
    this.metrics.doorRefusals.inc({ code });
  }
}

/** The booth id that a decoded request states, for the record only; null unless it has the form of one. */
export function statedBoothId(boothId: unknown): string | null {
  return typeof boothId === 'string' && BOOTH_ID.test(boothId) ? boothId : null;
}
