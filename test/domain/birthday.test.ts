import { describe, expect, it } from '@jest/globals';
import {
  ageOn,
  birthdayAfter,
  birthdayIn,
  dayInJapan,
  endOfDayInJapan,
  isDay,
} from '../../src/domain/values/birthday.js';

/** Every fifth day of nine years, leap years among them, and the days around the end of February. */
const DAYS = Array.from({ length: 365 * 9 }, (_, i) => i)
  .filter((i) => i % 5 === 0 || Math.abs((i % 365) - 59) < 4)
  .map((i) => new Date(Date.UTC(2023, 0, 1) + i * 86_400_000).toISOString().slice(0, 10).replaceAll('-', ''));
const BIRTHS = ['19800217', '20000229', '19960229', '19610101', '20101231', '20081130', '19440301', '19440228'];

describe('birthdays as cards and certificates count them', () => {
  it.each([
    ['19800217', 2030, '20300217'],
    ['20000229', 2028, '20280229'],
    ['20000229', 2030, '20300228'],
    ['20000229', 2100, '21000228'],
    ['20000229', 2000, '20000229'],
  ])('of %s in %d is %s', (birth, year, expected) => expect(birthdayIn(birth, year)).toBe(expected));

  it.each([
    // The day of issue itself is not counted, the day before is.
    ['19800217', '20261130', 5, '20310217'],
    ['19800217', '20260216', 5, '20300217'],
    ['19800217', '20260217', 5, '20310217'],
    ['19800217', '20260218', 5, '20310217'],
    ['20000229', '20270228', 1, '20280229'],
    ['20000229', '20280228', 1, '20280229'],
    ['20000229', '20280229', 1, '20290228'],
    ['20101231', '20261231', 10, '20361231'],
  ])('of %s after %s, number %d, is %s', (birth, day, count, expected) =>
    expect(birthdayAfter(birth, day, count)).toBe(expected),
  );

  it('is, whatever the day and the person, a birthday that exists, later than the day, with one birthday in each year between', () => {
    const wrong: string[] = [];
    for (const birth of BIRTHS) {
      for (const day of DAYS) {
        for (const count of [1, 5, 10]) {
          const found = birthdayAfter(birth, day, count);
          const isBirthday = isDay(found) && found > day && found === birthdayIn(birth, Number(found.slice(0, 4)));
          const between = Array.from({ length: 12 }, (_, i) => birthdayIn(birth, Number(day.slice(0, 4)) + i)).filter(
            (each) => each > day && each <= found,
          );
          if (!isBirthday || between.length !== count) wrong.push(`${birth} after ${day}, number ${count}: ${found}`);
        }
      }
    }
    expect(wrong).toEqual([]);
  });

  it('ends a day with its last second in Japan, whatever the day', () => {
    const wrong: string[] = [];
    for (const day of DAYS) {
      const end = endOfDayInJapan(day);
      const isLast = dayInJapan(end) === day && dayInJapan(new Date(Date.parse(end) + 1000).toISOString()) > day;
      if (!isLast || !end.endsWith('T14:59:59.000Z')) wrong.push(`${day}: ${end}`);
    }
    expect(wrong).toEqual([]);
  });

  it.each([
    ['20000229', '20180228', 18],
    ['20000229', '20180227', 17],
    ['20081130', '20261129', 17],
    ['20081130', '20261130', 18],
  ])('makes who was born on %s on %s %d years old', (birth, day, years) => expect(ageOn(birth, day)).toBe(years));

  it.each([
    ['20230229', false],
    ['20240229', true],
    ['19500000', false],
    ['19501300', false],
    ['2024022', false],
    ['２０２４０２２９', false],
    ['20240431', false],
  ])('knows whether %s is a day: %s', (text, expected) => expect(isDay(text)).toBe(expected));
});
