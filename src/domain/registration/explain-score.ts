import { assertNever } from '../decider.js';
import type { PolicyValues } from '../policy/policy.events.js';
import { isPoints, POINTS_MAX } from '../values/similarity-score.js';
import { judgeAgreement, type CardAgreement } from './card-agreement.js';
import { faceBand, type FaceBand } from './face-match.policy.js';
import { decideRegisteredHold } from './hold.policy.js';

/** One explanation in the languages of the officers' page. */
export interface InWords {
  readonly ja: string;
  readonly en: string;
}

export interface ScoreInWords extends InWords {
  readonly band: FaceBand;
}

type Marks = Pick<PolicyValues, 'cardMatchPointsMin' | 'referralPointsMin' | 'holdInReferralBand'>;

/** Says what S(captured, card) means for a reader who decides about a person: where it lies between the marks of the
 * policy, what such a figure is worth, and what it cannot tell.
 * @param points 0..10000. Equal to a mark reaches it.
 * @throws {RangeError} when `points` is not a whole number 0..10000. @req R7 R8 */
export function explainScore(points: number, policy: Marks): ScoreInWords {
  if (!isPoints(points)) throw new RangeError(`${points} is not a whole number 0..${POINTS_MAX}`);
  const band = faceBand(points, policy);
  const parts = [headline(points), verdict(points, band, policy), worth(points), caution(band)];
  return { band, ja: parts.map((part) => part.ja).join(''), en: parts.map((part) => part.en).join(' ') };
}

/** Says what the comparison with the registered image adds, and whether and why it leads to a hold.
 * @param registered S(captured, newest confirmed image), or 'none' at a first registration
 * @throws {RangeError} when a score is not a whole number 0..10000. Source: JP2024-177763A claims 3 and 4. @req R13 R14
 *   R15 R16 */
export function explainRegisteredScore(
  card: number,
  registered: number | 'none',
  policy: Parameters<typeof decideRegisteredHold>[2],
): InWords {
  if (registered === 'none') {
    return {
      ja: '以前に登録された顔画像がないため、カードの顔写真との比較だけで判断します。',
      en: 'No face was registered before, so the comparison with the card stands alone.',
    };
  }
  for (const points of [card, registered])
    if (!isPoints(points)) throw new RangeError(`${points} is not a whole number 0..${POINTS_MAX}`);
  const gap = card - registered;
  const facts: InWords = {
    ja: `カードの顔写真とは${ja(card)}点、登録済みの顔画像とは${ja(registered)}点で、差は${ja(gap)}点です。`,
    en: `${en(card)} points against the card, ${en(registered)} against the registered image: a difference of ${en(gap)}.`,
  };
  const meaning = holdMeaning(decideRegisteredHold(card, registered, policy)?.reason ?? null, policy);
  return { ja: facts.ja + meaning.ja, en: `${facts.en} ${meaning.en}` };
}

const COMPARED_IN_WORDS: Readonly<Record<keyof CardAgreement, InWords>> = {
  birthDate: { ja: '生年月日', en: 'the date of birth' },
  sex: { ja: '性別', en: 'the sex' },
  birthday: { ja: '電子証明書の有効期限が誕生日であること', en: 'that the certificate ends on a birthday' },
  expiry: {
    ja: '電子証明書の有効期限がカードの有効期限を超えないこと',
    en: 'that the certificate does not outlive the card',
  },
  sameCard: { ja: '認証サーバーが同じカードと認めること', en: "the authority's word that both are one card" },
};

/** Says what was found when certificate and face record were compared: a caution for whoever decides about a person.
 * The attributes themselves are in no record; officers see what differs, not the values. @returns null where everything
 * that could be compared agrees and binds the two */
export function explainAgreement(agreement: CardAgreement): InWords | null {
  const judged = judgeAgreement(agreement);
  if (judged === 'agrees') return null;
  if (judged === 'cannot_tell') {
    return {
      ja: '注意: この電子証明書が、顔写真を読み取ったカードのものであることを示す情報はありません。二枚のカードが使われていないか、ブースの記録などで確認してください。',
      en: 'Caution: nothing shows that this certificate is on the card whose face was compared. Make sure by other means that no second card was used.',
    };
  }
  const names = (Object.keys(COMPARED_IN_WORDS) as (keyof CardAgreement)[])
    .filter((point) => agreement[point].outcome === 'differs')
    .map((point) => COMPARED_IN_WORDS[point]);
  return {
    ja: `注意: 電子証明書と券面情報が食い違っています(${names.map((name) => name.ja).join('、')})。二枚のカードが使われたおそれがあります。顔が一致しても、電子証明書の持ち主とは限りません。`,
    en: `Caution: certificate and face record contradict each other (${names.map((name) => name.en).join(', ')}). Two cards may have been used: a face that fits is not yet the face of the certificate's holder.`,
  };
}

/** What officers should know of a case that is held because its person was erased before. */
export const ERASED_BEFORE_IN_WORDS: InWords = {
  ja: '注意: このカード、またはこの人の以前のカードの登録者は、以前に消去されています。誰の、いつの、どの手続きだったかは記録に残っていません。比べられる登録済み画像がないため、請求項4の確認はできません。カードの写真だけで判断せず、対面などで本人を確かめてください。',
  en: "Caution: the registrant of this card, or of an earlier card of this person, was erased before. Whose cases those were and when is on no record. No registered image is left to compare with, so that a card with another person's photograph would not be noticed by its score: make sure of the person by other means.",
};

