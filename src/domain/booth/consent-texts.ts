import type { InWords } from '../registration/explain-score.js';

/** A text that a person agrees to before the capture. Source: decision A17. */
export interface ConsentText {
  /** What applying means. Sending the photograph is the application, so it is shown before it is taken. */
  readonly text: InWords;
  /** The question that is answered apart: `keepReferenceImage`. */
  readonly keepReferenceImage: InWords;
}

/** The texts that this program knows, by version. None ever changes: another text is another version. */
export const CONSENT_TEXTS: Readonly<Record<string, ConsentText>> = {
  '2026-11': {
    text: {
      ja:
        'この撮影機は、マイナンバーカードの電子証明書と券面の顔画像を読み取り、あなたの顔写真を撮影します。サーバーは電子証明書が有効で' +
        'あることを確かめ、撮影した写真を、カードの顔画像と、以前に登録された写真があればその写真と照合します。本人と確認できたときは、' +
        '写真、撮影日時、電子証明書を行政機関のサーバーに送り、顔写真の登録を申請します。確認に時間がかかるときは、担当者二名が写真を' +
        '見て判断します。個人番号（マイナンバー）は読み取りません。申請の処理が終わると、送った写真とカードの顔画像は消去されます。' +
        '判断の記録は、写真を含まない形で残り、電子証明書が有効であったことの証拠は暗号化して保存されます。同意する場合は、撮影に進んでください。',
      en:
        'This booth reads the electronic certificate and the face image of your My Number Card and takes your ' +
        'photograph. The server checks that the certificate is valid and compares the photograph with the face image ' +
        'of the card and, where there is one, with the photograph that was registered before. When it is sure that ' +
        'it is you, it sends photograph, time of capture and certificate to the government server: that applies for the ' +
        'registration of your photograph. Where it is not sure, two officers look at the pictures and decide. Your ' +
        'individual number (My Number) is not read. When the application is finished, the photograph that was sent ' +
        'and the face image of the card are erased. Records of the decisions stay, without pictures, and what shows that ' +
        'the certificate was valid stays encrypted. If you agree, go on to the capture.',
    },
    keepReferenceImage: {
      ja:
        '次回の申請で本人確認に使うため、この写真を登録写真として保存してよいですか。同意しなくても申請できます。' +
        '保存した写真は、あなたの求めにより消去されます。',
      en:
        'May this photograph be kept as your registered photograph, to compare it with you at your next application? ' +
        'You can apply without agreeing. A photograph that was kept is erased when you ask for it.',
    },
  },
};
