/** A decoded picture: 3 bytes per pixel, row by row, sRGB. */
export interface RgbImage {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array;
}

/** Gives a picture's pixels back at once, where the garbage collector would let dozens of them wait, and a photograph
 * stay readable in memory longer than it is needed. The picture is empty afterwards. */
export function dropPixels({ data }: RgbImage): void {
  // Node 20 does not have `transfer` yet; there the collector comes in its own time.
  const buffer = data.buffer as ArrayBuffer & { transfer?: (length: number) => ArrayBuffer };
  // Only memory that is the picture's alone.
  if (buffer.byteLength === data.byteLength && buffer.byteLength > 0) buffer.transfer?.(0);
}

/** How many times a picture was turned by 90 degrees clockwise. */
export type QuarterTurns = 1 | 2 | 3;

/** A copy of a picture, turned counterclockwise: what was turned clockwise by that much stands upright in it. */
export function turnedBack({ width, height, data }: RgbImage, turns: QuarterTurns): RgbImage {
  const [w, h] = turns === 2 ? [width, height] : [height, width];
  const turned = new Uint8Array(data.length);
  // Where the copy's first pixel lies in the picture, and the steps to the next pixel and to the next row.
  const [first, step, row] =
    turns === 1
      ? [width - 1, width, -1]
      : turns === 2
        ? [width * height - 1, -1, -width]
        : [width * (height - 1), -width, 1];
  for (let y = 0, to = 0; y < h; y += 1) {
    for (let x = 0, from = 3 * (first + y * row); x < w; x += 1, from += 3 * step, to += 3) {
      turned[to] = data[from]!;
      turned[to + 1] = data[from + 1]!;
      turned[to + 2] = data[from + 2]!;
    }
  }
  return { width: w, height: h, data: turned };
}

export interface Point {
  readonly x: number;
  readonly y: number;
}

/** Axis-aligned box in pixels of the picture; may reach outside it. */
export interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}
