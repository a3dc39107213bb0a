import type { PolicyValues } from '../policy/policy.events.js';
import { birthdayIn, dayInJapan, isDay, type Day } from '../values/birthday.js';
import type { CertificateType } from '../values/certificate-status.js';

/** Why two things could not be compared. `not_named`: the certificate does not say it (that of user authentication
 *  names nobody).
 *  `not_stated`: one of both says that it states no sex. `not_known`: month or day of birth are in no register.
 * `unreadable`: not in a form
 *  that is known. `ends_with_card`: the certificate was cut at the end of the card, which is no birthday where
 * somebody's stay ends.
 *  `leap_day`: born on 29 February, and counted as 1 March. `no_service`: there is nobody who could be asked.
 * `not_told`: who was asked does
 *  not tell it. `not_compared`: the certificate was checked before there was this comparison. */
export type CannotTell =
  | 'not_named'
  | 'not_stated'
  | 'not_known'
  | 'unreadable'
  | 'ends_with_card'
  | 'leap_day'
  | 'no_service'
  | 'not_told'
  | 'not_compared';

/** What one comparison of certificate and face record gave. What was compared is a person's and is nowhere in an
 *  event. */
export type PointOfAgreement =
  { readonly outcome: 'equal' | 'differs' } | { readonly outcome: 'cannot_tell'; readonly because: CannotTell };

/** Everything that a certificate and a face record both say, compared one by one. */
export type CardAgreement = {
  /** Date of birth: only a signing certificate names it. */
  readonly birthDate: PointOfAgreement;
  readonly sex: PointOfAgreement;
  /** The certificate ends on a birthday of the person of the face record. */
  readonly birthday: PointOfAgreement;
  /** The certificate does not outlive the card. The card's last day is not signed, so this proves nothing where it
   *  agrees. */
  readonly expiry: PointOfAgreement;
  /** The authority knows both as one card. Where it knows them as two the certificate is refused. */
  readonly sameCard: PointOfAgreement;
};

/** Whether the authority tells which other certificate is on the card: without it the two certificates of a card are
 *  two registrants.
 *  `not_asked`: checked before anybody asked. */
export type OtherCertificate = 'told' | 'not_told' | 'no_service' | 'not_asked';

/** What a verified certificate says of its holder. Personal data: compared, and never stored in an event. */
export interface CertificateStatements {
  /** `null`: not named. As written in the certificate: one digit for the era, then `YYYYMMDD` in the Gregorian
   *  calendar. */
  readonly birthDate: string | null;
  /** `null`: not named. 1 male, 2 female, 3 not stated. */
  readonly sex: string | null;
  readonly notAfterUtc: string;
}

/** What a face record says. Personal data, as above. */
export interface FaceRecordStatements {
  /** `YYYYMMDD`; month and day may be `00`. Signed by the issuer. */
  readonly birthDate: string;
  /** 1 male, 2 female, 9 not applicable, 0 unknown. Signed by the issuer. */
  readonly sex: string;
  /** `YYYYMMDD`. Not signed. */
  readonly expiry: string;
}

const EQUAL: PointOfAgreement = { outcome: 'equal' };
const DIFFERS: PointOfAgreement = { outcome: 'differs' };

/** Compares a certificate with the face record that came with it. Total: what has no known form is `cannot_tell`.
 *  Source: decision 0070. @req R5 R32 */
export function compareCard(
  certificate: CertificateStatements,
  record: FaceRecordStatements,
  sameCard: PointOfAgreement,
): CardAgreement {
  const lastDay = dayInJapan(certificate.notAfterUtc);
  return {
    birthDate: birthDateAgreement(certificate.birthDate, record.birthDate),
    sex: sexAgreement(certificate.sex, record.sex),
    birthday: birthdayAgreement(lastDay, record),
    expiry: isDay(record.expiry) ? equalIf(lastDay <= record.expiry) : cannotTell('unreadable'),
    sameCard,
  };
}

/** What all comparisons say together: a difference anywhere counts more than anything that agrees. `agrees` needs
 *  what no second card
 *  would give by chance: the authority's word, or a date of birth that both name. */
