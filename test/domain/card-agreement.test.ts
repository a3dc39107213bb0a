import { describe, expect, it } from '@jest/globals';
import {
  compareCard,
  judgeAgreement,
  needsSigningCertificate,
  type CardAgreement,
  type CertificateStatements,
  type FaceRecordStatements,
} from '../../src/domain/registration/card-agreement.js';
import { explainAgreement } from '../../src/domain/registration/explain-score.js';
import { ageOn, birthdayAfter, endOfDayInJapan, isDay } from '../../src/domain/values/birthday.js';

const TOLD = { outcome: 'equal' } as const;
const NOT_TOLD = { outcome: 'cannot_tell', because: 'no_service' } as const;
const signing = (change: Partial<CertificateStatements> = {}): CertificateStatements => ({
  birthDate: '319800217',
  sex: '2',
  notAfterUtc: endOfDayInJapan('20300217'),
  ...change,
});
const authentication = (change: Partial<CertificateStatements> = {}): CertificateStatements =>
  signing({ birthDate: null, sex: null, ...change });
const record = (change: Partial<FaceRecordStatements> = {}): FaceRecordStatements => ({
  birthDate: '19800217',
  sex: '2',
  expiry: '20350217',
  ...change,
});
const outcome = (found: CardAgreement, point: keyof CardAgreement) =>
  found[point].outcome === 'cannot_tell' ? found[point].because : found[point].outcome;
const outcomes = (found: CardAgreement) =>
  Object.fromEntries(
    (['birthDate', 'sex', 'birthday', 'expiry'] as const).map((point) => [point, outcome(found, point)]),
  );

