import type { RgbImage } from '../image/rgb-image.js';

/** A margin of one colour on all four sides, with an edge to the picture inside: a photograph of a print or a screen,
 * or one with a border, and no photograph of a person in a booth, where shoulders reach the lower edge. Prints that lie
 * on something with a pattern, and far aslant, are not seen. */
export function hasPrintedFrame(image: RgbImage): boolean {
  const strip = Math.max(2, Math.round(STRIP * Math.min(image.width, image.height)));
  const sides = SIDES.map((side) => new Side(image, side));
  const colour = medianColour(sides.flatMap((side) => side.pixels(0, strip)));
  if (!sides.every((side) => side.share(0, strip, colour) >= UNIFORM)) return false;
  const edges = (soft: number): number[] =>
    sides.map((side) => behindEdge(side, { strip, colour, soft })).filter((inside) => inside !== null);
  const straight = edges(SOFT_EDGE);
  if (straight.length >= EDGES_MIN || straight.some((inside) => inside <= LITTLE)) return true;
  return edges(ASLANT_EDGE).length >= ASLANT_EDGES_MIN;
}

/** As shares of the shorter side, of the pixels, and of a side's length. */
const STRIP = 0.01;
const UNIFORM = 0.97;
const DEPTH_MAX = 0.3;
/** A border may meet a background of its colour on some sides. It is seen on two, or on one behind which so little of
 * its colour lies that only a cut can have made it; the edge of a print that lies aslant is softer, and seen on
 * three. */
const EDGES_MIN = 2;
const LITTLE = 0.2;
const ASLANT_EDGES_MIN = 3;
/** Most of a line is picture, and a little further out nearly nothing of it was. */
const INSIDE = 0.4;
const OUTSIDE = 0.9;
const SOFT_EDGE = 0.012;
const ASLANT_EDGE = 0.1;

/** Largest difference in a channel between pixels of one colour, after compression. */
const SAME = 22;

type Colour = readonly [number, number, number];
const SIDES = ['bottom', 'top', 'left', 'right'] as const;

/** The strip in pixels from which on an edge is looked for, the border's colour, and how soft the edge may be. */
interface Sought {
  readonly strip: number;
  readonly colour: Colour;
  readonly soft: number;
}

/** @returns the share of a border's colour in the first line behind its edge, or null where there is none */
function behindEdge(side: Side, { strip, colour, soft }: Sought): number | null {
  const width = Math.max(3, Math.round(soft * side.depth));
  for (let line = strip; line < DEPTH_MAX * side.depth; line += 1) {
    if (side.share(line, 1, colour) > INSIDE) continue;
    if (side.share(Math.max(0, line - width), 1, colour) < OUTSIDE) return null;
    return side.share(line + width, 1, colour);
  }
  return null;
}

function medianColour(pixels: readonly Colour[]): Colour {
  const middle = (channel: 0 | 1 | 2): number =>
    Uint8Array.from(pixels, (pixel) => pixel[channel]).sort()[pixels.length >> 1] ?? 0;
  return [middle(0), middle(1), middle(2)];
}

/** A picture as it is seen from one of its sides: lines run along the side, counted inwards. */
class Side {
  readonly depth: number;
  private readonly length: number;

  constructor(
    private readonly image: RgbImage,
    private readonly side: (typeof SIDES)[number],
  ) {
    const isLevel = side === 'top' || side === 'bottom';
    this.depth = isLevel ? image.height : image.width;
    this.length = isLevel ? image.width : image.height;
  }

  /** Every third pixel of lines, without the corners, which belong to two sides. */
  pixels(from: number, count: number): Colour[] {
    const found: Colour[] = [];
    for (let line = from; line < from + count; line += 1) {
      for (let along = Math.floor(0.15 * this.length); along < 0.85 * this.length; along += 3)
        found.push(this.at(line, along));
    }
    return found;
  }

  /** @returns the share of the pixels that have a colour */
  share(from: number, count: number, [r, g, b]: Colour): number {
    const pixels = this.pixels(from, count);
    const same = pixels.filter(
      (pixel) => Math.max(Math.abs(pixel[0] - r), Math.abs(pixel[1] - g), Math.abs(pixel[2] - b)) <= SAME,
    );
    return pixels.length === 0 ? 0 : same.length / pixels.length;
  }

  private at(line: number, along: number): Colour {
    const { width, height, data } = this.image;
    const [x, y] =
      this.side === 'top'
        ? [along, line]
        : this.side === 'bottom'
          ? [along, height - 1 - line]
          : this.side === 'left'
            ? [line, along]
            : [width - 1 - line, along];
    const at = 3 * (y * width + x);
    return [data[at]!, data[at + 1]!, data[at + 2]!];
  }
}
