import type { PhotoReading } from './photo-reader.js';
import type { PhotoRefusalReason, PhotoRefused, PhotoRemedy } from './photo-refusal.js';

/** What the door tells about a photograph, or a further frame, that has not one reading. */
export interface PhotoProblem {
  readonly code: 'photo_unsupported' | 'photo_damaged' | 'photo_too_large';
  readonly data: {
    /** The part of the upload: `photo`, or `frame0` and so on. */
    readonly part: string;
    readonly segment: string;
    readonly byte: number;
    readonly reason: PhotoRefusalReason;
    readonly remedy: { readonly ja: string; readonly en: string };
  };
}

const CODES = {
  not_plain: 'photo_unsupported',
  damaged: 'photo_damaged',
  too_large: 'photo_too_large',
} as const satisfies Readonly<Record<PhotoRefused['kind'], PhotoProblem['code']>>;

const REMEDIES: Readonly<Record<PhotoRemedy, PhotoProblem['data']['remedy']>> = {
  write_anew: {
    ja: '画像を画素から作り直し、付加情報のない通常のJPEG(8ビット、グレーまたはYCbCr)として保存してください。',
    en: 'Write the picture anew from its pixels as a plain JPEG (8 bits, grey or YCbCr), without metadata or profile.',
  },
  send_whole: {
    ja: '画像ファイルが途中で切れているか、壊れています。もう一度撮影するか、完全なファイルを送信してください。',
    en: 'The file is cut off or spoilt. Send the whole file, or take the photograph again.',
  },
  send_smaller: { ja: '画像の縦横の画素数を減らして保存してください。', en: 'Write the picture with fewer pixels.' },
};

/** The refusal of a part that is not one picture for every reader; null where it is. */
export function photoProblem(part: string, reading: PhotoReading): PhotoProblem | null {
  if (reading.outcome === 'plain') return null;
  const { kind, segment, byte, reason, remedy } = reading;
  return { code: CODES[kind], data: { part, segment, byte, reason, remedy: REMEDIES[remedy] } };
}
