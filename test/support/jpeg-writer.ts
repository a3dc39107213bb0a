/** Writes JPEGs byte by byte for tests: sound ones, and ones that break one rule. Shares nothing with the reader. */

export interface WrittenSegment {
  readonly marker: number;
  readonly content: readonly number[];
}

export const JFIF: WrittenSegment = { marker: 0xe0, content: [...ascii('JFIF\0'), 1, 1, 0, 0, 1, 0, 1, 0, 0] };

/** A code of a table, as its bits. */
export type Code = string;

/** Gives out codes in canonical order: symbols by length, 1 to 16. */
export class WrittenTable {
  readonly codes = new Map<number, Code>();
  readonly content: readonly number[];

  /** @param head class and identifier; @param byLength symbols of length 1, 2, ... */
  constructor(head: number, byLength: readonly (readonly number[])[]) {
    let code = 0;
    byLength.forEach((symbols, i) => {
      for (const symbol of symbols) this.codes.set(symbol, (code++).toString(2).padStart(i + 1, '0'));
      code <<= 1;
    });
    this.content = [head, ...Array.from({ length: 16 }, (_, i) => byLength[i]?.length ?? 0), ...byLength.flat()];
  }

  code(symbol: number): Code {
    const code = this.codes.get(symbol);
    if (code === undefined) throw new Error(`the table has no code for ${symbol}`);
    return code;
  }
}

export const quantisers = (id: number, step = 1): readonly number[] => [id, ...Array<number>(64).fill(step)];
export const segment = (marker: number, ...contents: readonly (readonly number[])[]): WrittenSegment => ({
  marker,
  content: contents.flat(),
});

/** A frame header: components as [id, across, down, table]. */
export function frame(
  marker: number,
  {
    width,
    height,
    components,
    precision = 8,
  }: {
    width: number;
    height: number;
    components: readonly (readonly [number, number, number, number])[];
    precision?: number;
  },
): WrittenSegment {
  return segment(
    marker,
    [precision, height >> 8, height & 255, width >> 8, width & 255, components.length],
    ...components.map(([id, across, down, table]) => [id, (across << 4) | down, table]),
  );
}

/** A scan header: components as [id, dc table, ac table]. */
export function scan(
  components: readonly (readonly [number, number, number])[],
  [from, to, before, after]: readonly [number, number, number, number] = [0, 63, 0, 0],
): WrittenSegment {
  return segment(0xda, [components.length], ...components.map(([id, dc, ac]) => [id, (dc << 4) | ac]), [
    from,
    to,
    (before << 4) | after,
  ]);
}

/** A number's own bits in its category (ITU-T T.81 F.1.2.1). */
export function valueBits(value: number): { readonly category: number; readonly bits: Code } {
  const category = value === 0 ? 0 : Math.floor(Math.log2(Math.abs(value))) + 1;
  const bits =
    category === 0 ? '' : (value > 0 ? value : value + (1 << category) - 1).toString(2).padStart(category, '0');
  return { category, bits };
}

/** Bits as entropy-coded bytes: filled up with ones, and a zero behind each 0xff. */
export function entropy(bits: Code): number[] {
  const padded = bits.padEnd(Math.ceil(bits.length / 8) * 8, '1');
  return (padded.match(/.{8}/g) ?? []).flatMap((byte) => (byte === '11111111' ? [0xff, 0] : [parseInt(byte, 2)]));
}

/** A whole file: start, the pieces, end. Numbers are bytes as they are. */
export function jpeg(...pieces: readonly (WrittenSegment | readonly number[])[]): Buffer {
  return Buffer.from([
    0xff,
    0xd8,
    ...pieces.flatMap((piece) => ('marker' in piece ? segmentBytes(piece) : piece)),
    0xff,
    0xd9,
  ]);
}

export function segmentBytes({ marker, content }: WrittenSegment): number[] {
  const length = content.length + 2;
  return [0xff, marker, length >> 8, length & 255, ...content];
}

export function ascii(text: string): number[] {
  return [...text].map((letter) => letter.charCodeAt(0));
}

/** A plain grey JPEG of `side` x `side` blocks whose brightness follows from the seed. */
export function plainJpeg(seed: number, side: number): Buffer {
  const dc = new WrittenTable(0x00, [[], [0, 1, 2], [3], [4], [5], [6], [7]]);
  const ac = new WrittenTable(0x10, [[0]]);
  let [state, last] = [seed * 2_654_435_761 + 12_345, 0];
  let bits = '';
  for (let block = 0; block < side * side; block += 1) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    const level = ((state >>> 16) % 101) - 50;
    const { category, bits: own } = valueBits(level - last);
    bits += dc.code(category) + own + ac.code(0);
    last = level;
  }
  const components = [[1, 1, 1, 0]] as const;
  return jpeg(
    JFIF,
    segment(0xdb, quantisers(0, 16)),
    frame(0xc0, { width: side * 8, height: side * 8, components }),
    segment(0xc4, dc.content, ac.content),
    scan([[1, 0, 0]]),
    entropy(bits),
  );
}
