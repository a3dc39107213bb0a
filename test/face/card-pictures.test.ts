import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { decodeImage, DEFAULT_IMAGE_LIMITS } from '../../src/infrastructure/face/image/image-decoder.js';
import { loadCardPhoto } from '../../src/sandbox/card/demo-faces.js';
import { sharedFaces } from './support.js';
import { elsewhere } from '../support/peers.js';
import { itUnless } from '../support/unless.js';

let card: Buffer;
beforeAll(async () => {
  card = Buffer.from(await loadCardPhoto('sample1-right'));
});

const u32 = (value: number): Buffer =>
  Buffer.from([value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255]);
const box = (type: string, ...content: (Buffer | number[])[]): Buffer => {
  const bytes = Buffer.concat(content.map((part) => Buffer.from(part)));
  return Buffer.concat([u32(bytes.length + 8), Buffer.from(type, 'latin1'), bytes]);
};
/** Where the pieces of our cards begin: signature 12, file type 20, header 45, codestream. */
const AT = { ftyp: 12, jp2h: 32, ihdr: 48, colr: 70, jp2c: 77, siz: 85 };
const IHDR = (card: Buffer): Buffer => card.subarray(AT.ihdr, AT.ihdr + 14);
const COLR = box('colr', [1, 0, 0], u32(17));
/** The card with another header box. */
const headed = (...boxes: Buffer[]): Buffer =>
  Buffer.concat([card.subarray(0, AT.jp2h), box('jp2h', ...boxes), card.subarray(AT.jp2c)]);
const ihdr = (changes: Readonly<Record<number, number>> = {}): Buffer => box('ihdr', changed(IHDR(card), changes));
const changed = (bytes: Buffer, changes: Readonly<Record<number, number>>): Buffer => {
  const copy = Buffer.from(bytes);
  for (const [at, value] of Object.entries(changes)) copy[Number(at)] = value;
  return copy;
};
/** A marker segment more in the main header, behind the size marker. */
const marked = (marker: number, ...content: number[]): Buffer => {
  const at = AT.siz + 4 + card.readUInt16BE(AT.siz + 4);
  const segment = Buffer.from([0xff, marker, 0, content.length + 2, ...content]);
  const whole = Buffer.concat([card.subarray(0, at), segment, card.subarray(at)]);
  whole.writeUInt32BE(card.length - AT.jp2c + segment.length, AT.jp2c);
  return whole;
};
const tilePart = (): number => card.indexOf(Buffer.from([0xff, 0x90, 0, 10]));
const reasonOf = async (bytes: Uint8Array): Promise<string> =>
  decodeImage(bytes, DEFAULT_IMAGE_LIMITS).then(
    () => 'read',
    (error: unknown) => (error as Error).message,
  );

