import { deflateSync, crc32 } from 'node:zlib';
import sharp from 'sharp';
import { encodeGreyJp2 } from './jp2-writer.js';

/** Size and weight of the photograph on a synthetic card. The real numbers are not public; these are in the range that
 *  readers of real cards describe (small, grey, heavily compressed). */
export const CARD_PHOTO = { width: 240, height: 320, bytes: 2000 } as const;

/** Part of a picture, in pixels of the upright picture. */
export interface Crop {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

const JP2_SIGNATURE = Buffer.from('0000000c6a5020200d0a870a', 'hex');

/** Whether a picture is a JPEG 2000 file, as a card carries it. */
export function isJp2(picture: Uint8Array): boolean {
  return Buffer.from(picture.subarray(0, JP2_SIGNATURE.length)).equals(JP2_SIGNATURE);
}

/** Turns any picture (JPEG, PNG, WebP) into what a card carries: grey, 240 x 320, JP2, about 2,000 bytes. A JPEG 2000
 *  file is taken as it is.
 *  @param crop the part to keep; without it the picture is cut around the middle to 3:4.
 *  @throws {RangeError} when the picture cannot be decoded or the crop lies outside it. */
export async function cardPhotoFrom(picture: Uint8Array, crop?: Crop): Promise<Uint8Array> {
  if (isJp2(picture) && crop === undefined) return picture;
  const upright = await sharp(picture, { limitInputPixels: 50_000_000 })
    .rotate()
    .toBuffer()
    .catch((error: unknown) => {
      throw new RangeError(`the picture cannot be read: ${(error as Error).message}`);
    });
  const part = crop === undefined ? sharp(upright) : sharp(upright).extract({ ...crop });
  const pixels = await part
    .resize(CARD_PHOTO.width, CARD_PHOTO.height, { fit: 'cover' })
    .removeAlpha()
    .greyscale()
    .toColourspace('b-w')
    .raw()
    .toBuffer();
  return encodeGreyJp2(pixels, CARD_PHOTO.width, CARD_PHOTO.height, CARD_PHOTO.bytes);
}

/** A 1-bit PNG that stands for a line of print (name, address, security code): a bar code of the text's bits, so that
 *  different texts give different pictures without any font. */
export function printedLine(text: string): Uint8Array {
  const bits = [...Buffer.from(text, 'utf8')].flatMap((byte) => [...byte.toString(2).padStart(8, '0')].map(Number));
  const width = Math.max(8, Math.ceil(bits.length / 8) * 8);
  const row = Buffer.alloc(1 + width / 8);
  bits.forEach((bit, i) => {
    if (bit === 0) row[1 + (i >> 3)] = (row[1 + (i >> 3)] ?? 0) | (0x80 >> (i & 7));
  });
  const height = 16;
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  // One bit per pixel, colour type 0 (grey).
  header[8] = 1;
  const rows = Buffer.concat(Array.from({ length: height }, () => row));
  return Buffer.concat([
    Buffer.from('89504e470d0a1a0a', 'hex'),
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(rows)),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

function chunk(type: string, content: Uint8Array): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), content]);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(content.length);
  const check = Buffer.alloc(4);
  check.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, check]);
}
