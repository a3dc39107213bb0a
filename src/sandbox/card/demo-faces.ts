import path from 'node:path';
import sharp, { type Region, type Sharp } from 'sharp';
import { packageFolder } from '../../infrastructure/face/model-set/package-folder.js';
import { encodeGreyJp2 } from './jp2-writer.js';

/** Crop boxes of the faces in the sample photographs of @vladmandic/face-api, in pixels: left, top, width, height; head
 * and shoulders, 3:4, one face in each. The photographs stay in the package: they are read at run time and never
 * copied. */
const CROPS = {
  'sample1-left': [1, 279, 238, 389, 518],
  'sample1-middle': [1, 702, 305, 406, 542],
  'sample1-right': [1, 1392, 91, 384, 511],
  'sample2-right': [2, 1320, 40, 403, 537],
  'sample3-left': [3, 452, 183, 443, 590],
  'sample3-middle': [3, 931, 69, 463, 617],
  'sample3-right': [3, 1382, 156, 444, 592],
  'sample4-first': [4, 166, 85, 381, 508],
  'sample4-second': [4, 552, 0, 378, 504],
  'sample4-third': [4, 850, 70, 378, 504],
  'sample4-fourth': [4, 1187, 68, 316, 422],
  'sample5-first': [5, 256, 746, 429, 573],
  'sample5-second': [5, 530, 308, 371, 494],
  'sample5-third': [5, 716, 11, 338, 450],
  'sample5-fourth': [5, 1013, 100, 345, 460],
  'sample5-fifth': [5, 1275, 278, 402, 536],
  'sample6-first': [6, 140, 341, 464, 618],
  'sample6-second': [6, 533, 212, 421, 561],
  'sample6-third': [6, 1044, 168, 465, 620],
  'sample6-fourth': [6, 1350, 125, 460, 613],
} as const satisfies Record<string, readonly [number, number, number, number, number]>;

type Crop = keyof typeof CROPS;

/** Degrees clockwise by which people of these group photographs hold their heads aslant. In a booth one sits upright,
 * so these are turned back. */
const TILTS: Partial<Record<Crop, number>> = {
  'sample1-middle': -25,
  'sample1-right': 46,
  'sample2-right': -15,
  'sample3-middle': 14,
  'sample4-first': -24,
  'sample4-second': 31,
  'sample4-fourth': 33,
  'sample6-fourth': 14,
};

/** A face of the sample photographs; `-mirrored` gives its mirror image, which a face comparer takes for the same
 * person and a duplicate check for another photograph. */
export type DemoFaceName = Crop | `${Crop}-mirrored`;

export const DEMO_FACE_NAMES = Object.keys(CROPS) as Crop[];

/** Pairs that the demonstration tells its stories with. Points are those of the default model set. */
export const DEMO_STORIES = {
  /** Two photographs of (to all appearance) one person: the ordinary case. */
  samePerson: { captured: 'sample3-middle', card: 'sample1-right' },
  /** Another photograph of that person, for a second registration that fits the first. */
  samePersonAgain: { captured: 'sample1-right', card: 'sample3-middle' },
  /** Two people who do not look alike: no match. */
  differentPeople: { captured: 'sample6-first', card: 'sample1-right' },
  /** A renewed card with another person's photograph: captured face and card agree with each other, and differ from the
   * face registered by `samePerson`. This is what the hold rule is for. */
  cardOfAnother: { captured: 'sample3-left', card: 'sample3-left-mirrored', registered: 'sample3-middle' },
} as const satisfies Record<string, { captured: DemoFaceName; card: DemoFaceName; registered?: DemoFaceName }>;

/** Card photographs are this size and no larger, so that they fit the chip. */
const CARD = { width: 240, height: 320, bytes: 2_000 } as const;
/** What a booth's camera sends. */
const CAPTURE = { width: 720, height: 960 } as const;

/** Reads a face as a booth would photograph it: a colour JPEG of 720 x 960. @throws when @vladmandic/face-api is not
 * installed */
export async function loadDemoFace(name: DemoFaceName): Promise<Buffer> {
  return (await cropped(name)).resize(CAPTURE.width, CAPTURE.height, { fit: 'fill' }).jpeg({ quality: 92 }).toBuffer();
}

/** Reads a face as a card carries it: greyscale JPEG 2000 of 240 x 320 in at most 2,000 bytes. */
export async function loadCardPhoto(name: DemoFaceName): Promise<Uint8Array> {
  const scaled = (await cropped(name)).resize(CARD.width, CARD.height, { fit: 'fill' });
  const { data } = await scaled.greyscale().toColourspace('b-w').raw().toBuffer({ resolveWithObject: true });
  return encodeGreyJp2(data, CARD.width, CARD.height, CARD.bytes);
}

async function cropped(name: DemoFaceName): Promise<Sharp> {
  const mirrored = name.endsWith('-mirrored');
  const key = name.replace(/-mirrored$/, '') as Crop;
  const crop = CROPS[key];
  if (!crop) throw new RangeError(`there is no demo face named '${name}'`);
  const [sample, left, top, width, height] = crop;
  const file = path.join(packageFolder('@vladmandic/face-api'), 'demo', `sample${sample}.jpg`);
  const tilt = TILTS[key];
  const picture =
    tilt === undefined
      ? sharp(file).extract({ left, top, width, height })
      : await turnedBack(file, { left, top, width, height }, tilt);
  return mirrored ? picture.flop() : picture;
}

/** A part of a picture of the same size and about the same middle, out of the picture turned back. What lies outside
 * the picture repeats its edge. */
async function turnedBack(file: string, { left, top, width, height }: Region, tilt: number): Promise<Sharp> {
  const whole = await sharp(file).metadata();
  const side = Math.ceil(Math.hypot(width, height));
  const [x, y] = [Math.round(left + width / 2 - side / 2), Math.round(top + height / 2 - side / 2)];
  const outside = {
    left: Math.max(0, -x),
    top: Math.max(0, -y),
    right: Math.max(0, x + side - whole.width),
    bottom: Math.max(0, y + side - whole.height),
  };
  const inside = {
    left: x + outside.left,
    top: y + outside.top,
    width: side - outside.left - outside.right,
    height: side - outside.top - outside.bottom,
  };
  // Step by step: in one go the turn would come before the extension.
  const square = await sharp(file)
    .extract(inside)
    .extend({ ...outside, extendWith: 'copy' })
    .png()
    .toBuffer();
  const { data, info } = await sharp(square).rotate(-tilt).png().toBuffer({ resolveWithObject: true });
  return sharp(data).extract({
    left: Math.round((info.width - width) / 2),
    top: Math.round((info.height - height) / 2),
    width,
    height,
  });
}
