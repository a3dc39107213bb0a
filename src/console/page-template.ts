/** The page around the verifier: plain HTML, styles and a script of a few lines. `SCRIPT` is replaced by the verifier's
 * modules. Everything that comes out of a bundle is put in as text, never as HTML; the policy in the head forbids every
 * connection. */
export const PAGE_TEMPLATE = `<!doctype html>
<html lang="ja">
<head>
<meta charset="utf-8">
<meta name="honnin-origin" content="ORIGIN">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; worker-src blob:; base-uri 'none'; form-action 'none'">
<title>Honnin 監査バンドル検証 / audit bundle verifier</title>
<style>
:root { color-scheme: light dark; --ok: #1a7f37; --bad: #b3261e; --warn: #9a6700; --line: #8884; }
body { font: 16px/1.6 system-ui, "Noto Sans CJK JP", "Hiragino Sans", sans-serif; max-width: 64rem; margin: 0 auto; padding: 1.5rem; }
h1 { font-size: 1.4rem; margin: 0 0 .25rem; } h2 { font-size: 1.1rem; margin: 2rem 0 .5rem; }
p.lead { margin-top: 0; opacity: .8; }
label { display: block; font-weight: 600; margin-top: 1rem; } label small { font-weight: 400; opacity: .8; }
progress { width: 100%; } textarea, select, input[type=file] { width: 100%; box-sizing: border-box; font: inherit; margin-top: .25rem; } textarea { font-family: ui-monospace, monospace; font-size: .85rem; min-height: 3.5rem; }
#drop { border: 2px dashed var(--line); border-radius: .5rem; padding: 1rem; margin-top: 1rem; }
#drop.over { border-color: var(--ok); }
.verdict { border-left: .5rem solid; padding: .75rem 1rem; margin: 1.5rem 0 1rem; font-size: 1.1rem; font-weight: 600; background: #8881; border-radius: .25rem; }
.ok { border-color: var(--ok); } .bad { border-color: var(--bad); } .warn { border-color: var(--warn); }
table { border-collapse: collapse; width: 100%; } th, td { text-align: left; padding: .35rem .75rem .35rem 0; border-bottom: 1px solid var(--line); vertical-align: top; overflow-wrap: anywhere; } th { white-space: nowrap; font-weight: 600; width: 13rem; }
li { overflow-wrap: anywhere; } .wrong li::marker { color: var(--bad); } time { font-variant-numeric: tabular-nums; opacity: .75; margin-right: .75rem; }
button { font: inherit; padding: .25rem .75rem; } header { display: flex; justify-content: space-between; align-items: start; gap: 1rem; } [hidden] { display: none; }
@media print { #drop, button, progress, #caseBox { display: none; } body { max-width: none; padding: 0; } }
@media (max-width: 40rem) { body { padding: 1rem; } th, td { display: block; width: auto; white-space: normal; padding-right: 0; } th { border: 0; padding-bottom: 0; } td { padding-top: 0; } ol, ul { padding-left: 1.75rem; } }
</style>
</head>
<body>
<header><div><h1 data-t="title"></h1><p class="lead" data-t="lead"></p></div><button id="lang" type="button"></button></header>
<main>
<div id="drop">
<label for="bundle" style="margin-top:0"><span data-t="bundle"></span></label><input id="bundle" type="file">
<label for="keys"><span data-t="keys"></span> <small data-t="keysHint"></small></label><textarea id="keys" spellcheck="false" placeholder="log.example.jp/honnin+1a2b3c4d+AZ…"></textarea>
<label for="known"><span data-t="known"></span> <small data-t="knownHint"></small></label><input id="known" type="file" multiple>
<label for="anchors"><span data-t="anchors"></span> <small data-t="anchorsHint"></small></label>
<input id="anchors" type="file" multiple>
<label for="authAnchors"><span data-t="authAnchors"></span> <small data-t="oneKindHint"></small></label>
<input id="authAnchors" type="file" multiple>
<label for="signAnchors"><span data-t="signAnchors"></span> <small data-t="oneKindHint"></small></label>
<input id="signAnchors" type="file" multiple>
<label for="tsa"><span data-t="tsa"></span> <small data-t="tsaHint"></small></label><input id="tsa" type="file" multiple>
<label for="required"><input id="required" type="checkbox"> <span data-t="required"></span> <small data-t="requiredHint"></small></label>
<label for="crls"><span data-t="crls"></span> <small data-t="crlsHint"></small></label><input id="crls" type="file" multiple>
<label for="witnesses"><span data-t="witnesses"></span> <small data-t="witnessesHint"></small></label>
<textarea id="witnesses" spellcheck="false"></textarea>
<label for="settings"><span data-t="settings"></span> <small data-t="settingsHint"></small></label>
<textarea id="settings" spellcheck="false"></textarea>
<label for="list"><span data-t="list"></span> <small data-t="listHint"></small></label><input id="list" type="file" multiple>
</div>
<p id="status" role="status" aria-live="polite"></p><progress id="bar" max="1" value="0" hidden></progress>
<section id="result" hidden><div id="verdict" class="verdict"></div><table><tbody id="facts"></tbody></table>
<div id="listBox" hidden><h2 data-t="listTitle"></h2><div id="listVerdict" class="verdict"></div><ol id="listFound" class="wrong"></ol></div>
<div id="wrongBox" hidden><h2 data-t="wrong"></h2><ol id="wrong" class="wrong"></ol></div>
<div id="undecidedBox" hidden><h2 data-t="undecided"></h2><ol id="undecided"></ol></div>
<div id="erasedBox" hidden><h2 data-t="erased"></h2><ul id="erased"></ul></div>
<div id="openBox" hidden><h2 data-t="open"></h2><ol id="open"></ol></div>
<div id="heldBox"><h2 data-t="heldTitle"></h2><table><tbody id="held"></tbody></table>
<p><button id="print" type="button" data-t="print"></button></p></div>
<div id="caseBox"><h2 data-t="why"></h2><label for="case" style="margin-top:0"><span data-t="case"></span></label><select id="case"></select><ol id="story"></ol></div></section>
</main>
<script type="text/plain" id="engine">
SCRIPT
// One thread or two: the same functions answer the same messages.
const answerTo = (post) => {
  const verifier = new honnin.PageVerifier((what, share) => post({ what, share }));
  return async ({ id, call, args }) => {
    try { post({ id, result: await verifier[call](...args) }); } catch (error) { post({ id, error: error instanceof Error ? error.message : String(error) }); }
  };
};
if (typeof document === 'undefined') { const answer = answerTo((message) => postMessage(message)); onmessage = (event) => answer(event.data); }
else globalThis.honninAnswerTo = answerTo;
</script>
<script>
(() => {
  const $ = (id) => document.getElementById(id);
  const T = {
    ja: { title: '監査バンドルの検証', lead: 'このページは通信しません。ファイルは外に送られず、署名・証明・欠番・すべての判定をこの端末で計算し直します。', bundle: 'バンドルのファイル(ドラッグも可)', keys: 'ログの公開鍵', keysHint: '運営者から別の経路で受け取ったもの。空の場合、作成者は確認できません。', known: '手元のチェックポイント', knownHint: '以前に受け取った写しがあれば、ログが書き換えられていないことを確かめます。',
      wrong: '合わない点', erased: '消去された登録者', open: '再計算できない判定', why: '判定の理由', case: '案件', working: '計算しています…', good: 'すべて記載のとおりです。', bad: (n) => n + '件の合わない点があります。', maker: '内容に矛盾はありませんが、公開鍵がないため作成者を確認できません。', other: 'English',
      log: 'ログ', entries: (a, b) => a + '件(チェックポイント時点で' + b + '件)', range: '範囲', gaps: '欠番なし', gapsWithin: '求められた範囲に欠番なし(ログのほかの記録は含まれていません)', mayGap: '欠番がないとは言えません(案件単位の書き出し)', signed: '署名', yes: '与えられた鍵による署名', no: '与えられた鍵では確認できません', none: '確認していません', decisions: '判定', ofd: (a, b) => b + '件中' + a + '件の判定を再現', facts: (n) => '判定を伴わない事実 ' + n + '件', made: '作成日時', query: '検索条件', knownN: '手元のチェックポイント', agree: (n) => n + '件と一致', stamp: 'タイムスタンプ', stampYes: 'あり(このページでは検証していません。honnin audit verify --tsa-anchor で検証してください)', stampNo: 'なし', time: '所要時間', at: (i) => i + '番: ', rule: (e) => e.atUtc + ' 規則「' + e.rule + '」により消去(' + e.index + '番)', keyBad: '公開鍵の形式が正しくありません: ' },
    en: { title: 'Audit bundle verifier', lead: 'This page makes no connection. Your file stays here; signatures, proofs, gaps and every decision are computed again on this machine.', bundle: 'File of the bundle (or drop it here)', keys: 'Public key of the log', keysHint: 'As you got it from the operator by another way. Without it nobody knows who made the bundle.', known: 'Checkpoints that you have', knownHint: 'Copies from earlier show that the log was not rewritten since.',
      wrong: 'What does not fit', erased: 'Erased registrants', open: 'Decisions that could not be made again', why: 'Why it was decided so', case: 'Case', working: 'Computing …', good: 'Everything is as it says.', bad: (n) => n + (n === 1 ? ' thing does not fit.' : ' things do not fit.'), maker: 'Nothing contradicts itself, but without a public key nobody knows who made it.', other: '日本語',
      log: 'Log', entries: (a, b) => a + ' entries (' + b + ' at the checkpoint)', range: 'Range', gaps: 'no gaps', gapsWithin: 'no gaps in the range that was asked for; other entries of the log are not here', mayGap: 'gaps are not excluded (export of a case)', signed: 'Signature', yes: 'by the key that you gave', no: 'NOT by the key that you gave', none: 'not checked', decisions: 'Decisions', ofd: (a, b) => a + ' of ' + b + ' decisions reproduced', facts: (n) => n + ' facts without a decision', made: 'Made', query: 'Query', knownN: 'Known checkpoints', agree: (n) => 'agrees with ' + n, stamp: 'Timestamp', stampYes: 'there is one (not verified here: use honnin audit verify --tsa-anchor)', stampNo: 'none', time: 'Time taken', at: (i) => 'entry ' + i + ': ', rule: (e) => 'erased on ' + e.atUtc + ' by rule ' + e.rule + ' (entry ' + e.index + ')', keyBad: 'The public key has not the right form: ' },
  };
  Object.assign(T.ja, { reading: (p) => '読み込んでいます… ' + p + '%', verifying: (p) => '計算しています… ' + p + '%', whole: 'バンドル全体: ', certs: '電子証明書の検証結果', certsN: (n, e) => n + '件(うち証拠のあるもの ' + e + '件)。このページは証明書を検証する機能を持たないため、再計算していません。認証局の証明書を用意して honnin audit verify --anchors で再計算してください。', certsNone: 'なし', gone: (n) => n + '件の証拠は登録者とともに消去済み', ended: (n) => '認められなかった証明書の証拠' + n + '件は保存期間の満了により消去済み', held: (n) => n + '件の証拠は求められたのに含まれていません', broken: '計算できませんでした: ' });
  // What each kind of discrepancy means; the detail that follows is written by the verifier, in English.
  Object.assign(T.ja, { codes: { bundle_malformed: 'バンドルの形式が正しくありません', checkpoint_signature: 'チェックポイントの署名が正しくありません', origin_differs: '別のログのものです', leaf_malformed: '記録の形式が正しくありません', root_differs: '記録が署名されたルートに一致しません', range_has_gaps: '範囲に欠番があります', fork: 'ログが書き換えられています', certificate_differs: '母集団証明書の内容が一致しません', certificate_signature: '母集団証明書の署名を確認できません', list_differs: '一覧が記録と一致しません', opening_differs: '氏名等の開示が一致しません', timestamp_checkpoint: 'タイムスタンプの対象がこのログではありません', decision_differs: '判定が規則と一致しません', certificate_verdict_differs: '電子証明書の検証結果が証拠と一致しません', certificate_anchor: '電子証明書の検証に使われたルート証明書が与えられていません', certificate_settings: '電子証明書の検証結果は、サーバーの設定では証拠と一致しますが、このページの設定では一致しません' } });
  Object.assign(T.en, { codes: {} });
  Object.assign(T.en, { reading: (p) => 'Reading … ' + p + ' %', verifying: (p) => 'Computing … ' + p + ' %', whole: 'the bundle as a whole: ', certs: 'Certificate verdicts', certsN: (n, e) => n + ', evidence for ' + e + '. Not recomputed here, because this page cannot judge certificates: use honnin audit verify --anchors with your own copy of the roots of the certification service.', certsNone: 'none', gone: (n) => 'evidence of ' + n + ' was erased with the registrant', ended: (n) => 'evidence of ' + n + ' refused was erased after retention', held: (n) => 'evidence of ' + n + ' was asked for and is not there', broken: 'It could not be computed: ' });
  Object.assign(T.ja, { undecided: '判断できない点', unsure: (n) => '合わない点はありませんが、手元の資料では判断できない点が' + n + '件あります。', notRead: '読み込めませんでした' });
  Object.assign(T.en, { undecided: 'What cannot be judged', unsure: (n) => 'Nothing is wrong, and ' + n + (n === 1 ? ' thing' : ' things') + ' cannot be judged with what you gave.', notRead: 'not read' });
  Object.assign(T.ja.codes, {
    timestamp_absent: 'タイムスタンプがありません。付けられなかったのか、ログを書き換えた者が外したのかは区別できません',
    timestamp_no_roots: 'タイムスタンプ局のルート証明書が与えられていません',
    timestamp_certificate_untrusted_issuer: '与えられたルート証明書の局のものではありません',
    timestamp_certificate_bad_signature: '与えられたルート証明書の局のものではありません',
    timestamp_revocation_unknown: '与えられたCRLでは失効を判断できません',
    timestamp_revocation_malformed: '与えられたCRLを読み取れません',
    timestamp_time_in_future: 'この端末の時計より後の時刻です',
  });
  Object.assign(T.ja.codes, { loss_declared: '記録の喪失が宣言されています', loss_wrong: '喪失の宣言が正しくありません' });
  Object.assign(T.ja.codes, { cosignature_wrong: '証人の副署が正しくありません', not_witnessed: '証人の副署が足りません' });
  Object.assign(T.ja.codes, { no_key: '公開鍵が与えられていません', other_key: '与えられた鍵による署名ではありません', known_unreadable: '手元のチェックポイントを読み取れません', known_of_another_log: '手元のチェックポイントは別のログのものです', known_unsigned: '手元のチェックポイントにこのログの署名がありません', known_is_newer: '手元のチェックポイントの方が新しいものです', known_without_proof: '手元のチェックポイントとの整合性の証明がありません', evidence_absent: '求められた証拠が含まれていません', evidence_missing: '求められた証拠が含まれていません', evidence_differs: '証拠が記録の示すものと一致しません', decision_of_another_version: 'このページでは再計算できない判定です', succession_malformed: '鍵の引き継ぎの記録が正しくありません', two_successors: '一つの鍵が二つの後継の鍵を認めています' });
  Object.assign(T.ja, {
    anchors: '認証局のルート証明書', anchorsHint: '認証局から直接受け取った写し(PEM・DER)。証明書の検証結果を、証拠からこの端末で計算し直します。',
    tsa: 'タイムスタンプ局のルート証明書', tsaHint: '与えた場合、タイムスタンプを検証します。タイムスタンプがなければ「判断できない」とします。',
    authAnchors: '利用者証明用電子証明書だけのルート証明書', signAnchors: '署名用電子証明書だけのルート証明書',
    oneKindHint: '二種類の証明書でルートを分ける場合。両方に使うものは上の欄に。',
    required: 'タイムスタンプを必須とする',
    requiredHint: 'このログにタイムスタンプが付くと分かっている場合。有効なタイムスタンプがなければ「合わない」とします。',
    requiredYes: 'はい', requiredNo: 'いいえ', stampOpen: 'タイムスタンプを判断できません: ',
    crls: 'タイムスタンプ局のCRL', crlsHint: '与えた場合、署名証明書の失効も確かめます。',
    list: '受け取った一覧(JSON)', listHint: 'ログ全体のバンドルから一覧を作り直して照合します。', listTitle: '一覧の照合',
    listGood: (a) => a + '行すべてが記録のとおりで、欠けはありません。', listBad: (n) => n + '件の合わない点があります。',
    listUnsure: '合わない点はありませんが、手元の資料では判断できません。', listBroken: '一覧がJSONではありません: ',
    certsN: (n, e) => n + '件(うち証拠のあるもの ' + e + '件)。再計算していません: 認証局のルート証明書を与えてください',
    certsDone: (a, n) => n + '件中' + a + '件の検証結果を再現', certsLeft: (n) => n + '件は再計算できませんでした',
    stampYes: 'あり。検証していません: タイムスタンプ局のルート証明書を与えてください', stampBad: 'タイムスタンプが正しくありません: ',
    stampGood: (s) => '先頭' + s.treeSize + '件のチェックポイントは ' + s.existedBeforeUtc + ' より前に存在(' + s.authority + ')',
    witnesses: '証人の公開鍵', witnessesHint: '1行に1つ。全員の副署を求めます。足りるとする数は、別の行に数字で書けます。',
    witnessed: (w) => (w.size === null ? '副署なし' : '先頭' + w.size + '件に ' + w.by.join(', ') + ' の副署(' + w.atUtc + ' から)') + '、必要数 ' + w.needed + '/' + w.of,
    heldTitle: 'この報告の根拠', print: 'この報告を印刷する', file: 'バンドルのファイル', files: (n) => n + '件', noFile: '与えられていません',
    engine: 'このページの計算部', engineText: (h) => 'SHA-256 ' + h + '。honnin audit page が同じ値を表示します', judgedAt: '検証した日時(この端末の時計)',
    settings: '認証局についてのサーバーの設定',
    settingsHint: '既定値と異なる場合だけ、1行に1つ: auth-policy、sign-policy、auth-usage、sign-usage とOID、'
      + 'status-age と秒数、またはタイムスタンプの tsa-policy とOID。',
    origin: 'このページのコードの出所',
    originText: (v, s) => 'Honnin ' + v + '、ソース一覧の SHA-256 ' + s + '(honnin audit page --sources で確かめられます)',
  });
  Object.assign(T.en, {
    anchors: 'Roots of the certification service', anchorsHint: 'Your own copies (PEM or DER): certificate verdicts are computed again here from the evidence.',
    tsa: 'Roots of the timestamp authority', tsaHint: 'With them the timestamp is judged; a bundle without one cannot be judged then.',
    authAnchors: 'Roots for user authentication alone', signAnchors: 'Roots for signatures alone',
    oneKindHint: 'Where the roots of the two kinds of certificates are kept apart; what serves both belongs above.',
    required: 'Require a timestamp',
    requiredHint: 'Where you know that this log is stamped: a bundle without a timestamp that holds is wrong then.',
    requiredYes: 'yes', requiredNo: 'no', stampOpen: 'the timestamp cannot be judged: ',
    crls: 'CRLs of the timestamp authority', crlsHint: 'With them the revocation of its certificates is judged too.',
    list: 'A list that you got (JSON)', listHint: 'It is drawn again from a bundle of the whole log and compared.', listTitle: 'The list',
    listGood: (a) => 'It is complete, and all ' + a + ' rows are as the events say.',
    listBad: (n) => n + (n === 1 ? ' thing does not fit.' : ' things do not fit.'),
    listUnsure: 'Nothing is wrong, but it cannot be judged with what you gave.', listBroken: 'The list is not JSON: ',
    certsN: (n, e) => n + ', evidence for ' + e + '. Not recomputed: give the roots of the certification service',
    certsDone: (a, n) => a + ' of ' + n + ' certificate verdicts reproduced', certsLeft: (n) => n + ' could not be recomputed',
    stampYes: 'there is one. Not judged: give the roots of its authority', stampBad: 'the timestamp: ',
    stampGood: (s) => 'the checkpoint of the first ' + s.treeSize + ' entries existed before ' + s.existedBeforeUtc + ' by ' + s.authority,
    witnesses: 'Keys of witnesses', witnessesHint: 'One per line; all of them must have cosigned, or as many as a line with a number says.',
    witnessed: (w) => (w.size === null ? 'nothing is cosigned' : 'the first ' + w.size + ' entries, by ' + w.by.join(', ') + ', since ' + w.atUtc) + '; needed: ' + w.needed + ' of ' + w.of,
    heldTitle: 'What this report rests on', print: 'Print this report', file: 'File of the bundle', files: (n) => n + (n === 1 ? ' file' : ' files'),
    noFile: 'not given', engine: 'What computed it', engineText: (h) => 'SHA-256 ' + h + '; honnin audit page prints the same',
    settings: 'Settings of the certification service',
    settingsHint: 'Where they differ from the defaults, one per line: auth-policy, sign-policy, auth-usage, sign-usage and OIDs, '
      + 'status-age and seconds; or tsa-policy and the OID of the policy that a timestamp must name.',
    judgedAt: 'Judged at (clock of this machine)', origin: 'Where its code comes from',
    originText: (v, s) =>
      'Honnin ' + v + ', SHA-256 of the list of its sources ' + s + ' (honnin audit page --sources prints that list)',
  });
  let language = 'ja', loaded = false, report = null, seconds = 0, known = [], listFound = null, engine = '', bundleName = '', judgedAt = '';
  // Contents of files with what the reader trusts, and their names for the report.
  const given = { anchors: [], authAnchors: [], signAnchors: [], tsa: [], crls: [], list: [] };
  const GIVEN = Object.keys(given), hasRoots = () => ['anchors', 'authAnchors', 'signAnchors'].some((id) => given[id].length > 0);

  // The work is done on a thread of its own; where a browser refuses one to a file, it is done here, between two
  // paintings.
  let post, thread = 'worker', asked = 0;
  const waiting = new Map();
  const heard = ({ id, result, error, what, share }) => {
    if (id === undefined) { progress(what, share); return; }
    const { resolve, reject } = waiting.get(id); waiting.delete(id);
    if (error === undefined) resolve(result); else reject(new Error(error));
  };
  const here = () => { thread = 'page'; const script = document.createElement('script'); script.textContent = $('engine').textContent; document.head.append(script); const answer = globalThis.honninAnswerTo(heard); post = (message) => setTimeout(() => answer(message), 30); };
  try {
    const worker = new Worker(URL['createObjectURL'](new Blob([$('engine').textContent], { type: 'text/javascript' })));
    worker.onmessage = (event) => heard(event.data);
    worker.onerror = () => { const again = [...waiting.values()]; here(); for (const { message } of again) post(message); };
    post = (message) => worker.postMessage(message);
  } catch { here(); }
  const ask = (call, ...args) => new Promise((resolve, reject) => { const id = (asked += 1), message = { id, call, args }; waiting.set(id, { resolve, reject, message }); post(message); });
  function progress(what, share) { const p = Math.round(share * 100); $('bar').hidden = false; $('bar').value = share; $('status').textContent = T[language][what](p); document.body.dataset.progress = String(Number(document.body.dataset.progress ?? 0) + 1); }
  function quiet(text) { $('bar').hidden = true; $('status').textContent = text; }
  const item = (parent, text) => { const li = document.createElement('li'); li.textContent = text; parent.append(li); return li; };
  const fact = (name, value) => { const tr = document.createElement('tr'), th = document.createElement('th'), td = document.createElement('td'); th.textContent = name; th.scope = 'row'; td.textContent = value; tr.append(th, td); $('facts').append(tr); };
  const number = (n) => n.toLocaleString(language);
  function words() { document.documentElement.lang = language; for (const e of document.querySelectorAll('[data-t]')) e.textContent = T[language][e.dataset.t]; $('lang').textContent = T[language].other; }
  function show() {
    const t = T[language], r = report, hasKey = $('keys').value.trim() !== '';
    const stampAs = (judgement, word) => r.stamp.judgement === judgement ? [{ code: 'timestamp_' + r.stamp.reason, index: null, detail: word + r.stamp.text }] : [];
    const wrong = [...r.discrepancies, ...stampAs('wrong', t.stampBad)];
    const undecided = [...r.undecided, ...stampAs('undecided', t.stampOpen)];
    for (const id of ['facts', 'wrong', 'undecided', 'erased', 'open']) $(id).replaceChildren();
    $('verdict').className = 'verdict ' + (wrong.length > 0 ? 'bad' : r.sound ? 'ok' : 'warn');
    $('verdict').textContent = wrong.length > 0 ? t.bad(wrong.length) : r.sound ? t.good : hasKey ? t.unsure(undecided.length) : t.maker;
    fact(t.decisions, t.ofd(number(r.replay.reproduced), number(r.replay.decisions)) + ' / ' + t.facts(number(r.replay.facts)));
    fact(t.log, (r.origin ?? '—') + ' / ' + t.entries(number(r.leaves), number(r.treeSize ?? 0)));
    fact(t.range, (r.first ?? '—') + ' – ' + (r.last ?? '—') + ' / ' + (!r.noGaps ? t.mayGap : r.leaves === r.treeSize ? t.gaps : t.gapsWithin));
    fact(t.signed, r.trust === 'trusted' ? t.yes + ' / ' + r.signedBy : hasKey ? t.no : t.none);
    if (known.length > 0) fact(t.knownN, t.agree(number(r.knownCheckpoints)) + ' / ' + known.length);
    if (r.witnessed) fact(t.witnesses, t.witnessed(r.witnessed));
    const stamped = r.stamp.existedBeforeUtc ? t.stampGood(r.stamp) : r.stamp.judgement === 'wrong' ? t.stampBad + r.stamp.text : r.stamp.judgement === 'undecided' ? t.stampOpen + r.stamp.text : null;
    fact(t.stamp, !r.wasRead ? t.notRead : stamped ?? (r.timestamp ? t.stampYes : t.stampNo));
    const c = r.certificates, e = c.verdicts - c.absent.erased - c.absent.erased_after_retention - c.absent.not_permitted - c.absent.not_kept - c.absent.withheld;
    fact(t.certs, c.verdicts === 0 ? t.certsNone : [hasRoots() ? t.certsDone(number(c.reproduced), number(c.verdicts)) : t.certsN(number(c.verdicts), number(e)), ...(c.absent.not_possible > 0 ? [t.certsLeft(number(c.absent.not_possible))] : []), ...(c.absent.erased > 0 ? [t.gone(number(c.absent.erased))] : []), ...(c.absent.erased_after_retention > 0 ? [t.ended(number(c.absent.erased_after_retention))] : []), ...(c.absent.withheld > 0 ? [t.held(number(c.absent.withheld))] : [])].join(' / '));
    fact(t.made, r.createdAtUtc ?? '—'); fact(t.query, JSON.stringify(r.query)); fact(t.time, seconds.toFixed(2) + ' s');
    for (const d of wrong.slice(0, 200)) item($('wrong'), (d.index === null ? t.whole : t.at(number(d.index))) + (t.codes[d.code] ? t.codes[d.code] + '。' : '') + d.detail + ' [' + d.code + ']');
    for (const u of undecided.slice(0, 200)) item($('undecided'), (u.index === null ? '' : t.at(number(u.index))) + (t.codes[u.code] ? t.codes[u.code] + '。' : '') + u.detail + ' [' + u.code + ']');
    $('undecidedBox').hidden = undecided.length === 0;
    $('caseBox').hidden = $('case').options.length === 0;
    for (const e of r.erased) item($('erased'), e.registrant.slice(0, 26) + '… ' + t.rule(e));
    for (const f of r.replay.notReproducible.slice(0, 50)) item($('open'), t.at(number(f.index)) + f.type + ': ' + f.problem);
    $('wrongBox').hidden = wrong.length === 0; $('erasedBox').hidden = r.erased.length === 0; $('openBox').hidden = r.replay.notReproducible.length === 0;
    showList(); showHeld();
    $('result').hidden = false; tell();
  }
  function showList() {
    const t = T[language], l = listFound;
    $('listBox').hidden = l === null; $('listFound').replaceChildren();
    if (l === null) return;
    $('listVerdict').className = 'verdict ' + (l.discrepancies.length > 0 ? 'bad' : l.sound ? 'ok' : 'warn');
    $('listVerdict').textContent = l.discrepancies.length > 0 ? t.listBad(l.discrepancies.length) : l.sound ? t.listGood(number(l.agreeing)) : t.listUnsure;
    for (const d of [...l.discrepancies, ...l.undecided].slice(0, 200)) item($('listFound'), (d.index == null ? '' : t.at(number(d.index))) + d.detail + ' [' + d.code + ']');
  }
  // What an auditor files: which file was judged, with what, by which program.
  function showHeld() {
    const t = T[language], row = (name, value) => { const tr = document.createElement('tr'), th = document.createElement('th'), td = document.createElement('td'); th.textContent = name; th.scope = 'row'; td.textContent = value; tr.append(th, td); $('held').append(tr); };
    $('held').replaceChildren();
    const files = (id) => (given[id].length === 0 ? t.noFile : given[id].map((f) => f.name + ' (SHA-256 ' + f.sha256 + ')').join(', '));
    row(t.file, bundleName); row(t.judgedAt, judgedAt);
    row(t.keys, $('keys').value.trim() || t.noFile); row(t.known, known.length === 0 ? t.noFile : t.files(known.length));
    row(t.witnesses, $('witnesses').value.trim() || t.noFile); row(t.settings, $('settings').value.trim() || t.noFile);
    for (const id of GIVEN) row(t[id], files(id));
    row(t.required, $('required').checked ? t.requiredYes : t.requiredNo);
    row(t.engine, t.engineText(engine));
    row(t.origin, t.originText(...document.querySelector('meta[name=honnin-origin]').content.split(' ')));
  }
  async function tell() {
    const id = $('case').value, told = id ? await ask('story', id, language) : [];
    if (id !== $('case').value) return;
    $('story').replaceChildren();
    for (const e of told) { const li = item($('story'), ''), time = document.createElement('time'); time.textContent = e.atUtc; li.append(time, e.text); }
  }
  // Only the newest question counts: an answer to an earlier key or file must not be shown.
  let run_ = 0, reading = 0, taken = 0;
  async function run() {
    if (!loaded || reading > 0) return;
    const mine = (run_ += 1), start = performance.now();
    try {
      const bytes = (id) => given[id].map((f) => f.bytes);
      const trust = { anchors: bytes('anchors'), authAnchors: bytes('authAnchors'), signAnchors: bytes('signAnchors'),
        tsaAnchors: bytes('tsa'), tsaCrls: bytes('crls'), isTimestampRequired: $('required').checked,
        witnesses: $('witnesses').value, settings: $('settings').value };
      const found = await ask('verify', $('keys').value, known, trust, Date.now());
      const list = given.list.length === 0 ? null : await ask('verifyList', bytes('list'), $('keys').value, known, $('witnesses').value);
      if (mine !== run_) return;
      engine = await ask('digestOf', $('engine').textContent); judgedAt = new Date().toISOString(); listFound = list;
      report = found; seconds = (performance.now() - start) / 1000;
      quiet('');
      const cases = await ask('cases', 20000);
      if (mine !== run_) return;
      $('case').replaceChildren(...cases.map((id) => { const o = document.createElement('option'); o.textContent = id; return o; }));
      show();
      document.body.dataset.done = JSON.stringify({ sound: report.sound, seconds, thread, decisions: report.replay.decisions, reproduced: report.replay.reproduced, discrepancies: report.discrepancies.map((d) => d.code), stamp: report.stamp, certificates: report.certificates, undecided: report.undecided.map((d) => d.code), isTimestampRequired: $('required').checked, of: [bundleName, ...GIVEN.flatMap((id) => given[id].map((f) => f.name))], list: listFound && { sound: listFound.sound, codes: listFound.discrepancies.map((d) => d.code) } });
    } catch (error) { if (mine === run_) { $('result').hidden = true; quiet((/verifier key|key id/.test(error.message) ? T[language].keyBad : T[language].broken) + error.message); } }
  }
  const take = async (file) => {
    if (!file) return;
    // Counted apart: roots that are chosen while a file is being read are no other file.
    const mine = (taken += 1); run_ += 1;
    loaded = false; $('result').hidden = true; progress('reading', 0);
    try { bundleName = file.name + ' (SHA-256 ' + (await ask('digestOf', file)) + ')'; await ask('read', file); if (mine === taken) { loaded = true; await run(); } } catch (error) { if (mine === taken) quiet(T[language].broken + error.message); }
  };
  $('bundle').addEventListener('change', () => take($('bundle').files[0]));
  $('keys').addEventListener('change', run);
  $('witnesses').addEventListener('change', run);
  $('settings').addEventListener('change', run);
  $('required').addEventListener('change', run);
  $('known').addEventListener('change', async () => { known = await Promise.all([...$('known').files].map((f) => f.text())); run(); });
  for (const id of GIVEN) {
    $(id).addEventListener('change', async () => {
      // What was judged with other files must not be taken for what these give.
      reading += 1; run_ += 1; $('result').hidden = true;
      try { given[id] = await Promise.all([...$(id).files].map(async (f) => ({ name: f.name, bytes: new Uint8Array(await f.arrayBuffer()), sha256: await ask('digestOf', f) }))); }
      finally { reading -= 1; }
      run();
    });
  }
  $('print').addEventListener('click', () => print());
  $('case').addEventListener('change', tell);
  $('lang').addEventListener('click', () => { language = language === 'ja' ? 'en' : 'ja'; words(); if (report) show(); });
  for (const name of ['dragover', 'dragleave', 'drop']) $('drop').addEventListener(name, (e) => { e.preventDefault(); $('drop').classList.toggle('over', name === 'dragover'); if (name === 'drop') take(e.dataTransfer.files[0]); });
  words();
})();
</script>
</body>
</html>
`;
