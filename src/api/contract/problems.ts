import type { Refusal } from '../../domain/refusal.js';

/** What the HTTP edge itself can answer besides a refusal of the domain. */
export type EdgeProblemCode =
  | 'booth_certificate_missing'
  | 'booth_certificate_untrusted'
  | 'booth_certificate_of_another'
  | 'invalid_request'
  | 'route_not_found'
  | 'unsupported_media_type'
  | 'uri_too_long'
  | 'headers_too_large'
  | 'request_timeout'
  | 'too_many_requests'
  | 'too_many_uploads'
  | 'uploads_under_way'
  | 'upload_too_slow'
  | 'too_many_streams'
  | 'streams_under_way'
  | 'photo_check_busy'
  | 'picture_busy'
  | 'unauthenticated'
  | 'forbidden'
  | 'roles_incompatible'
  | 'locked_out'
  | 'sign_in_not_configured'
  | 'sign_in_unavailable'
  | 'sign_in_failed'
  | 'other_site'
  | 'access_log_unavailable'
  | 'audit_log_unavailable'
  | 'moment_out_of_range'
  | 'outcome_unknown'
  | 'not_accepting'
  | 'read_side_behind'
  | 'not_ready'
  | 'shutting_down'
  | 'internal_error';

export type ProblemCode = Refusal['code'] | EdgeProblemCode;

export interface ProblemKind {
  readonly status: number;
  readonly title: string;
  /** What to do now, in English. */
  readonly en: string;
  /** The same in Japanese: booths show these to people. */
  readonly ja: string;
}

/** Every answer that is not a success. Closed: a new refusal does not compile until it has its row here. Codes are
 * stable; texts are not. */
