import { Injectable } from '@nestjs/common';
import { Clock } from '../ports/store/clock.js';
import { SubjectKeys } from '../ports/registrant/subject-keys.js';
import { PeriodicLook } from '../saga/periodic-look.js';

const LOOK_EVERY_MS = 3_600_000;

/** Removes tombstones whose days are over. They answer nothing from that day on, whenever this runs. */
@Injectable()
export class TombstoneSweep {
  private readonly looks = new PeriodicLook({ name: 'TombstoneSweep', of: 'tombstones', everyMs: LOOK_EVERY_MS });

  constructor(
    private readonly keys: SubjectKeys,
    private readonly clock: Clock,
  ) {}

  start(): void {
    this.looks.start(() => this.keys.sweep(this.clock.nowUtc()));
  }

  /** Lets the look that is under way end. */
  stop(): Promise<void> {
    return this.looks.stop();
  }
}
