import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from '@jest/globals';
import sharp from 'sharp';
import { readPhoto, readPhotoOutline } from '../../src/domain/photo/photo-reader.js';
import {
  ascii,
  entropy,
  frame,
  jpeg,
  JFIF,
  quantisers,
  scan,
  segment,
  valueBits,
  WrittenTable,
  type WrittenSegment,
} from '../support/jpeg-writer.js';
import { elsewhere } from '../support/peers.js';
import { itUnless } from '../support/unless.js';

const shared =
  process.env['HONNIN_SHARED'] ?? path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../../../shared');
const DC = new WrittenTable(0x00, [[], [0, 1, 2], [3], [4], [5], [6], [7], [8], [9], [10], [11]]);
const AC = new WrittenTable(0x10, [[], [0x00, 0x01], [0x02, 0x11, 0xf0], [], [], [0x0a]]);
const DQT = segment(0xdb, quantisers(0));
const DHT = segment(0xc4, DC.content, AC.content);
const GREY = [[1, 1, 1, 0]] as const;
const COLOUR = [
  [1, 2, 2, 0],
  [2, 1, 1, 0],
  [3, 1, 1, 0],
] as const;
const SOF = frame(0xc0, { width: 8, height: 8, components: GREY });
const SOS = scan([[1, 0, 0]]);
const mean = (value: number): string => DC.code(valueBits(value).category) + valueBits(value).bits;
const BLOCK = mean(5) + AC.code(0);
/** The pieces of a sound grey picture of one block; each test exchanges one. */
const PIECES = {
  jfif: JFIF as WrittenSegment | readonly number[],
  dqt: DQT,
  sof: SOF,
  dht: DHT,
  sos: SOS,
  data: entropy(BLOCK) as readonly number[],
};
const written = (
  changes: Partial<typeof PIECES> = {},
  behind: readonly (WrittenSegment | readonly number[])[] = [],
): Buffer => {
  const { jfif, dqt, sof, dht, sos, data } = { ...PIECES, ...changes };
  return jpeg(jfif, dqt, sof, dht, sos, data, ...behind);
};
const refusal = (segmentName: string, byte: number, reason: string): object => ({
  outcome: 'refused',
  segment: segmentName,
  byte,
  reason,
});
/** Where the pieces begin in the file that `written()` gives. */
const AT = { jfif: 2, dqt: 20, sof: 89, dht: 102, sos: 0, data: 0, end: 0 };
AT.sos = AT.dht + 4 + DC.content.length + AC.content.length;
AT.data = AT.sos + 10;
AT.end = AT.data + PIECES.data.length;

describe('a plain photograph', () => {
  it('is read from its first byte to its last', () => {
    expect(readPhoto(written())).toEqual({
      outcome: 'plain',
      width: 8,
      height: 8,
      components: 1,
      progressive: false,
      scans: 1,
    });
  });

  it.each(['JFIF', 'no JFIF'])('may have %s', (kind) => {
    expect(readPhoto(written(kind === 'JFIF' ? {} : { jfif: [] })).outcome).toBe('plain');
  });

  it.each([
    ['sequential', {}, false],
    ['progressive', { progressive: true }, true],
    ['trellis and deringing', { mozjpeg: true }, true],
    ['optimised tables', { optimiseCoding: true }, false],
  ] as const)('is what sharp writes: %s', async (_name, options, progressive) => {
    const picture = sharp({
      create: {
        width: 61,
        height: 43,
        channels: 3,
        background: '#a87',
        noise: { type: 'gaussian', mean: 128, sigma: 60 },
      },
    });
    for (const chromaSubsampling of ['4:2:0', '4:4:4']) {
      for (const quality of [1, 20, 75, 100]) {
        const file = await picture
          .clone()
          .jpeg({ ...options, quality, chromaSubsampling })
          .toBuffer();
        expect({ quality, chromaSubsampling, ...readPhoto(file) }).toMatchObject({
          outcome: 'plain',
          width: 61,
          height: 43,
          components: 3,
          progressive,
        });
      }
    }
  });
});

