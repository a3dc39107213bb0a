import { Injectable } from '@nestjs/common';
import { CommandHandler, QueryHandler, type ICommandHandler, type IQueryHandler } from '@nestjs/cqrs';
import { lockoutOf, type Lockout } from '../../domain/access/lockout.js';
import type { LockoutReason } from '../../domain/access/lockout.events.js';
import { isSamePerson } from '../../domain/values/staff-name.js';
import { lockouts, STAFF_ID } from '../decisions/aggregates.js';
import { DecideAndAppend } from '../decisions/decide-and-append.js';
import { derivedId } from '../decisions/ids.js';
import { ok, refused, type Outcome } from '../decisions/outcome.js';

/** What the events of lock-outs belong to: nothing that is told of a name would stay a secret in the log. */
export const LOCKOUT_CORRELATION = derivedId('lockout', STAFF_ID);

/** Keeps a person out at once, whatever their token says. */
export class LockOut {
  constructor(
    readonly commandId: string,
    readonly subject: string,
    readonly reason: LockoutReason,
    /** The number of an order, a ticket or a file. */
    readonly reference: string,
    readonly by: string,
  ) {}
}

/** Everybody who is kept out now. */
export class ListLockouts {}

/** Asked at every request of a person: the log is read each time, so that a lock-out holds at once and on every server.
 * What stays open longer than a request is told. */
@Injectable()
export class Lockouts {
  private readonly open = new Set<{ readonly subject: string; readonly end: () => void }>();

  constructor(private readonly aggregates: DecideAndAppend) {}

  async all(): Promise<readonly Lockout[]> {
    return (await this.aggregates.load(lockouts, STAFF_ID)).state.lockedOut;
  }

  async isLockedOut(subject: string): Promise<boolean> {
    return lockoutOf((await this.aggregates.load(lockouts, STAFF_ID)).state, subject) !== null;
  }

  /** For what outlives the request by which it was opened (event streams): `end` is called when the person is locked
   * out on this server. Whoever keeps one open also asks `isLockedOut` from time to time, for other servers.
   * @returns what to call when it was closed by itself */
  whileOpen(subject: string, end: () => void): () => void {
    const one = { subject, end };
    this.open.add(one);
    return () => void this.open.delete(one);
  }

  /** Ends what the person has open. */
  end(subject: string): void {
    for (const one of [...this.open]) {
      if (!isSamePerson(one.subject, subject)) continue;
      this.open.delete(one);
      one.end();
    }
  }
}

@CommandHandler(LockOut)
export class LockOutHandler implements ICommandHandler<LockOut, Outcome<Lockout>> {
  constructor(
    private readonly aggregates: DecideAndAppend,
    private readonly lockouts: Lockouts,
  ) {}

  async execute({ commandId, subject, reason, reference, by }: LockOut): Promise<Outcome<Lockout>> {
    const command = { type: 'LockOut', subject, reason, reference, by } as const;
    const result = await this.aggregates.execute(lockouts, STAFF_ID, command, {
      commandId,
      actor: `officer:${by}`,
      correlationId: LOCKOUT_CORRELATION,
      causationId: commandId,
      policyVersion: null,
    });
    if (result.outcome === 'refused') return refused(result.refusal);
    this.lockouts.end(subject);
    return ok(lockoutOf(result.state, subject) ?? { subject, reason, reference, by });
  }
}

@QueryHandler(ListLockouts)
export class ListLockoutsHandler implements IQueryHandler<ListLockouts, readonly Lockout[]> {
  constructor(private readonly lockouts: Lockouts) {}

  execute(): Promise<readonly Lockout[]> {
    return this.lockouts.all();
  }
}
