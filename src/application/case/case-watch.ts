import { Injectable } from '@nestjs/common';
import { addMs, msBetween } from '../../domain/values/instant.js';
import { CurrentPolicy } from '../decisions/current-policy.js';
import { Clock } from '../ports/store/clock.js';
import { OpenCases, type OpenCaseCounts } from '../ports/store/open-cases.js';

const HOUR_MS = 3_600_000;

export interface WatchedCases extends OpenCaseCounts {
  /** Age of the oldest case that goes on, 0 where there is none. */
  readonly oldestMs: number;
  /** From here on a case is open for too long, by the policy in force. */
  readonly hoursMax: number;
}

/** Which cases need a person: stopped ones, and those that are open for longer than the policy in force allows. */
@Injectable()
export class CaseWatch {
  constructor(
    private readonly cases: OpenCases,
    private readonly policies: CurrentPolicy,
    private readonly clock: Clock,
  ) {}

  /** @returns null while nobody can tell. */
  async look(): Promise<WatchedCases | null> {
    const { caseOpenHoursMax: hoursMax } = (await this.policies.get()).values;
    const nowUtc = this.clock.nowUtc();
    const counts = this.cases.count({ receivedBeforeUtc: addMs(nowUtc, -hoursMax * HOUR_MS) });
    if (counts === null) return null;
    const oldestMs =
      counts.oldestReceivedAtUtc === null ? 0 : Math.max(0, msBetween(counts.oldestReceivedAtUtc, nowUtc));
    return { ...counts, oldestMs, hoursMax };
  }

  /** @returns null while nobody can tell. */
  holds(): { readonly open: number; readonly overdue: number } | null {
    return this.cases.holds({ nowUtc: this.clock.nowUtc() });
  }
}
