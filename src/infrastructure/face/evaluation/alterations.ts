import sharp, { type Sharp } from 'sharp';
import { seeded } from './statistics/bootstrap.js';

/** What is done to a picture, one step after the other. */
export type Step =
  /** Shrunk until the eyes are so many pixels apart; never enlarged. */
  | readonly ['eyes', number]
  | readonly ['grey']
  /** Gaussian, its standard deviation as a share of the eye distance. */
  | readonly ['blur', number]
  /** Compressed with this quality, colour at half the size as cameras do it. */
  | readonly ['jpeg', number]
  /** Of every channel of every pixel on its own, by its standard deviation in grey levels. */
  | readonly ['noise', number]
  /** The same in all channels of a pixel: noise of a grey picture. */
  | readonly ['grain', number]
  | readonly ['gamma', number]
  /** The share of the contrast that is left, about the middle grey. */
  | readonly ['contrast', number]
  | readonly ['equalise'];

export interface Original {
  readonly bytes: Uint8Array;
  /** Pixels between the eyes in the picture as it is. */
  readonly eyeDistance: number;
  /** Of the noise: the same picture gets the same. */
  readonly seed: number;
}

interface Raw {
  readonly data: Buffer;
  readonly width: number;
  readonly height: number;
  readonly eyeDistance: number;
}

/** Alters a picture; the same steps and the same seed give the same bytes with the same version of sharp.
 *  @returns a PNG, which keeps what was made */
export async function altered({ bytes, eyeDistance, seed }: Original, steps: readonly Step[]): Promise<Buffer> {
  let picture = await rawOf(sharp(bytes).rotate(), eyeDistance);
  for (const step of steps) picture = await taken(picture, step, seed);
  return opened(picture).png({ compressionLevel: 1 }).toBuffer();
}

/** Name of steps for people and for files: 'eyes 24 grey'. */
export function nameOf(steps: readonly Step[]): string {
  return steps.length === 0 ? 'plain' : steps.map((step) => step.join(' ')).join(' ');
}

async function taken(picture: Raw, step: Step, seed: number): Promise<Raw> {
  const { width, height, eyeDistance } = picture;
  switch (step[0]) {
    case 'eyes': {
      const scale = Math.min(1, step[1] / eyeDistance);
      const size = { width: Math.round(scale * width), height: Math.round(scale * height), fit: 'fill' } as const;
      return scale === 1 ? picture : rawOf(opened(picture).resize(size), scale * eyeDistance);
    }
    case 'grey':
      return rawOf(opened(picture).greyscale(), eyeDistance);
    case 'blur':
      return rawOf(opened(picture).blur({ sigma: step[1] * eyeDistance, precision: 'float' }), eyeDistance);
    case 'jpeg':
      return rawOf(sharp(await opened(picture).jpeg({ quality: step[1] }).toBuffer()), eyeDistance);
    case 'noise':
      return { ...picture, data: withNoise(picture.data, step[1], { seed, channels: 1 }) };
    case 'grain':
      return { ...picture, data: withNoise(picture.data, step[1], { seed, channels: 3 }) };
    case 'gamma':
      return { ...picture, data: mapped(picture.data, (value) => 255 * (value / 255) ** step[1]) };
    case 'contrast':
      return { ...picture, data: mapped(picture.data, (value) => 128 + step[1] * (value - 128)) };
    case 'equalise':
      return { ...picture, data: equalised(picture.data) };
  }
}

function opened({ data, width, height }: Raw): Sharp {
  return sharp(data, { raw: { width, height, channels: 3 } });
}

async function rawOf(picture: Sharp, eyeDistance: number): Promise<Raw> {
  const flat = picture.flatten({ background: '#808080' }).toColourspace('srgb');
  const { data, info } = await flat.raw({ depth: 'uchar' }).toBuffer({ resolveWithObject: true });
  return { data: info.channels === 1 ? threeTimes(data) : data, width: info.width, height: info.height, eyeDistance };
}

function threeTimes(grey: Buffer): Buffer {
  return Buffer.from(Uint8Array.from({ length: 3 * grey.length }, (_, i) => grey[Math.floor(i / 3)]!));
}

function mapped(data: Buffer, to: (value: number) => number): Buffer {
  const table = Uint8Array.from({ length: 256 }, (_, value) => Math.min(255, Math.max(0, Math.round(to(value)))));
  return Buffer.from(data.map((value) => table[value]!));
}

/** @param channels how many neighbours share a deviate
 *  Source: Box and Muller 1958, "A note on the generation of random normal deviates". */
function withNoise(
  data: Buffer,
  deviation: number,
  { seed, channels }: { readonly seed: number; readonly channels: 1 | 3 },
): Buffer {
  const random = seeded(seed);
  const noisy = Buffer.alloc(data.length);
  for (let i = 0; i < data.length; i += channels) {
    const by = deviation * Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
    for (let at = i; at < i + channels; at += 1) noisy[at] = Math.min(255, Math.max(0, Math.round(data[at]! + by)));
  }
  return noisy;
}

/** Every level as frequent as every other, as far as that goes: what a scanner's "auto levels" does to a grey picture.
 *  */
function equalised(data: Buffer): Buffer {
  const counts = new Uint32Array(256);
  for (const value of data) counts[value]! += 1;
  let below = 0;
  const share = Float64Array.from(counts, (count) => (below += count) / data.length);
  return mapped(data, (value) => 255 * share[value]!);
}
