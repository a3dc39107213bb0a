import openjpeg, { type J2KDecoder, type OpenJpegModule } from '@cornerstonejs/codec-openjpeg/wasmjs';
import sharp from 'sharp';
import { ImageTooLarge, UnreadableImage, type ImageHeader } from './declared-picture.js';
import { readPhotoOutline } from '../../../domain/photo/photo-reader.js';
import { readImageHeader } from './image-header.js';
import type { RgbImage } from './rgb-image.js';

/** Limits that are checked before a single pixel is decoded. */
export interface ImageLimits {
  readonly imageBytesMax: number;
  /** Declared width and height. */
  readonly imageSideMax: number;
  readonly imagePixelsMax: number;
  /** JPEG 2000 comes from a card and is small; its decoder is slow, so its limits are tighter. */
  readonly jp2BytesMax: number;
  readonly jp2PixelsMax: number;
  readonly jp2TilesMax: number;
}

export const DEFAULT_IMAGE_LIMITS: ImageLimits = {
  imageBytesMax: 12 * 1024 * 1024,
  imageSideMax: 8_000,
  imagePixelsMax: 40_000_000,
  jp2BytesMax: 512 * 1024,
  jp2PixelsMax: 2_000_000,
  jp2TilesMax: 64,
};

/** Pictures are shrunk to this side: more adds time and no accuracy. */
export const WORKING_SIDE_MAX = 1_280;

/** A codec heap that grew beyond this is thrown away, because WebAssembly memory never shrinks. */
const CODEC_HEAP_BYTES_MAX = 64 * 1024 * 1024;

sharp.cache(false);
sharp.concurrency(1);

/** Which pictures are read. `plain`: what has one reading for everybody, a plain JPEG or the JPEG 2000 of a card; so
 * for every picture that is judged, shown or sent. `any`: what people give to tools as well (EXIF turns it upright, its
 * profile is heeded, PNG). */
export type TakenPictures = 'plain' | 'any';

/** Decodes a photograph to RGB, at most 1,280 px on a side.
 *  @throws {UnreadableImage | ImageTooLarge} with the reason; nothing else is expected */
export async function decodeImage(
  bytes: Uint8Array,
  limits: ImageLimits,
  taken: TakenPictures = 'plain',
): Promise<RgbImage> {
  if (bytes.length > limits.imageBytesMax)
    throw new ImageTooLarge(`${bytes.length} bytes; at most ${limits.imageBytesMax}`);
  const header = readImageHeader(bytes);
  checkLimits(header, bytes.length, limits);
  if (header.kind === 'jp2') return shrink(await decodeJpeg2000(bytes, header));
  if (taken === 'plain') refuseSecondReading(bytes, header, limits);
  return decodeWithSharp(bytes, header, { limits, taken });
}

/** The outline by the door's reader; the decoder reads the rest, and a warning of its own is a refusal then. */
function refuseSecondReading(bytes: Uint8Array, { kind }: ImageHeader, limits: ImageLimits): void {
  if (kind !== 'jpeg') throw new UnreadableImage(`a ${kind.toUpperCase()}; photographs are plain JPEGs`);
  const reading = readPhotoOutline(bytes, { sideMax: limits.imageSideMax, pixelsMax: limits.imagePixelsMax });
  if (reading.outcome === 'plain') return;
  const { segment, byte, reason } = reading;
  throw new UnreadableImage(`not a plain JPEG: ${reason} (${segment}, byte ${byte})`);
}

/** Writes a decoded picture as PNG, which every browser shows; of what came in only the pixels are left. */
export async function encodePng({ data, width, height }: RgbImage): Promise<Uint8Array> {
  return sharp(data, { raw: { width, height, channels: 3 } })
    .png()
    .toBuffer();
}

function checkLimits(header: ImageHeader, length: number, limits: ImageLimits): void {
  const { width, height, components, bitsPerSample, kind, tiles } = header;
  const pixels = width * height;
  if (width > limits.imageSideMax || height > limits.imageSideMax || pixels > limits.imagePixelsMax)
    throw new ImageTooLarge(`${width} x ${height} pixels declared`);
  if (bitsPerSample > 8) throw new UnreadableImage(`${bitsPerSample} bits per sample; at most 8 are read`);
  if (kind === 'jpeg' && components !== 1 && components !== 3)
    throw new UnreadableImage(`a JPEG of ${components} components (CMYK is not read)`);
  if (kind !== 'jp2') return;
  if (length > limits.jp2BytesMax || pixels > limits.jp2PixelsMax || tiles > limits.jp2TilesMax)
    throw new ImageTooLarge(`JPEG 2000 of ${length} bytes, ${pixels} pixels, ${tiles} tiles`);
  if (bitsPerSample !== 8 || (components !== 1 && components !== 3))
    throw new UnreadableImage(`JPEG 2000 of ${components} components and ${bitsPerSample} bits`);
}

