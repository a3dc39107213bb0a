import { AC_MAX, EntropyBits, ZERO_RUN, type Band } from './entropy-bits.js';
import { extended, type HuffmanTable } from './huffman-table.js';
import type { PhotoComponent, PhotoFrame } from './photo-frame.js';
import { SampleRange } from './sample-range.js';

/** Largest DC coefficient that a difference of 8-bit samples can reach (ITU-T T.81 table F.1). */
const DC_MAX = 2047;

/** What is known of one component while its scans come in. */
export class PhotoPlane {
  readonly range: SampleRange;
  /** By coefficient: how many low bits are still to come; -1 before its first scan. */
  readonly missingBits = new Int8Array(64).fill(-1);
  /** In the file's order: of all blocks where the scans are progressive, else of one. */
  readonly coefficients: Int16Array;
  prediction = 0;

  constructor(
    readonly component: PhotoComponent,
    quantiser: Uint8Array,
    progressive: boolean,
  ) {
    this.range = new SampleRange(quantiser);
    const blocks = progressive ? component.storedAcross * component.storedDown : 1;
    this.coefficients = new Int16Array(blocks * 64);
  }
}

/** One component's part in a scan. Tables are there where the scan uses them. */
export interface ScanPart {
  readonly plane: PhotoPlane;
  readonly dc: HuffmanTable | null;
  readonly ac: HuffmanTable | null;
}

/** A scan's header: which coefficients it brings, and which of their bits (T.81 B.2.3). */
export interface ScanPlan extends Band {
  readonly parts: readonly ScanPart[];
  /** Low bits that are missing before this scan; 0 where nothing has come yet. */
  readonly before: number;
  /** Units between restart markers; 0: none. */
  readonly restartInterval: number;
}

/** The coded data of a scan: where it begins, and what a fault in it is named after. */
export interface ScanData {
  readonly bytes: Uint8Array;
  readonly at: number;
  readonly segment: string;
}

/** Passes over the data of a scan. @returns the offset of the first marker that is none of a restart, or the end of
 *  the file */
export function passOverScan(_frame: PhotoFrame, _plan: ScanPlan, { bytes, at }: ScanData): number {
  for (let from = bytes.indexOf(0xff, at); from >= 0; from = bytes.indexOf(0xff, from + 2)) {
    const marker = bytes[from + 1]!;
    if (!(marker === 0 || (marker >= 0xd0 && marker <= 0xd7))) return from;
  }
  return bytes.length;
}

/** Walks every block of a scan. @returns the offset of the marker behind its data. @throws {PhotoFault} */
export function walkScan(frame: PhotoFrame, plan: ScanPlan, { bytes, at, segment }: ScanData): number {
  const bits = new EntropyBits(bytes, at, segment);
  const { parts, restartInterval } = plan;
  const walk = new BlockWalk(plan, bits);
  const readBlock = walk.readerOf(frame.progressive);
  const [single] = parts.length === 1 ? parts : [];
  const across = single ? single.plane.component.blocksAcross : frame.unitsAcross;
  const units = across * (single ? single.plane.component.blocksDown : frame.unitsDown);
  for (let unit = 0; unit < units; unit += 1) {
    // Without an interval there is no remainder.
    if (unit > 0 && unit % restartInterval === 0) {
      walk.end();
      bits.restart((unit / restartInterval - 1) & 7);
    }
    const row = Math.floor(unit / across);
    const column = unit - row * across;
    if (single) readBlock(single, row * single.plane.component.storedAcross + column);
    else for (const part of parts) readUnit(part, row, column, readBlock);
  }
  walk.end();
  return bits.endAtMarker();
}

/** What a scan of a sequential photograph brings. */
const SEQUENTIAL: Band = { from: 1, to: 63, after: 0 };

type BlockReader = (part: ScanPart, block: number) => void;

function readUnit(part: ScanPart, row: number, column: number, readBlock: BlockReader): void {
  const { across, down, storedAcross } = part.plane.component;
  const first = row * down * storedAcross + column * across;
  for (let y = 0; y < down; y += 1) for (let x = 0; x < across; x += 1) readBlock(part, first + y * storedAcross + x);
}

/** Reads blocks, one kind for each kind of scan (T.81 F.2 and G.2). */
class BlockWalk {
  /** Blocks, this one included, whose band is known to be at its end. */
  private endOfBandRun = 0;