export const PROBLEMS: Readonly<Record<ProblemCode, ProblemKind>> = {
  // The door.
  malformed_request: row(
    400,
    'The request has not the agreed form',
    'Send the request in the form of the interface description; the member "errors" names the places.',
    '送信内容の形式が正しくありません。ブースの管理者に連絡してください。',
  ),
  request_too_large: row(
    413,
    'The request is too large',
    'Send each part within its limit.',
    '送信データが大きすぎます。ブースの管理者に連絡してください。',
  ),
  photo_too_large: row(
    413,
    'The photograph is too large',
    'Take the photograph again, or send it with a smaller file size.',
    '写真のデータが大きすぎます。もう一度撮影してください。',
  ),
  photo_unsupported: row(
    415,
    'The photograph is not a plain JPEG',
    'Send the photograph as image/jpeg: pixels and nothing else. "data" names segment, byte and remedy.',
    '写真の形式に対応していません。もう一度撮影してください。',
  ),
  photo_damaged: row(
    422,
    'The photograph is not complete',
    'Send the whole file, or take the photograph again. "data" names segment, byte and remedy.',
    '写真のデータが欠けているか、壊れています。もう一度撮影してください。',
  ),
  my_number_present: row(
    422,
    'The request holds a My Number',
    'Never send the twelve-digit My Number (or anything that looks like one). Nothing of this request was kept.',
    '個人番号(マイナンバー)またはそれに似た12桁の番号が含まれています。個人番号は送信しないでください。この送信内容は保存していません。',
  ),
  booth_not_enrolled: row(
    403,
    'The booth is not enrolled',
    'Have an administrator enrol the booth with its public key.',
    'このブースは登録されていません。係員に連絡してください。',
  ),
  booth_is_suspended: row(
    403,
    'The booth is suspended',
    'Do not use this booth; an administrator has suspended it.',
    'このブースは現在利用できません。別のブースを利用してください。',
  ),
  booth_signature_invalid: row(
    403,
    "The booth's signature does not fit",
    "Sign the capture envelope with the booth's enrolled key.",
    'ブースの署名を確認できませんでした。係員に連絡してください。',
  ),
  booth_certificate_missing: row(
    403,
    'The booth shows no certificate',
    "Show the booth's certificate in the TLS handshake; behind a proxy, have the proxy hand it on.",
    'ブースの証明書がありません。ブースの管理者に連絡してください。',
  ),
  booth_certificate_untrusted: row(
    403,
    "The booth's certificate does not count here",
    'Have the authority for booths issue a new one: it has expired, was issued by somebody else, or cannot be read.',
    'ブースの証明書が有効ではありません。ブースの管理者に連絡してください。',
  ),
  booth_certificate_of_another: row(
    403,
    'The certificate is that of another booth',
    "Show the certificate whose common name is this booth's id.",
    '別のブースの証明書です。ブースの管理者に連絡してください。',
  ),
  digest_mismatch: row(
    422,
    'A part differs from what was signed',
    'Send exactly the bytes whose digests the envelope states.',
    '送信データが署名時の内容と一致しません。最初からやり直してください。',
  ),
  nonce_unknown: row(
    422,
    'The nonce is not one of ours',
    'Ask for a new challenge and start a new card session.',
    '受付番号の有効性を確認できませんでした。最初からやり直してください。',
  ),
  nonce_expired: row(
    422,
    'The nonce has expired',
    'Ask for a new challenge and start a new card session.',
    '受付の有効時間が過ぎました。最初からやり直してください。',
  ),
  nonce_replayed: row(
    409,
    'The nonce was used before',
    'Ask for a new challenge and start a new card session; a nonce serves once.',
    'この受付はすでに使われています。最初からやり直してください。',
  ),
  captured_in_future: row(
    422,
    'The capture time is in the future',
    "Set the booth's clock and capture again.",
    '撮影時刻が正しくありません。ブースの時計を確認してください。',
  ),
  captured_too_long_ago: row(
    422,
    'The photograph is too old',
    'Take a new photograph.',
    '撮影から時間が経ちすぎています。もう一度撮影してください。',
  ),
  consent_text_unknown: row(
    422,
    'The consent text is not in use',
    'Show the consent text of the present policy and ask again.',
    '同意文が最新ではありません。もう一度同意の確認からやり直してください。',
  ),
  consent_needed_for_registry: row(
    422,
    'Consent to keep the image is needed',
    'The registry mode keeps the photograph; ask the holder for that consent, or use another mode.',
    '写真の保存への同意が必要です。',
  ),
  certificate_type_not_accepted: row(
    422,
    'This type of certificate is not accepted here',
    'Nobody tells this server which two certificates are on one card, so its policy accepts one type only: start again with the other certificate of the card.',
    'この種類の電子証明書は受け付けていません。もう一方の電子証明書(利用者証明用など)で最初からやり直してください。',
  ),
  idempotency_key_missing: row(
    400,
    'The header Idempotency-Key is missing',
    'Send an Idempotency-Key of 1 to 128 visible ASCII characters, the same one at every repetition of this request.',
    'Idempotency-Key ヘッダーがありません。ブースの管理者に連絡してください。',
  ),
  idempotency_key_reused: row(
    409,
    'The idempotency key belongs to another request',
    'Use a new key for a new request.',
    '同じ受付キーで別の内容が送信されました。最初からやり直してください。',
  ),
  // Refusals of the domain.
  already_received: row(
    409,
    'The request was received before',
    'Nothing is left to do.',
    'この申請はすでに受け付けています。',
  ),
  not_found: row(
    404,
    'There is no such thing here',
    'Check the number.',
    '該当するものがありません。番号を確認してください。',
  ),
  nothing_known_then: row(
    404,
    'Nothing was known of it at that moment',
    'Ask for a later moment.',
    'その時点では該当する記録がありません。より後の時点を指定してください。',
  ),
  wrong_stage: row(
    409,
    'The case is at another stage',
    'Read the case again and decide on its present stage.',
    '案件の状態が変わっています。最新の状態を確認してください。',
  ),
  case_can_go_on: row(
    409,
    'Nothing stops this case',
    'Only a case that cannot go on is ended: one that was stopped, or one with a step that waits for an operator. Read its history.',
    'この手続きは続けられる状態です。履歴を確認してください。',
  ),
  material_differs: row(
    409,
    'What is kept is not what was received',
    'Nothing of it is shown, and the case was stopped. Tell the operator: an administrator looks into it and ends the case.',
    '保管内容が受け付けたものと異なるため表示できません。手続きは止まっています。管理者に連絡してください。',
  ),
  material_missing: row(
    410,
    'What was received is gone',
    'Nobody erased it, and the case was stopped. Tell the operator: an administrator looks into it and ends the case.',
    '保管内容がなくなっています。手続きは止まっています。管理者に連絡してください。',
  ),
  submission_id_mismatch: row(
    409,
    'The submission belongs to another attempt',
    'Read the case again.',
    '送信番号が一致しません。案件を確認してください。',
  ),
  image_erased: row(
    410,
    'The picture was erased',
    'Nobody has it any more. The member "data" says when it was erased and by which rule.',
    '画像は消去されました。消去の日時と根拠は data にあります。',
  ),
  registrant_erased: row(
    410,
    'The person has been erased',
    'Nothing can be done with erased data.',
    '登録者のデータは削除されています。',
  ),
  registrant_linked: row(
    409,
    'The person is registered under another key',
    'Read the case again and repeat the step.',
    '登録者の情報が統合されました。案件を確認してもう一度やり直してください。',
  ),
  image_unknown: row(404, 'There is no such image', 'Check the image id.', '該当する画像がありません。'),
  hold_not_open: row(
    409,
    'The hold is not open for this',
    'Read the hold again: it is resolved, or both opinions are in.',
    'この保留案件は受付中ではありません。最新の状態を確認してください。',
  ),
  purpose_does_not_fit: row(
    403,
    'The case is none for this purpose',
    'The purpose hold_review shows pictures of an open hold on which you still have a say; data.why says what is ' +
      'missing. To answer the person or another office, state purpose=disclosure with the reference of the file. ' +
      'This attempt is on record.',
    'この目的では画像を表示できません。保留の確認は、自分が意見を出せる審査中の案件に限ります(理由は data.why)。' +
      '本人等への開示は purpose=disclosure と文書番号(reference)を指定してください。この操作は記録されました。',
  ),
  reference_missing: row(
    422,
    'A disclosure names the file that it belongs to',
    'Give the number of the request or order that is answered as "reference": no names, no sentences.',
    '開示には、対象となる請求などの文書番号(reference)が必要です。氏名や文章は入れないでください。',
  ),
  opinion_already_given: row(
    409,
    'You have given your opinion on this hold',
    'Another officer gives the other one.',
    'すでに意見を提出しています。もう一人の担当者が意見を提出します。',
  ),
  opinion_not_given: row(
    409,
    'You have no opinion on this hold',
    'There is nothing to withdraw: read the hold again.',
    'この保留案件に対するあなたの意見はありません。最新の状態を確認してください。',
  ),
  opinions_complete: row(
    409,
    'Both opinions are in',
    'An opinion can be withdrawn until the second one is in. Where they differ a third officer decides.',
    '意見は二人分揃っており、取り消せません。意見が分かれたときは第三の担当者が決定します。',
  ),
  opinion_contradicts_reason: row(
    422,
    'Opinion and reason contradict each other',
    'Choose another reason or another opinion; data.reasons are the reasons that fit the opinion.',
    '意見と理由が矛盾しています。理由または意見を選び直してください(data.reasonsが選べる理由です)。',
  ),
  opinions_missing: row(
    409,
    'Opinions are missing',
    'Two officers give their opinions before a hold is resolved.',
    '意見が揃っていません。二人の担当者の意見が必要です。',
  ),
  outcome_differs_from_opinions: row(
    409,
    'The outcome is not what the opinions say',
    'Resolve the hold as both officers say.',
    '結論が二人の担当者の意見と異なります。',
  ),
  third_officer_needed: row(
    409,
    'A third officer decides',
    'The two opinions differ: an officer who gave none of them resolves the hold.',
    '意見が分かれています。三人目の担当者が決定してください。',
  ),
  booth_unknown: row(404, 'There is no such booth', 'Check the booth id.', '該当するブースがありません。'),
  booth_exists: row(
    409,
    'The booth id is taken',
    'Enrol the booth under a new id.',
    'このブースIDはすでに使われています。',
  ),
  booth_retired: row(
    409,
    'The booth is retired',
    'A retired booth does not come back. Enrol the device under a new id.',
    'このブースは廃止されています。新しいIDで登録してください。',
  ),
  person_not_locked_out: row(
    409,
    'This person is not locked out',
    'GET /v1/lockouts names everybody who is.',
    'この職員は締め出されていません。GET /v1/lockouts で確認してください。',
  ),
  consumer_unknown: row(
    404,
    'There is no such consumer',
    'GET /v1/consumers names them all.',
    '該当する処理がありません。GET /v1/consumers で確認してください。',
  ),
  consumer_not_stopped: row(
    409,
    'The consumer does not stand still',
    'Only one that is stopped is resumed. What it has parked is replayed instead.',
    'この処理は停止していません。保留された記録がある場合は、再処理を指示してください。',
  ),
  event_not_waiting: row(
    409,
    'The consumer does not wait at this event',
    'It may have been handled, replayed or skipped by now. List the consumers again.',
    'この処理はその記録で止まっていません。すでに処理されたおそれがあります。一覧を確認してください。',
  ),
  event_not_skippable: row(
    409,
    'This consumer skips nothing',
    'The signed log holds every event or is none. Put right what is in its way, and resume it.',
    'この処理では記録を飛ばすことができません。原因を取り除いて再開してください。',
  ),
  replay_failed: row(
    409,
    'It still cannot be handled',
    'What could not be handled stays parked. GET /v1/consumers says why; put that right and replay again.',
    'まだ処理できません。GET /v1/consumers で理由を確認し、原因を取り除いてからやり直してください。',
  ),
  act_unknown: row(
    404,
    'There is no such proposal',
    'Check the number; GET /v1/acts lists them.',
    '該当する提案がありません。番号を確認してください。',
  ),
  act_own_proposal: row(
    403,
    'Nobody approves an own proposal',
    'Have another administrator approve it.',
    '自分が提案したものは承認できません。別の管理者が承認してください。',
  ),
  act_waits: row(
    409,
    'Its time has not come',
    'It is carried out by itself when the waiting time of the policy is over.',
    '待機時間が終わっていません。時間になると自動的に実行されます。',
  ),
  act_closed: row(
    409,
    'It is decided already',
    'Read the proposal again: somebody was first. Propose it anew where it is still wanted.',
    'この提案はすでに処理されています。最新の状態を確認してください。',
  ),
  policy_version_unknown: row(
    404,
    'There is no such policy version',
    'List the policies.',
    '該当するポリシーの版がありません。',
  ),
  policy_own_proposal: row(
    403,
    'Nobody approves an own proposal',
    'Have another administrator approve it.',
    '自分が提案したポリシーは承認できません。',
  ),
  policy_not_approved: row(
    409,
    'The policy is not approved',
    'Have another administrator approve it first.',
    'ポリシーはまだ承認されていません。',
  ),
  policy_outdated: row(
    409,
    'Another policy came into force since',
    'Propose it anew from the policy in force; "undone" names what this one would take back.',
    '提案後に別のポリシーが有効になりました。有効なポリシーをもとに、もう一度提案してください。',
  ),
  policy_invalid: row(
    422,
    'The policy makes no sense',
    'Correct the field that the answer names.',
    'ポリシーの値が正しくありません。',
  ),
  policy_report_invalid: row(
    422,
    'The attached report does not fit the proposal',
    'Attach the statement of a what-if report that this log signed, made for the values that are proposed.',
    '添付された試算結果がこの提案と一致しません。',
  ),
  lists_of_a_case: row(
    400,
    'Lists do not go with the bundle of one case',
    'Their rows are of other cases too: ask for a range of the log with the lists, or for the case without them.',
    '案件単位の書き出しに一覧を含めることはできません。範囲を指定するか、一覧を外してください。',
  ),
  checkpoint_unknown: row(
    409,
    'This log never gave out the known checkpoint',
    'Ask the server that gave it out. When the key of this log signed it, keep it: together with the present checkpoint it proves a fork.',
    '指定されたチェックポイントはこのログのものではありません。発行元を確認してください。署名が正しい場合は証拠として保管してください。',
  ),
  // The edge itself.
  invalid_request: row(
    400,
    'The request has not the agreed form',
    'Send the request in the form of the interface description; the member "errors" names the places.',
    'リクエストの形式が正しくありません。',
  ),
  route_not_found: row(
    404,
    'There is nothing at this address',
    'See /openapi.json for what there is.',
    'このアドレスには何もありません。',
  ),
  unsupported_media_type: row(
    415,
    'The content type is not served here',
    'Send the content type of the interface description.',
    'この Content-Type には対応していません。',
  ),
  uri_too_long: row(414, 'The address is too long', 'Send a shorter address.', 'アドレスが長すぎます。'),
  headers_too_large: row(
    431,
    'The header fields are too large',
    'Send fewer or shorter header fields.',
    'ヘッダーが大きすぎます。',
  ),
  request_timeout: row(
    408,
    'The request did not arrive in time',
    'Send it again.',
    '時間内に受信できませんでした。もう一度送信してください。',
  ),
  too_many_requests: row(
    429,
    'Too many requests',
    'Wait as long as Retry-After says.',
    '混み合っています。しばらく待ってからやり直してください。',
  ),
  too_many_uploads: row(
    503,
    'Too many uploads at the same time',
    'Send the same request again, with the same key, after Retry-After.',
    '混み合っています。しばらく待ってからやり直してください。',
  ),
  uploads_under_way: row(
    429,
    'Uploads of yours are under way',
    'As many uploads of your network address, booth or challenge are under way as it may have. Let them end, and send the same request again, with the same key, after Retry-After.',
    'この回線またはブースの送信が進行中です。しばらく待ってからやり直してください。',
  ),
  upload_too_slow: row(
    408,
    'The upload is too slow',
    'At least 16 KiB must arrive in every second after the first five. Send the same request again, with the same key, after Retry-After, over a better line or with a smaller photograph.',
    '通信速度が遅いため受信できませんでした。しばらく待ってからやり直してください。',
  ),
  too_many_streams: row(
    503,
    'Too many open event streams',
    'Ask for the status instead, or come back after Retry-After.',
    '混み合っています。しばらく待ってからやり直してください。',
  ),
  streams_under_way: row(
    429,
    'This receipt or address has its event streams',
    'Use a stream that is open, or ask for the status instead; come back after Retry-After.',
    'この受付番号または回線の接続数が上限に達しました。しばらく待ってからやり直してください。',
  ),
  photo_check_busy: row(
    503,
    'Nobody can look at the photograph just now',
    'Ask again after Retry-After, or send the capture without asking: the check is only for guidance.',
    '混み合っているため、写真を確認できません。しばらく待ってからやり直してください。',
  ),
  picture_busy: row(
    503,
    'The picture cannot be made ready just now',
    'Ask again after Retry-After; format=original gives the bytes as they came from the card.',
    '混み合っているため、画像を表示できません。しばらく待ってからやり直してください。',
  ),
  unauthenticated: row(
    401,
    'Nobody is signed in',
    'Sign in and send the access token as a bearer token.',
    'サインインしてください。',
  ),
  forbidden: row(
    403,
    'Your role does not allow this',
    'Ask somebody with the role. This attempt is on record.',
    'この操作を行う権限がありません。この操作は記録されました。',
  ),
  roles_incompatible: row(
    403,
    'Your account has roles that exclude each other',
    'Officers give their opinions without knowing those of others, auditors see everything: ask whoever gives out roles to take one of the two away. This attempt is on record.',
    '担当者と監査人の権限を同時に持つことはできません。権限の管理者に連絡してください。この操作は記録されました。',
  ),
  locked_out: row(
    403,
    'You are locked out',
    'An administrator has locked you out; two administrators can let you in again. This attempt is on record.',
    '管理者により利用を止められています。再開には管理者二人の承認が必要です。この操作は記録されました。',
  ),
  sign_in_failed: row(
    400,
    'The sign-in did not succeed',
    'Begin again. What the sign-in service answered does not belong to a sign-in of this browser, or it refused.',
    'サインインできませんでした。もう一度お試しください。',
  ),
  other_site: row(
    403,
    'Another site asked for this',
    'A signed-in browser changes something only from pages of this server. Programs send a bearer token instead.',
    '他のサイトからの操作は受け付けません。',
  ),
  sign_in_not_configured: row(
    503,
    'Sign-in is not set up',
    'Configure the OpenID Connect issuer of this server.',
    'サインインが設定されていません。',
  ),
  sign_in_unavailable: row(
    503,
    'The sign-in service does not answer',
    'Try again after Retry-After.',
    'サインインサービスに接続できません。しばらく待ってからやり直してください。',
  ),
  access_log_unavailable: row(
    503,
    'The access could not be put on record',
    'Nothing is shown that is not on record. Try again after Retry-After.',
    'アクセスを記録できないため表示できません。しばらく待ってからやり直してください。',
  ),
  audit_log_unavailable: row(
    503,
    'There is no signed log to answer from',
    'Try again after Retry-After; when it stays, tell the operator to look at /health/ready.',
    '署名済みの記録がまだありません。しばらく待ってからやり直してください。',
  ),
  moment_out_of_range: row(
    400,
    'The log cannot tell of that moment',
    'Ask for a moment between the first and the last event; the member "log" names both.',
    '指定された時点の記録はありません。最初の記録から現在までの時点を指定してください。',
  ),
  outcome_unknown: row(
    503,
    'It is not known whether this was carried out',
    'Send the same request again, with the same Idempotency-Key, after Retry-After: it is carried out once.',
    '処理結果を確認できません。しばらく待ってから同じ内容をもう一度送信してください。',
  ),
  not_accepting: row(
    503,
    'Nothing is accepted now',
    'Nothing was stored. Send the same request again after Retry-After; when it stays, tell the operator to look at ' +
      '/health/ready.',
    'ただいま受け付けできません。しばらく待ってから同じ内容をもう一度送信してください。',
  ),
  read_side_behind: row(
    503,
    'The answer is not up to date yet',
    'Nothing is lost; ask again after Retry-After.',
    '情報を更新しています。しばらく待ってからやり直してください。',
  ),
  not_ready: row(
    503,
    'The server is not ready',
    'The member "troubles" names the parts that are not; who shows the token of the operator is told why.',
    '準備中です。',
  ),
  shutting_down: row(
    503,
    'The server is shutting down',
    'Send the same request again after Retry-After.',
    'サーバーを停止しています。しばらく待ってからやり直してください。',
  ),
  internal_error: row(
    500,
    'Something went wrong here',
    'Try again later; when it stays, tell the operator the number in "instance".',
    'サーバーでエラーが発生しました。しばらく待ってからやり直してください。',
  ),
};

