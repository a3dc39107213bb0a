import type { PublicStatus } from '../../application/ports/store/read-models.js';

/** A sentence in the holder's languages. */
export interface Words {
  readonly ja: string;
  readonly en: string;
}

export interface ShownStatus {
  readonly receipt: string;
  readonly status: PublicStatus;
  readonly updatedAtUtc: string;
}

const STATUS_WORDS: Readonly<Record<PublicStatus, Words>> = {
  received: { ja: '受け付けました。確認を待っています。', en: 'It is received and waits to be checked.' },
  processing: { ja: '確認しています。しばらくお待ちください。', en: 'It is being checked. Please wait.' },
  registered: { ja: '登録が完了しました。', en: 'The photograph is registered.' },
  not_registered: {
    ja: '登録できませんでした。窓口にお問い合わせください。',
    en: 'It was not registered. Please ask the office.',
  },
  visit_again: { ja: 'もう一度、証明写真機でお手続きください。', en: 'Please come to a photo booth again.' },
};

const ASK: Words = {
  ja: '控えに印刷された16文字の番号を入力してください。小文字でも、「-」がなくても構いません。',
  en: 'Type the number of 16 letters and digits on your receipt. Small letters will do, and dashes may be left out.',
};

export const UNKNOWN: Words = {
  ja: 'この番号の受付は見つかりません。番号をもう一度お確かめください。',
  en: 'No request has this number. Please look at the number again.',
};

const TIME = new Intl.DateTimeFormat('ja-JP', { timeZone: 'Asia/Tokyo', dateStyle: 'long', timeStyle: 'short' });

/** The page on which a holder asks for a status. It needs no script, and sends the number in the body of a question: an
 * address would stay in the history of a shared computer. */
export function receiptPage(told: ShownStatus | Words | null): string {
  const words = told === null ? '' : 'status' in told ? statusOf(told) : paragraph(told);
  const answer = words === '' ? '' : `<section role="status">\n${words}\n</section>\n`;
  return `<!doctype html>
<html lang="ja">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>受付の状況 Status of a receipt</title>
<h1>受付の状況 <span lang="en">Status of a receipt</span></h1>
${answer}<form method="post" action="/receipt">
<p><label for="number">${both(ASK)}</label></p>
<p><input id="number" name="number" required maxlength="64" size="24" autocomplete="off" autocapitalize="characters"
spellcheck="false"> <button>状況を見る <span lang="en">Show</span></button></p>
</form>
<p><a href="/">本人 <span lang="en">Honnin</span></a></p>
</html>
`;
}

function statusOf({ receipt, status, updatedAtUtc }: ShownStatus): string {
  const proof = `/v1/registrations/${receipt}/proof`;
  return `<p><code>${receipt}</code></p>
${paragraph(STATUS_WORDS[status])}
<p><time datetime="${updatedAtUtc}">${TIME.format(new Date(updatedAtUtc))}</time>
（日本時間 <span lang="en">Japan time</span>）</p>
<p><a href="${proof}" download="receipt-proof.json">記録されていることの証明（ファイル）<br><span lang="en">Proof that it is
on record, as a file</span></a></p>`;
}

function paragraph(words: Words): string {
  return `<p><strong>${both(words)}</strong></p>`;
}

function both({ ja, en }: Words): string {
  return `${ja}<br><span lang="en">${en}</span>`;
}
