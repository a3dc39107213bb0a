import { setTimeout as sleepFor } from 'node:timers/promises';
import { Injectable, Logger } from '@nestjs/common';
import { fromBase64, toBase64 } from '../../domain/audit/log/bytes.js';
import type { SignedLogEvent } from '../../domain/audit/log/signed-log.events.js';
import { upcast } from '../../domain/event-registry.js';
import { msBetween } from '../../domain/values/instant.js';
import { appendKnown, DecideAndAppend, toDomain } from '../decisions/decide-and-append.js';
import { derivedId } from '../decisions/ids.js';
import { AuditLog } from '../ports/audit/audit-log.js';
import { CheckpointSigner } from '../ports/audit/checkpoint-signer.js';
import { Clock } from '../ports/store/clock.js';
import { EventStore, type ExpectedRevision } from '../ports/store/event-store.js';
import { SignedLog, type SignedState } from '../ports/audit/signed-log.js';

const ACTOR = 'system:log-watch';
const STREAM = 'signed-log';
/** A checkpoint is told in the store after so many entries, or after an hour in which the log has grown. */
const RECORD_ENTRIES = 1000;
const RECORD_MS = 3_600_000;
/** Records of another origin that may lie before ours: an origin is changed once, if ever. */
const RECORDS_LOOKED_AT = 64;

export interface LogStanding {
  readonly ok: boolean;
  readonly detail: string;
}

/** Holds the signed log against what it said before, at the start and every few minutes: what is kept beside its
 * folder, and what the event store tells of it. Lets the store know, every so many entries, what the log says.
 * @req R22 */
@Injectable()
export class LogWatch {
  private readonly logger = new Logger('LogWatch');
  private stopping = new AbortController();
  private running: Promise<void> = Promise.resolve();
  private standing: LogStanding = { ok: true, detail: 'being compared with what was signed before' };
  private readonly sinceUtc: string;

  constructor(
    private readonly signed: SignedLog,
    private readonly log: AuditLog,
    private readonly signer: CheckpointSigner,
    private readonly store: EventStore,
    private readonly aggregates: DecideAndAppend,
    private readonly clock: Clock,
  ) {
    this.sinceUtc = clock.nowUtc();
  }

  /** Looks once, so that nothing is signed before, and goes on looking. */
  async start(): Promise<void> {
    this.stopping = new AbortController();
    await this.look();
    this.running = this.run(this.stopping.signal);
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    await this.running;
  }

  /** Why nothing may be accepted: what was signed is not in the store. */
  lost(): Promise<string | null> {
    return this.signed.lost();
  }

  status(): LogStanding {
    return this.standing;
  }

  /** One comparison. Never throws: what is wrong is the standing from then on. */
  async look(): Promise<void> {
    try {
      const recorded = await this.newestRecord();
      await this.signed.check(recorded.state === null ? [] : [recorded.state]);
      const size = this.log.checkpoint()?.size ?? 0;
      const told = recorded.state === null ? '' : `, also what the store tells of the first ${recorded.state.size}`;
      this.stand({ ok: true, detail: `its ${size} entries hold what was signed before${told}` });
      await this.record(recorded);
    } catch (error) {
      this.stand({ ok: false, detail: error instanceof Error ? error.message : String(error) });
    }
  }

  private stand(standing: LogStanding): void {
    if (!standing.ok && standing.detail !== this.standing.detail) this.logger.error(standing.detail);
    if (standing.ok && !this.standing.ok) this.logger.log('the signed log holds again what was signed before');
    this.standing = standing;
  }

  private async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await sleepFor(this.signed.checkEveryMs, undefined, { signal }).catch(() => {
        // Aborted: the loop ends.
      });
      if (!signal.aborted) await this.look();
    }
  }

  private async newestRecord(): Promise<Recorded> {
    const newest = await this.store.readStream(STREAM, { direction: 'backwards', limit: RECORDS_LOOKED_AT });
    const ours = newest.find(({ data }) => data['origin'] === this.signer.origin);
    const last = newest[0]?.revision ?? 'no_stream';
    if (!ours) return { state: null, atUtc: this.sinceUtc, last };
    const { size, root } = toDomain<SignedLogEvent>(upcast(ours)).data;
    return { state: { size, root: fromBase64(root) }, atUtc: ours.metadata.recordedAtUtc, last };
  }

  private async record({ state, atUtc, last }: Recorded): Promise<void> {
    const published = this.log.checkpoint();
    const grown = (published?.size ?? 0) - (state?.size ?? 0);
    const waitedMs = msBetween(atUtc, this.clock.nowUtc());
    // The record of the last one is an entry of its own, and no reason for another.
    if (published === null || grown < 2 || (grown < RECORD_ENTRIES && waitedMs < RECORD_MS)) return;
    const { origin, size } = published;
    const root = toBase64(published.root);
    const commandId = derivedId('checkpoint-recorded', origin, size, root);
    const context = { commandId, actor: ACTOR, correlationId: commandId, causationId: commandId, policyVersion: null };
    const event = this.aggregates.envelope({ type: 'CheckpointRecorded', data: { origin, size, root } }, 0, context);
    await appendKnown(this.store, STREAM, [event], last);
  }
}

interface Recorded {
  /** null: the store tells nothing of this log. */
  readonly state: SignedState | null;
  /** Since when no other was recorded. */
  readonly atUtc: string;
  /** Revision of the newest record, of whatever log. */
  readonly last: ExpectedRevision;
}