async function decodeWithSharp(
  bytes: Uint8Array,
  header: ImageHeader,
  { limits, taken }: { readonly limits: ImageLimits; readonly taken: TakenPictures },
): Promise<RgbImage> {
  try {
    const failOn = taken === 'plain' ? 'warning' : 'error';
    const options = {
      limitInputPixels: limits.imagePixelsMax,
      failOn,
      pages: 1,
      sequentialRead: true,
      unlimited: false,
    } as const;
    const read = sharp(bytes, options).timeout({ seconds: 5 });
    const picture = (taken === 'plain' ? read : read.rotate()).resize({
      width: WORKING_SIDE_MAX,
      height: WORKING_SIDE_MAX,
      fit: 'inside',
      withoutEnlargement: true,
    });
    // A JPEG has no transparency; looking for it would cost another pass over the pixels.
    const opaque = header.kind === 'jpeg' ? picture : picture.flatten({ background: '#808080' });
    const { data, info } = await opaque
      .toColourspace('srgb')
      .raw({ depth: 'uchar' })
      .toBuffer({ resolveWithObject: true });
    return toRgb(data, info.width, info.height, info.channels);
  } catch (error) {
    throw new UnreadableImage(error instanceof Error ? (error.message.split('\n')[0] ?? 'unreadable') : 'unreadable', {
      cause: error,
    });
  }
}

async function shrink(image: RgbImage): Promise<RgbImage> {
  if (Math.max(image.width, image.height) <= WORKING_SIDE_MAX) return image;
  const { data, info } = await sharp(image.data, { raw: { width: image.width, height: image.height, channels: 3 } })
    .resize({ width: WORKING_SIDE_MAX, height: WORKING_SIDE_MAX, fit: 'inside' })
    .raw()
    .toBuffer({ resolveWithObject: true });
  return toRgb(data, info.width, info.height, info.channels);
}

let codec: Promise<OpenJpegModule> | undefined;
/** Whether the decoder said anything but what it is doing since this was last reset. One picture is decoded at a time
 * on a thread. */
let codecComplained = false;

function hear(line: string): void {
  if (!line.startsWith('[INFO]')) codecComplained = true;
}

async function decodeJpeg2000(bytes: Uint8Array, header: ImageHeader): Promise<RgbImage> {
  codec ??= openjpeg({ print: hear, printErr: hear });
  const module = await codec;
  let decoder: J2KDecoder | undefined;
  codecComplained = false;
  try {
    decoder = new module.J2KDecoder();
    decoder.getEncodedBuffer(bytes.length).set(bytes);
    decoder.decode();
    const { width, height, componentCount } = decoder.getFrameInfo();
    // Damaged input does not throw: it leaves a frame of 0 x 0, or of other dimensions than declared.
    if (codecComplained || width !== header.width || height !== header.height || componentCount !== header.components)
      throw new UnreadableImage('the JPEG 2000 decoder gave up');
    const pixels = decoder.getDecodedBuffer();
    if (pixels.length !== width * height * componentCount)
      throw new UnreadableImage('the JPEG 2000 decoder returned too few pixels');
    // This is a view of the codec's memory; three channels would be handed on as they are, so they are copied.
    return toRgb(componentCount === 3 ? pixels.slice() : pixels, width, height, componentCount);
  } catch (error) {
    // The codec throws bare numbers (addresses of C++ exceptions) and may be left in any state.
    codec = undefined;
    if (error instanceof UnreadableImage) throw error;
    throw new UnreadableImage('the JPEG 2000 decoder failed', { cause: error });
  } finally {
    deleteQuietly(decoder);
    if (module.HEAPU8.length > CODEC_HEAP_BYTES_MAX) codec = undefined;
  }
}

/** After a fault inside the codec its destructor may fault as well; the whole module is dropped then. */
function deleteQuietly(decoder: J2KDecoder | undefined): void {
  try {
    decoder?.delete();
  } catch {
    codec = undefined;
  }
}

function toRgb(pixels: Uint8Array, width: number, height: number, channels: number): RgbImage {
  if (channels === 3) return { width, height, data: new Uint8Array(pixels.buffer, pixels.byteOffset, pixels.length) };
  if (channels !== 1) throw new UnreadableImage(`${channels} channels`);
  const data = new Uint8Array(width * height * 3);
  for (let i = 0, to = 0; i < width * height; i += 1) {
    const grey = pixels[i]!;
    data[to++] = grey;
    data[to++] = grey;
    data[to++] = grey;
  }
  return { width, height, data };
}
