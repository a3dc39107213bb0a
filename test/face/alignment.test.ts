import { describe, expect, it } from '@jest/globals';
import {
  cutSquare,
  cutTensor,
  fillTensor,
  invert,
  apply,
  scaleWhole,
  type Similarity,
} from '../../src/infrastructure/face/engine/alignment.js';
import { dropPixels, type RgbImage } from '../../src/infrastructure/face/image/rgb-image.js';

/** A picture that is different everywhere, always the same one for a seed. */
function noise(width: number, height: number, seed: number): RgbImage {
  let state = seed;
  const data = new Uint8Array(width * height * 3);
  for (let i = 0; i < data.length; i += 1) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    data[i] = state >>> 24;
  }
  return { width, height, data };
}

/** What `cutSquare` says it does, pixel by pixel and in floats: means of 2 x 2 while the scale is below 0.6, then
 * bilinear, black outside. */
function cutPlainly(image: RgbImage, toCrop: Similarity, size: number): number[] {
  let [plane, scale, level] = [
    {
      width: image.width,
      height: image.height,
      at: (x: number, y: number, c: number): number => image.data[(y * image.width + x) * 3 + c]!,
    },
    Math.hypot(toCrop.a, toCrop.b),
    0,
  ];
  while (scale < 0.6) {
    const { width, height, at } = plane;
    const half = { width: width >> 1, height: height >> 1, values: new Map<number, number>() };
    for (let y = 0; y < half.height; y += 1) {
      for (let x = 0; x < half.width; x += 1) {
        for (let c = 0; c < 3; c += 1)
          half.values.set(
            (y * half.width + x) * 3 + c,
            (at(2 * x, 2 * y, c) + at(2 * x + 1, 2 * y, c) + at(2 * x, 2 * y + 1, c) + at(2 * x + 1, 2 * y + 1, c)) / 4,
          );
      }
    }
    plane = { width: half.width, height: half.height, at: (x, y, c) => half.values.get((y * half.width + x) * 3 + c)! };
    [scale, level] = [scale * 2, level + 1];
  }
  const { width, height, at } = plane;
  const pixel = (x: number, y: number, c: number): number =>
    x >= 0 && y >= 0 && x < width && y < height ? at(x, y, c) : 0;
  const toPicture = invert(toCrop);
  const crop: number[] = [];
  for (let v = 0; v < size; v += 1) {
    for (let u = 0; u < size; u += 1) {
      const place = apply(toPicture, { x: u, y: v });
      const [x, y] = [(place.x + 0.5) / 2 ** level - 0.5, (place.y + 0.5) / 2 ** level - 0.5];
      const [x0, y0] = [Math.floor(x), Math.floor(y)];
      const [fx, fy] = [x - x0, y - y0];
      for (let c = 0; c < 3; c += 1)
        crop.push(
          (1 - fy) * ((1 - fx) * pixel(x0, y0, c) + fx * pixel(x0 + 1, y0, c)) +
            fy * ((1 - fx) * pixel(x0, y0 + 1, c) + fx * pixel(x0 + 1, y0 + 1, c)),
        );
    }
  }
  return crop;
}

const largest = (a: ArrayLike<number>, b: ArrayLike<number>): number =>
  Array.from(a).reduce((worst, value, i) => Math.max(worst, Math.abs(value - b[i]!)), 0);

