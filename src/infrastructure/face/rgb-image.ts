/** A decoded picture: 3 bytes per pixel, row by row, sRGB. */
export interface RgbImage {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array;
}

/** Gives a picture's pixels back at once, where the garbage collector would let dozens of them wait, and a photograph stay readable
 *  in memory longer than it is needed. The picture is empty afterwards. */
export function dropPixels({ data }: RgbImage): void {
  // Node 20 does not have `transfer` yet; there the collector comes in its own time.
  const buffer = data.buffer as ArrayBuffer & { transfer?: (length: number) => ArrayBuffer };
  // Only memory that is the picture's alone.
  if (buffer.byteLength === data.byteLength && buffer.byteLength > 0) buffer.transfer?.(0);
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