describe('what is refused, and where', () => {
  it.each<[string, Buffer, object]>([
    ['no start', Buffer.from([0xfe, 0xd8, 0xff, 0xd9]), refusal('SOI', 0, 'not_a_jpeg')],
    ['half a start', Buffer.from([0xff]), refusal('SOI', 1, 'not_a_jpeg')],
    ['nothing', Buffer.alloc(0), refusal('SOI', 0, 'not_a_jpeg')],
    ['nothing but a start', Buffer.from([0xff, 0xd8]), refusal('end of file', 2, 'cut_off')],
    ['EXIF', written({ jfif: segment(0xe1, ascii('Exif\0\0'), [1, 2]) }), refusal('APP1 (Exif)', 2, 'metadata')],
    [
      'XMP',
      written({ jfif: segment(0xe1, ascii('http://ns.adobe.com/xap/1.0/\0')) }),
      refusal('APP1 (XMP)', 2, 'metadata'),
    ],
    [
      'a colour profile',
      jpeg(JFIF, segment(0xe2, ascii('ICC_PROFILE\0'), [1, 1]), DQT, SOF, DHT, SOS, PIECES.data),
      refusal('APP2 (ICC profile)', 20, 'metadata'),
    ],
    [
      'a list of several pictures',
      jpeg(JFIF, segment(0xe2, ascii('MPF\0')), DQT, SOF, DHT, SOS, PIECES.data),
      refusal('APP2 (several pictures)', 20, 'metadata'),
    ],
    [
      'a colour transform',
      written({ jfif: segment(0xee, ascii('Adobe'), [0, 100, 0, 0, 0, 0, 0]) }),
      refusal('APP14 (Adobe)', 2, 'metadata'),
    ],
    [
      'a thumbnail segment',
      jpeg(JFIF, segment(0xe0, ascii('JFXX\0'), [0x10]), DQT, SOF, DHT, SOS, PIECES.data),
      refusal('APP0 (JFXX)', 20, 'metadata'),
    ],
    [
      'a second JFIF',
      jpeg(JFIF, JFIF, DQT, SOF, DHT, SOS, PIECES.data),
      refusal('APP0 (JFIF)', 20, 'segment_unexpected'),
    ],
    ['an application nobody knows', written({ jfif: segment(0xeb, [1, 2, 3]) }), refusal('APP11', 2, 'metadata')],
    ['a comment', written({ dqt: segment(0xfe, ascii('1234')) }), refusal('COM', 20, 'comment')],
    [
      'a second picture behind the end',
      Buffer.concat([written(), written()]),
      refusal('after EOI', AT.end + 2, 'bytes_after_end'),
    ],
    [
      'one byte behind the end',
      Buffer.concat([written(), Buffer.from([0])]),
      refusal('after EOI', AT.end + 2, 'bytes_after_end'),
    ],
    ['a byte between segments', written({ dqt: [0x00] as never }), refusal('between segments', 20, 'stray_bytes')],
    ['a fill byte', jpeg(JFIF, [0xff], DQT, SOF, DHT, SOS, PIECES.data), refusal('between segments', 21, 'fill_bytes')],
    [
      'rows that are not there',
      written({ sof: frame(0xc0, { width: 8, height: 16, components: GREY }) }),
      refusal('scan 1', AT.end, 'rows_missing'),
    ],
    [
      'rows too many',
      written({ data: entropy(BLOCK + BLOCK + BLOCK) }),
      refusal('scan 1', AT.data + 1, 'data_left_over'),
    ],
    [
      'a scan of the mean values only',
      written({
        sof: frame(0xc2, { width: 8, height: 8, components: GREY }),
        dht: segment(0xc4, DC.content),
        sos: scan([[1, 0, 0]], [0, 0, 0, 0]),
        data: entropy(mean(5)),
      }),
      refusal('EOI', AT.end - AC.content.length, 'scans_missing'),
    ],
    [
      'a height for later',
      written({ sof: frame(0xc0, { width: 8, height: 0, components: GREY }) }),
      refusal('SOF0', AT.sof + 5, 'empty_picture'),
    ],
    [
      'lossless coding',
      written({ sof: frame(0xc3, { width: 8, height: 8, components: GREY }) }),
      refusal('SOF3', AT.sof, 'process_unsupported'),
    ],
    [
      'arithmetic coding',
      written({ sof: frame(0xc9, { width: 8, height: 8, components: GREY }) }),
      refusal('SOF9', AT.sof, 'process_unsupported'),
    ],
    [
      'twelve bits',
      written({ sof: frame(0xc0, { width: 8, height: 8, components: GREY, precision: 12 }) }),
      refusal('SOF0', AT.sof + 4, 'precision_unsupported'),
    ],
    [
      'four components',
      written({ sof: frame(0xc0, { width: 8, height: 8, components: [...COLOUR, [4, 1, 1, 0]] }) }),
      refusal('SOF0', AT.sof + 9, 'components_unsupported'),
    ],
    [
      'components named R, G, B',
      written({
        sof: frame(0xc0, {
          width: 8,
          height: 8,
          components: [
            [82, 1, 1, 0],
            [71, 1, 1, 0],
            [66, 1, 1, 0],
          ],
        }),
      }),
      refusal('SOF0', AT.sof + 10, 'component_ids'),
    ],
  ])('%s', (_name, file, expected) => {
    expect(readPhoto(file)).toMatchObject(expected);
  });

  it('says the remedy and whether the file is damaged or more than plain', () => {
    expect(readPhoto(written({ jfif: segment(0xee, ascii('Adobe')) }))).toMatchObject({
      kind: 'not_plain',
      remedy: 'write_anew',
    });
    expect(readPhoto(written().subarray(0, AT.end))).toMatchObject({ kind: 'damaged', remedy: 'send_whole' });
    expect(readPhoto(written({ sof: frame(0xc0, { width: 9_000, height: 8, components: GREY }) }))).toMatchObject({
      kind: 'too_large',
      remedy: 'send_smaller',
    });
  });
});

