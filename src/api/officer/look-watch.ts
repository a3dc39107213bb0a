import { Injectable } from '@nestjs/common';
import type { Counter } from 'prom-client';
import { Clock } from '../../application/ports/store/clock.js';
import { LOOK_PURPOSES, type LookGrounds, type LookPurpose } from '../../domain/access/access.events.js';
import { personKey } from '../../domain/values/staff-name.js';
import { ProblemError } from '../contract/problems.js';
import { Metrics } from '../metrics.js';

const HOUR_MS = 3_600_000;

/** What a look came to that showed a picture, and what the alarms ask for. They are told as 0 from the start, because
 * Prometheus sees no increase in what it meets for the first time. */
const SHOWN: readonly (readonly [LookPurpose, LookGrounds])[] = [
  ['hold_review', 'open_hold'],
  ['audit', 'reference'],
  ['audit', 'none'],
  ['disclosure', 'reference'],
];
const ALARMING = ['purpose_does_not_fit', 'forbidden'] as const;

/** Counts looks at faces for who watches over them: by purpose and outcome, and how many the busiest person had within
 * an hour. Names stay inside: a figure says that there is something to ask, the list `accesses` says whom. */
@Injectable()
export class LookWatch {
  private readonly looks: Counter<'purpose' | 'grounds' | 'outcome'>;
  private readonly shownAtMs = new Map<string, number[]>();

  constructor(
    metrics: Metrics,
    private readonly clock: Clock,
  ) {
    this.looks = metrics.counter({
      name: 'honnin_looks_total',
      help: 'Looks at faces since the start: for what, on what they rested (an open hold, a file, none), and whether the picture was shown',
      labels: ['purpose', 'grounds', 'outcome'],
    });
    for (const [purpose, grounds] of SHOWN) this.looks.inc({ purpose, grounds, outcome: 'shown' }, 0);
    for (const purpose of LOOK_PURPOSES)
      for (const outcome of ALARMING) this.looks.inc({ purpose, grounds: 'none', outcome }, 0);
    metrics.gauge({
      name: 'honnin_looks_of_one_person',
      help: 'Pictures that the person who looked most was shown within the last hour, since the start',
      collect: (g) => g.set(this.busiest()),
    });
  }

  /** Carries a look out and counts it, also one that is refused or fails. */
  async over<T extends { readonly grounds: LookGrounds }>(
    { person, purpose }: { readonly person: string; readonly purpose: LookPurpose },
    look: () => Promise<T>,
  ): Promise<T> {
    try {
      const seen = await look();
      this.looks.inc({ purpose, grounds: seen.grounds, outcome: 'shown' });
      const nowMs = this.nowMs();
      this.shownAtMs.set(personKey(person), [...this.within(personKey(person), nowMs), nowMs]);
      return seen;
    } catch (error) {
      const outcome = error instanceof ProblemError ? error.code : 'failed';
      this.looks.inc({ purpose, grounds: 'none', outcome });
      throw error;
    }
  }

  private busiest(): number {
    const nowMs = this.nowMs();
    let most = 0;
    for (const person of [...this.shownAtMs.keys()]) {
      const times = this.within(person, nowMs);
      if (times.length === 0) this.shownAtMs.delete(person);
      most = Math.max(most, times.length);
    }
    return most;
  }

  /** When the person was shown a picture within the last hour; what is exactly an hour old is over. */
  private within(person: string, nowMs: number): readonly number[] {
    return (this.shownAtMs.get(person) ?? []).filter((at) => at > nowMs - HOUR_MS);
  }

  private nowMs(): number {
    return Date.parse(this.clock.nowUtc());
  }
}
