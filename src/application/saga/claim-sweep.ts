import { Injectable } from '@nestjs/common';
import type { Position, StoredEvent } from '../../domain/event-envelope.js';
import type { LapseReason } from '../../domain/registration/registration.js';
import { addMs } from '../../domain/values/instant.js';
import { registrations } from '../decisions/aggregates.js';
import { caseOwner, evidenceOwner } from '../case/case-material.js';
import { Claims } from '../door/claims.js';
import { DecideAndAppend } from '../decisions/decide-and-append.js';
import { CurrentPolicy } from '../decisions/current-policy.js';
import { derivedId } from '../decisions/ids.js';
import { Clock } from '../ports/store/clock.js';
import { EventStore } from '../ports/store/event-store.js';
import { ImageVault, type VaultOwner } from '../ports/registrant/image-vault.js';
import { PositionStore, type Lease } from '../ports/store/position-store.js';
import { PeriodicLook, underLease } from './periodic-look.js';

const ACTOR = 'system:claim-sweep';
/** Beyond the life of its nonce: so long may a booth that got no answer send the same bytes again, and its request goes
 * on. */
const GRACE_MS = 15 * 60_000;
const LOOK_EVERY_MS = 5 * 60_000;
const LOOK_FOR_STRAYS_EVERY_MS = 24 * 3_600_000;
const PAGE = 256;
let instances = 0;

/** Ends requests that own their key and were never received: the process died in between and the booth did not come
 * back. Their stream is begun with `RequestLapsed`, and as a stream begins once, either the request was received or it
 * has lapsed, whoever was faster. Only after that is destroyed what was sealed. A crash anywhere in between is mended
 * by the next look: the position moves last.
 * @req R19 */
@Injectable()
export class ClaimSweep {
  /** Name of the consumer: data, never renamed. */
  readonly name = 'claim-sweep';
  private readonly looks = new PeriodicLook({ name: 'ClaimSweep', of: 'claims', everyMs: LOOK_EVERY_MS });
  private readonly holder = `claim-sweep-${(instances += 1)}`;
  private straysLookedForMs = Number.NEGATIVE_INFINITY;

  constructor(
    readonly store: EventStore,
    readonly positions: PositionStore,
    private readonly aggregates: DecideAndAppend,
    private readonly claims: Claims,
    private readonly policies: CurrentPolicy,
    private readonly vault: ImageVault,
    private readonly clock: Clock,
  ) {}

  start(): void {
    this.looks.start(() => this.look());
  }

  /** Lets the look that is under way end. */
  stop(): Promise<void> {
    return this.looks.stop();
  }

  /** One look at the claims that are due, and once a day at everything in the vault.
   *  @returns how many requests have lapsed, now or in a look that was cut short */
  async look(): Promise<number> {
    const lapsed = await underLease(this, { consumer: this.name, holder: this.holder }, (after, lease) =>
      this.lapseFrom(after, lease),
    );
    const nowMs = Date.parse(this.clock.nowUtc());
    if (nowMs - this.straysLookedForMs < LOOK_FOR_STRAYS_EVERY_MS) return lapsed;
    const strays = await this.lapseStrays();
    this.straysLookedForMs = nowMs;
    return lapsed + strays;
  }

  private async lapseFrom(after: Position | null, lease: Lease): Promise<number> {
    const { values } = await this.policies.get();
    const boundMs = (values.challengeLifetimeSeconds + values.clockSkewSecondsMax) * 1000 + GRACE_MS;
    let lapsed = 0;
    for (let from = after; ;) {
      const batch = await this.store.readAll(from, { filter: { types: ['RequestClaimed'] }, limit: PAGE });
      const nowUtc = this.clock.nowUtc();
      const firstLater = batch.events.findIndex((event) => addMs(event.metadata.recordedAtUtc, boundMs) > nowUtc);
      const due = firstLater < 0 ? batch.events : batch.events.slice(0, firstLater);
      for (const event of due) lapsed += (await this.lapseClaim(event)) ? 1 : 0;
      const next = firstLater < 0 ? batch.position : (due.at(-1)?.position ?? from);
      if (next === null || next === from) return lapsed;
      const anchor = await this.store.anchorAt(next);
      const saved = await this.positions.save({
        consumer: this.name,
        previous: from,
        next,
        anchor,
        fencingToken: lease.fencingToken,
      });
      if (saved !== 'saved') return lapsed;
      from = next;
    }
  }

  private async lapseClaim({ data, metadata: { recordedAtUtc } }: StoredEvent): Promise<boolean> {
    const requestId = data['requestId'] as string;
    // Nearly always it was received, which one short read tells.
    const [first] = await this.store.readStream(registrations.streamOf(requestId), { limit: 1 });
    if (first?.type === 'RequestReceived') return false;
    return this.lapse(requestId, 'claim_not_completed', recordedAtUtc);
  }

  /** What is in the vault and in no story: left by a version that sealed before it asked, or by a log that lost its
   * end. Owners are read before claims, so whatever is being sealed now has its claim already when it is looked for. */
  private async lapseStrays(): Promise<number> {
    let lapsed = 0;
    for (let after: VaultOwner | null = null; ;) {
      const owners: readonly VaultOwner[] = await this.vault.caseOwners(after, PAGE);
      for (const owner of owners) lapsed += (await this.lapseStray(owner)) ? 1 : 0;
      after = owners.at(-1) ?? null;
      if (after === null || this.looks.isStopping) return lapsed;
    }
  }

  private async lapseStray(owner: VaultOwner): Promise<boolean> {
    const requestId = owner.slice(owner.indexOf(':') + 1);
    const [first] = await this.store.readStream(registrations.streamOf(requestId), { limit: 1 });
    if (first?.type === 'RequestReceived') return false;
    // One with a claim has its time until that is due.
    if (!first && (await this.claims.ofRequest(requestId))) return false;
    return this.lapse(requestId, 'nobody_owns_it', null);
  }

  /** @returns false when the request was received after all. */
  private async lapse(requestId: string, reason: LapseReason, claimedAtUtc: string | null): Promise<boolean> {
    const context = {
      commandId: derivedId('lapse', requestId),
      actor: ACTOR,
      correlationId: requestId,
      causationId: requestId,
      policyVersion: null,
    };
    const result = await this.aggregates.execute(
      registrations,
      requestId,
      { type: 'LapseRequest', reason, claimedAtUtc },
      context,
    );
    if (result.outcome === 'refused') return false;
    await this.vault.destroyOwner(caseOwner(requestId));
    await this.vault.destroyOwner(evidenceOwner(requestId));
    return true;
  }
}
