import { describe, expect, it } from '@jest/globals';
import { photoProblem } from '../../src/domain/photo/photo-problem.js';
import { PhotoFault, refusedPhoto, type PhotoRefusalReason } from '../../src/domain/photo/photo-refusal.js';
import { markerName } from '../../src/domain/photo/photo-segments.js';
import { ascii } from '../support/jpeg-writer.js';

const MORE_THAN_PLAIN: readonly PhotoRefusalReason[] = [
  'not_a_jpeg',
  'jfif_malformed',
  'jfif_version',
  'pixels_not_square',
  'thumbnail',
  'metadata',
  'comment',
  'process_unsupported',
  'segment_unexpected',
  'segment_malformed',
  'segment_repeated',
  'stray_bytes',
  'fill_bytes',
  'precision_unsupported',
  'components_unsupported',
  'component_ids',
  'sampling_unsupported',
  'table_malformed',
  'table_precision',
  'table_missing',
  'table_unused',
  'scan_malformed',
  'scan_order',
  'scans_too_many',
  'data_left_over',
  'padding_bits',
  'bytes_after_end',
];
const SPOILT: readonly PhotoRefusalReason[] = [
  'empty_picture',
  'cut_off',
  'code_unknown',
  'rows_missing',
  'restart_out_of_order',
  'coefficient_out_of_range',
  'sample_out_of_range',
  'scans_missing',
];
const told = (reason: PhotoRefusalReason): object | null =>
  photoProblem('frame1', refusedPhoto(new PhotoFault('scan 2', 77, reason)));
const problem = (code: string, reason: PhotoRefusalReason, remedy: { ja: string; en: string }): object => ({
  code,
  data: { part: 'frame1', segment: 'scan 2', byte: 77, reason, remedy },
});

/** The words are part of the agreement with whoever builds a booth. */
describe('the refusal of a photograph', () => {
  it.each(MORE_THAN_PLAIN)('says how to write it anew: %s', (reason) => {
    const remedy = {
      ja: '画像を画素から作り直し、付加情報のない通常のJPEG(8ビット、グレーまたはYCbCr)として保存してください。',
      en: 'Write the picture anew from its pixels as a plain JPEG (8 bits, grey or YCbCr), without metadata or profile.',
    };
    expect(told(reason)).toEqual(problem('photo_unsupported', reason, remedy));
  });

  it.each(SPOILT)('asks for the whole file: %s', (reason) => {
    const remedy = {
      ja: '画像ファイルが途中で切れているか、壊れています。もう一度撮影するか、完全なファイルを送信してください。',
      en: 'The file is cut off or spoilt. Send the whole file, or take the photograph again.',
    };
    expect(told(reason)).toEqual(problem('photo_damaged', reason, remedy));
  });

  it('asks for fewer pixels', () => {
    const remedy = { ja: '画像の縦横の画素数を減らして保存してください。', en: 'Write the picture with fewer pixels.' };
    expect(told('too_many_pixels')).toEqual(problem('photo_too_large', 'too_many_pixels', remedy));
    expect(refusedPhoto(new PhotoFault('SOF0', 4, 'too_many_pixels'))).toEqual({
      outcome: 'refused',
      kind: 'too_large',
      segment: 'SOF0',
      byte: 4,
      reason: 'too_many_pixels',
      remedy: 'send_smaller',
    });
  });

  it('is none where the photograph is plain', () => {
    const plain = { outcome: 'plain', width: 8, height: 8, components: 1, progressive: false, scans: 1 } as const;
    expect(photoProblem('photo', plain)).toBeNull();
  });
});

describe('the name of a segment', () => {
  const named = (marker: number, text = ''): string =>
    markerName(Uint8Array.from([0, 0xff, marker, 0, 40, ...ascii(text), 1, 2, 3]), 1);

  it('is that of ITU-T T.81 table B.1', () => {
    const many = (first: number, prefix: string, count: number): readonly (readonly [number, string])[] =>
      Array.from({ length: count }, (_, i) => [first + i, `${prefix}${i}`]);
    const names = new Map<number, string>([
      ...many(0xc0, 'SOF', 16),
      ...many(0xd0, 'RST', 8),
      ...many(0xe0, 'APP', 16),
      [0x01, 'TEM'],
      [0xc4, 'DHT'],
      [0xc8, 'JPG'],
      [0xcc, 'DAC'],
      [0xd8, 'SOI'],
      [0xd9, 'EOI'],
      [0xda, 'SOS'],
      [0xdb, 'DQT'],
      [0xdc, 'DNL'],
      [0xdd, 'DRI'],
      [0xde, 'DHP'],
      [0xdf, 'EXP'],
      [0xfe, 'COM'],
    ]);
    for (let marker = 0; marker < 256; marker += 1)
      expect([marker, named(marker)]).toEqual([marker, names.get(marker) ?? 'unknown marker']);
  });

  it.each<[number, string, string]>([
    [0xe0, 'JFIF\0', 'APP0 (JFIF)'],
    [0xe0, 'JFXX\0', 'APP0 (JFXX)'],
    [0xe1, 'Exif\0\0', 'APP1 (Exif)'],
    [0xe1, 'http://ns.adobe.com/xap/1.0/\0', 'APP1 (XMP)'],
    [0xe1, 'http://ns.adobe.com/xmp/extension/\0', 'APP1 (XMP)'],
    [0xe2, 'ICC_PROFILE\0', 'APP2 (ICC profile)'],
    [0xe2, 'MPF\0', 'APP2 (several pictures)'],
    [0xed, 'Photoshop 3.0\0', 'APP13 (Photoshop)'],
    [0xee, 'Adobe', 'APP14 (Adobe)'],
    [0xe0, 'JFIF', 'APP0'],
    [0xe1, 'JFIF\0', 'APP1'],
    [0xe1, 'http://ns.adobe.org/x', 'APP1'],
    [0xe3, 'Exif\0', 'APP3'],
    [0xee, 'Adob', 'APP14'],
    [0xef, '123456789012', 'APP15'],
  ])('says what an application keeps there, and quotes nothing (case %#)', (marker, text, name) => {
    expect(named(marker, text)).toBe(name);
  });
});
