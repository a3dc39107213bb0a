import sharp, { type Metadata } from 'sharp';
import { readPhoto, type PhotoReading } from '../domain/photo/photo-reader.js';

/** A photograph as it is signed and sent. */
export interface PreparedPhoto {
  /** A plain JPEG: one picture for every reader. */
  readonly bytes: Uint8Array;
  /** What was done to make it one, for people; empty where it was plain already and nothing was touched. */
  readonly done: readonly string[];
}

/** The server reads no larger ones. */
const PIXELS_MAX = 40_000_000;
const KINDS: ReadonlySet<string | undefined> = new Set(['jpeg', 'png']);

/** Makes a camera's picture a plain JPEG, before it is signed: upright by its EXIF, in sRGB by its profile, and
 *  without either. What is plain
 *  already is not touched, so that preparing twice is preparing once.
 *  @param picture JPEG or PNG
 *  @throws {RangeError} where the picture is neither, is damaged, or is too large */
export async function preparedPhoto(picture: Uint8Array): Promise<PreparedPhoto> {
  const reading = readPhoto(picture);
  if (reading.outcome === 'plain') return { bytes: picture, done: [] };
  if (reading.kind === 'too_large') throw new RangeError('the photograph has too many pixels');
  try {
    const image = sharp(picture, { failOn: 'warning', limitInputPixels: PIXELS_MAX });
    const metadata = await image.metadata();
    if (!KINDS.has(metadata.format))
      throw new RangeError(`a ${metadata.format ?? 'file'} is no photograph: give a JPEG or a PNG`);
    const upright = image.rotate().flatten({ background: '#808080' }).toColourspace('srgb');
    const bytes = await upright.jpeg({ quality: 95, chromaSubsampling: '4:4:4' }).toBuffer();
    return { bytes: checked(bytes), done: workDone(metadata, reading) };
  } catch (error) {
    if (error instanceof RangeError) throw error;
    throw new RangeError('the photograph cannot be read to its end', { cause: error });
  }
}

/** What our own encoder writes goes past the same reader that the server has. */
function checked(bytes: Uint8Array): Uint8Array {
  const reading = readPhoto(bytes);
  if (reading.outcome !== 'plain')
    throw new Error(`a photograph was written that is not plain: ${JSON.stringify(reading)}`);
  return bytes;
}

function workDone({ format, orientation = 1, icc, exif, xmp, iptc }: Metadata, reading: PhotoReading): string[] {
  const done = [
    ...(format === 'png' ? ['written as a JPEG'] : []),
    ...(orientation > 1 ? ['turned upright as its EXIF says'] : []),
    ...(icc ? ['colours brought to sRGB by its profile'] : []),
    ...(exif || xmp || iptc ? ['notes about it (EXIF and the like) left out'] : []),
  ];
  if (done.length > 0 || reading.outcome === 'plain') return done;
  return [`written anew: ${reading.reason} (${reading.segment}, byte ${reading.byte})`];
}