describe('what certificate and face record both say (@req R5 R32)', () => {
  it('is all compared with a signing certificate', () =>
    expect(outcomes(compareCard(signing(), record(), NOT_TOLD))).toEqual({
      birthDate: 'equal',
      sex: 'equal',
      birthday: 'equal',
      expiry: 'equal',
    }));
  it('is the validity alone with a certificate of user authentication', () =>
    expect(outcomes(compareCard(authentication(), record(), NOT_TOLD))).toEqual({
      birthDate: 'not_named',
      sex: 'not_named',
      birthday: 'equal',
      expiry: 'equal',
    }));

  it.each<[string, CertificateStatements, FaceRecordStatements, Record<string, string>]>([
    [
      'another date of birth',
      signing(),
      record({ birthDate: '19810217' }),
      { birthDate: 'differs', birthday: 'equal' },
    ],
    ['another birthday', authentication(), record({ birthDate: '19800218' }), { birthday: 'differs' }],
    ['another sex', signing(), record({ sex: '1' }), { sex: 'differs' }],
    [
      'a card that ended before its certificate',
      authentication(),
      record({ expiry: '20290217' }),
      { expiry: 'differs' },
    ],
    [
      'a card that ends with its certificate',
      authentication(),
      record({ expiry: '20300217' }),
      { expiry: 'equal', birthday: 'equal' },
    ],
    [
      "a card that ends with somebody's stay",
      authentication({ notAfterUtc: endOfDayInJapan('20280731') }),
      record({ expiry: '20280731' }),
      { expiry: 'equal', birthday: 'ends_with_card' },
    ],
    [
      'a certificate that ends before such a card on no birthday',
      authentication({ notAfterUtc: endOfDayInJapan('20280730') }),
      record({ expiry: '20280731' }),
      { birthday: 'differs' },
    ],
    ['no sex stated in both', signing({ sex: '3' }), record({ sex: '9' }), { sex: 'equal' }],
    ['no sex known in the record', signing({ sex: '3' }), record({ sex: '0' }), { sex: 'equal' }],
    ['no sex stated in one', signing(), record({ sex: '9' }), { sex: 'not_stated' }],
    ['no sex stated in the other', signing({ sex: '3' }), record({ sex: '1' }), { sex: 'not_stated' }],
    ['a sex of no known code', signing({ sex: '7' }), record(), { sex: 'unreadable' }],
    ['a date named twice', signing({ birthDate: '' }), record(), { birthDate: 'unreadable' }],
    ['a date without era', signing({ birthDate: '19800217' }), record(), { birthDate: 'unreadable' }],
    ['an unknown era', signing({ birthDate: '019800217' }), record(), { birthDate: 'equal' }],
    [
      'month and day in no register, in both',
      signing({ birthDate: '319500000' }),
      record({ birthDate: '19500000' }),
      { birthDate: 'equal', birthday: 'not_known' },
    ],
    ['the day in no register', authentication(), record({ birthDate: '19500600' }), { birthday: 'not_known' }],
    ['a date of birth that is none', authentication(), record({ birthDate: '19801341' }), { birthday: 'unreadable' }],
    ['an expiry that is none', authentication(), record({ expiry: '00000000' }), { expiry: 'unreadable' }],
    [
      '29 February in a year with it',
      authentication({ notAfterUtc: endOfDayInJapan('20320229') }),
      record({ birthDate: '20000229' }),
      { birthday: 'equal' },
    ],
    ['29 February in a year without it', authentication(), record({ birthDate: '20000229' }), { birthday: 'differs' }],
    [
      '29 February on the 28th',
      authentication({ notAfterUtc: endOfDayInJapan('20300228') }),
      record({ birthDate: '20000229' }),
      { birthday: 'equal' },
    ],
    [
      '29 February on 1 March',
      authentication({ notAfterUtc: endOfDayInJapan('20300301') }),
      record({ birthDate: '20000229' }),
      { birthday: 'leap_day' },
    ],
    [
      '29 February on the 28th of a year with it',
      authentication({ notAfterUtc: endOfDayInJapan('20320228') }),
      record({ birthDate: '20000229' }),
      { birthday: 'differs' },
    ],
    [
      '28 February is not 29 February',
      authentication({ notAfterUtc: endOfDayInJapan('20320229') }),
      record({ birthDate: '20000228' }),
      { birthday: 'differs' },
    ],
  ])('%s', (_, certificate, face, expected) =>
    expect(outcomes(compareCard(certificate, face, NOT_TOLD))).toMatchObject(expected),
  );

  it('counts the days of Japan', () => {
    expect(
      outcome(compareCard(authentication({ notAfterUtc: '2030-02-17T14:59:59.000Z' }), record(), NOT_TOLD), 'birthday'),
    ).toBe('equal');
    expect(
      outcome(compareCard(authentication({ notAfterUtc: '2030-02-17T15:00:00.000Z' }), record(), NOT_TOLD), 'birthday'),
    ).toBe('differs');
    expect(
      outcome(compareCard(authentication({ notAfterUtc: '2030-02-16T15:00:00.000Z' }), record(), NOT_TOLD), 'birthday'),
    ).toBe('equal');
  });

  it('never holds an honest card: of any person, issued on any day, of any age, renewed as often as it lasts', () => {
    const wrong: string[] = [];
    let seed = 20_260_217;
    const upTo = (n: number) =>
      Math.floor(((seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648) / 2_147_483_648) * n);
    const dayAt = (from: number, to: number) =>
      new Date(from + upTo((to - from) / 86_400_000) * 86_400_000).toISOString().slice(0, 10).replaceAll('-', '');
    for (let n = 0; n < 5_000; n += 1) {
      const birthDate = n % 50 === 0 ? `${1908 + 4 * upTo(28)}0229` : dayAt(Date.UTC(1910, 0, 1), Date.UTC(2025, 0, 1));
      let issued = dayAt(
        Math.max(Date.UTC(2016, 0, 1), Date.parse(`${birthDate.slice(0, 4)}-12-31`)),
        Date.UTC(2060, 0, 1),
      );
      for (let renewals = 0; renewals < 3; renewals += 1) {
        // Adults at 18 since 2022, at 20 before; cards of ten or five years, certificates of five, or of ten as
        // announced: only month and day count.
        const expiry = birthdayAfter(
          birthDate,
          issued,
          ageOn(birthDate, issued) < (issued < '20220401' ? 20 : 18) ? 5 : 10,
        );
        const birthday = birthdayAfter(birthDate, issued, n % 7 === 0 ? 10 : 5);
        const lastDay = birthday < expiry ? birthday : expiry;
        const found = compareCard(
          signing({ birthDate: `0${birthDate}`, notAfterUtc: endOfDayInJapan(lastDay) }),
          record({ birthDate, expiry }),
          NOT_TOLD,
        );
        if (!isDay(birthDate) || Object.values(outcomes(found)).some((each) => each !== 'equal'))
          wrong.push(`born ${birthDate}, issued ${issued}, until ${lastDay}`);
        issued = lastDay;
      }
    }
    expect(wrong).toEqual([]);
  });

  it('tells two people apart wherever their birthdays differ, and says that it cannot where they are the same', () => {
    for (let month = 1; month <= 12; month += 1) {
      const other = `1975${String(month).padStart(2, '0')}17`;
      expect(judgeAgreement(compareCard(authentication(), record({ birthDate: other }), NOT_TOLD))).toBe(
        month === 2 ? 'cannot_tell' : 'differs',
      );
    }
  });

  it.each<[string, CardAgreement, string]>([
    ['both name the same date of birth', compareCard(signing(), record(), NOT_TOLD), 'agrees'],
    ['the authority says so', compareCard(authentication(), record(), TOLD), 'agrees'],
    ['nobody says so', compareCard(authentication(), record(), NOT_TOLD), 'cannot_tell'],
    ['the authority says so and the attributes do not', compareCard(signing(), record({ sex: '1' }), TOLD), 'differs'],
  ])('together says, where %s, what can be said', (_, found, expected) => expect(judgeAgreement(found)).toBe(expected));

  it('is told to officers in both languages, with what differs and without the values', () => {
    expect(explainAgreement(compareCard(signing(), record(), NOT_TOLD))).toBeNull();
    expect(explainAgreement(compareCard(authentication(), record(), NOT_TOLD))).toMatchObject({
      en: expect.stringMatching(/^Caution: nothing shows/),
      ja: expect.stringMatching(/^注意: この電子証明書が/),
    });
    const words = explainAgreement(compareCard(signing(), record({ birthDate: '19991112', sex: '1' }), NOT_TOLD))!;
    expect(words.en).toContain('the date of birth, the sex, that the certificate ends on a birthday');
    expect(words.ja).toContain('生年月日、性別、電子証明書の有効期限が誕生日であること');
    expect(words.en + words.ja).not.toMatch(/1980|1999|1112|0217/);
  });

  it.each([
    [true, 'user_authentication', false, true],
    [true, 'user_authentication', true, false],
    [true, 'digital_signature', false, false],
    [false, 'user_authentication', false, false],
  ] as const)(
    'asks for the signing certificate where the policy does (%s), it is another (%s) and nobody is registered (%s): %s',
    (asks, certificateType, isRegistered, expected) =>
      expect(
        needsSigningCertificate({ certificateType, isRegistered }, { signingCertificateAtFirstRegistration: asks }),
      ).toBe(expected),
  );
});
