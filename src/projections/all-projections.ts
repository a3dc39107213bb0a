import { caseTimelineProjection } from './case-timeline.projection.js';
import { erasureConfirmationsProjection } from './erasure-confirmations.projection.js';
import { holdDeskProjection } from './hold-desk.projection.js';
import { openCasesProjection } from './open-cases.projection.js';
import { pendingEffectsProjection } from './pending-effects.projection.js';
import type { Projection } from './projection.js';
import { registrantLinksProjection } from './registrant-links.projection.js';
import { registrantRegistrationsProjection } from './registrant-registrations.projection.js';
import { requestStatusProjection } from './request-status.projection.js';

/** Every read model of the server. */
export const ALL_PROJECTIONS: readonly Projection[] = [
  requestStatusProjection,
  holdDeskProjection,
  caseTimelineProjection,
  pendingEffectsProjection,
  registrantRegistrationsProjection,
  registrantLinksProjection,
  erasureConfirmationsProjection,
  openCasesProjection,
];
