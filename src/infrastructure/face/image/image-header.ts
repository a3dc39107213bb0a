import { UnreadableImage, type ImageHeader } from './declared-picture.js';
import { readJp2 } from './jp2-header.js';

/** Reads kind and declared dimensions out of a JPEG, PNG, JP2 or raw JPEG 2000 codestream.
 *  @throws {UnreadableImage} at any other kind, and where the header is cut off or contradicts itself */
export function readImageHeader(bytes: Uint8Array): ImageHeader {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  try {
    if (startsWith(bytes, [0xff, 0xd8, 0xff])) return jpegHeader(view);
    if (startsWith(bytes, [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])) return pngHeader(view);
    if (startsWith(bytes, [0, 0, 0, 12, 0x6a, 0x50, 0x20, 0x20, 0x0d, 0x0a, 0x87, 0x0a])) return checked(readJp2(view));
    if (startsWith(bytes, [0xff, 0x4f, 0xff, 0x51])) return checked(readJp2(view));
  } catch (error) {
    if (error instanceof RangeError) throw new UnreadableImage('the header is cut off');
    throw error;
  }
  throw new UnreadableImage('neither JPEG nor PNG nor JPEG 2000');
}

function startsWith(bytes: Uint8Array, magic: number[]): boolean {
  return magic.every((value, i) => bytes[i] === value);
}

/** Walks the JPEG segments up to the frame header (ITU-T T.81 B.2.2). */
function jpegHeader(view: DataView): ImageHeader {
  for (let at = 2; ;) {
    if (view.getUint8(at) !== 0xff) throw new UnreadableImage('a JPEG segment does not start with a marker');
    const marker = view.getUint8(at + 1);
    if (marker === 0xff) {
      at += 1;
      continue;
    }
    if (isFrameMarker(marker)) {
      const header: ImageHeader = {
        kind: 'jpeg',
        bitsPerSample: view.getUint8(at + 4),
        height: view.getUint16(at + 5),
        width: view.getUint16(at + 7),
        components: view.getUint8(at + 9),
        tiles: 1,
      };
      return checked(header);
    }
    if (marker === 0xd9 || marker === 0xda) throw new UnreadableImage('a JPEG without a frame header');
    // Restart and "temporary" markers stand alone; all others carry their length.
    at += marker === 0x01 || (marker >= 0xd0 && marker <= 0xd7) ? 2 : 2 + Math.max(2, view.getUint16(at + 2));
  }
}

/** SOF0..SOF15 without the tables that share the range (DHT C4, JPG C8, DAC CC). */
function isFrameMarker(marker: number): boolean {
  return marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc;
}

const PNG_COMPONENTS: Readonly<Record<number, number>> = { 0: 1, 2: 3, 3: 3, 4: 2, 6: 4 };

/** The first chunk must be IHDR; an `acTL` chunk before the pixels makes an animation (PNG third edition). */
function pngHeader(view: DataView): ImageHeader {
  if (ascii(view, 12) !== 'IHDR') throw new UnreadableImage('a PNG that does not start with IHDR');
  const components = PNG_COMPONENTS[view.getUint8(25)];
  if (components === undefined) throw new UnreadableImage('a PNG of an unknown colour type');
  for (let at = 33; at + 8 <= view.byteLength; at += 12 + view.getUint32(at)) {
    const type = ascii(view, at + 4);
    if (type === 'acTL') throw new UnreadableImage('an animated PNG');
    if (type === 'IDAT' || type === 'IEND') break;
  }
  return checked({
    kind: 'png',
    width: view.getUint32(16),
    height: view.getUint32(20),
    bitsPerSample: view.getUint8(24),
    components,
    tiles: 1,
  });
}

function checked(header: ImageHeader): ImageHeader {
  if (header.width === 0 || header.height === 0) throw new UnreadableImage('an empty picture');
  return header;
}

function ascii(view: DataView, at: number): string {
  return String.fromCharCode(view.getUint8(at), view.getUint8(at + 1), view.getUint8(at + 2), view.getUint8(at + 3));
}