describe('the picture of a card', () => {
  it('is read as our sandbox writes it, and as a codestream without boxes', async () => {
    expect(await reasonOf(card)).toBe('read');
    expect(await reasonOf(card.subarray(AT.siz))).toBe('read');
  });

  it('may carry its depth apart, notes, and a resolution of square pixels', async () => {
    expect(await reasonOf(headed(ihdr({ 10: 255 }), box('bpcc', [7]), COLR))).toBe('read');
    const square = box('res ', box('resc', [0, 150, 0, 1, 0, 150, 0, 1, 2, 2]));
    expect(await reasonOf(headed(ihdr(), COLR, square))).toBe('read');
    const note = box('uuid', Buffer.alloc(16, 1), Buffer.from('note'));
    expect(await reasonOf(Buffer.concat([card.subarray(0, AT.jp2h), note, card.subarray(AT.jp2h)]))).toBe('read');
    expect(await reasonOf(marked(0x64, 0, 1, 65))).toBe('read');
  });

  it.each<[string, () => Buffer, RegExp]>([
    ['signed samples, in the codestream', () => changed(card, { [AT.siz + 42]: 0x87 }), /signed samples/],
    ['signed samples, in the header', () => headed(ihdr({ 10: 0x87 }), COLR), /signed samples/],
    ['twelve bits', () => changed(card, { [AT.siz + 42]: 11 }), /12 bits/],
    ['twelve bits among the depths', () => headed(ihdr({ 10: 255 }), box('bpcc', [11]), COLR), /12 bits/],
    ['depths for other components', () => headed(ihdr({ 10: 255 }), box('bpcc', [7, 7]), COLR), /one depth for each/],
    ['no depths', () => headed(ihdr({ 10: 255 }), COLR), /one depth for each/],
    ['two lists of depths', () => headed(ihdr(), box('bpcc', [7]), box('bpcc', [7]), COLR), /one depth for each/],
    ['subsampling', () => changed(card, { [AT.siz + 44]: 2 }), /subsampled/],
    ['CIELab', () => headed(ihdr(), box('colr', [1, 0, 0], u32(14))), /colour space 14 \(CIELab\)/],
    ['sYCC', () => headed(ihdr(), box('colr', [1, 0, 0], u32(18))), /colour space 18 \(sYCC\)/],
    ['CMYK', () => headed(ihdr(), box('colr', [1, 0, 0], u32(12))), /colour space 12 \(CMYK\)/],
    ['a space nobody knows', () => headed(ihdr(), box('colr', [1, 0, 0], u32(99))), /colour space 99;/],
    ['sRGB of one component', () => headed(ihdr(), box('colr', [1, 0, 0], u32(16))), /1 components in sRGB/],
    ['a profile', () => headed(ihdr(), box('colr', [2, 0, 0], Buffer.alloc(128))), /an ICC profile/],
    ['any profile', () => headed(ihdr(), box('colr', [3, 0, 0], Buffer.alloc(128))), /an ICC profile/],
    ['another method', () => headed(ihdr(), box('colr', [4, 0, 0], Buffer.alloc(20))), /method 4/],
    ['a longer colour specification', () => headed(ihdr(), box('colr', [1, 0, 0], u32(17), [0])), /of its length/],
    ['two colour specifications', () => headed(ihdr(), COLR, COLR), /2 colour specifications/],
    ['no colour specification', () => headed(ihdr()), /0 colour specifications/],
    ['an unknown colour space', () => headed(ihdr({ 12: 1 }), COLR), /not known/],
    ['another compression', () => headed(ihdr({ 11: 8 }), COLR), /another compression/],
    ['a palette', () => headed(ihdr(), COLR, box('pclr', [0, 1, 1, 7, 0])), /a palette/],
    ['a component mapping', () => headed(ihdr(), COLR, box('cmap', [0, 0, 0, 0])), /a component mapping/],
    ['an opacity', () => headed(ihdr(), COLR, box('cdef', [0, 1, 0, 0, 0, 1, 0, 0])), /a channel definition/],
    ['another box in the header', () => headed(ihdr(), COLR, box('abcd')), /header box 'abcd'/],
    ['a nameless box in the header', () => headed(ihdr(), COLR, box('\x01\x02\x03\x04')), /header box '\?'/],
    [
      'pixels wider than high',
      () => headed(ihdr(), COLR, box('res ', box('resd', [0, 150, 0, 1, 0, 75, 0, 1, 2, 2]))),
      /not square/,
    ],
    [
      'pixels ten times wider than high',
      () => headed(ihdr(), COLR, box('res ', box('resd', [0, 150, 0, 1, 0, 150, 0, 1, 2, 1]))),
      /not square/,
    ],
    ['a header that begins otherwise', () => headed(COLR, ihdr()), /begin with the image header/],
    [
      'components that differ',
      () => headed(ihdr({ 9: 3 }), box('colr', [1, 0, 0], u32(16))),
      /disagree about the components/,
    ],
    ['dimensions that differ', () => headed(ihdr({ 3: 9 }), COLR), /disagree about the dimensions/],
    ['two headers', () => Buffer.concat([card.subarray(0, AT.jp2c), card.subarray(AT.jp2h)]), /two header boxes/],
    ['no header', () => Buffer.concat([card.subarray(0, AT.jp2h), card.subarray(AT.jp2c)]), /without a header box/],
    ['no codestream', () => card.subarray(0, AT.jp2c), /without a codestream/],
    ['a second codestream', () => Buffer.concat([card, card.subarray(AT.jp2c)]), /goes on behind its codestream/],
    [
      'a note behind the codestream',
      () => Buffer.concat([card, box('xml ', Buffer.from('<a/>'))]),
      /goes on behind its codestream/,
    ],
    [
      'a box of another part of the standard',
      () => Buffer.concat([card.subarray(0, AT.jp2h), box('jpch'), card.subarray(AT.jp2h)]),
      /box 'jpch'/,
    ],
    [
      'EXIF',
      () =>
        Buffer.concat([
          card.subarray(0, AT.jp2h),
          box('uuid', Buffer.from('JpgTiffExif->JP2'), [1]),
          card.subarray(AT.jp2h),
        ]),
      /EXIF/,
    ],
    ['a box that is cut off', () => changed(card, { [AT.ftyp + 2]: 0x7f }), /box 'ftyp' is cut off/],
    ['a region of interest', () => marked(0x5e, 0, 0, 5), /region of interest/],
    ['a marker of an extension', () => marked(0x74, 0, 0), /marker ff74/],
    ['high throughput', () => marked(0x50, 0, 2, 0, 0, 0, 0), /marker ff50/],
    ['capabilities of an extension', () => changed(card, { [AT.siz + 6]: 0x80 }), /needs extensions/],
    [
      'a size marker for other components',
      () => changed(card, { [AT.siz + 41]: 3 }),
      /size marker that is not of its length/,
    ],
    [
      'two coding styles',
      () =>
        marked(
          0x52,
          ...card.subarray(card.indexOf(Buffer.from([0xff, 0x52])) + 4, card.indexOf(Buffer.from([0xff, 0x5c]))),
        ),
      /2 coding styles/,
    ],
    [
      'a transform of three components of one',
      () => changed(card, { [card.indexOf(Buffer.from([0xff, 0x52])) + 8]: 1 }),
      /transforms three components/,
    ],
    [
      'a transform of an extension',
      () => changed(card, { [card.indexOf(Buffer.from([0xff, 0x52])) + 8]: 2 }),
      /by an extension/,
    ],
    [
      'the end of the codestream missing',
      () => changed(card.subarray(0, -1), { [AT.jp2c + 3]: card.readUInt8(AT.jp2c + 3) - 1 }),
      /cut off|without its end/,
    ],
    ['a cut with the end put back', () => cut(0.7, 'stated'), /cut off/],
    ['a cut with lengths that fit', () => cut(0.7, 'patched'), /gave up/],
    ['a cut with a length until the end', () => cut(0.7, 'open'), /gave up/],
    ['a tile-part of another tile', () => changed(card, { [tilePart() + 5]: 1 }), /does not fit the others/],
    ['a second tile-part first', () => changed(card, { [tilePart() + 10]: 1 }), /does not fit the others/],
    ['a file that ends in a field', () => card.subarray(0, AT.siz + 20), /cut off/],
  ])('is refused with its reason: %s', async (_name, file, reason) => {
    expect(await reasonOf(file())).toMatch(reason);
  });
});