function holdMeaning(
  reason: NonNullable<ReturnType<typeof decideRegisteredHold>>['reason'] | null,
  { holdMarginPoints, registeredMatchPointsMin }: Parameters<typeof decideRegisteredHold>[2],
): InWords {
  if (reason === 'registered_gap') {
    return {
      ja: `差が保留の基準（${ja(holdMarginPoints)}点以上）に達しているため、本人確認を保留します。カードの写真は今の顔に似ていて、以前の登録画像は似ていません。カードの写真が別人のものに替わった場合にも、登録画像が古い・写りが悪い場合にも起こります。`,
      en: `The difference reaches the mark for a hold (${en(holdMarginPoints)} or more), so confirmation is held. The card looks like the person now, the earlier registration does not. A card with another person's photograph does this, and so does an old or poor registered image.`,
    };
  }
  if (reason !== null) {
    return {
      ja: `登録済みの顔画像との点数が基準（${ja(registeredMatchPointsMin)}点）に達していないため、方針により本人確認を保留します。`,
      en: `The score against the registered image is below its mark (${en(registeredMatchPointsMin)}), and the policy holds such cases.`,
    };
  }
  return {
    ja: `差は保留の基準（${ja(holdMarginPoints)}点以上）に達していません。`,
    en: `The difference is below the mark for a hold (${en(holdMarginPoints)} or more).`,
  };
}

function headline(points: number): InWords {
  return {
    ja: `類似度は${ja(POINTS_MAX)}点中${ja(points)}点です。`,
    en: `The likeness is ${en(points)} of ${en(POINTS_MAX)} points.`,
  };
}

function verdict(
  points: number,
  band: FaceBand,
  { cardMatchPointsMin, referralPointsMin, holdInReferralBand }: Marks,
): InWords {
  switch (band) {
    case 'match':
      return {
        ja: `同一人物とみなす基準（${ja(cardMatchPointsMin)}点以上）を${ja(points - cardMatchPointsMin)}点上回っています。`,
        en: `That is ${en(points - cardMatchPointsMin)} above the mark from which both pictures count as one person (${en(cardMatchPointsMin)} or more).`,
      };
    case 'refer':
      return {
        ja: `同一人物とみなす基準（${ja(cardMatchPointsMin)}点）に${ja(cardMatchPointsMin - points)}点足りず、人の目で確かめるべき範囲（${ja(referralPointsMin)}点以上）にあります。${holdInReferralBand ? '現在の方針では保留になります。' : '現在の方針では不一致として扱います。'}`,
        en: `That is ${en(cardMatchPointsMin - points)} short of the mark for one person (${en(cardMatchPointsMin)}), and in the range where a person should look (from ${en(referralPointsMin)}). ${holdInReferralBand ? 'The policy holds such a case.' : 'The policy treats it as no match.'}`,
      };
    case 'no_match':
      return {
        ja: `人の目で確かめるべき範囲（${ja(referralPointsMin)}点以上）にも達していません。`,
        en: `That is below the range in which a person should look (from ${en(referralPointsMin)}).`,
      };
    default:
      return assertNever(band);
  }
}

/** The calibration's meaning: the share of same-person pairs among pairs of this likeness. */
function worth(points: number): InWords {
  const share = points / 100;
  const [jaShare, enShare] =
    share > 99
      ? ['99組を超える組', 'more than 99']
      : share < 1
        ? ['1組に満たない組', 'fewer than 1']
        : [`およそ${Math.round(share)}組`, `about ${Math.round(share)}`];
  return {
    ja: `目安として、これと同じ類似度の画像の組を、同一人物と別人が半々になるように100組集めると、${jaShare}が同一人物です。`,
    en: `As a guide: of 100 pairs of pictures with this likeness, gathered so that both kinds were equally frequent, ${enShare} would show one person.`,
  };
}

function caution(band: FaceBand): InWords {
  if (band === 'no_match') {
    return {
      ja: '本人でも、サングラスや帽子、横向き、強い影、長い年月、不鮮明な写真によって低い点になることがあります。',
      en: 'The same person can score this low with sunglasses or a hat, turned away, in hard shadow, after many years, or in a poor picture.',
    };
  }
  return {
    ja: 'よく似た別人や、同じ照明で写した別人、二人の顔を合成した写真、精巧なマスクがこの点数に達することもあります。カードが誰に交付されたものかも、点数からは分かりません。点数だけで本人と断定せず、写真そのものを見比べてください。',
    en: 'Look-alikes, different people photographed in the same light, a picture blended of two faces and a well-made mask can reach this as well, and no figure says to whom a card was issued: look at the pictures, and do not take the figure for proof.',
  };
}

/** Digits in groups of three, written the same way on every machine. */
function grouped(points: number): string {
  return String(Math.abs(points)).replace(/\B(?=(\d{3})+$)/g, ',');
}

function en(points: number): string {
  return points < 0 ? `minus ${grouped(points)}` : grouped(points);
}

function ja(points: number): string {
  return points < 0 ? `マイナス${grouped(points)}` : grouped(points);
}
