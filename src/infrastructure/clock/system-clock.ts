import { Clock } from '../../application/ports/store/clock.js';

export class SystemClock extends Clock {
  nowUtc(): string {
    return new Date().toISOString();
  }
}