describe('cutting a square out of a picture', () => {
  it.each([
    ['enlarged and turned', { a: 1.7, b: 0.4, tx: -60, ty: -80 }],
    ['at half size', { a: 0.5, b: 0, tx: -3.3, ty: -10 }],
    ['partly outside', { a: 0.3, b: -0.2, tx: 20, ty: 35 }],
    ['wholly outside', { a: 1, b: 0, tx: 500, ty: 500 }],
    ['at an eighth', { a: 0.1, b: 0.05, tx: 2, ty: 1 }],
  ])('%s: as plain arithmetic does', (_name, toCrop) => {
    const picture = noise(201, 150, 7);
    expect(largest(cutSquare(picture, toCrop, 40), cutPlainly(picture, toCrop, 40))).toBeLessThan(0.001);
  });

  it('loses less than a tenth of a step where sums no longer fit', () => {
    const picture = noise(640, 512, 9);
    const toCrop = { a: 0.02, b: 0, tx: 0, ty: 0 };
    expect(largest(cutSquare(picture, toCrop, 12), cutPlainly(picture, toCrop, 12))).toBeLessThan(0.1);
  });

  it('keeps pictures apart that are cut by turns, the second larger than the first', () => {
    const [small, large] = [noise(120, 90, 1), noise(400, 300, 2)];
    const toCrop = { a: 0.4, b: 0.1, tx: 3, ty: -5 };
    const [ofSmall, ofLarge] = [Array.from(cutSquare(small, toCrop, 30)), Array.from(cutSquare(large, toCrop, 30))];
    for (let turn = 0; turn < 3; turn += 1) {
      expect(Array.from(cutSquare(small, toCrop, 30))).toEqual(ofSmall);
      expect(Array.from(cutSquare(large, toCrop, 30))).toEqual(ofLarge);
    }
  });

  it('lays a cut out for a network as the cut itself would be, whatever was cut before', () => {
    const picture = noise(200, 200, 3);
    const input = { width: 24, height: 24, channelOrder: 'BGR', mean: [10, 20, 30], scale: 0.5 } as const;
    const [toCrop, outside] = [
      { a: 0.7, b: 0, tx: -40, ty: -40 },
      { a: 1, b: 0, tx: 180, ty: 0 },
    ];
    for (const [where, mirrored] of [
      [toCrop, false],
      [outside, true],
      [toCrop, true],
    ] as const) {
      const [direct, laid] = [new Float32Array(2 * 24 * 24 * 3), new Float32Array(2 * 24 * 24 * 3)];
      cutTensor(picture, where, input, direct, { offset: 24 * 24 * 3, mirrored });
      fillTensor(cutSquare(picture, where, 24), input, laid, 24 * 24 * 3, mirrored);
      expect(direct).toEqual(laid);
    }
  });
});

describe('a network input', () => {
  const crop = Float32Array.from([1, 2, 3, 4, 5, 6]);
  const input = { width: 2, height: 1, mean: [1, 0, 0], scale: 2 } as const;

  it('has its planes in the order of its channels, each normalised by its own mean', () => {
    const [rgb, bgr, mirrored] = [new Float32Array(6), new Float32Array(6), new Float32Array(6)];
    fillTensor(crop, { ...input, channelOrder: 'RGB' }, rgb);
    fillTensor(crop, { ...input, channelOrder: 'BGR' }, bgr);
    fillTensor(crop, { ...input, channelOrder: 'RGB' }, mirrored, 0, true);
    expect([...rgb]).toEqual([0, 6, 4, 10, 6, 12]);
    expect([...bgr]).toEqual([4, 10, 4, 10, 2, 8]);
    expect([...mirrored]).toEqual([6, 0, 10, 4, 12, 6]);
  });
});

describe('scaling a whole picture', () => {
  it.each([
    [171, 128],
    [40, 30],
    [600, 450],
  ])('to %i x %i keeps a slope a slope', (width, height) => {
    const picture = {
      width: 400,
      height: 300,
      data: Uint8Array.from({ length: 400 * 300 * 3 }, (_, i) => Math.floor((Math.floor(i / 3) % 400) / 2)),
    };
    const scaled = scaleWhole(picture, width, height);
    expect(scaled).toHaveLength(width * height * 3);
    for (const x of [0.1, 0.5, 0.9])
      expect(scaled[(Math.floor(height / 2) * width + Math.floor(x * width)) * 3]! - x * 200).toBeLessThan(5);
    expect(Math.abs(scaled[(width - 1) * 3]! - 199)).toBeLessThan(6);
  });

  it('takes every pixel into account', () => {
    const picture = noise(512, 512, 5);
    const mean = picture.data.reduce((sum, value) => sum + value, 0) / picture.data.length;
    for (const value of scaleWhole(picture, 4, 4)) expect(Math.abs(value - mean)).toBeLessThan(8);
  });
});

describe('pixels that are given back', () => {
  it('are gone, unless their memory holds other things as well', () => {
    const own = noise(4, 4, 1);
    dropPixels(own);
    dropPixels(own);
    expect(own.data).toHaveLength(0);
    const shared = { width: 2, height: 2, data: new Uint8Array(new ArrayBuffer(100), 8, 12).fill(7) };
    dropPixels(shared);
    expect([...shared.data]).toEqual(Array.from({ length: 12 }, () => 7));
  });
});
