import { statSync } from 'node:fs';
import { Injectable } from '@nestjs/common';
import { Metrics } from './api/metrics.js';
import { Background } from './application/background.js';
import { COMPARISON_SECONDS } from './application/case/work-tally.js';
import { CaseWatch } from './application/case/case-watch.js';
import { CheckpointOutlets, type OutletStatus } from './application/ports/audit/checkpoint-outlets.js';
import { EffectDispatcher } from './application/saga/effect-dispatcher.js';
import { PerformEffect } from './application/saga/perform-effect.js';
import { Config } from './infrastructure/settings/config.js';
import { diskState } from './infrastructure/data-folder/disk-state.js';
import { EVENTS_FILE } from './infrastructure/event-store/open-event-store.js';
import { READ_MODEL_FILE } from './infrastructure/read-model/read-model-database.js';

/** What Prometheus reads of the consumers of the log and of the saga; asked for at every scrape. */
@Injectable()
export class ServerMetrics {
  constructor(
    metrics: Metrics,
    background: Background,
    dispatcher: EffectDispatcher,
    outlets: CheckpointOutlets,
    watch: CaseWatch,
    performer: PerformEffect,
    config: Config,
  ) {
    metrics.gauge({
      name: 'honnin_write_ahead_log_bytes',
      help: 'Size of the write-ahead log of each embedded database; it is given back down to 16 MiB when no reader is slow',
      labels: ['database'],
      collect: (g) =>
        [EVENTS_FILE, READ_MODEL_FILE].forEach((database) =>
          g.set({ database }, bytesOf(config.inData(`${database}-wal`))),
        ),
    });
    metrics.gauge({
      name: 'honnin_data_free_bytes',
      help: 'Free space on the disk of the data; below HONNIN_FREE_MEGABYTES_MIN the server is not ready',
      collect: async (g) => g.set((await diskState(config.inData())).free),
    });
    metrics.counter({
      name: 'honnin_photographs_total',
      help: 'Photographs that were compared: accepted, referred to officers, refused, or not of the person, and why',
      labels: ['verdict', 'reason', 'measure'],
      collect: (c) => performer.photographs.all().forEach(({ verdict, count }) => c.inc({ ...verdict }, count)),
    });
    metrics.counter({
      name: 'honnin_registrations_total',
      help: 'Requests that came to an end since the start, by outcome; stopped: an administrator has to end it',
      labels: ['outcome'],
      collect: (c) => performer.work.outcomes().forEach(([outcome, n]) => c.inc({ outcome }, n)),
    });
    metrics.counter({
      name: 'honnin_answers_total',
      help: 'Answers of the certificate authority and of the government server since the start; unknown: asked again',
      labels: ['service', 'answer'],
      collect: (c) => performer.work.answers().forEach(({ service, answer, n }) => c.inc({ service, answer }, n)),
    });
    const comparison = metrics.histogram({
      name: 'honnin_face_comparison_seconds',
      help: 'Time of one comparison of faces, with its waiting for a worker',
      buckets: COMPARISON_SECONDS,
    });
    performer.work.onComparison = (seconds) => comparison.observe(seconds);
    metrics.gauge({
      name: 'honnin_holds',
      help: 'Holds that wait for officers (open), and those of them whose time is over (overdue)',
      labels: ['state'],
      collect: (g) => Object.entries(watch.holds() ?? {}).forEach(([state, n]) => g.set({ state }, n)),
    });
    metrics.gauge({
      name: 'honnin_consumer_lag_seconds',
      help: 'Age of the newest handled event while there are more to come',
      labels: ['consumer'],
      collect: (g) => background.status().forEach((s) => g.set({ consumer: s.consumer }, s.lagMs / 1000)),
    });
    metrics.gauge({
      name: 'honnin_consumer_up',
      help: '1 while the consumer follows the log, 0 when it is stopped or failing',
      labels: ['consumer'],
      collect: (g) =>
        background
          .status()
          .forEach((s) => g.set({ consumer: s.consumer }, s.state === 'stopped' || s.state === 'failing' ? 0 : 1)),
    });
    metrics.gauge({
      name: 'honnin_consumer_failures',
      help: 'Failed deliveries since the start',
      labels: ['consumer'],
      collect: (g) => background.status().forEach((s) => g.set({ consumer: s.consumer }, s.failures)),
    });
    metrics.gauge({
      name: 'honnin_consumer_parked_streams',
      help: 'Streams that wait for an operator',
      labels: ['consumer'],
      collect: (g) => background.status().forEach((s) => g.set({ consumer: s.consumer }, s.parkedStreams)),
    });
    metrics.gauge({
      name: 'honnin_open_cases',
      help: 'Requests with effects that are not carried out yet, by state; retained: nothing but the end of their evidence',
      labels: ['state'],
      collect: (g) => Object.entries(dispatcher.status()).forEach(([state, n]) => g.set({ state }, n)),
    });
    metrics.gauge({
      name: 'honnin_cases_stopped',
      help: 'Cases whose material is gone or is not what was received, until an administrator ends them',
      labels: ['cause'],
      collect: async (g) =>
        Object.entries((await watch.look())?.stopped ?? {}).forEach(([cause, n]) => g.set({ cause }, n)),
    });
    metrics.gauge({
      name: 'honnin_cases_overdue',
      help: 'Cases that are open for longer than the policy allows',
      collect: async (g) => g.set((await watch.look())?.overdue ?? 0),
    });
    metrics.gauge({
      name: 'honnin_oldest_open_case_seconds',
      help: 'Age of the oldest case that goes on',
      collect: async (g) => g.set(((await watch.look())?.oldestMs ?? 0) / 1000),
    });
    const ofOutlets = (name: string, help: string, value: (s: OutletStatus) => number | null) =>
      metrics.gauge({
        name,
        help,
        labels: ['outlet'],
        collect: (g) =>
          outlets.status().forEach((s) => {
            const n = value(s);
            if (n !== null) g.set({ outlet: s.outlet }, n);
          }),
      });
    ofOutlets(
      'honnin_checkpoint_outlet_behind_seconds',
      'How long the oldest checkpoint waits that is not covered by a timestamp, or by a copy elsewhere',
      (s) => s.behindMs / 1000,
    );
    ofOutlets(
      'honnin_checkpoint_outlet_late',
      '1 when a checkpoint waits longer than two intervals and a minute',
      (s) => (s.isLate ? 1 : 0),
    );
    ofOutlets(
      'honnin_checkpoint_outlet_fork',
      '1 when somebody outside has seen another history under the name of this log',
      (s) => (s.isFork ? 1 : 0),
    );
    ofOutlets('honnin_checkpoint_outlet_failures', 'Failed attempts since the start', (s) => s.failures);
    ofOutlets(
      'honnin_checkpoint_outlet_delivered_entries',
      'Size of the newest checkpoint that has a timestamp, or a copy elsewhere',
      (s) => s.deliveredSize,
    );
    ofOutlets('honnin_checkpoint_outlet_delivered_timestamp_seconds', 'When that was', (s) =>
      s.deliveredAtMs === null ? null : s.deliveredAtMs / 1000,
    );
  }
}

function bytesOf(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0;
}
