/** Where the coefficients of a block stand, by their place in the file (ITU-T T.81 figure A.6). */
export const ZIGZAG: readonly number[] = [
  0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7, 14, 21, 28,
  35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47,
  55, 62, 63,
];

/** Samples before they are shifted and clamped. Readers clamp alike within these; further out some saturate, some
 *  wrap around 10 or 16 bits,
 *  and one file shows two pictures. Sound files stay far inside: nominal samples are -128 to 127. */
const SAMPLE_MAX = 511;

/** COSINES[x][u] = C(u)/2 cos((2x+1)u pi/16) (T.81 A.3.3). */
const COSINES: readonly (readonly number[])[] = Array.from({ length: 8 }, (_, x) =>
  Array.from({ length: 8 }, (_, u) => (u === 0 ? Math.SQRT1_2 : 1) * 0.5 * Math.cos(((2 * x + 1) * u * Math.PI) / 16)),
);

/** Watches that no block of one component leaves the range that all readers agree on. */
export class SampleRange {
  /** By place in the file: how far one unit of this coefficient moves a sample at most. */
  readonly reach: Float64Array;
  private readonly block = new Float64Array(64);
  private readonly half = new Float64Array(64);

  constructor(private readonly quantiser: Uint8Array) {
    this.reach = Float64Array.from(quantiser, (step, k) => step * (k === 0 ? 0.125 : 0.25));
  }

  /** Whether every sample of a block is inside.
   *  @param coefficients 64 from `from` on, in the file's order
   *  @param reached sum of |coefficient| times its reach; where that stays inside, so does every sample */
  isInside(coefficients: Int16Array, from: number, reached = this.reached(coefficients, from)): boolean {
    return reached <= SAMPLE_MAX || this.samples(coefficients, from).every((sample) => Math.abs(sample) <= SAMPLE_MAX);
  }

  private reached(coefficients: Int16Array, from: number): number {
    let sum = 0;
    for (let k = 0; k < 64; k += 1) sum += Math.abs(coefficients[from + k]!) * this.reach[k]!;
    return sum;
  }

  /** The inverse transform; rows before columns. */
  private samples(coefficients: Int16Array, from: number): Float64Array {
    const { block, half, quantiser } = this;
    for (const [k, at] of ZIGZAG.entries()) block[at] = coefficients[from + k]! * quantiser[k]!;
    transform(block, half);
    // Rows have become columns: the second pass brings them back.
    transform(half, block);
    return block;
  }
}

/** One dimension of the inverse transform, for all rows; the result is transposed. */
function transform(from: Float64Array, to: Float64Array): void {
  for (let row = 0; row < 8; row += 1) {
    for (let x = 0; x < 8; x += 1) {
      let sum = 0;
      for (let u = 0; u < 8; u += 1) sum += from[row * 8 + u]! * COSINES[x]![u]!;
      to[x * 8 + row] = sum;
    }
  }
}
