import type { Json } from '../../event-envelope.js';
import type { HoldReviewEvent } from '../../hold-review/hold-review.events.js';
import type { RegistrantEvent } from '../../registrant/registrant.events.js';
import { doubtsOfComparison, explainDoubts } from '../../registration/explain-doubts.js';
import type { RegistrationEvent } from '../../registration/registration.events.js';
import { inJapanese, japanTime } from './japanese-terms.js';
import type { LeafEvent } from '../log/leaf.js';

export type Language = 'ja' | 'en';
type Event = Pick<LeafEvent, 'type' | 'data' | 'metadata'>;
type Text = { readonly [L in Language]: string };

/** Why something was decided, in plain words with the figures that decided it. Total: an event without words of its own
 * is named. Points are shown as they are compared, integers 0..10000. */
export function explain(event: Event, language: Language): string {
  const d = event.data as Record<string, Json>;
  const tell = WORDS[event.type];
  return tell ? tell(d, event)[language] : event.type;
}

type Words = (d: Record<string, Json>, event: Event) => Text;
const member = (value: Json | undefined, name: string): Json | undefined =>
  (value as Record<string, Json> | undefined | null)?.[name];
const officers = (d: Record<string, Json>) => (d['officers'] as readonly string[]).map(shortName).join(', ');
const policy = (event: Event) => event.metadata.policyVersion ?? '—';
const words = (word: Json | undefined) => String(word).replaceAll('_', ' ');
/** A token is long; its beginning tells people apart. */
const shortName = (name: Json | undefined) =>
  typeof name === 'string' && name.startsWith('committed:') ? `#${name.slice(10, 18)}` : String(name);

const REJECTED: Record<string, Text> = {
  revoked: { ja: '失効している', en: 'it is revoked' },
  expired: { ja: '有効期限が切れている', en: 'it has expired' },
  not_yet_valid: { ja: 'まだ有効期間に入っていない', en: 'it is not valid yet' },
  untrusted_issuer: { ja: '発行者が信頼の起点につながらない', en: 'its issuer does not lead to a trust anchor' },
  bad_signature: { ja: '署名が正しくない', en: 'a signature is wrong' },
  card_signature: { ja: 'カードの署名が申請内容と合わない', en: "the card's signature does not fit the request" },
  signing_certificate_needed: {
    ja: '初めての登録には署名用電子証明書が必要',
    en: 'a first registration needs the signing certificate',
  },
  card_record: { ja: 'カードの券面情報を確認できない', en: "the card's face record cannot be relied on" },
};
const HELD: Record<string, Text> = {
  registered_gap: {
    ja: 'カードとの一致度と登録済み画像との一致度の差が基準以上',
    en: 'the photograph is like the card by more than it is like the registered image, by the bound or above',
  },
  registered_mismatch: {
    ja: '登録済み画像との一致度が基準未満',
    en: 'the photograph is not like the registered image',
  },
  referral_band: {
    ja: 'カードとの一致度が要確認の範囲',
    en: 'the likeness to the card is in the band that a person should look at',
  },
  portrait_doubtful: {
    ja: '撮影写真が顔写真として十分かどうかを機械では判断できない(目・口・額などが隠れている、半分が影になっている、色がない、端で切れているおそれ)',
    en: 'the machine cannot tell whether the photograph shows the whole face (eyes, mouth or forehead may be covered, half may lie in shadow, the edge may cut it off, or it has no colour)',
  },
  erased_before: {
    ja: 'このカード(または以前のカード)の登録者は以前に消去されており、比べる登録済み画像がない',
    en: 'the registrant of this card or of an earlier one was erased before, so that no registered image is there to compare with',
  },
  card_differs: {
    ja: '電子証明書と券面情報の内容が食い違う(別のカードのおそれ)',
    en: 'certificate and face record contradict each other, as those of two cards would',
  },
  card_unconfirmed: {
    ja: '電子証明書と券面情報が同じカードのものか、または誰の登録に属するかを確認できない',
    en: 'nobody can tell that certificate and face record are of one card, or whose registrant the certificate is',
  },
  frames_inconsistent: {
    ja: '追加の画像が撮影写真や指示と合わない',
    en: 'the further frames do not fit the photograph or the turn that was asked for',
  },
};

