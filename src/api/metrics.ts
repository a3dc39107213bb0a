import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client';

interface Described<Label extends string> {
  readonly name: string;
  readonly help: string;
  readonly labels?: readonly Label[];
}

/** Every number that Prometheus reads, in one registry per application (tests have several in one process).
 *  Labels come from closed lists only: never ids, receipts or addresses. */
export class Metrics {
  readonly registry = new Registry();
  readonly httpSeconds: Histogram<'method' | 'route' | 'status'>;
  readonly doorRefusals: Counter<'code'>;
  readonly photoChecks: Counter<'verdict' | 'reason' | 'measure'>;
  readonly signInFailures: Counter<'cause'>;
  readonly eventStreams: Gauge;
  readonly uploads: Gauge<'places'>;
  readonly turnedAway: Counter<'turn'>;

  constructor() {
    // Among others `nodejs_eventloop_lag_*_seconds` and the process's memory and processor time.
    collectDefaultMetrics({ register: this.registry });
    this.httpSeconds = this.histogram({
      name: 'honnin_http_request_seconds',
      help: 'Time from request to answer',
      labels: ['method', 'route', 'status'],
      buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    });
    this.doorRefusals = this.counter({
      name: 'honnin_door_refusals_total',
      help: "Booths' requests refused at the door",
      labels: ['code'],
    });
    this.photoChecks = this.counter({
      name: 'honnin_photo_checks_total',
      help: 'Photographs that booths asked about beforehand: accepted, referred to officers or refused, and why',
      labels: ['verdict', 'reason', 'measure'],
    });
    this.signInFailures = this.counter({
      name: 'honnin_sign_in_failures_total',
      help: 'Access tokens that were not accepted, and roles that did not allow',
      labels: ['cause'],
    });
    this.eventStreams = this.gauge({ name: 'honnin_event_streams', help: 'Open server-sent event streams' });
    this.turnedAway = this.counter({
      name: 'honnin_requests_turned_away_total',
      help: 'Requests without proof that were sent away unread because too many waited for a turn',
      labels: ['turn'],
    });
    this.uploads = this.gauge({
      name: 'honnin_uploads',
      help: 'Uploads that are being read, by what gave them their place',
      labels: ['places'],
    });
  }

  /** @param collect counts that something else keeps, told anew at every scrape */
  counter<Label extends string = never>({
    name,
    help,
    labels = [],
    collect,
  }: Described<Label> & { readonly collect?: (counter: Counter<Label>) => void }): Counter<Label> {
    return new Counter({
      name,
      help,
      labelNames: [...labels],
      registers: [this.registry],
      ...(collect && {
        collect(this: Counter<Label>) {
          this.reset();
          collect(this);
        },
      }),
    });
  }

  gauge<Label extends string = never>({
    name,
    help,
    labels = [],
    collect,
  }: Described<Label> & { readonly collect?: (gauge: Gauge<Label>) => void | Promise<void> }): Gauge<Label> {
    return new Gauge({
      name,
      help,
      labelNames: [...labels],
      registers: [this.registry],
      ...(collect && {
        collect(this: Gauge<Label>) {
          return collect(this);
        },
      }),
    });
  }

  /** @param buckets upper bounds in the metric's unit */
  histogram<Label extends string = never>({
    name,
    help,
    labels = [],
    buckets,
  }: Described<Label> & { readonly buckets: readonly number[] }): Histogram<Label> {
    return new Histogram({ name, help, labelNames: [...labels], buckets: [...buckets], registers: [this.registry] });
  }
}
