import { Injectable } from '@nestjs/common';
import { PublicationDirectory } from '../../application/ports/outside/publication-directory.js';
import { PublicationLag } from '../../application/publication/publication-lag.js';
import { PublicationRelay } from '../../application/publication/publication-relay.js';
import { Metrics } from '../metrics.js';

const OPEN_ERASURES_MAX = 1000;

/** How far publication is behind, measured when Prometheus asks: right also while the broker is away and nothing
 * moves. */
@Injectable()
export class PublicationMetrics {
  constructor(metrics: Metrics, lag: PublicationLag, relay: PublicationRelay, directory: PublicationDirectory) {
    if (!relay.configured) return;
    metrics.gauge({
      name: 'honnin_publication_backlog_events',
      help: 'Events that wait to be published, counted up to 4096',
      collect: async (gauge) => gauge.set((await lag.measure()).events),
    });
    metrics.gauge({
      name: 'honnin_publication_backlog_oldest_seconds',
      help: 'How long the oldest event that waits to be published has been waiting',
      collect: async (gauge) => gauge.set((await lag.measure()).oldestMs / 1000),
    });
    metrics.gauge({
      name: 'honnin_erasure_confirmations_open',
      help: 'Consumers that have not confirmed an erasure, counted up to 1000',
      collect: (gauge) =>
        gauge.set(directory.confirmations({ includeConfirmed: false, limit: OPEN_ERASURES_MAX }).length),
    });
  }
}