const registered = (d: Record<string, Json>): Text => {
  const r = d['registered'];
  return member(r, 'comparison') === 'compared'
    ? {
        ja: `登録済み画像との一致度は${member(r, 'points')}点`,
        en: `the registered image scored ${member(r, 'points')} points`,
      }
    : { ja: '比較できる登録済み画像はない', en: 'there was no registered image to compare with' };
};
const compared =
  (verdict: Text): Words =>
  (d, event) => {
    const other = registered(d);
    const doubts = explainDoubts(doubtsOfComparison(d));
    return {
      ja: `撮影画像とカード画像の一致度は${d['cardPoints']}点(基準${d['thresholdPoints']}点以上、ポリシー第${policy(event)}版)。${other.ja}。${doubts ? doubts.ja : ''}${verdict.ja}`,
      en: `The photograph scored ${d['cardPoints']} points against the card (needed: ${d['thresholdPoints']}, policy ${policy(event)}); ${other.en}. ${doubts ? `${doubts.en} ` : ''}${verdict.en}`,
    };
  };
const deferred =
  (what: Text): Words =>
  (d) => ({
    ja: `${what.ja}(理由: ${inJapanese(d['cause'])})。${d['attempt']}回目。次は${japanTime(d['nextAttemptAtUtc'])}に試す。`,
    en: `${what.en} (${d['cause']}). Attempt ${d['attempt']}; tried again at ${d['nextAttemptAtUtc']}.`,
  });

/** Nothing for the office's own audit without a file, and for exports of before. */
const groundsOfExport = (d: Record<string, Json>): Text => {
  const reference = typeof d['reference'] === 'string' ? d['reference'] : null;
  if (typeof d['purpose'] !== 'string' || (d['purpose'] === 'audit' && reference === null)) return { ja: '', en: '' };
  const file = reference === null ? { ja: '', en: '' } : { ja: `、文書番号 ${reference}`, en: `, file ${reference}` };
  return { ja: `(目的: ${inJapanese(d['purpose'])}${file.ja})`, en: ` (purpose: ${d['purpose']}${file.en})` };
};

/** The file that a look names, and that nothing but a word stands behind it; looks of before say neither. */
const groundsOfLook = (d: Record<string, Json>): Text => {
  if (typeof d['reference'] === 'string')
    return { ja: `(文書番号: ${d['reference']})`, en: ` (reference ${d['reference']})` };
  return d['grounds'] === 'none' ? { ja: '(文書番号なし)', en: ' (no reference)' } : { ja: '', en: '' };
};

/** Which pictures an officer had opened before an opinion. Events of before do not say. */
const seenBefore = (d: Record<string, Json>): Text => {
  const seen = d['seen'] as readonly string[] | null | undefined;
  if (seen === null || seen === undefined) return { ja: '', en: '' };
  return seen.length === 0
    ? { ja: '写真は一枚も開いていなかった。', en: ' No picture had been opened before.' }
    : {
        ja: `それまでに開いた写真: ${seen.map(inJapanese).join('、')}。`,
        en: ` Pictures opened before: ${seen.map(words).join(', ')}.`,
      };
};

/** Events in the story of a request or of a person. One of them without words does not compile. */
type Told = (RegistrationEvent | HoldReviewEvent | RegistrantEvent)['type'];