/** The card without the end of its only tile-part's data, and the end marker behind it. */
function cut(share: number, length: 'stated' | 'patched' | 'open'): Buffer {
  const at = tilePart();
  const kept = Math.floor(at + (card.length - at) * share);
  const whole = Buffer.concat([card.subarray(0, kept), Buffer.from([0xff, 0xd9])]);
  whole.writeUInt32BE(whole.length - AT.jp2c, AT.jp2c);
  if (length !== 'stated') whole.writeUInt32BE(length === 'open' ? 0 : kept - at, at + 6);
  return whole;
}

const pictures = path.resolve(sharedFaces, '../cases/pictures');
const absence = elsewhere(existsSync(pictures) ? null : `${pictures} is absent`);

describe('files that public reports describe', () => {
  itUnless(absence, 'are refused with their true reason', async () => {
    const said: Record<string, string> = {};
    for (const name of readdirSync(pictures).filter((file) => file.endsWith('.jp2')))
      said[name] = await reasonOf(readFileSync(path.join(pictures, name)));
    expect(said).toEqual({
      'comp1_12bit.jp2': 'a JPEG 2000 picture with a component of 12 bits; 8 are read',
      'lab.jp2': 'a JP2 file of colour space 14 (CIELab); sRGB and grey are read',
      'signed8.jp2': 'a JPEG 2000 picture of signed samples',
    });
  });

  itUnless(absence, 'and every labelled card is read', async () => {
    const cards = path.join(sharedFaces, 'cards');
    for (const name of readdirSync(cards).filter((file) => file.endsWith('.jp2')))
      expect({ name, said: await reasonOf(readFileSync(path.join(cards, name))) }).toEqual({ name, said: 'read' });
  });

  itUnless(
    absence,
    'a card is refused where three components do not say their colours, or are coded differently',
    async () => {
      const colour = readFileSync(path.join(sharedFaces, 'cards', 'lfw10_000_colour.jp2'));
      expect(await reasonOf(colour.subarray(AT.siz))).toMatch(/does not say its colour space/);
      const at = colour.indexOf(Buffer.from([0xff, 0x5c]));
      const other = Buffer.concat([
        colour.subarray(0, at),
        Buffer.from('ff530009000005040400', 'hex'),
        Buffer.from([0]),
        colour.subarray(at),
      ]);
      other.writeUInt32BE(colour.length - AT.jp2c + 11, AT.jp2c);
      expect(await reasonOf(other)).toMatch(/components that are coded differently/);
    },
  );
});
