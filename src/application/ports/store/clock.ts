/** The one source of time. Injected, so that tests and simulations have their own. */
export abstract class Clock {
  /** Now, ISO-8601 UTC with milliseconds. */
  abstract nowUtc(): string;
}
