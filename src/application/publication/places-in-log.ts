import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { toBase64 } from '../../domain/audit/log/bytes.js';
import type { Position } from '../../domain/event-envelope.js';
import type { LeafPlace } from '../../domain/publication/published-language.js';
import { AuditLog } from '../ports/audit/audit-log.js';
import { TransientFailure } from '../subscriptions/subscription-handler.js';

const POLL_MS = 50;
/** The signed log is half a second behind at most; where it is later, nothing is published until it is there. */
const WAIT_MS_MAX = 15_000;

/** Where events are in the signed log. */
@Injectable()
export class PlacesInLog {
  constructor(private readonly log: AuditLog) {}

  /** The places of events, once a signed checkpoint holds them.
   *  @param positions ascending
   *  @throws {TransientFailure} while the log is behind */
  async of(positions: readonly Position[]): Promise<readonly LeafPlace[]> {
    const newest = positions.at(-1);
    if (newest === undefined) return [];
    for (const deadline = performance.now() + WAIT_MS_MAX; this.log.indexOf(newest) === null;) {
      if (performance.now() > deadline)
        throw new TransientFailure(`the signed log does not hold position ${newest} yet; it is published when it does`);
      await sleep(POLL_MS);
    }
    return this.now(positions);
  }

  /** Where an event is, or null while the log does not hold it. */
  known(position: Position): LeafPlace | null {
    return this.log.indexOf(position) === null ? null : (this.now([position])[0] ?? null);
  }

  /** The places of events that the log holds. @throws {TransientFailure} where it does not hold one */
  now(positions: readonly Position[]): readonly LeafPlace[] {
    const checkpoint = this.log.checkpoint();
    const nodes = checkpoint && this.log.nodes(checkpoint.size);
    return positions.map((position) => {
      const index = this.log.indexOf(position);
      if (!checkpoint || !nodes || index === null || index >= checkpoint.size)
        throw new TransientFailure(`the signed log has no entry of the event at position ${position}`);
      return { index, hash: toBase64(nodes(0, index)), origin: checkpoint.origin };
    });
  }
}
