import { extended, LOOKUP_BITS, VALUE_KNOWN, type HuffmanTable } from './huffman-table.js';
import { PhotoFault, type PhotoRefusalReason } from './photo-refusal.js';

const LOOKUP_MASK = (1 << LOOKUP_BITS) - 1;
/** Largest AC coefficient of 8-bit samples that a sound writer makes, and its category (ITU-T T.81 table F.2). */
export const AC_MAX = 1023;
const AC_CATEGORY_MAX = 10;
/** The run of zeros that no coefficient follows. */
export const ZERO_RUN = 15;

/** Which coefficients a scan brings, in the file's order, and how many low bits they still lack. */
export interface Band {
  readonly from: number;
  readonly to: number;
  readonly after: number;
}

/** Where the coefficients go. */
interface BandTarget {
  readonly coefficients: Int16Array;
  readonly range: { readonly reach: Float64Array };
}

/** The bits of the entropy-coded data of one scan, up to the next marker. Behind it zeros are given and counted, so
 *  that the end of the data is looked for where a run of blocks ends and not at every bit. */
export class EntropyBits {
  /** How far the coefficients of the last band may move a sample. */
  reached = 0;
  private buffer = 0;
  private held = 0;
  /** How many of the held bits are not of the file. */
  private borrowed = 0;

  /** @param next offset of the first byte of the data; afterwards of the next byte that is not held yet */
  constructor(
    private readonly bytes: Uint8Array,
    private next: number,
    private readonly segment: string,
  ) {}

  /** The next symbol of a table. @throws {PhotoFault} `code_unknown` */
  symbol(table: HuffmanTable): number {
    this.fill();
    const entry = table.lookup[(this.buffer >>> (this.held - LOOKUP_BITS)) & LOOKUP_MASK]!;
    const symbol = (entry >>> 8) & 0xff;
    if (entry === 0) return this.longSymbol(table);
    this.held -= (entry & VALUE_KNOWN) === 0 ? entry & 31 : (entry & 31) - (symbol & 15);
    return symbol;
  }

  /** The next bits as a number. @param count 0 to 16 */
  take(count: number): number {
    this.fill();
    this.held -= count;
    return (this.buffer >>> this.held) & ((1 << count) - 1);
  }

  /** Reads the coefficients of one block's band that are not zero, and how far they reach (`reached`).
   *  The one loop in which a photograph spends its time: the bits are held in variables, and most values come with
   *  their code.
   *  @param at where the block begins in the coefficients
   *  @returns the category of the run of blocks that end here, this one first; -1 where the band was filled. @throws
   *  {PhotoFault} */
  band(
    table: HuffmanTable,
    { from, to, after }: Band,
    { coefficients, range: { reach } }: BandTarget,
    at: number,
  ): number {
    const { bytes } = this;
    const { lookup } = table;
    const last = bytes.length - 1;
    let { buffer, held, next } = this;
    let end = -1;
    this.reached = 0;
    for (let k = from; k <= to; k += 1) {
      if (held < 16) {
        if (next < last && bytes[next] !== 0xff && bytes[next + 1] !== 0xff) {
          buffer = (buffer << 16) | (bytes[next]! << 8) | bytes[next + 1]!;
          held += 16;
          next += 2;
        } else {
          this.keep(buffer, held, next);
          this.fill();
          ({ buffer, held, next } = this);
        }
      }
      const entry = lookup[(buffer >>> (held - LOOKUP_BITS)) & LOOKUP_MASK]!;
      let value: number;
      if ((entry & VALUE_KNOWN) !== 0) {
        held -= entry & 31;
        k += (entry >>> 12) & 15;
        value = entry >> 16;
      } else {
        this.keep(buffer, held, next);
        const symbol = this.symbol(table);
        const category = symbol & 15;
        if (category === 0 && symbol >> 4 < ZERO_RUN) {
          end = symbol >> 4;
          ({ buffer, held, next } = this);
          break;
        }
        k += symbol >> 4;
        if (category === 0 ? k >= to : category > AC_CATEGORY_MAX)
          throw this.fault(category === 0 ? 'code_unknown' : 'coefficient_out_of_range');
        value = extended(this.take(category), category);
        ({ buffer, held, next } = this);
      }
      value *= 1 << after;
      const size = Math.abs(value);
      if (k > to || size > AC_MAX) {
        this.keep(buffer, held, next);
        throw this.fault('coefficient_out_of_range');
      }
      coefficients[at + k] = value;
      this.reached += size * reach[k]!;
    }
    this.keep(buffer, held, next);
    return end;
  }

  /** Ends a run of blocks: nothing but ones up to the end of the byte may be left before the next marker (T.81
   *  F.1.2.3).
   *  @returns the offset of the marker. @throws {PhotoFault} */
  endAtMarker(): number {
    this.fill();
    const left = this.held - this.borrowed;
    if (left < 0) throw this.fault('rows_missing');
    if (left > 7) throw this.fault('data_left_over');
    const ones = (1 << left) - 1;
    if (((this.buffer >>> this.borrowed) & ones) !== ones) throw this.fault('padding_bits');
    return this.next;
  }

  /** Takes one restart marker and begins again behind it. @param number 0 to 7. @throws {PhotoFault} */
  restart(number: number): void {
    const at = this.endAtMarker();
    if (this.bytes[at + 1] !== 0xd0 + number) throw new PhotoFault(this.segment, at, 'restart_out_of_order');
    this.borrowed = 0;
    this.keep(0, 0, at + 2);
  }

  /** A fault at the bit that is read next. Where the data had ended before, that is what is wrong. */
  fault(reason: PhotoRefusalReason): PhotoFault {
    return this.held < this.borrowed
      ? new PhotoFault(this.segment, this.next, 'rows_missing')
      : new PhotoFault(this.segment, this.byteOfNextBit(), reason);
  }

  private keep(buffer: number, held: number, next: number): void {
    this.buffer = buffer;
    this.held = held;
    this.next = next;
  }

  private fill(): void {
    const { bytes } = this;
    while (this.held <= 24) {
      const byte = this.next < bytes.length ? bytes[this.next]! : 0xff;
      const ended = byte === 0xff && bytes[this.next + 1] !== 0;
      if (ended) this.borrowed += 8;
      else this.next += byte === 0xff ? 2 : 1;
      this.buffer = (this.buffer << 8) | (ended ? 0 : byte);
      this.held += 8;
    }
  }

  private longSymbol({ ends, shifts, symbols }: HuffmanTable): number {
    const code = (this.buffer >>> (this.held - 16)) & 0xffff;
    for (let length = LOOKUP_BITS + 1; length <= 16; length += 1) {
      if (code >= ends[length]!) continue;
      this.held -= length;
      return symbols[(code >>> (16 - length)) + shifts[length]!]!;
    }
    throw this.fault('code_unknown');
  }

  /** The byte that holds the next bit: behind the held ones the reader has gone ahead, over stuffed zeros too. */
  private byteOfNextBit(): number {
    let at = this.next;
    for (let whole = (this.held - this.borrowed + 7) >> 3; whole > 0; whole -= 1)
      at -= this.bytes[at - 2] === 0xff ? 2 : 1;
    return at;
  }
}
