import { PhotoFault } from './photo-refusal.js';

/** Codes of up to this length are found by one look, and where its own bits fit in as well, so is the value; longer
 *  ones are rare. */
export const LOOKUP_BITS = 10;
/** Set in an entry of the lookup whose value is known. */
export const VALUE_KNOWN = 0x80;
/** The longest code of a table (ITU-T T.81 B.2.4.2). */
const CODE_BITS_MAX = 16;
/** Categories of a difference of DC coefficients of 8-bit samples (T.81 table F.1). */
export const DC_CATEGORY_MAX = 11;

/** A table of codes, ready for decoding. */
export interface HuffmanTable {
  /** By the next ten bits: value << 16 | symbol << 8 | whether the value is known << 7 | bits that are taken, the
   *  value's own included where
   *  it is known. 0 where the code is longer. */
  readonly lookup: Int32Array;
  /** By length: the first code that is too large for it, shifted to 16 bits. A length without codes ends where the
   *  one before it ends. */
  readonly ends: Int32Array;
  /** By length: what to add to a code to find its symbol. */
  readonly shifts: Int32Array;
  readonly symbols: Uint8Array;
  /** Where it was defined, and whether a scan has used it. */
  readonly byte: number;
  used: boolean;
}

/** Builds the table whose 16 counts begin at `at` (T.81 annex C).
 *  @throws {PhotoFault} `table_malformed`: no codes, more codes than there are bit patterns, the code of ones only, a
 *  symbol twice, one above the largest. Decoders differ about what such tables mean. */
export function huffmanTable(
  bytes: Uint8Array,
  at: number,
  { symbolMax, end }: { readonly symbolMax: number; readonly end: number },
): HuffmanTable {
  const malformed = (byte: number): PhotoFault => new PhotoFault('DHT', byte, 'table_malformed');
  const counts = bytes.subarray(at, at + CODE_BITS_MAX);
  const total = counts.reduce((sum, count) => sum + count, 0);
  const from = at + CODE_BITS_MAX;
  if (total === 0 || from + total > end) throw malformed(at);
  const symbols = bytes.slice(from, from + total);
  const wrong = symbols.findIndex((symbol, i) => symbol > symbolMax || symbols.indexOf(symbol) < i);
  if (wrong >= 0) throw malformed(from + wrong);
  const table: HuffmanTable = {
    lookup: new Int32Array(1 << LOOKUP_BITS),
    ends: new Int32Array(CODE_BITS_MAX + 1),
    shifts: new Int32Array(CODE_BITS_MAX + 1),
    symbols,
    byte: at - 1,
    used: false,
  };
  if (!assignCodes(table, counts)) throw malformed(at);
  return table;
}

/** @returns false where the counts ask for more codes than there are; the code of ones only is not to be given (T.81
 *  C.2). */
function assignCodes({ lookup, ends, shifts, symbols }: HuffmanTable, counts: Uint8Array): boolean {
  let [code, index] = [0, 0];
  for (let length = 1; length <= CODE_BITS_MAX; length += 1) {
    const count = counts[length - 1]!;
    shifts[length] = index - code;
    for (let i = 0; i < count && length <= LOOKUP_BITS; i += 1)
      fillLookup(lookup, { code: code + i, length, symbol: symbols[index + i]! });
    code += count;
    index += count;
    if (code >= 1 << length) return false;
    ends[length] = code << (CODE_BITS_MAX - length);
    code <<= 1;
  }
  return true;
}

/** Enters one code for every way in which the bits behind it may go on. */
function fillLookup(
  lookup: Int32Array,
  { code, length, symbol }: { readonly code: number; readonly length: number; readonly symbol: number },
): void {
  const room = LOOKUP_BITS - length;
  const category = symbol & 15;
  for (let rest = 0; rest < 1 << room; rest += 1) {
    const known = category > 0 && category <= room;
    const value = known ? extended(rest >> (room - category), category) : 0;
    lookup[(code << room) | rest] =
      (value << 16) | (symbol << 8) | (known ? VALUE_KNOWN | (length + category) : length);
  }
}

/** A value from its own bits (T.81 F.2.2.1, EXTEND). @param category how many they are; of none it is 0 */
export function extended(bits: number, category: number): number {
  return bits < 1 << (category - 1) ? bits - (1 << category) + 1 : bits;
}
