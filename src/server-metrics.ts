import { Injectable } from '@nestjs/common';
import { Metrics } from './api/metrics.js';
import { Background } from './application/background.js';
import { EffectDispatcher } from './application/saga/effect-dispatcher.js';

/** What Prometheus reads of the consumers of the log and of the saga; asked for at every scrape. */
@Injectable()
export class ServerMetrics {
  constructor(metrics: Metrics, background: Background, dispatcher: EffectDispatcher) {
    metrics.gauge({ name: 'honnin_consumer_lag_seconds', help: 'Age of the newest handled event while there are more to come', labels: ['consumer'], collect: (g) => background.status().forEach((s) => g.set({ consumer: s.consumer }, s.lagMs / 1000)) });
    metrics.gauge({ name: 'honnin_consumer_up', help: '1 while the consumer follows the log, 0 when it is stopped or failing', labels: ['consumer'], collect: (g) => background.status().forEach((s) => g.set({ consumer: s.consumer }, s.state === 'stopped' || s.state === 'failing' ? 0 : 1)) });
    metrics.gauge({ name: 'honnin_consumer_failures', help: 'Failed deliveries since the start', labels: ['consumer'], collect: (g) => background.status().forEach((s) => g.set({ consumer: s.consumer }, s.failures)) });
    metrics.gauge({ name: 'honnin_consumer_parked_streams', help: 'Streams that wait for an operator', labels: ['consumer'], collect: (g) => background.status().forEach((s) => g.set({ consumer: s.consumer }, s.parkedStreams)) });
    metrics.gauge({ name: 'honnin_open_cases', help: 'Requests with effects that are not carried out yet, by state', labels: ['state'], collect: (g) => Object.entries(dispatcher.status()).forEach(([state, n]) => g.set({ state }, n)) });
  }
}
