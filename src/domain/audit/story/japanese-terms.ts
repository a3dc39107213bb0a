import { addMs, isInstant } from '../../values/instant.js';

/** Stored code words as a Japanese reader says them. A word that is missing here is shown as it is stored: it is data,
 * and never guessed. */
const TERMS: Readonly<Record<string, string>> = {
  // Opinions and outcomes of a hold.
  release: '保留を解除してよい',
  reject: '認めない',
  recapture: '撮り直し',
  released: '解除',
  rejected: '不承認',
  expired: '期限切れ',
  same_person: '同じ人',
  different_person: '別の人',
  card_photograph_doubtful: 'カードの写真に疑問がある',
  registered_image_doubtful: '登録済み画像に疑問がある',
  photograph_unclear: '撮影写真が不鮮明',
  checked_in_person: '対面で確認した',
  // Images and purposes.
  captured: '撮影',
  card: 'カード',
  registered: '登録済み',
  photo: '撮影写真',
  card_face: 'カードの写真',
  registered_face: '登録済みの写真',
  hold_review: '保留の確認',
  audit: '監査',
  disclosure: '本人への開示',
  // Why an image was not compared.
  no_face: '顔が写っていない',
  several_faces: '複数の顔が写っている',
  face_too_small: '顔が小さすぎる',
  too_blurred: 'ぼけている',
  turned_away: '横を向いている',
  not_upright: '頭が傾いている',
  eyes_closed: '目を閉じている',
  eyes_covered: '目が隠れている',
  mouth_covered: '口が隠れている',
  printed_frame: '写真に縁がある',
  unreadable_image: '画像を読み取れない',
  image_too_large: '画素数が大きすぎる',
  poor_quality: '品質が基準に満たない',
  // Why nothing could be said yet.
  not_decided_yet: '行政サーバーがまだ判断していない',
  busy: '処理が混み合っていた',
  timeout: '時間内に終わらなかった',
  worker_failed: '処理が失敗した',
  responder_unreachable: '認証サーバーにつながらない',
  responder_timeout: '認証サーバーが時間内に応答しない',
  responder_error: '認証サーバーのエラー',
  responder_unauthorised: '応答者に権限がない',
  status_unknown: '認証サーバーがこの証明書を知らない',
  status_stale: '応答が古い',
  status_malformed: '応答の形式が正しくない',
  status_signature: '応答の署名が正しくない',
  status_mismatch: '応答が別の証明書のもの',
  nonce_mismatch: '応答が別の問い合わせのもの',
  no_status_source: '問い合わせ先がない',
  link_unknown: '同じ人のほかの証明書を確認できない',
  // Why a certificate is not accepted, where no sentence of its own says it.
  weak_algorithm: '弱い暗号方式',
  critical_extension: '処理できない重要な拡張',
  duplicate_extension: '拡張の重複',
  basic_constraints: '認証局の制約',
  path_length: '認証パスの長さ',
  key_usage: '鍵の用途',
  extended_key_usage: '証明書の用途',
  policy: '証明書ポリシー',
  name_chaining: '発行者名のつながり',
  name_constraints: '名前の制約',
  unsupported: '対応していない要素',
  malformed: '形式が正しくない',
  limit_exceeded: '上限を超える',
  // How certificates belong together.
  same_card: '同じカードの証明書',
  renewal: '更新による証明書',
  joined: '別々に登録されていた証明書',
  // Withdrawals and erasures.
  government_refused: '行政サーバーが受理しなかった',
  replaced: '新しい画像への置き換え',
  consent_withdrawn: '同意の撤回',
  erased: '消去',
  retention_limit: '保存期間の満了',
  request_of_the_person: '本人の請求',
  ocsp: 'OCSP',
  crl: 'CRL',
  // What needs two people, and why it is proposed.
  erase_registrant: '登録者の消去',
  enrol_booth: 'ブースの登録',
  rotate_booth_key: 'ブースの鍵の交換',
  resume_booth: 'ブースの再開',
  skip_event: '処理できない記録を飛ばすこと',
  done_by_other_means: '別の方法で処理済み',
  without_effect: '処理の必要なし',
  new_site: '新しい設置場所',
  replacement: '交換',
  trial: '試験',
  scheduled: '定期',
  repair: '修理',
  suspected_disclosure: '鍵の漏えいの疑い',
  maintenance_done: '保守の終了',
  found_again: '発見',
  false_alarm: '誤報',
  // What was kept and is not as it was received, and the end of such a case.
  certificate: '電子証明書',
  card_record: 'カードの券面情報',
  card_issuer_certificate: '券面情報の発行者証明書',
  signatures: '署名された申請内容',
  frame: '追加の画像',
  registered_image: '登録済み画像',
  certificate_evidence: '電子証明書の証拠',
  other_bytes: '内容が別のもの',
  undecryptable: '復号できない',
  key: '鍵が別のもの',
  signed_text: '署名された内容と合わない',
  signature: 'ブースの署名と合わない',
  certificate_check: '電子証明書の確認',
  face_comparison: '顔の比較',
  submission: '行政サーバーへの送信',
  image_registration: '画像の登録',
  view: '画像の閲覧',
  export: '証拠の書き出し',
  material_differed: '保管内容の相違',
  material_missing: '保管内容の消失',
  step_stuck: '処理の停止',
  tampering_suspected: '改ざんの疑い',
  storage_failed: '保管装置の故障',
  restored_from_backup: 'バックアップからの復元',
  outside_service_gone: '外部サービスの終了',
  fault_of_this_program: 'プログラムの不具合',
  request_ended: '手続きの終了',
};

/** @param word a code word out of an event */
export function inJapanese(word: unknown): string {
  const text = String(word);
  return Object.hasOwn(TERMS, text) ? (TERMS[text] as string) : text;
}

const JAPAN_MS = 9 * 3_600_000;

/** An instant as a Japanese reader tells the time: `2026年11月23日17時15分30秒`. What is no instant stays as it is. */
export function japanTime(instant: unknown): string {
  const text = String(instant);
  if (!isInstant(text)) return text;
  const [year, month, day, hour, minute, second] = addMs(text, JAPAN_MS).match(/\d+/g) ?? [];
  return `${year}年${Number(month)}月${Number(day)}日${Number(hour)}時${minute}分${second}秒`;
}