  constructor(
    private readonly plan: ScanPlan,
    private readonly bits: EntropyBits,
  ) {}

  readerOf(progressive: boolean): BlockReader {
    const { from, before } = this.plan;
    if (!progressive) return (part) => this.sequential(part);
    if (from === 0)
      return before === 0 ? (part, block) => this.firstDc(part, block) : (part, block) => this.refineDc(part, block);
    return before === 0 ? (part, block) => this.firstAc(part, block) : (part, block) => this.refineAc(part, block);
  }

  /** Ends what goes on from block to block. */
  end(): void {
    if (this.endOfBandRun > 0) throw this.bits.fault('data_left_over');
    for (const { plane } of this.plan.parts) plane.prediction = 0;
  }

  private sequential({ plane, dc, ac }: ScanPart): void {
    const { bits } = this;
    const { range, coefficients } = plane;
    coefficients.fill(0);
    const mean = this.nextDc(plane, dc!);
    coefficients[0] = mean;
    const end = bits.band(ac!, SEQUENTIAL, plane, 0);
    // Runs of blocks are of progressive scans.
    if (end > 0) throw bits.fault('code_unknown');
    if (!range.isInside(coefficients, 0, bits.reached + Math.abs(mean) * range.reach[0]!))
      throw bits.fault('sample_out_of_range');
  }

  private firstDc({ plane, dc }: ScanPart, block: number): void {
    const value = this.nextDc(plane, dc!) * (1 << this.plan.after);
    if (Math.abs(value) > DC_MAX) throw this.bits.fault('coefficient_out_of_range');
    plane.coefficients[block * 64] = value;
  }

  private refineDc({ plane }: ScanPart, block: number): void {
    plane.coefficients[block * 64]! |= this.bits.take(1) << this.plan.after;
  }

  private firstAc({ plane, ac }: ScanPart, block: number): void {
    if (this.endOfBandRun > 0) {
      this.endOfBandRun -= 1;
      return;
    }
    const end = this.bits.band(ac!, this.plan, plane, block * 64);
    if (end > 0) this.endOfBandRun = this.runOf(end) - 1;
  }

  private refineAc({ plane, ac }: ScanPart, block: number): void {
    const { bits } = this;
    const { to, from, after } = this.plan;
    let k = from;
    while (this.endOfBandRun === 0 && k <= to) {
      const symbol = bits.symbol(ac!);
      const run = symbol >> 4;
      const category = symbol & 15;
      if (category > 1) throw bits.fault('coefficient_out_of_range');
      if (category === 0 && run < ZERO_RUN) {
        this.endOfBandRun = this.runOf(run);
        break;
      }
      const value = category === 0 ? 0 : bits.take(1) === 1 ? 1 << after : -(1 << after);
      k = this.correct(plane, block * 64, k, run);
      if (k > to) throw bits.fault('coefficient_out_of_range');
      this.store(plane, block * 64 + k, value);
      k += 1;
    }
    if (this.endOfBandRun > 0) {
      this.correct(plane, block * 64, k, 64);
      this.endOfBandRun -= 1;
    }
  }

  /** Corrects what is not zero and passes over that many zeros. @returns the place of the next zero, or one behind
   *  the band */
  private correct(plane: PhotoPlane, block: number, from: number, zeros: number): number {
    const { to, after } = this.plan;
    const { coefficients } = plane;
    let left = zeros;
    for (let k = from; k <= to; k += 1) {
      const value = coefficients[block + k]!;
      if (value === 0) {
        if (left === 0) return k;
        left -= 1;
      } else if (this.bits.take(1) === 1) this.store(plane, block + k, value + Math.sign(value) * (1 << after));
    }
    return to + 1;
  }

  /** Keeps a coefficient's new value. */
  private store({ coefficients }: PhotoPlane, at: number, value: number): void {
    if (Math.abs(value) > AC_MAX) throw this.bits.fault('coefficient_out_of_range');
    coefficients[at] = value;
  }

  private nextDc(plane: PhotoPlane, dc: HuffmanTable): number {
    const category = this.bits.symbol(dc);
    plane.prediction += extended(this.bits.take(category), category);
    if (Math.abs(plane.prediction) > DC_MAX) throw this.bits.fault('coefficient_out_of_range');
    return plane.prediction;
  }

  private runOf(category: number): number {
    return (1 << category) + this.bits.take(category);
  }
}
