import { Injectable } from '@nestjs/common';
import type { DoorRefusalCode } from '../../domain/refusal.js';
import { EventStore } from '../ports/event-store.js';
import { appendKnown, DecideAndAppend } from './decide-and-append.js';

/** Stores that something was turned away at the door, and nothing of what it was. Each refusal has a stream of its own,
 *  so that a flood of bad requests never makes good ones wait for each other. */
@Injectable()
export class RefuseAtDoor {
  constructor(
    private readonly store: EventStore,
    private readonly aggregates: DecideAndAppend,
  ) {}

  /** @param boothId the id that the request stated, when it has the form of one; it is not proved. */
  async record(refusal: { readonly code: DoorRefusalCode; readonly boothId: string | null; readonly policyVersion: number | null; readonly refusalId: string }): Promise<void> {
    const { code, boothId, policyVersion, refusalId } = refusal;
    const event = this.aggregates.envelope({ type: 'RequestRefusedAtDoor', data: { code, boothId } }, 0, { commandId: refusalId, actor: 'system:door', correlationId: refusalId, causationId: refusalId, policyVersion });
    await appendKnown(this.store, `door-${refusalId}`, [event], 'no_stream');
  }
}
