/** ISO-8601 UTC with milliseconds, the only form in events: `2026-11-23T08:15:30.123Z`. */
export const INSTANT = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{1,3})?Z$/;

/** True for a real instant in UTC; leap seconds and local offsets are not instants here. */
export function isInstant(text: string): boolean {
  return INSTANT.test(text) && Number.isFinite(Date.parse(text));
}

/** The instant `ms` milliseconds later (earlier when negative). @throws {RangeError} when `instant` is no instant. */
export function addMs(instant: string, ms: number): string {
  return new Date(msOf(instant) + ms).toISOString();
}

/** Milliseconds from `from` to `to`; negative when `to` is earlier. */
export function msBetween(from: string, to: string): number {
  return msOf(to) - msOf(from);
}

function msOf(instant: string): number {
  if (!isInstant(instant)) throw new RangeError(`not an instant in UTC: ${instant}`);
  return Date.parse(instant);
}
