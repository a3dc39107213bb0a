import { valueBits, WrittenTable, type Code } from './jpeg-writer.js';

/** Writes the coded data of scans, as ITU-T T.81 annexes F and G describe it. Shares nothing with the reader. */

/** 64 coefficients in the file's order. */
export type Block = readonly number[];

/** Which coefficients a scan brings, and how many low bits it leaves for later. */
export interface WrittenBand {
  readonly from: number;
  readonly to: number;
  readonly after: number;
}

const numbers = (count: number, first = 0): readonly number[] => Array.from({ length: count }, (_, i) => first + i);
/** Every symbol that a difference of means can have. */
export const EVERY_DC = new WrittenTable(0x00, [[], [4], [3, 5], [2], [6], [1], [0], [], [7], [8], [9], [10, 11]]);
/** Every symbol there is, with codes of 2 to 16 bits. */
export const EVERY_AC = new WrittenTable(0x10, [
  [],
  [0x01],
  [0x00, 0x02],
  [0x03],
  [0x11, 0x10],
  [],
  [0x04, 0xf0, 0x21],
  [],
  [0x05, 0x31],
  [0x06, 0x12, 0x20],
  [0x07],
  [0x08, 0x41],
  [],
  [],
  [],
  numbers(256).filter((symbol) => ![0, 1, 2, 3, 4, 5, 6, 7, 8, 16, 17, 18, 32, 33, 49, 65, 240].includes(symbol)),
]);

/** One block of a sequential scan. @param before the mean value of the block before it */
export function sequentialBits(block: Block, before: number): Code {
  return meanBits(block[0]! - before) + bandBits(block, { from: 1, to: 63, after: 0 }).join('') + endBits(block);
}

/** The difference of a mean value. */
export function meanBits(difference: number): Code {
  const { category, bits } = valueBits(difference);
  return EVERY_DC.code(category) + bits;
}

/** The first scan of a band (G.1.2.2).
 *  @param runMax how many blocks one run of blocks may end */
export function firstBandBits(blocks: readonly Block[], band: WrittenBand, runMax: number): Code {
  const run = new RunOfBlocks(runMax);
  let written = '';
  for (const block of blocks) {
    const codes = bandBits(block, band);
    if (codes.length > 0) written += run.end();
    written += codes.join('');
    if (reduced(block[band.to]!, band.after) === 0) written += run.add('');
  }
  return written + run.end();
}

/** A further bit of a band (G.1.2.3). */
export function refinedBandBits(blocks: readonly Block[], { from, to, after }: WrittenBand, runMax: number): Code {
  const run = new RunOfBlocks(runMax);
  let written = '';
  for (const block of blocks) {
    const isNew = (k: number): boolean => Math.abs(reduced(block[k]!, after)) === 1;
    const lastNew = numbers(to - from + 1, from).findLast(isNew) ?? -1;
    let [zeros, corrections] = [0, ''];
    for (let k = from; k <= to; k += 1) {
      const value = reduced(block[k]!, after);
      if (value === 0) {
        zeros += 1;
        continue;
      }
      for (; zeros > 15 && k <= lastNew; zeros -= 16, corrections = '')
        written += run.end() + EVERY_AC.code(0xf0) + corrections;
      if (!isNew(k)) {
        corrections += String(Math.abs(value) & 1);
        continue;
      }
      written += run.end() + EVERY_AC.code((zeros << 4) | 1) + (value > 0 ? '1' : '0') + corrections;
      [zeros, corrections] = [0, ''];
    }
    if (zeros > 0 || corrections !== '') written += run.add(corrections);
  }
  return written + run.end();
}

/** A value without the low bits that come later: of the mean its shifted bits, of the others those of its size. */
export function reduced(value: number, after: number): number {
  const size = Math.abs(value) >> after;
  return value < 0 && size > 0 ? -size : size;
}

/** Blocks whose band is at its end, and the bits that correct what they hold. */
class RunOfBlocks {
  private blocks = 0;
  private corrections = '';

  constructor(private readonly max: number) {}

  add(corrections: Code): Code {
    this.blocks += 1;
    this.corrections += corrections;
    return this.blocks === this.max ? this.end() : '';
  }

  end(): Code {
    if (this.blocks === 0) return '';
    const category = Math.floor(Math.log2(this.blocks));
    const rest = category === 0 ? '' : (this.blocks - (1 << category)).toString(2).padStart(category, '0');
    const written = EVERY_AC.code(category << 4) + rest + this.corrections;
    [this.blocks, this.corrections] = [0, ''];
    return written;
  }
}

/** A code and its bits for each coefficient that is not zero, and for each run of sixteen zeros before one. */
function bandBits(block: Block, { from, to, after }: WrittenBand): readonly Code[] {
  const codes: Code[] = [];
  let zeros = 0;
  for (let k = from; k <= to; k += 1) {
    const { category, bits } = valueBits(reduced(block[k]!, after));
    if (category === 0) {
      zeros += 1;
      continue;
    }
    for (; zeros > 15; zeros -= 16) codes.push(EVERY_AC.code(0xf0));
    codes.push(EVERY_AC.code((zeros << 4) | category) + bits);
    zeros = 0;
  }
  return codes;
}

function endBits(block: Block): Code {
  return block[63] === 0 ? EVERY_AC.code(0) : '';
}