const pictures = path.join(shared, 'cases', 'pictures');
const absence = elsewhere(existsSync(pictures) ? null : `${pictures} is absent`);

/** The reader's part: what is not a portrait is another part's. */
const VERDICTS: Readonly<Record<string, object>> = {
  'height_doubled.jpg': { reason: 'rows_missing', kind: 'damaged' },
  'icc_two_faces_grey.jpg': { reason: 'metadata', segment: 'APP2 (ICC profile)', byte: 20 },
  'mpo.jpg': { reason: 'metadata', segment: 'APP2 (several pictures)', byte: 20 },
  'prog_scans1.jpg': { reason: 'scans_missing', kind: 'damaged' },
  'thumb.jpg': { reason: 'metadata', segment: 'APP1 (Exif)', byte: 20 },
  'trail_jpeg_otherperson.jpg': { reason: 'bytes_after_end', byte: 82_967 },
  'trunc70_eoi.jpg': { reason: 'rows_missing', kind: 'damaged' },
};

describe('files that public reports describe', () => {
  itUnless(absence, 'are refused with their true reason, and the sound ones read', () => {
    for (const name of readdirSync(pictures).filter((file) => file.endsWith('.jpg'))) {
      const verdict = VERDICTS[name];
      expect({ name, ...readPhoto(readFileSync(path.join(pictures, name))) }).toMatchObject({
        name,
        outcome: verdict ? 'refused' : 'plain',
        ...verdict,
      });
    }
  });

  itUnless(absence, 'and every labelled photograph is plain', () => {
    const images = path.join(shared, 'faces', 'images');
    for (const name of readdirSync(images))
      expect({ name, ...readPhoto(readFileSync(path.join(images, name))) }).toMatchObject({ name, outcome: 'plain' });
  });
});

describe('the outline of a photograph', () => {
  it('refuses the same segments and passes over the coded data', () => {
    expect(readPhotoOutline(written())).toEqual(readPhoto(written()));
    expect(readPhotoOutline(written({ data: [1, 2, 3, 0xff, 0xd0, 4, 0xff, 0, 5] })).outcome).toBe('plain');
    expect(readPhotoOutline(written({ data: [1, 2, 3, 0xff] }))).toMatchObject(
      refusal('between segments', AT.data + 4, 'fill_bytes'),
    );
    expect(readPhotoOutline(written().subarray(0, AT.data))).toMatchObject(refusal('end of file', AT.data, 'cut_off'));
    expect(readPhotoOutline(Buffer.concat([written(), Buffer.from([0])]))).toMatchObject({ reason: 'bytes_after_end' });
  });
});