/** Thrown anywhere at the edge; becomes the problem document of its code. */
export class ProblemError extends Error {
  constructor(
    readonly code: ProblemCode,
    readonly more: {
      readonly extensions?: Readonly<Record<string, unknown>>;
      readonly retryAfterSeconds?: number;
      readonly wwwAuthenticate?: string;
    } = {},
  ) {
    super(code);
  }
}

/** An RFC 9457 document. `code` is what programs read; `detail` is what people do. */
export interface ProblemDocument {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly code: ProblemCode;
  readonly detail: string;
  readonly instance: string;
  readonly [extension: string]: unknown;
}

export type ProblemLanguage = 'en' | 'ja';

export function problemDocument(
  code: ProblemCode,
  {
    requestId,
    language,
    extensions = {},
  }: { requestId: string; language: ProblemLanguage; extensions?: Readonly<Record<string, unknown>> },
): ProblemDocument {
  const { status, title, en, ja } = PROBLEMS[code];
  // Extensions first: none of them may replace a member of the standard.
  return {
    ...extensions,
    type: `/problems/${code}`,
    title,
    status,
    code,
    detail: language === 'ja' ? ja : en,
    instance: `urn:uuid:${requestId}`,
  };
}

/** The language that the client likes better: Japanese only when it is named before English. Quality values are
 * honoured. */