const WORDS: Readonly<Record<Told, Words> & Record<string, Words>> = {
  RequestReceived: (d) => ({
    ja: `ブース${d['boothId']}から申請を受け付けた。撮影時刻${japanTime(d['capturedAtUtc'])}。`,
    en: `A request was received from booth ${d['boothId']}, captured at ${d['capturedAtUtc']}.`,
  }),
  CertificateVerified: (d) => ({
    ja: `電子証明書は有効(${inJapanese(member(d['evidence'], 'method'))}で${japanTime(member(d['evidence'], 'checkedAtUtc'))}に確認)。カードの券面情報の署名も正しい。`,
    en: `The certificate is valid (${member(d['evidence'], 'method')}, checked at ${member(d['evidence'], 'checkedAtUtc')}), and the card's face record is genuine.`,
  }),
  CertificateRejected: (d) => {
    const reason = REJECTED[d['reason'] as string] ?? {
      ja: `規則に合わない(${inJapanese(d['reason'])})`,
      en: `it breaks a rule (${d['reason']})`,
    };
    return {
      ja: `電子証明書を認めなかった: ${reason.ja}。顔の比較は行っていない。`,
      en: `The certificate was rejected because ${reason.en}. No face was compared.`,
    };
  },
  CertificateCheckDeferred: deferred({
    ja: '電子証明書の状態を確認できなかった',
    en: 'The state of the certificate could not be learned',
  }),
  FaceMatched: (d, event) =>
    compared(
      d['confirmation'] === 'on_hold'
        ? { ja: '同じ人と判定したが、保留の規則に当たる。', en: 'It is the same person, but a hold rule applies.' }
        : { ja: '同じ人と判定した。', en: 'It is the same person.' },
    )(d, event),
  FaceReferred: compared({ ja: '人が確認する範囲のため保留した。', en: 'A person has to look.' }),
  FaceMismatched: compared({ ja: '同じ人とは認められなかった。', en: 'It was not accepted as the same person.' }),
  FaceNotComparable: (d) => ({
    ja: `${inJapanese(d['image'])}の画像は比較に使えなかった(${inJapanese(d['reason'])}${d['measure'] ? `: ${d['measure']}` : ''})。本人かどうかは判定していない。`,
    en: `The ${d['image']} image could not be compared (${d['reason']}${d['measure'] ? `: ${d['measure']}` : ''}). Nothing was said about the person.`,
  }),
  FaceComparisonDeferred: deferred({ ja: '顔の比較ができなかった', en: 'The faces could not be compared' }),
  Held: (d) => {
    const reason = HELD[d['reason'] as string] as Text;
    const figures =
      d['registeredPoints'] === null
        ? `${d['cardPoints']}`
        : `${d['cardPoints']} − ${d['registeredPoints']} = ${d['differencePoints']}`;
    const bound =
      d['boundPoints'] === null
        ? { ja: '', en: '' }
        : { ja: `、基準${d['boundPoints']}`, en: `; bound ${d['boundPoints']}` };
    return {
      ja: `本人確認を保留した: ${reason.ja}(${figures}${bound.ja})。期限${japanTime(d['dueAtUtc'])}。`,
      en: `Confirmation was held because ${reason.en} (${figures}${bound.en}). Due ${d['dueAtUtc']}.`,
    };
  },
  HoldOpened: (d) => ({
    ja: `二人の担当者による確認を始めた。期限${japanTime(d['dueAtUtc'])}。`,
    en: `Two officers were asked to look. Due ${d['dueAtUtc']}.`,
  }),
  OpinionGiven: (d) =>
    d['withheld'] === true
      ? {
          ja: '担当者一人が意見を提出した(もう一人の意見が揃うまで非公開)。',
          en: 'An officer gave an opinion, withheld until both are in.',
        }
      : {
          ja: `担当者${shortName(d['officer'])}の意見: ${inJapanese(d['opinion'])}(${inJapanese(d['reason'])})。${seenBefore(d).ja}`,
          en: `Officer ${shortName(d['officer'])} gave an opinion: ${d['opinion']} (${d['reason']}).${seenBefore(d).en}`,
        },
  OpinionWithdrawn: (d) =>
    d['withheld'] === true
      ? {
          ja: '担当者一人が意見を取り消した(もう一人の意見が揃うまで非公開)。',
          en: 'An officer took an opinion back, withheld until both are in.',
        }
      : {
          ja: `担当者${shortName(d['officer'])}は自分の意見を取り消した。`,
          en: `Officer ${shortName(d['officer'])} took the own opinion back.`,
        },
  HoldResolved: (d) => ({
    ja: `保留の結論: ${inJapanese(d['outcome'])}(担当者 ${officers(d) || 'なし'})。`,
    en: `The hold was resolved: ${d['outcome']} (officers: ${officers(d) || 'none'}).`,
  }),
  HoldReleased: (d) => ({
    ja: `保留を解除した(担当者 ${officers(d)})。`,
    en: `The hold was released by ${officers(d)}.`,
  }),
  HoldRejected: (d) => ({
    ja: `保留のまま認めないと決めた(担当者 ${officers(d)})。`,
    en: `The case was rejected by ${officers(d)}.`,
  }),
  RecaptureRequested: (d) => ({
    ja: `撮り直しを求めた(担当者 ${officers(d)})。`,
    en: `A new photograph was asked for by ${officers(d)}.`,
  }),
  HoldExpired: (d) => ({
    ja: `期限${japanTime(d['dueAtUtc'])}までに結論がなく、認めなかった。`,
    en: `Nobody decided until ${d['dueAtUtc']}, so the case was rejected.`,
  }),
  SubmissionAttempted: (d) => ({
    ja: `行政サーバーへの送信を始めた(${d['attempt']}回目)。`,
    en: `Submission to the government server was begun (attempt ${d['attempt']}).`,
  }),
  SubmittedToGovernment: () => ({
    ja: '行政サーバーに写真が届いた。',
    en: 'The government server has the photograph.',
  }),
  SubmissionDeferred: deferred({
    ja: '行政サーバーから結論が得られなかった',
    en: 'The government server gave no clear answer',
  }),
  GovernmentAccepted: (d) => ({
    ja: `行政サーバーが受理した(番号${d['reference']})。`,
    en: `The government server accepted it (reference ${d['reference']}).`,
  }),
  GovernmentRefused: (d) => ({
    ja: `行政サーバーが受理しなかった(${d['reason']})。`,
    en: `The government server refused it (${d['reason']}).`,
  }),
  KeptInRegistry: () => ({
    ja: '写真を登録簿に保存した。どこにも送信していない。',
    en: 'The photograph is kept in the registry and was sent nowhere.',
  }),
  RegistrationWithdrawn: () => ({ ja: '申請は取り下げられた。', en: 'The request was withdrawn.' }),
  MaterialDiffered: (d) => ({
    ja: `保管していた${inJapanese(d['material'])}が受け付けたものと異なる(${inJapanese(d['difference'])}、${inJapanese(d['foundAt'])}で判明)。手続きを止めた。`,
    en: `What was kept as ${words(d['material'])} is not what was received (${words(d['difference'])}, found at ${words(d['foundAt'])}). The case was stopped.`,
  }),
  MaterialMissing: (d) => ({
    ja: `保管していた${inJapanese(d['material'])}がなくなっている(${inJapanese(d['foundAt'])}で判明)。手続きを止めた。`,
    en: `What was kept as ${words(d['material'])} is gone, and nobody erased it (found at ${words(d['foundAt'])}). The case was stopped.`,
  }),
  RequestEndedByOperator: (d) => ({
    ja: `続けられない手続きを担当者${shortName(d['by'])}が終了した(状況: ${inJapanese(d['cause'])}、理由: ${inJapanese(d['reason'])}、参照: ${d['reference']})。${d['earlierOutcome'] === null ? 'もう一度来てもらう。' : '申請者への結果は変わらない。'}`,
    en: `${shortName(d['by'])} ended the case, which could not go on (${words(d['cause'])}; reason: ${words(d['reason'])}; see ${d['reference']}). ${d['earlierOutcome'] === null ? 'The holder is asked to come again.' : 'What the holder was told stays as it was.'}`,
  }),
  HoldClosed: () => ({
    ja: '手続きを続けられないため、保留を閉じた。',
    en: 'The hold was closed, because the case cannot go on.',
  }),
  RefusedEvidenceRetained: (d) => ({
    ja: `認めなかった電子証明書の証拠は、封印したまま${japanTime(d['eraseAtUtc'])}まで保存する(${d['retentionDays']}日間)。`,
    en: `The sealed evidence of the rejected certificate is kept until ${d['eraseAtUtc']} (${d['retentionDays']} ${d['retentionDays'] === 1 ? 'day' : 'days'}).`,
  }),
  RefusedEvidenceErased: (d, e) => ({
    ja: `${japanTime(e.metadata.recordedAtUtc)}に規則「${inJapanese(d['rule'])}」により、認めなかった電子証明書の証拠と鍵を消去した。`,
    en: `The sealed evidence of the rejected certificate and its key were erased on ${e.metadata.recordedAtUtc} by rule ${d['rule']}.`,
  }),
  RequestLapsed: (d) => ({
    ja:
      d['reason'] === 'claim_not_completed'
        ? `${japanTime(d['claimedAtUtc'])}に始まった申請は受け付けに至らず、失効した。保存された内容は消去する。`
        : '受け付けられていない申請の内容が残っていたため、失効させて消去する。',
    en:
      d['reason'] === 'claim_not_completed'
        ? `The request that began at ${d['claimedAtUtc']} was never received and has lapsed; what was kept of it is destroyed.`
        : 'Something of a request that was never received was found; it has lapsed and is destroyed.',
  }),
  RegistrantErased: (d, e) => {
    const until = member(d['tombstone'], 'untilUtc');
    const stays = until
      ? {
          ja: `${japanTime(until)}までは、同じ人のカードが「以前に消去された」ことだけが鍵付きの印で分かる。`,
          en: ` Until ${until} a keyed mark says of the person's cards that they were erased before, and nothing else.`,
        }
      : { ja: '', en: '' };
    return {
      ja: `${japanTime(e.metadata.recordedAtUtc)}に規則「${inJapanese(d['rule'])}」により登録者の画像と鍵を消去した。${stays.ja}`,
      en: `The registrant's images and key were erased on ${e.metadata.recordedAtUtc} by rule ${d['rule']}.${stays.en}`,
    };
  },
  ConsentGiven: (d) => ({
    ja: `画像の保存への同意を記録した(同意文${d['textVersion']})。`,
    en: `Consent to keep the image was recorded (text ${d['textVersion']}).`,
  }),
  ConsentWithdrawn: () => ({
    ja: '画像の保存への同意が取り下げられた。',
    en: 'Consent to keep the image was withdrawn.',
  }),
  FaceImageRegistered: () => ({
    ja: '写真を仮の登録画像として保存した。',
    en: 'The photograph was kept as a provisional registered image.',
  }),
  FaceImageConfirmed: () => ({ ja: '登録画像として確定した。', en: 'The registered image was confirmed.' }),
  FaceImageWithdrawn: (d) => ({
    ja: `登録画像を取り下げた(理由: ${inJapanese(d['reason'])})。`,
    en: `A registered image was withdrawn (${d['reason']}).`,
  }),
  CertificateAdded: (d) => ({
    ja: `本人の別の電子証明書(${inJapanese(d['relation'])})がこの登録者に加わった。`,
    en: `Another certificate of the person (${d['relation']}) belongs to this registrant.`,
  }),
  CertificateLinked: (d) => ({
    ja: `この電子証明書は、認証サーバーの回答により同じ人の登録者に結び付けられた(${inJapanese(d['relation'])})。`,
    en: `By the authority's answer this certificate stands for the person's registrant (${d['relation']}).`,
  }),
  BiometricViewed: (d) =>
    d['withheld'] === true
      ? {
          ja: '担当者一人が写真を開いた(意見が揃うまで非公開)。',
          en: 'An officer opened a picture, withheld until both opinions are in.',
        }
      : {
          ja:
            `担当者${shortName(d['officer'])}が画像(${inJapanese(d['image'])})を見た。` +
            `目的: ${inJapanese(d['purpose'])}${groundsOfLook(d).ja}。`,
          en:
            `Officer ${shortName(d['officer'])} looked at the image (${d['image']}); ` +
            `purpose: ${d['purpose']}${groundsOfLook(d).en}.`,
        },
  AuditExported: (d) => ({
    ja: `記録${d['leaves']}件を書き出した${groundsOfExport(d).ja}。`,
    en: `${d['leaves']} records were exported${groundsOfExport(d).en}.`,
  }),
  RecordsViewed: (d) => ({
    ja: `担当者${shortName(d['by'])}が記録(${d['what']})を見た。`,
    en: `${shortName(d['by'])} looked at records (${d['what']}).`,
  }),
  PolicyActivated: (d) => ({
    ja: `ポリシー第${d['version']}版が有効になった。`,
    en: `Policy ${d['version']} came into force.`,
  }),
};
