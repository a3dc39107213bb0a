import sharp from 'sharp';
import { ascii, segmentBytes } from './jpeg-writer.js';

/** One file that shows, or may show, two people, or less than it says. `stranger` is a photograph of somebody else.
 *  */
export interface SecondReading {
  readonly name: string;
  readonly code: 'photo_unsupported' | 'photo_damaged';
  readonly make: (photo: Buffer, stranger: Buffer) => Buffer | Promise<Buffer>;
}

/** Behind the start, where readers look for it. */
const planted = (photo: Buffer, marker: number, content: Buffer): Buffer =>
  Buffer.concat([
    photo.subarray(0, 2),
    Buffer.from(segmentBytes({ marker, content: [...content] })),
    photo.subarray(2),
  ]);
const frameHeader = (photo: Buffer): number => photo.indexOf(Buffer.from([0xff, 0xc0]));
const END = Buffer.from([0xff, 0xd9]);

/** One file that is two pictures, and damaged files: the kinds of public reports, made of two photographs. */
export const SECOND_READINGS: readonly SecondReading[] = [
  {
    name: 'turned by EXIF',
    code: 'photo_unsupported',
    make: (photo) => sharp(photo).withMetadata({ orientation: 6 }).jpeg().toBuffer(),
  },
  {
    name: 'a colour profile',
    code: 'photo_unsupported',
    make: (photo) => sharp(photo).withIccProfile('p3').jpeg().toBuffer(),
  },
  {
    name: 'a thumbnail of somebody else',
    code: 'photo_unsupported',
    make: async (photo, stranger) => {
      const small = await sharp(stranger).resize(96).jpeg().toBuffer();
      return planted(photo, 0xe0, Buffer.concat([Buffer.from('JFXX\0\x10', 'latin1'), small]));
    },
  },
  {
    name: 'a comment with a number',
    code: 'photo_unsupported',
    make: (photo) => planted(photo, 0xfe, Buffer.from(ascii('123456789018'))),
  },
  {
    name: 'a list of several pictures',
    code: 'photo_unsupported',
    make: (photo, stranger) => Buffer.concat([planted(photo, 0xe2, Buffer.from('MPF\0MM\0*', 'latin1')), stranger]),
  },
  {
    name: 'somebody else behind the end',
    code: 'photo_unsupported',
    make: (photo, stranger) => Buffer.concat([photo, stranger]),
  },
  {
    name: 'cut, with its end put back',
    code: 'photo_damaged',
    make: (photo) => Buffer.concat([photo.subarray(0, Math.floor(photo.length * 0.7)), END]),
  },
  { name: 'cut', code: 'photo_damaged', make: (photo) => photo.subarray(0, Math.floor(photo.length * 0.7)) },
  {
    name: 'twice as high as its rows',
    code: 'photo_damaged',
    make: (photo) => {
      const high = Buffer.from(photo);
      high.writeUInt16BE(2 * photo.readUInt16BE(frameHeader(photo) + 5), frameHeader(photo) + 5);
      return high;
    },
  },
  {
    name: 'the first scan only',
    code: 'photo_damaged',
    make: async (photo) => {
      const progressive = await sharp(photo).jpeg({ progressive: true }).toBuffer();
      const first = progressive.indexOf(Buffer.from([0xff, 0xda]));
      const tables = progressive.indexOf(Buffer.from([0xff, 0xc4]), first);
      const second = progressive.indexOf(Buffer.from([0xff, 0xda]), first + 2);
      return Buffer.concat([progressive.subarray(0, tables > 0 ? Math.min(tables, second) : second), END]);
    },
  },
];
