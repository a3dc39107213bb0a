import type { Json } from '../event-envelope.js';
import type { PictureDoubt } from '../values/face-comparison.js';
import type { InWords } from './explain-score.js';

const IMAGES: Readonly<Record<PictureDoubt['image'], InWords>> = {
  captured: { ja: '撮影した写真', en: 'the photograph' },
  card: { ja: 'カードの写真', en: "the card's picture" },
  registered: { ja: '登録済みの画像', en: 'the registered image' },
};

const DOUBTS: Readonly<Record<PictureDoubt['doubt'], InWords>> = {
  soft: { ja: 'ぼやけている', en: 'soft' },
  small: { ja: '小さい', en: 'small' },
  grey: { ja: '白黒である', en: 'without colour' },
  noisy: { ja: 'ざらついている', en: 'noisy' },
  compressed: { ja: '圧縮が強い', en: 'heavily compressed' },
  flat: { ja: '濃淡に乏しい', en: 'poor in contrast' },
  dark: { ja: '暗い', en: 'dark' },
};

/** Says which pictures make a score less certain, why, and what was done about it, for a reader who decides about a
 * person.
 * @returns null where there is nothing to say */
export function explainDoubts(doubts: readonly PictureDoubt[]): InWords | null {
  const images = [...new Set(doubts.map(({ image }) => image))];
  if (images.length === 0) return null;
  const of = (image: PictureDoubt['image'], language: keyof InWords): string[] =>
    doubts.filter((each) => each.image === image).map(({ doubt }) => DOUBTS[doubt][language]);
  const [ja, en] = [
    images.map((image) => `${IMAGES[image].ja}は${of(image, 'ja').join('、')}`),
    images.map((image) => `${IMAGES[image].en} is ${listed(of(image, 'en'))}`),
  ];
  return {
    ja: `${ja.join('。')}。このような写真どうしでは別人も似て見えるため、点数をその分低くしています。写真から分かることには限りがあります。`,
    en: `${capitalised(en.join('; '))}. Strangers look alike in such pictures, so the score was lowered for it; what they can show is limited.`,
  };
}

/** The doubts of a stored comparison in today's shape; none where it states no basis. */
export function doubtsOfComparison(data: Readonly<Record<string, Json>>): readonly PictureDoubt[] {
  const basis = data['basis'] as { readonly doubts: readonly PictureDoubt[] } | null | undefined;
  return basis?.doubts ?? [];
}

function listed(words: readonly string[]): string {
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`;
}

function capitalised(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
