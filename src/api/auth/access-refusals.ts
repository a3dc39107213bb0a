import { randomUUID } from 'node:crypto';
import { Injectable, Logger } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { RecordAccessRefused } from '../../application/access/view-image.js';
import { Metrics } from '../metrics.js';
import { ProblemError } from '../contract/problems.js';
import type { SignedInPerson } from './roles.js';

/** Puts an attempt that a role does not allow on record, and only then refuses it. */
@Injectable()
export class AccessRefusals {
  private readonly logger = new Logger(AccessRefusals.name);

  constructor(
    private readonly commands: CommandBus,
    private readonly metrics: Metrics,
  ) {}

  /** @param what method and route pattern, without ids
   *  @throws {ProblemError} always: the code, or `access_log_unavailable` when it could not be stored. */
  async refuse(
    person: SignedInPerson,
    what: string,
    reason: string,
    code: 'forbidden' | 'roles_incompatible' | 'locked_out' = 'forbidden',
  ): Promise<never> {
    this.metrics.signInFailures.inc({ cause: 'role' });
    try {
      await this.commands.execute(new RecordAccessRefused(randomUUID(), person.subject, what, reason));
    } catch (error) {
      this.logger.error('a refused access could not be recorded', error instanceof Error ? error.stack : undefined);
      throw new ProblemError('access_log_unavailable', { retryAfterSeconds: 5 });
    }
    throw new ProblemError(code);
  }
}
