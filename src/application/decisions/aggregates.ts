import type { Decider, DomainEvent } from '../../domain/decider.js';
import { boothDecider } from '../../domain/booth/booth.js';
import { lockoutDecider } from '../../domain/access/lockout.js';
import { consumerDecider } from '../../domain/consumer/consumer.js';
import { dualActDecider } from '../../domain/dual-control/dual-act.js';
import { holdReviewDecider } from '../../domain/hold-review/hold-review.js';
import { lossDecider } from '../../domain/installation/loss.js';
import { policyDecider } from '../../domain/policy/policy.js';
import { erasureDecider } from '../../domain/publication/erasure.js';
import { registrantDecider } from '../../domain/registrant/registrant.js';
import { registrationDecider } from '../../domain/registration/registration.js';
import { sagaDecider } from '../../domain/saga/registration.saga.js';

/** A decider and the streams that it lives in. */
export interface Aggregate<State, Command, Event extends DomainEvent> {
  readonly decider: Decider<State, Command, Event>;
  readonly streamOf: (id: string) => string;
}

function aggregate<S, C, E extends DomainEvent>(prefix: string, decider: Decider<S, C, E>): Aggregate<S, C, E> {
  return { decider, streamOf: (id) => `${prefix}-${id}` };
}

export const registrations = aggregate('registration', registrationDecider);
export const registrants = aggregate('registrant', registrantDecider);
export const holdReviews = aggregate('hold', holdReviewDecider);
export const sagas = aggregate('saga', sagaDecider);
/** Erasures as the consumers of published events confirm them. */
export const erasures = aggregate('erasure', erasureDecider);
export const booths = aggregate('booth', boothDecider);
/** Consumers of the log, by name. */
export const consumers = aggregate('consumer', consumerDecider);
/** Who of the staff is kept out: one stream, `lockout-staff`. */
export const lockouts = aggregate('lockout', lockoutDecider);
export const STAFF_ID = 'staff';
/** What needs two people. */
export const dualActs = aggregate('act', dualActDecider);
/** What was accepted to be lost: one stream, `installation-loss`. */
export const losses = aggregate('installation', lossDecider);
export const LOSS_ID = 'loss';
/** One policy for the whole installation: its stream is `policy-thresholds`. */
export const policies = aggregate('policy', policyDecider);
export const POLICY_ID = 'thresholds';
