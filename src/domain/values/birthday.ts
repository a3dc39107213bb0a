import { addMs } from './instant.js';

/** A day of the Gregorian calendar as cards write it: `YYYYMMDD`. */
export type Day = string;

const JAPAN_AHEAD_MS = 9 * 3_600_000;
const DAY_MS = 86_400_000;

/** The day in Japan at an instant in UTC. Certificates end with the last second of a day there. */
export function dayInJapan(instantUtc: string): Day {
  return addMs(instantUtc, JAPAN_AHEAD_MS).slice(0, 10).replaceAll('-', '');
}

/** Whether the text is a day that exists. Registers know people of whom month or day of birth are not known (`00`). */
export function isDay(text: string): boolean {
  if (!/^\d{8}$/.test(text)) return false;
  const iso = `${text.slice(0, 4)}-${text.slice(4, 6)}-${text.slice(6, 8)}`;
  const at = Date.parse(`${iso}T00:00:00.000Z`);
  return Number.isFinite(at) && new Date(at).toISOString().startsWith(iso);
}

/** The birthday in a year. Who was born on 29 February has it on 28 February where the year has no such day, as the
 *  rules about cards
 *  and certificates count it.
 *  @param birthDate a day that exists @param year 1..9999 */
export function birthdayIn(birthDate: Day, year: number): Day {
  const wanted = `${String(year).padStart(4, '0')}${birthDate.slice(4)}`;
  return isDay(wanted) ? wanted : `${wanted.slice(0, 4)}0228`;
}

/** The nth birthday after a day. A birthday on that very day is not counted. @param count 1 for the next one */
export function birthdayAfter(birthDate: Day, day: Day, count: number): Day {
  const year = Number(day.slice(0, 4));
  return birthdayIn(birthDate, birthdayIn(birthDate, year) > day ? year + count - 1 : year + count);
}

/** Full years of age on a day. */
export function ageOn(birthDate: Day, day: Day): number {
  const year = Number(day.slice(0, 4));
  return year - Number(birthDate.slice(0, 4)) - (birthdayIn(birthDate, year) > day ? 1 : 0);
}

/** The last second of a day in Japan, in UTC. */
export function endOfDayInJapan(day: Day): string {
  return addMs(
    `${day.slice(0, 4)}-${day.slice(4, 6)}-${day.slice(6, 8)}T00:00:00.000Z`,
    DAY_MS - 1_000 - JAPAN_AHEAD_MS,
  );
}