export function judgeAgreement({
  birthDate,
  sex,
  birthday,
  expiry,
  sameCard,
}: CardAgreement): 'agrees' | 'differs' | 'cannot_tell' {
  if ([birthDate, sex, birthday, expiry, sameCard].some(({ outcome }) => outcome === 'differs')) return 'differs';
  return sameCard.outcome === 'equal' || birthDate.outcome === 'equal' ? 'agrees' : 'cannot_tell';
}

/** Whether a certificate of this type may come where nobody tells which other certificate its card has: of the types
 *  that are accepted
 *  there, and of a check of the time before the question, yes. */
export function standsAlone(
  otherCertificate: OtherCertificate,
  type: CertificateType,
  accepted: readonly CertificateType[],
): boolean {
  return otherCertificate === 'told' || otherCertificate === 'not_asked' || accepted.includes(type);
}

/** Whether the policy asks for the other certificate: one that names its holder, of a person with whose registered
 *  image nothing can be compared. */
export function needsSigningCertificate(
  { certificateType, isRegistered }: { readonly certificateType: CertificateType; readonly isRegistered: boolean },
  policy: Pick<PolicyValues, 'signingCertificateAtFirstRegistration'>,
): boolean {
  return policy.signingCertificateAtFirstRegistration && certificateType !== 'digital_signature' && !isRegistered;
}

/** What can be said of a check that was made before there were comparisons. */
export const NOT_COMPARED: CardAgreement = {
  birthDate: cannotTell('not_compared'),
  sex: cannotTell('not_compared'),
  birthday: cannotTell('not_compared'),
  expiry: cannotTell('not_compared'),
  sameCard: cannotTell('not_compared'),
};

export function cannotTell(because: CannotTell): PointOfAgreement {
  return { outcome: 'cannot_tell', because };
}

function equalIf(isEqual: boolean): PointOfAgreement {
  return isEqual ? EQUAL : DIFFERS;
}

/** The digit of the era is left out: it repeats what the year says. */
function birthDateAgreement(named: string | null, recorded: string): PointOfAgreement {
  if (named === null) return cannotTell('not_named');
  return /^\d{9}$/.test(named) && /^\d{8}$/.test(recorded)
    ? equalIf(named.slice(1) === recorded)
    : cannotTell('unreadable');
}

const CERTIFICATE_SEXES: Readonly<Record<string, 'male' | 'female' | 'not_stated'>> = {
  '1': 'male',
  '2': 'female',
  '3': 'not_stated',
};
const RECORD_SEXES: Readonly<Record<string, 'male' | 'female' | 'not_stated'>> = {
  '1': 'male',
  '2': 'female',
  '9': 'not_stated',
  '0': 'not_stated',
};

function sexAgreement(named: string | null, recorded: string): PointOfAgreement {
  if (named === null) return cannotTell('not_named');
  const [a, b] = [CERTIFICATE_SEXES[named], RECORD_SEXES[recorded]];
  if (a === undefined || b === undefined) return cannotTell('unreadable');
  if (a === b) return EQUAL;
  return a === 'not_stated' || b === 'not_stated' ? cannotTell('not_stated') : DIFFERS;
}

/** Both certificates of a card end on a birthday, however often card and certificate are renewed, whatever age makes
 *  a card last five years or
 *  ten, and whatever number of years a law gives: only month and day count. The one exception is a card that ends
 * with somebody's stay in the
 *  country: its certificates end with it. */
function birthdayAgreement(lastDay: Day, { birthDate, expiry }: FaceRecordStatements): PointOfAgreement {
  if (!/^\d{8}$/.test(birthDate)) return cannotTell('unreadable');
  if (!isDay(birthDate))
    return birthDate.endsWith('00') || birthDate.slice(4, 6) === '00'
      ? cannotTell('not_known')
      : cannotTell('unreadable');
  const birthday = birthdayIn(birthDate, Number(lastDay.slice(0, 4)));
  if (lastDay === birthday) return EQUAL;
  if (lastDay === expiry) return cannotTell('ends_with_card');
  if (birthDate.endsWith('0229') && birthday.endsWith('0228') && lastDay.endsWith('0301'))
    return cannotTell('leap_day');
  return DIFFERS;
}
