import type { Point } from './rgb-image.js';

/** Brightness on a logarithmic scale, and two differences of colour that the strength of the light leaves alone. */
export interface Tone {
  readonly light: number;
  readonly red: number;
  readonly blue: number;
}

/** Differences of brightness between neighbours, on a logarithmic scale: over two pixels, over four, and those over
 *  four along the eyes' line and down. */
export interface Grain {
  readonly fine: number;
  readonly coarse: number;
  readonly along: number;
  readonly down: number;
}

/** A rectangle on a face: its middle in pixels, and half its width and height in eye distances. */
export type Patch = readonly [middle: Point, halfWidth: number, halfHeight: number];

/** Added to a colour's value before its logarithm is taken: in the dark, noise is no colour. */
const DARK = 10;
const LOG = Float64Array.from({ length: 256 }, (_, value) => Math.log(value + DARK));

/** Means over rectangles of a cut face, each from four sums, whatever its size. What lies outside the crop is not
 *  looked at; of a rectangle that lies outside altogether the nearest edge is taken. The next face uses the tables
 *  again. */
export class PatchSums {
  private readonly light: Float64Array;
  private readonly red: Float64Array;
  private readonly blue: Float64Array;
  private readonly fine: Float64Array;
  private readonly along: Float64Array;
  private readonly down: Float64Array;
  /** Brightness 0..255 of each pixel. */
  private readonly grey: Float32Array;

  /** @param crop side*side*3 values 0..255, RGB interleaved
   *  @param unit eye distance in pixels */
  constructor(
    crop: Float32Array,
    private readonly side: number,
    private readonly unit: number,
  ) {
    [this.light, this.red, this.blue, this.fine, this.along, this.down] = tablesFor(side);
    this.grey = new Float32Array(side * side);
    for (let i = 0; i < this.grey.length; i += 1) {
      this.grey[i] = 0.299 * crop[3 * i]! + 0.587 * crop[3 * i + 1]! + 0.114 * crop[3 * i + 2]!;
    }
    this.sumColours(crop);
    this.sumGrain();
  }

  tone([middle, halfWidth, halfHeight]: Patch): Tone {
    const light = Math.log(this.mean(this.light, middle, halfWidth, halfHeight) + DARK);
    const red = this.mean(this.red, middle, halfWidth, halfHeight);
    return { light, red, blue: this.mean(this.blue, middle, halfWidth, halfHeight) };
  }

  grain([middle, halfWidth, halfHeight]: Patch): Grain {
    // Differences of large sums: where there is no grain at all they may be a little below nothing.
    const meanOf = (sums: Float64Array): number => Math.max(0, this.mean(sums, middle, halfWidth, halfHeight));
    const [fine, along, down] = [meanOf(this.fine), meanOf(this.along), meanOf(this.down)];
    return {
      fine: Math.log(Math.sqrt(fine) + 1),
      coarse: Math.log(Math.sqrt(along + down) + 1),
      along: Math.log(along + 4) / 2,
      down: Math.log(down + 4) / 2,
    };
  }

  /** Mean brightness 0..255. */
  brightness([middle, halfWidth, halfHeight]: Patch): number {
    return this.mean(this.light, middle, halfWidth, halfHeight);
  }

  /** @returns the brightness below which a share of the rectangle lies */
  percentiles([{ x, y }, halfWidth, halfHeight]: Patch): (share: number) => number {
    const [left, right] = this.range(x, halfWidth);
    const [top, bottom] = this.range(y, halfHeight);
    const values = new Float64Array((right - left) * (bottom - top));
    let count = 0;
    for (let row = top; row < bottom; row += 1) {
      for (let at = row * this.side + left; at < row * this.side + right; at += 1) values[count++] = this.grey[at]!;
    }
    values.sort();
    return (share) => values[Math.min(values.length - 1, Math.floor(share * values.length))]!;
  }

  private sumColours(crop: Float32Array): void {
    const { side, light, red, blue } = this;
    const width = side + 1;
    for (let y = 0; y < side; y += 1) {
      let [lights, reds, blues] = [0, 0, 0];
      for (let x = 0; x < side; x += 1) {
        const i = y * side + x;
        const green = LOG[(crop[3 * i + 1]! + 0.5) | 0]!;
        lights += this.grey[i]!;
        reds += LOG[(crop[3 * i]! + 0.5) | 0]! - green;
        blues += LOG[(crop[3 * i + 2]! + 0.5) | 0]! - green;
        const [above, here] = [y * width + x + 1, (y + 1) * width + x + 1];
        light[here] = light[above]! + lights;
        red[here] = red[above]! + reds;
        blue[here] = blue[above]! + blues;
      }
    }
  }

  private sumGrain(): void {
    const { side, grey, fine, along, down } = this;
    const width = side + 1;
    for (let y = 0; y < side; y += 1) {
      let [fines, alongs, downs] = [0, 0, 0];
      for (let x = 0; x < side; x += 1) {
        const i = y * side + x;
        // The rows and columns at the edge have no neighbours on both sides.
        if (x >= 2 && y >= 2 && x < side - 2 && y < side - 2) {
          fines += (grey[i - 1]! - grey[i + 1]!) ** 2 + (grey[i - side]! - grey[i + side]!) ** 2;
          alongs += (grey[i - 2]! - grey[i + 2]!) ** 2;
          downs += (grey[i - 2 * side]! - grey[i + 2 * side]!) ** 2;
        }
        const [above, here] = [y * width + x + 1, (y + 1) * width + x + 1];
        fine[here] = fine[above]! + fines;
        along[here] = along[above]! + alongs;
        down[here] = down[above]! + downs;
      }
    }
  }

  private mean(sums: Float64Array, { x, y }: Point, halfWidth: number, halfHeight: number): number {
    const [left, right] = this.range(x, halfWidth);
    const [top, bottom] = this.range(y, halfHeight);
    const width = this.side + 1;
    const [above, below] = [top * width, bottom * width];
    const sum = sums[below + right]! - sums[above + right]! - sums[below + left]! + sums[above + left]!;
    return sum / ((right - left) * (bottom - top));
  }

  /** From a pixel to the one behind the last, at least one pixel. */
  private range(middle: number, half: number): [number, number] {
    const within = (value: number): number => Math.max(0, Math.min(this.side, Math.round(value)));
    const from = within(middle - half * this.unit);
    const to = within(middle + half * this.unit + 1);
    if (to > from) return [from, to];
    return from >= this.side ? [this.side - 1, this.side] : [from, from + 1];
  }
}

type Tables = readonly [Float64Array, Float64Array, Float64Array, Float64Array, Float64Array, Float64Array];

/** The first row and column stay 0. Fresh tables for each face would take longer than filling them. */
function tablesFor(side: number): Tables {
  if (spare?.side !== side) {
    const table = (): Float64Array => new Float64Array((side + 1) ** 2);
    spare = { side, tables: [table(), table(), table(), table(), table(), table()] };
  }
  return spare.tables;
}

let spare: { readonly side: number; readonly tables: Tables } | null = null;