export function languageOf(acceptLanguage: string | undefined): ProblemLanguage {
  const liked = (acceptLanguage ?? '')
    .slice(0, 200)
    .split(',')
    .map((entry) => {
      const [tag = '', ...parameters] = entry.trim().split(';');
      const q = parameters.map((p) => /^\s*q=([01](?:\.\d{0,3})?)\s*$/.exec(p)?.[1]).find((v) => v !== undefined);
      return { tag: tag.trim().toLowerCase().split('-')[0], q: q === undefined ? 1 : Number(q) };
    })
    .filter(({ tag, q }) => (tag === 'ja' || tag === 'en') && q > 0)
    .sort((a, b) => b.q - a.q);
  return liked[0]?.tag === 'ja' ? 'ja' : 'en';
}

/** The problem for a status that the HTTP library gave by itself. Its own message is never passed on: it may quote the
 * request. */
export function codeOfStatus(status: number): EdgeProblemCode | 'request_too_large' {
  switch (status) {
    case 401:
      return 'unauthenticated';
    case 403:
      return 'forbidden';
    case 404:
      return 'route_not_found';
    case 408:
      return 'request_timeout';
    case 413:
      return 'request_too_large';
    case 414:
      return 'uri_too_long';
    case 415:
      return 'unsupported_media_type';
    case 429:
      return 'too_many_requests';
    case 431:
      return 'headers_too_large';
    default:
      return status >= 400 && status < 500 ? 'invalid_request' : 'internal_error';
  }
}

function row(status: number, title: string, en: string, ja: string): ProblemKind {
  return { status, title, en, ja };
}
