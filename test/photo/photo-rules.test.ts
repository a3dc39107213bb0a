import { describe, expect, it } from '@jest/globals';
import { readPhoto, readPhotoOutline } from '../../src/domain/photo/photo-reader.js';
import {
  ascii,
  entropy,
  frame,
  jpeg,
  JFIF,
  quantisers,
  scan,
  segment,
  segmentBytes,
  valueBits,
  WrittenTable,
} from '../support/jpeg-writer.js';

/** Every symbol that these tests write; codes up to 12 bits, so that the longer ones are looked up apart. */
const DC = new WrittenTable(0x00, [[], [0, 1, 2], [3], [4], [5], [6], [7], [8], [9], [10], [11]]);
const AC = new WrittenTable(0x10, [
  [],
  [0x00, 0x01],
  [0x02, 0x11],
  [0xf0, 0x10],
  [],
  [0x0a],
  [0x06],
  [0x09],
  [0x20],
  [],
  [0x0b, 0x30],
  [0xe1],
]);
const DQT = segment(0xdb, quantisers(0));
const DHT = segment(0xc4, DC.content, AC.content);
const GREY = [[1, 1, 1, 0]] as const;
const COLOUR = [
  [1, 2, 2, 0],
  [2, 1, 1, 0],
  [3, 1, 1, 0],
] as const;
const sof = (
  marker: number,
  width: number,
  height: number,
  components: readonly (readonly [number, number, number, number])[] = GREY,
) => frame(marker, { width, height, components });
const mean = (value: number): string => DC.code(valueBits(value).category) + valueBits(value).bits;
const ac = (run: number, value: number): string =>
  AC.code((run << 4) | valueBits(value).category) + valueBits(value).bits;
const EOB = AC.code(0);
const ZRL = AC.code(0xf0);
const BLOCK = mean(5) + ac(0, 1) + EOB;

interface File {
  readonly bytes: Buffer;
  /** Offset of the data of the last scan. */
  readonly data: number;
  readonly sos: number;
}

/** A file of one scan, and where its parts begin. */
function sequential({
  width = 8,
  height = 8,
  bits = BLOCK,
  header = scan([[1, 0, 0]]),
  tables = DHT,
  more = [] as number[],
} = {}): File {
  const front = jpeg(JFIF, DQT, sof(0xc0, width, height), tables, more);
  const sos = front.length - 2;
  const bytes = Buffer.concat([
    front.subarray(0, sos),
    Buffer.from(segmentBytes(header)),
    Buffer.from(entropy(bits)),
    Buffer.from([0xff, 0xd9]),
  ]);
  return { bytes, sos, data: sos + segmentBytes(header).length };
}

type Step = readonly [
  readonly [number, number, number, number],
  string,
  (readonly (readonly [number, number, number])[])?,
];
/** The scans of a complete progressive grey block: mean 5 and one coefficient of 3, in two steps each. */
const STEPS: readonly Step[] = [
  [[0, 0, 0, 1], mean(2)],
  [[1, 63, 0, 1], ac(0, 1) + EOB],
  [[0, 0, 1, 0], '1'],
  [[1, 63, 1, 0], EOB + '1'],
];

/** @returns the file and where each scan's header begins */
function progressive(
  steps: readonly Step[] = STEPS,
  { width = 8, height = 8, components = GREY as readonly (readonly [number, number, number, number])[] } = {},
) {
  let bytes = jpeg(JFIF, DQT, sof(0xc2, width, height, components), DHT).subarray(0, -2);
  const scans: number[] = [];
  for (const [band, bits, parts = [[1, 0, 0]] as const] of steps) {
    scans.push(bytes.length);
    bytes = Buffer.concat([bytes, Buffer.from(segmentBytes(scan(parts, band))), Buffer.from(entropy(bits))]);
  }
  return { bytes: Buffer.concat([bytes, Buffer.from([0xff, 0xd9])]), scans, end: bytes.length };
}

const refused = (name: string, byte: number, reason: string): object => ({
  outcome: 'refused',
  segment: name,
  byte,
  reason,
});
const plain = (changes: object = {}): object => ({
  outcome: 'plain',
  width: 8,
  height: 8,
  components: 1,
  progressive: false,
  scans: 1,
  ...changes,
});
const changed = (bytes: Buffer, at: number, ...values: number[]): Buffer => {
  const copy = Buffer.from(bytes);
  values.forEach((value, i) => (copy[at + i] = value));
  return copy;
};
const ONE = sequential();
/** Where the segments of these files begin. */
const AT = { jfif: 2, dqt: 20, sof: 89, dht: 102 };

describe('the JFIF segment', () => {
  it.each([
    ['version 1.2', 10, 2, plain()],
    ['version 1.3', 10, 3, refused('APP0 (JFIF)', AT.jfif + 9, 'jfif_version')],
    ['version 0', 9, 0, refused('APP0 (JFIF)', AT.jfif + 9, 'jfif_version')],
    ['version 2', 9, 2, refused('APP0 (JFIF)', AT.jfif + 9, 'jfif_version')],
    ['dots per centimetre', 11, 2, plain()],
    ['a unit nobody knows', 11, 3, refused('APP0 (JFIF)', AT.jfif + 11, 'jfif_malformed')],
    ['wider pixels', 13, 2, refused('APP0 (JFIF)', AT.jfif + 12, 'pixels_not_square')],
    ['much wider pixels', 12, 1, refused('APP0 (JFIF)', AT.jfif + 12, 'pixels_not_square')],
    ['higher pixels', 14, 1, refused('APP0 (JFIF)', AT.jfif + 12, 'pixels_not_square')],
    ['a thumbnail of one column', 16, 1, refused('APP0 (JFIF)', AT.jfif + 16, 'thumbnail')],
    ['a thumbnail of one row', 17, 1, refused('APP0 (JFIF)', AT.jfif + 16, 'thumbnail')],
    ['a longer segment', 3, 17, refused('APP0 (JFIF)', AT.jfif + 2, 'jfif_malformed')],
    ['a far longer segment', 2, 1, refused('APP0 (JFIF)', AT.jfif + 2, 'jfif_malformed')],
    ['another name', 8, 1, refused('APP0', AT.jfif, 'metadata')],
  ])('%s', (_name, offset, value, expected) => {
    expect(readPhoto(changed(ONE.bytes, AT.jfif + offset, value))).toMatchObject(expected);
  });

  it('may say 300 dots per inch, and none at all is refused', () => {
    expect(readPhoto(changed(ONE.bytes, AT.jfif + 12, 1, 44, 1, 44))).toMatchObject(plain());
    expect(readPhoto(changed(ONE.bytes, AT.jfif + 12, 0, 0, 0, 0))).toMatchObject(
      refused('APP0 (JFIF)', 14, 'pixels_not_square'),
    );
    expect(readPhoto(ONE.bytes.subarray(0, 19))).toMatchObject(refused('APP0 (JFIF)', 19, 'cut_off'));
    expect(readPhoto(ONE.bytes.subarray(0, 20))).toMatchObject(refused('end of file', 20, 'cut_off'));
  });
});

describe('the start', () => {
  it.each<[string, Buffer, object]>([
    ['of nothing', Buffer.alloc(0), refused('SOI', 0, 'not_a_jpeg')],
    ['of another file', changed(ONE.bytes, 0, 0xfe), refused('SOI', 0, 'not_a_jpeg')],
    ['of half a marker', changed(ONE.bytes, 1, 0xd9), refused('SOI', 1, 'not_a_jpeg')],
    ['of one byte', ONE.bytes.subarray(0, 1), refused('SOI', 1, 'not_a_jpeg')],
    ['and nothing else', ONE.bytes.subarray(0, 2), refused('end of file', 2, 'cut_off')],
    ['and then no marker', changed(ONE.bytes, 2, 0xfe), refused('between segments', 2, 'stray_bytes')],
    ['twice', Buffer.concat([ONE.bytes.subarray(0, 2), ONE.bytes]), refused('SOI', 2, 'segment_unexpected')],
    [
      'and JFIF twice',
      Buffer.concat([ONE.bytes.subarray(0, 20), ONE.bytes.subarray(2)]),
      refused('APP0 (JFIF)', 20, 'segment_unexpected'),
    ],
  ])('%s', (_name, file, expected) => {
    expect(readPhoto(file)).toMatchObject(expected);
  });

  it('has an end, and nothing behind that', () => {
    const { length } = ONE.bytes;
    for (const more of [Buffer.alloc(1), ONE.bytes])
      expect(readPhoto(Buffer.concat([ONE.bytes, more]))).toMatchObject(
        refused('after EOI', length, 'bytes_after_end'),
      );
  });

  it('of what is no file at all is a fault of the program, and thrown', () => {
    expect(() => readPhoto(undefined as never)).toThrow(TypeError);
  });
});

describe('segments', () => {
  const behind = (...bytes: number[]): Buffer =>
    Buffer.concat([ONE.bytes.subarray(0, 20), Buffer.from(bytes), ONE.bytes.subarray(20)]);
  it.each<[string, number, string, string]>([
    ['TEM', 0x01, 'TEM', 'segment_unexpected'],
    ['SOF1', 0xc1, 'SOF1', 'process_unsupported'],
    ['SOF3', 0xc3, 'SOF3', 'process_unsupported'],
    ['SOF5', 0xc5, 'SOF5', 'process_unsupported'],
    ['JPG', 0xc8, 'JPG', 'process_unsupported'],
    ['DAC', 0xcc, 'DAC', 'process_unsupported'],
    ['SOF15', 0xcf, 'SOF15', 'process_unsupported'],
    ['RST0', 0xd0, 'RST0', 'segment_unexpected'],
    ['RST7', 0xd7, 'RST7', 'segment_unexpected'],
    ['a second start', 0xd8, 'SOI', 'segment_unexpected'],
    ['DNL', 0xdc, 'DNL', 'segment_unexpected'],
    ['DHP', 0xde, 'DHP', 'process_unsupported'],
    ['EXP', 0xdf, 'EXP', 'process_unsupported'],
    ['APP0', 0xe0, 'APP0', 'metadata'],
    ['APP15', 0xef, 'APP15', 'metadata'],
    ['JPG0', 0xf0, 'unknown marker', 'segment_unexpected'],
    ['a reserved one', 0x02, 'unknown marker', 'segment_unexpected'],
    ['a comment', 0xfe, 'COM', 'comment'],
    ['a scan without a frame', 0xda, 'SOS', 'segment_unexpected'],
    ['the end', 0xd9, 'EOI', 'scans_missing'],
    ['a stuffed byte', 0x00, 'unknown marker', 'segment_unexpected'],
  ])('%s', (_name, marker, name, reason) => {
    expect(readPhoto(behind(0xff, marker, 0, 8, 1, 1, 0, 0, 63, 0))).toMatchObject(refused(name, 20, reason));
  });

  it.each<[string, number, string, string]>([
    ['Photoshop', 0xed, 'Photoshop 3.0\0', 'APP13 (Photoshop)'],
    ['EXIF in the wrong segment', 0xe2, 'Exif\0', 'APP2'],
  ])('%s', (_name, marker, text, name) => {
    expect(readPhoto(behind(...segmentBytes({ marker, content: ascii(text) })))).toMatchObject(
      refused(name, 20, 'metadata'),
    );
  });

  it('of tables and frame only make no picture', () => {
    const file = jpeg(JFIF, DQT, sof(0xc0, 8, 8), DHT);
    expect(readPhoto(file)).toMatchObject(refused('EOI', file.length - 2, 'scans_missing'));
  });

  it('with lengths that cannot be', () => {
    expect(readPhoto(jpeg(JFIF, segment(0xc4, [0])))).toMatchObject(refused('DHT', 20 + 5, 'table_malformed'));
    expect(readPhoto(changed(ONE.bytes, AT.dqt + 2, 0, 2))).toMatchObject(
      refused('DQT', AT.dqt + 2, 'segment_malformed'),
    );
    expect(readPhoto(changed(ONE.bytes, AT.dqt + 2, 255, 255))).toMatchObject(
      refused('DQT', ONE.bytes.length, 'cut_off'),
    );
    expect(readPhoto(ONE.bytes.subarray(0, AT.dqt + 3))).toMatchObject(refused('DQT', AT.dqt + 3, 'cut_off'));
    expect(readPhoto(ONE.bytes.subarray(0, AT.dqt + 1))).toMatchObject(refused('end of file', AT.dqt + 1, 'cut_off'));
    expect(readPhoto(ONE.bytes.subarray(0, -2))).toMatchObject(refused('end of file', ONE.bytes.length - 2, 'cut_off'));
  });
});

describe('quantisation', () => {
  const withTables = (...tables: (readonly number[])[]): Buffer => {
    const front = jpeg(JFIF, segment(0xdb, ...tables), sof(0xc0, 8, 8), DHT, scan([[1, 0, 0]]), entropy(BLOCK));
    return front;
  };
  it.each<[string, Buffer, object]>([
    [
      'of 16 bits',
      withTables([0x10, ...quantisers(0).slice(1), ...Array<number>(64).fill(1)]),
      refused('DQT', 24, 'table_precision'),
    ],
    ['of a fifth number', withTables(quantisers(4)), refused('DQT', 24, 'table_malformed')],
    ['that ends early', withTables(quantisers(0).slice(0, 64)), refused('DQT', 24, 'table_malformed')],
    [
      'with a step of nothing',
      withTables([...quantisers(0).slice(0, 64), 0]),
      refused('DQT', 24 + 64, 'table_malformed'),
    ],
    ['with nothing first', withTables([0, 0, ...quantisers(0).slice(2)]), refused('DQT', 25, 'table_malformed')],
    ['twice', withTables(quantisers(0), quantisers(0)), refused('DQT', 24 + 65, 'segment_repeated')],
    ['that nobody uses', withTables(quantisers(0), quantisers(3)), refused('DQT', 24 + 65, 'table_unused')],
    ['that is missing', withTables(quantisers(1)), refused('SOS', 102 + segmentBytes(DHT).length, 'table_missing')],
  ])('%s', (_name, file, expected) => {
    expect(readPhoto(file)).toMatchObject(expected);
  });

  it('may differ from one component to the other', () => {
    const components = [
      [1, 1, 1, 0],
      [2, 1, 1, 1],
      [3, 1, 1, 1],
    ] as const;
    const header = scan(components.map(([id]) => [id, 0, 0] as const));
    const tables = segment(0xdb, quantisers(0), quantisers(1));
    const file = jpeg(JFIF, tables, sof(0xc0, 8, 8, components), DHT, header, entropy(BLOCK.repeat(3)));
    expect(readPhoto(file)).toMatchObject(plain({ components: 3 }));
  });

  it('does not change between scans', () => {
    const { bytes, scans } = progressive();
    const late = Buffer.concat([bytes.subarray(0, scans[1]), Buffer.from(segmentBytes(DQT)), bytes.subarray(scans[1])]);
    expect(readPhoto(late)).toMatchObject(refused('DQT', scans[1]!, 'segment_unexpected'));
  });
});

describe('code tables', () => {
  const dht = (content: readonly number[]): Buffer =>
    jpeg(JFIF, DQT, sof(0xc0, 8, 8), segment(0xc4, content), scan([[1, 0, 0]]), entropy(BLOCK));
  const counts = (...given: number[]): number[] => [...given, ...Array<number>(16 - given.length).fill(0)];
  const table = AT.dht + 4;
  it.each<[string, readonly number[], number]>([
    ['of a third class', [0x20, ...counts(1), 0], table],
    ['of a fifth number', [0x04, ...counts(1), 0], table],
    ['without codes', [0x00, ...counts(0)], table + 1],
    ['that ends among its counts', [0x00, 1, 0, 0], table + 1],
    ['that ends among its symbols', [0x00, ...counts(0, 2), 0], table + 1],
    ['with more codes than bits', [0x00, ...counts(0, 3, 3), 0, 1, 2, 3, 4, 5], table + 1],
    ['with the code of ones only', [0x00, ...counts(0, 3, 2), 0, 1, 2, 3, 4], table + 1],
    [
      'with the code of ones only at full length',
      [0x10, ...counts(1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2), ...Array(17).keys()],
      table + 1,
    ],
    ['with a difference that eight bits cannot have', [0x00, ...counts(0, 2), 0, 12], table + 1 + 16 + 1],
    ['with such a difference first', [0x00, ...counts(0, 2), 12, 0], table + 1 + 16],
    ['with a symbol twice', [0x10, ...counts(0, 3), 0, 1, 0], table + 1 + 16 + 2],
  ])('%s', (_name, content, byte) => {
    expect(readPhoto(dht(content))).toMatchObject(refused('DHT', byte, 'table_malformed'));
  });

  it('are replaced only after use, and all used', () => {
    const twice = jpeg(
      JFIF,
      DQT,
      sof(0xc0, 8, 8),
      segment(0xc4, DC.content, DC.content, AC.content),
      scan([[1, 0, 0]]),
      entropy(BLOCK),
    );
    expect(readPhoto(twice)).toMatchObject(refused('DHT', table, 'table_unused'));
    const other = new WrittenTable(0x11, [[0]]);
    const unused = sequential({ tables: segment(0xc4, DC.content, AC.content, other.content) });
    expect(readPhoto(unused.bytes)).toMatchObject(
      refused('DHT', table + DC.content.length + AC.content.length, 'table_unused'),
    );
    const { bytes, scans } = progressive();
    const again = Buffer.concat([
      bytes.subarray(0, scans[3]),
      Buffer.from(segmentBytes(segment(0xc4, AC.content))),
      bytes.subarray(scans[3]),
    ]);
    expect(readPhoto(again)).toMatchObject(plain({ progressive: true, scans: 4 }));
  });

  it('are those that the scan names', () => {
    expect(readPhoto(sequential({ header: scan([[1, 1, 0]]) }).bytes)).toMatchObject(
      refused('SOS', ONE.sos + 6, 'table_missing'),
    );
    expect(readPhoto(sequential({ header: scan([[1, 0, 1]]) }).bytes)).toMatchObject(
      refused('SOS', ONE.sos + 6, 'table_missing'),
    );
    const third = new WrittenTable(0x02, [[], [0, 1, 2], [3]]);
    const named = sequential({ tables: segment(0xc4, third.content, AC.content), header: scan([[1, 2, 0]]) });
    expect(readPhoto(named.bytes)).toMatchObject(refused('SOS', named.sos + 6, 'table_missing'));
    const second = new WrittenTable(0x01, [[], [0, 1, 2], [3]]);
    expect(
      readPhoto(sequential({ tables: segment(0xc4, second.content, AC.content), header: scan([[1, 1, 0]]) }).bytes),
    ).toMatchObject(plain());
  });
});

describe('the frame', () => {
  const framed = (components: readonly (readonly [number, number, number, number])[], width = 8, height = 8): Buffer =>
    jpeg(
      JFIF,
      DQT,
      sof(0xc0, width, height, components),
      DHT,
      scan(components.map(([id]) => [id, 0, 0] as const)),
      entropy(BLOCK.repeat(24)),
    );
  const at = AT.sof;
  it.each<[string, Buffer, object]>([
    ['without width', framed(GREY, 0), refused('SOF0', at + 7, 'empty_picture')],
    ['without height', framed(GREY, 8, 0), refused('SOF0', at + 5, 'empty_picture')],
    ['too wide', framed(GREY, 8_001), refused('SOF0', at + 5, 'too_many_pixels')],
    ['too high', framed(GREY, 8, 8_001), refused('SOF0', at + 5, 'too_many_pixels')],
    ['too large', framed(GREY, 8_000, 5_001), refused('SOF0', at + 5, 'too_many_pixels')],
    [
      'as wide as may be, and empty',
      framed(GREY, 8_000, 5_000),
      refused('scan 1', framed(GREY).length, 'rows_missing'),
    ],
    [
      'as high as may be, and empty',
      framed(GREY, 5_000, 8_000),
      refused('scan 1', framed(GREY).length, 'rows_missing'),
    ],
    ['of two components', framed(COLOUR.slice(0, 2)), refused('SOF0', at + 9, 'components_unsupported')],
    ['with a fifth table', framed([[1, 1, 1, 4]]), refused('SOF0', at + 12, 'table_missing')],
    ['with components from 0', framed([[0, 1, 1, 0]]), refused('SOF0', at + 10, 'component_ids')],
    [
      'with a component twice',
      framed([
        [1, 1, 1, 0],
        [1, 1, 1, 0],
        [3, 1, 1, 0],
      ]),
      refused('SOF0', at + 13, 'component_ids'),
    ],
    ['with the fourth table, which is not there', framed([[1, 1, 1, 3]]), refused('SOS', ONE.sos, 'table_missing')],
    ['with grey of factors both ways', framed([[1, 2, 2, 0]]), refused('SOF0', at + 11, 'sampling_unsupported')],
    ['with grey of factors', framed([[1, 2, 1, 0]]), refused('SOF0', at + 11, 'sampling_unsupported')],
    ['with grey of factors downwards', framed([[1, 1, 2, 0]]), refused('SOF0', at + 11, 'sampling_unsupported')],
    [
      'with thirds',
      framed([
        [1, 3, 1, 0],
        [2, 1, 1, 0],
        [3, 1, 1, 0],
      ]),
      refused('SOF0', at + 11, 'sampling_unsupported'),
    ],
    [
      'with thirds downwards',
      framed([
        [1, 1, 1, 0],
        [2, 1, 3, 0],
        [3, 1, 1, 0],
      ]),
      refused('SOF0', at + 14, 'sampling_unsupported'),
    ],
    [
      'with finer blue',
      framed([
        [1, 1, 1, 0],
        [2, 2, 1, 0],
        [3, 2, 1, 0],
      ]),
      refused('SOF0', at + 14, 'sampling_unsupported'),
    ],
    [
      'with blue finer downwards',
      framed([
        [1, 1, 1, 0],
        [2, 1, 2, 0],
        [3, 1, 2, 0],
      ]),
      refused('SOF0', at + 14, 'sampling_unsupported'),
    ],
    [
      'with other red than blue',
      framed([
        [1, 2, 2, 0],
        [2, 1, 1, 0],
        [3, 2, 1, 0],
      ]),
      refused('SOF0', at + 17, 'sampling_unsupported'),
    ],
    [
      'with red other downwards',
      framed([
        [1, 2, 2, 0],
        [2, 1, 1, 0],
        [3, 1, 2, 0],
      ]),
      refused('SOF0', at + 17, 'sampling_unsupported'),
    ],
    [
      'with more blocks than a unit holds',
      framed([
        [1, 4, 4, 0],
        [2, 1, 1, 0],
        [3, 1, 1, 0],
      ]),
      refused('SOF0', at + 11, 'sampling_unsupported'),
    ],
    ['longer than its components', changed(framed(GREY), at + 3, 12), refused('SOF0', at + 2, 'segment_malformed')],
    ['shorter than a frame', changed(framed(GREY), at + 3, 7), refused('SOF0', at + 2, 'segment_malformed')],
    ['of 12 bits', changed(framed(GREY), at + 4, 12), refused('SOF0', at + 4, 'precision_unsupported')],
    [
      'of 12 bits and progressive',
      changed(progressive().bytes, at + 4, 12),
      refused('SOF2', at + 4, 'precision_unsupported'),
    ],
  ])('%s', (_name, file, expected) => {
    expect(readPhoto(file)).toMatchObject(expected);
  });

  it.each([
    ['grey', GREY, 1, 8],
    ['4:2:0', COLOUR, 6, 16],
  ] as const)('of more blocks than bits is refused before any room is made for it: %s', (_n, all, each, side) => {
    // Each block takes a bit at least: of these rows there is nothing, and of those not enough.
    const file = (units: number): Buffer => framed(all, side, side * units);
    const { length } = file(1);
    const sos = length - 2 - entropy(BLOCK.repeat(24)).length - (8 + 2 * all.length);
    const most = Math.floor((8 * (length - sos)) / each);
    expect(readPhoto(file(most))).toMatchObject(refused('scan 1', length - 2, 'rows_missing'));
    expect(readPhoto(file(most + 1))).toMatchObject(refused('scan 1', length, 'rows_missing'));
  });

  it('comes once, and not after a scan', () => {
    const twice = jpeg(JFIF, DQT, sof(0xc0, 8, 8), sof(0xc0, 8, 8), DHT, scan([[1, 0, 0]]), entropy(BLOCK));
    expect(readPhoto(twice)).toMatchObject(refused('SOF0', 102, 'segment_repeated'));
  });

  it.each([
    ['4:4:4', 1, 1, 9, 17, 2 * 3 * 3],
    ['4:2:2', 2, 1, 9, 17, 1 * 3 * 4],
    ['4:2:0', 2, 2, 9, 17, 1 * 2 * 6],
    ['4:4:0', 1, 2, 9, 17, 2 * 2 * 4],
    ['4:1:1', 4, 1, 33, 9, 2 * 2 * 6],
    ['4:1:0', 4, 2, 33, 17, 2 * 2 * 10],
  ])('of %s has the blocks of whole units, no fewer and no more', (_name, across, down, width, height, blocks) => {
    const components = [
      [1, across, down, 0],
      [2, 1, 1, 0],
      [3, 1, 1, 0],
    ] as const;
    const file = (count: number): Buffer =>
      jpeg(
        JFIF,
        DQT,
        sof(0xc0, width, height, components),
        DHT,
        scan([
          [1, 0, 0],
          [2, 0, 0],
          [3, 0, 0],
        ]),
        entropy((mean(0) + ac(0, 1) + EOB).repeat(count)),
      );
    expect(readPhoto(file(blocks))).toMatchObject(plain({ width, height, components: 3 }));
    expect(readPhoto(file(blocks - 2))).toMatchObject({ reason: 'rows_missing', segment: 'scan 1' });
    expect(readPhoto(file(blocks + 2))).toMatchObject({ reason: 'data_left_over', segment: 'scan 1' });
  });

  it.each([
    ['wide', 17, 9, 2, 1],
    ['high', 9, 17, 1, 2],
  ])('of one scan for each component has the blocks of the picture only: %s', (_name, width, height, across, down) => {
    const parts = [
      [1, 6],
      [2, 2],
      [3, 2],
    ] as const;
    const file = (change = 0): Buffer =>
      jpeg(
        JFIF,
        DQT,
        sof(0xc0, width, height, [
          [1, across, down, 0],
          [2, 1, 1, 0],
          [3, 1, 1, 0],
        ]),
        DHT,
        ...parts.flatMap(([id, blocks]) => [
          scan([[id, 0, 0]]),
          entropy((mean(0) + ac(0, 1) + EOB).repeat(id === 1 ? blocks + change : blocks === 2 ? 4 : blocks)),
        ]),
      );
    expect(readPhoto(file())).toMatchObject(plain({ width, height, components: 3, scans: 3 }));
    expect(readPhoto(file(-2))).toMatchObject({ reason: 'rows_missing', segment: 'scan 1' });
    expect(readPhoto(file(2))).toMatchObject({ reason: 'data_left_over', segment: 'scan 1' });
  });
});

describe('the header of a scan', () => {
  const sos = ONE.sos;
  it.each<[string, Buffer, object]>([
    ['of no component', sequential({ header: scan([]) }).bytes, refused('SOS', sos + 4, 'scan_malformed')],
    [
      'of more components than there are',
      sequential({
        header: scan([
          [1, 0, 0],
          [1, 0, 0],
        ]),
      }).bytes,
      refused('SOS', sos + 4, 'scan_malformed'),
    ],
    ['of another length', changed(ONE.bytes, sos + 3, 9), refused('SOS', sos + 2, 'segment_malformed')],
    [
      'of a component that is not there',
      sequential({ header: scan([[2, 0, 0]]) }).bytes,
      refused('SOS', sos + 5, 'scan_malformed'),
    ],
    [
      'from the second coefficient',
      sequential({ header: scan([[1, 0, 0]], [1, 63, 0, 0]) }).bytes,
      refused('SOS', sos + 7, 'scan_malformed'),
    ],
    [
      'to the last but one',
      sequential({ header: scan([[1, 0, 0]], [0, 62, 0, 0]) }).bytes,
      refused('SOS', sos + 7, 'scan_malformed'),
    ],
    [
      'with a bit to come',
      sequential({ header: scan([[1, 0, 0]], [0, 63, 0, 1]) }).bytes,
      refused('SOS', sos + 7, 'scan_malformed'),
    ],
    [
      'of the same component again',
      Buffer.concat([ONE.bytes.subarray(0, -2), ONE.bytes.subarray(sos)]),
      refused('SOS', ONE.bytes.length - 2 + 5, 'scan_order'),
    ],
  ])('%s', (_name, file, expected) => {
    expect(readPhoto(file)).toMatchObject(expected);
  });

  it('names components in the order of the frame, each once', () => {
    const file = (...ids: number[]): Buffer =>
      jpeg(
        JFIF,
        DQT,
        sof(0xc0, 8, 8, [
          [1, 1, 1, 0],
          [2, 1, 1, 0],
          [3, 1, 1, 0],
        ]),
        DHT,
        scan(ids.map((id) => [id, 0, 0] as const)),
        entropy(BLOCK.repeat(3)),
      );
    expect(readPhoto(file(1, 2, 3))).toMatchObject(plain({ components: 3 }));
    expect(readPhoto(file(2, 1, 3))).toMatchObject({ segment: 'SOS', reason: 'scan_malformed' });
    expect(readPhoto(file(1, 2, 2))).toMatchObject({ segment: 'SOS', reason: 'scan_malformed' });
    expect(readPhoto(file(1, 3))).toMatchObject({ reason: 'data_left_over' });
  });
});

describe('the coded data', () => {
  const at = ONE.data;
  it.each<[string, string, object]>([
    ['to the last coefficient', mean(0) + ZRL.repeat(3) + ac(14, 1), plain()],
    [
      'of zeros to the very last coefficient',
      mean(0) + ac(14, 1) + ZRL.repeat(3),
      refused('scan 1', at + 3, 'code_unknown'),
    ],
    ['of zeros that nothing follows', mean(0) + ZRL.repeat(4) + EOB, refused('scan 1', at + 2, 'code_unknown')],
    [
      'one coefficient too far',
      mean(0) + ZRL.repeat(3) + ac(0, 1).repeat(14) + AC.code(0x11) + '1' + EOB,
      refused('scan 1', at + 7, 'coefficient_out_of_range'),
    ],
    [
      'with a run of blocks, as progressive scans have',
      mean(0) + AC.code(0x10) + '0',
      refused('scan 1', at + 0, 'code_unknown'),
    ],
    [
      'with a coefficient of eleven bits',
      mean(0) + AC.code(0x0b) + '1'.repeat(11),
      refused('scan 1', at + 1, 'coefficient_out_of_range'),
    ],
    ['with a code that is not in the table', mean(0) + '1'.repeat(20), refused('scan 1', at + 0, 'code_unknown')],
    ['with the largest coefficient', mean(0) + ac(0, 1023) + EOB, plain()],
    ['with the smallest coefficient', mean(0) + ac(0, -1023) + EOB, plain()],
    ['with a mean as far as readers agree', mean(2047) + EOB, plain()],
    ['with a negative mean', mean(-2047) + EOB, plain()],
  ])('%s', (_name, bits, expected) => {
    expect(readPhoto(sequential({ bits }).bytes)).toMatchObject(expected);
  });

  it('with means that add up beyond what eight bits can be', () => {
    expect(readPhoto(sequential({ width: 16, bits: mean(1000) + EOB + mean(1047) + EOB }).bytes)).toMatchObject(
      plain({ width: 16 }),
    );
    expect(readPhoto(sequential({ width: 16, bits: mean(1000) + EOB + mean(1048) + EOB }).bytes)).toMatchObject({
      reason: 'coefficient_out_of_range',
    });
    expect(readPhoto(sequential({ width: 16, bits: mean(-1000) + EOB + mean(-1048) + EOB }).bytes)).toMatchObject({
      reason: 'coefficient_out_of_range',
    });
  });

  it('that ends too early is told so where it ends, whatever the missing bits would have been', () => {
    const two = mean(9) + ac(0, -3) + EOB + mean(-9) + EOB;
    const picture = sequential({ width: 64, height: 64, bits: two.repeat(32) });
    const full = sequential({ bits: mean(0) + (ac(0, 1) + ac(0, -1)).repeat(31) + ac(0, 1) });
    expect([readPhoto(picture.bytes).outcome, readPhoto(full.bytes).outcome]).toEqual(['plain', 'plain']);
    for (const { bytes } of [picture, full]) {
      const { length } = bytes;
      for (let cut = length - 3; cut > length - 20; cut -= 1) {
        expect(bytes[cut - 1]).not.toBe(0xff);
        expect(readPhoto(bytes.subarray(0, cut))).toMatchObject(refused('scan 1', cut, 'rows_missing'));
      }
    }
    // Bits that are not there are read as zeros, and of these this table makes a coefficient of eleven bits.
    const zeros = new WrittenTable(0x10, [[], [0x0b, 0x00]]);
    const missing = sequential({
      height: 16,
      tables: segment(0xc4, DC.content, zeros.content),
      bits: mean(0) + zeros.code(0),
    });
    expect(readPhoto(missing.bytes)).toMatchObject(refused('scan 1', missing.bytes.length - 2, 'rows_missing'));
  });

  it('that goes on behind its last block is told so at the first bit that is too much', () => {
    for (let count = 0; count < 62; count += 1) {
      const bits = mean(0) + (ac(0, 1) + ac(0, -1)).repeat(31).slice(0, 3 * count) + EOB;
      const more = bits.padEnd(Math.ceil(bits.length / 8) * 8, '1');
      const { bytes } = sequential({ bits: `${more}${'01010101'.repeat(4)}` });
      const byte = at + Math.floor(bits.length / 8);
      expect({ count, ...readPhoto(bytes) }).toMatchObject({ count, ...refused('scan 1', byte, 'data_left_over') });
    }
  });

  it('is filled up with ones', () => {
    const { bytes, data } = sequential({ bits: mean(5) + EOB + '' });
    expect(bytes.length - 2 - data).toBe(1);
    const short = sequential({ bits: mean(1) + EOB });
    expect(readPhoto(short.bytes)).toMatchObject(plain());
    for (let bit = 0; bit < 3; bit += 1) {
      expect(readPhoto(changed(short.bytes, short.data, short.bytes[short.data]! ^ (1 << bit)))).toMatchObject(
        refused('scan 1', short.data, 'padding_bits'),
      );
    }
  });

  it('may hold stuffed bytes, and marks the byte of a fault behind them', () => {
    // Ten ones in a row hold a whole byte of them at some of these places.
    const shifted = [0, 1, 2, 3, 4].map((n) => mean(0) + ac(0, 1).repeat(n) + ac(0, 1023));
    const stuffed = shifted.filter((bits) =>
      sequential({ bits: bits + EOB })
        .bytes.subarray(ONE.data)
        .includes(Buffer.from([0xff, 0])),
    );
    expect(stuffed.length).toBeGreaterThan(0);
    for (const bits of stuffed) {
      expect(readPhoto(sequential({ bits: bits + EOB }).bytes)).toMatchObject(plain());
      const spoilt = bits + AC.code(0x0b);
      const byte = ONE.data + Buffer.from(entropy(`${spoilt}1`.slice(0, spoilt.length))).length;
      const file = sequential({ bits: `${spoilt}${'0'.repeat(40)}` });
      const whole = spoilt.length % 8 === 0 ? byte : byte - 1;
      expect(readPhoto(file.bytes)).toMatchObject(refused('scan 1', whole, 'coefficient_out_of_range'));
    }
  });

  it('leaves no sample where readers differ', () => {
    const step = (value: number): Buffer =>
      jpeg(
        JFIF,
        segment(0xdb, quantisers(0, value)),
        sof(0xc0, 8, 8),
        DHT,
        scan([[1, 0, 0]]),
        entropy(mean(100) + EOB),
      );
    expect(readPhoto(step(40))).toMatchObject(plain());
    expect(readPhoto(step(41))).toMatchObject({ reason: 'sample_out_of_range', segment: 'scan 1' });
    // What adds up far and cancels out: the sum of the coefficients alone would refuse it.
    const cancelling = mean(-400) + [500, -500, 500, -500, 500].map((value) => ac(0, value)).join('') + EOB;
    expect(readPhoto(sequential({ bits: cancelling }).bytes)).toMatchObject(plain());
    const adding = mean(0) + ac(0, 1023).repeat(3) + EOB;
    expect(readPhoto(sequential({ bits: adding }).bytes)).toMatchObject({ reason: 'sample_out_of_range' });
  });
});

describe('restart markers', () => {
  const interval = (...value: number[]): number[] => segmentBytes({ marker: 0xdd, content: value });
  const rst = (n: number): number[] => [0xff, 0xd0 + n];
  const file = (pieces: readonly (readonly number[])[], dri = interval(0, 1), width = 24): Buffer =>
    jpeg(JFIF, DQT, sof(0xc0, width, 8), DHT, dri, scan([[1, 0, 0]]), pieces.flat());
  const block = entropy(BLOCK);
  it('stand in order between the units that they part', () => {
    expect(readPhoto(file([block, rst(0), block, rst(1), block]))).toMatchObject(plain({ width: 24 }));
    expect(readPhoto(file([entropy(BLOCK + BLOCK), rst(0), block], interval(0, 2)))).toMatchObject(
      plain({ width: 24 }),
    );
    const many = Array.from({ length: 10 }, (_, i) => (i === 0 ? block : [...rst((i - 1) & 7), ...block]));
    expect(readPhoto(file(many, interval(0, 1), 80))).toMatchObject(plain({ width: 80 }));
    expect(readPhoto(file([entropy(BLOCK.repeat(3))], interval(0, 0)))).toMatchObject(plain({ width: 24 }));
    expect(readPhoto(file([entropy(BLOCK.repeat(3))], interval(1, 0)))).toMatchObject(plain({ width: 24 }));
  });

  it('begin their units anew', () => {
    // Each unit's mean starts from nothing: three times 2,000 is no sum.
    const large = entropy(mean(2000) + EOB);
    expect(readPhoto(file([large, rst(0), large, rst(1), large]))).toMatchObject(plain({ width: 24 }));
  });

  it.each<[string, readonly (readonly number[])[], string]>([
    ['out of order', [block, rst(1), block, rst(0), block], 'restart_out_of_order'],
    ['missing', [block, block, rst(0), block], 'data_left_over'],
    ['repeated', [block, rst(0), rst(0), block, rst(1), block], 'rows_missing'],
    ['behind the last unit', [block, rst(0), block, rst(1), block, rst(2)], 'segment_unexpected'],
    ['with a fill byte', [block, [0xff], rst(0), block, rst(1), block], 'restart_out_of_order'],
    ['with the end instead', [block, rst(0), block], 'restart_out_of_order'],
    ['cut off before it', [block, rst(0), block, [0xff]], 'restart_out_of_order'],
  ])('%s', (_name, pieces, reason) => {
    expect(readPhoto(file(pieces))).toMatchObject({ outcome: 'refused', reason });
  });

  it('are announced once before each scan, in two bytes', () => {
    const dri = AT.dht + segmentBytes(DHT).length;
    expect(readPhoto(file([block], [...interval(0, 1), ...interval(0, 1)]))).toMatchObject(
      refused('DRI', dri + 6, 'segment_repeated'),
    );
    expect(readPhoto(file([block], interval(0, 1, 0)))).toMatchObject(refused('DRI', dri + 2, 'segment_malformed'));
    const behind = Buffer.concat([ONE.bytes.subarray(0, -2), Buffer.from(interval(0, 1)), Buffer.from([0xff, 0xd9])]);
    expect(readPhoto(behind)).toMatchObject(refused('DRI', ONE.bytes.length - 2, 'segment_unexpected'));
    expect(readPhoto(file([block], interval(0, 1), 8))).toMatchObject(plain());
  });
});

describe('the outline of a photograph', () => {
  const outline = (...data: number[]): object =>
    readPhotoOutline(jpeg(JFIF, DQT, sof(0xc0, 8, 8), DHT, scan([[1, 0, 0]]), data));
  const at = ONE.data + 2;
  it('passes over coded data with its stuffed bytes and restart markers, and over nothing else', () => {
    expect(outline(1, 2, 0xff, 0, 3, 0xff, 0xd0, 4, 0xff, 0xd7, 5)).toMatchObject(plain());
    expect(outline()).toMatchObject(plain());
    expect(outline(1, 2, 0xff, 0xcf, 0, 8, 0, 0, 0)).toMatchObject(refused('SOF15', at, 'process_unsupported'));
    expect(outline(1, 2, 0xff, 0xd8)).toMatchObject(refused('SOI', at, 'segment_unexpected'));
    expect(outline(1, 2, 0xff, 0x01)).toMatchObject(refused('TEM', at, 'segment_unexpected'));
    expect(outline(1, 2, 0xff, 0xff, 0)).toMatchObject(refused('between segments', at + 1, 'fill_bytes'));
  });

  it.each([0, 1, 2, 3])('ends with the file, wherever that is: %i bytes of data', (length) => {
    const { bytes, data } = sequential({ bits: '1'.repeat(16) });
    const cut = bytes.subarray(0, data + length);
    expect(readPhotoOutline(cut)).toMatchObject(refused('end of file', data + length, 'cut_off'));
  });
});

describe('progressive scans', () => {
  const COMPLETE = plain({ progressive: true, scans: 4 });
  it('are complete with every bit of every coefficient', () => {
    expect(readPhoto(progressive().bytes)).toMatchObject(COMPLETE);
  });

  it.each([0, 1, 2, 3])('are refused without scan %s', (without) => {
    const { bytes } = progressive(STEPS.filter((_, i) => i !== without));
    expect(readPhoto(bytes)).toMatchObject({
      outcome: 'refused',
      reason: without < 2 ? 'scan_order' : 'scans_missing',
    });
  });

  it.each<[string, number, readonly [number, number, number, number], number, string]>([
    ['DC with AC', 0, [0, 1, 0, 1], 7, 'scan_malformed'],
    ['a band that runs backwards', 1, [5, 4, 0, 1], 7, 'scan_malformed'],
    ['a band beyond the block', 1, [1, 64, 0, 1], 7, 'scan_malformed'],
    ['more bits to come than there are', 0, [0, 0, 0, 14], 9, 'scan_malformed'],
    ['two bits at once', 2, [0, 0, 2, 0], 9, 'scan_malformed'],
    ['a bit that came', 2, [0, 0, 2, 1], 5, 'scan_order'],
    ['a first scan again', 2, [0, 0, 0, 0], 5, 'scan_order'],
    ['AC before DC', 0, [1, 63, 0, 1], 5, 'scan_order'],
    ['a band that came in part', 3, [1, 63, 2, 1], 5, 'scan_order'],
  ])('%s', (_name, index, band, offset, reason) => {
    const steps = STEPS.map((step, i): Step => (i === index ? [band, step[1]] : step));
    const { bytes, scans } = progressive(steps);
    expect(readPhoto(bytes)).toMatchObject(refused('SOS', scans[index]! + offset, reason));
  });

  it('name no tables that they do not use', () => {
    for (const [index, tables] of [
      [0, [0, 1]],
      [1, [1, 0]],
      [2, [1, 0]],
      [2, [0, 1]],
      [3, [1, 0]],
    ] as const) {
      const steps = STEPS.map((step, i): Step =>
        i === index ? [step[0], step[1], [[1, tables[0], tables[1]]]] : step,
      );
      const { bytes, scans } = progressive(steps);
      expect({ index, ...readPhoto(bytes) }).toMatchObject({
        index,
        ...refused('SOS', scans[index]! + 6, 'scan_malformed'),
      });
    }
  });

  it('bring no band of which a part has come', () => {
    const { bytes, scans } = progressive([
      [[0, 0, 0, 0], mean(0)],
      [[1, 5, 0, 0], EOB],
      [[1, 63, 0, 0], EOB],
    ]);
    expect(readPhoto(bytes)).toMatchObject(refused('SOS', scans[2]! + 5, 'scan_order'));
  });

  it('may leave thirteen bits for later, and use any of four tables', () => {
    const later = Array.from({ length: 13 }, (_, i): Step => [[0, 0, 13 - i, 12 - i], '0']);
    const steps: readonly Step[] = [[[0, 0, 0, 13], mean(0)], ...later, [[1, 63, 0, 0], EOB]];
    expect(readPhoto(progressive(steps).bytes)).toMatchObject(plain({ progressive: true, scans: 15 }));
    const [dc, ac] = [new WrittenTable(0x03, [[], [0]]), new WrittenTable(0x13, [[], [0]])];
    const file = jpeg(
      JFIF,
      DQT,
      sof(0xc2, 8, 8),
      segment(0xc4, dc.content, ac.content),
      scan([[1, 3, 0]], [0, 0, 0, 0]),
      entropy(dc.code(0)),
      scan([[1, 0, 3]], [1, 63, 0, 0]),
      entropy(ac.code(0)),
    );
    expect(readPhoto(file)).toMatchObject(plain({ progressive: true, scans: 2 }));
  });

  it('bring AC of one component at a time', () => {
    const three = [
      [1, 1, 1, 0],
      [2, 1, 1, 0],
      [3, 1, 1, 0],
    ] as const;
    const all = [
      [1, 0, 0],
      [2, 0, 0],
      [3, 0, 0],
    ] as const;
    const steps: readonly Step[] = [
      [[0, 0, 0, 0], mean(1).repeat(3), all],
      ...[1, 2, 3].map((id): Step => [[1, 63, 0, 0], ac(0, 1) + EOB, [[id, 0, 0]]]),
    ];
    expect(readPhoto(progressive(steps, { components: three }).bytes)).toMatchObject(
      plain({ progressive: true, components: 3, scans: 4 }),
    );
    const both = progressive(
      [
        steps[0]!,
        [
          [1, 63, 0, 0],
          EOB + EOB,
          [
            [1, 0, 0],
            [2, 0, 0],
          ],
        ],
      ],
      { components: three },
    );
    expect(readPhoto(both.bytes)).toMatchObject(refused('SOS', both.scans[1]! + 11 - 2, 'scan_malformed'));
    expect(readPhoto(progressive(steps.slice(0, 3), { components: three }).bytes)).toMatchObject({
      reason: 'scans_missing',
    });
  });

  it('may come in bands, and end in runs of blocks', () => {
    const wide = { width: 32, height: 8 };
    const run = (category: number, rest: string): string => AC.code(category << 4) + rest;
    const steps = (low: string, high: string): readonly Step[] => [
      [[0, 0, 0, 0], mean(0).repeat(4)],
      [[1, 5, 0, 0], low],
      [[6, 63, 0, 0], high],
    ];
    expect(readPhoto(progressive(steps(run(2, '00'), ac(0, 1) + run(1, '1') + EOB), wide).bytes)).toMatchObject(
      plain({ ...wide, progressive: true, scans: 3 }),
    );
    expect(readPhoto(progressive(steps(run(2, '00'), run(1, '0') + run(1, '0')), wide).bytes)).toMatchObject(
      plain({ ...wide, progressive: true, scans: 3 }),
    );
    expect(readPhoto(progressive(steps(run(2, '01'), run(2, '00')), wide).bytes)).toMatchObject({
      reason: 'data_left_over',
      segment: 'scan 2',
    });
    expect(readPhoto(progressive(steps(run(1, '1'), run(2, '00')), wide).bytes)).toMatchObject({
      reason: 'rows_missing',
      segment: 'scan 2',
    });
    expect(readPhoto(progressive(steps(ac(0, 1).repeat(6) + run(2, '00'), run(2, '00')), wide).bytes)).toMatchObject({
      outcome: 'refused',
      segment: 'scan 2',
    });
  });

  it('end a run of blocks before each restart marker', () => {
    const run = AC.code(0x10) + '1' + EOB;
    const file = (bits: string): object => {
      const front = jpeg(JFIF, DQT, sof(0xc2, 32, 8), DHT, scan([[1, 0, 0]], [0, 0, 0, 0]), entropy(mean(0).repeat(4)));
      const [ac, dri] = [scan([[1, 0, 0]], [1, 63, 0, 0]), segment(0xdd, [0, 2])].map(segmentBytes);
      const pieces = [dri!, ac!, entropy(bits), [0xff, 0xd0], entropy(EOB + EOB), [0xff, 0xd9]];
      return readPhoto(Buffer.concat([front.subarray(0, -2), ...pieces.map((piece) => Buffer.from(piece))]));
    };
    expect(file(EOB + EOB)).toMatchObject(plain({ width: 32, progressive: true, scans: 2 }));
    expect(file(run)).toMatchObject({ reason: 'data_left_over', segment: 'scan 2' });
  });

  it('hold coefficients in range', () => {
    const first = (band: readonly [number, number, number, number], bits: string): readonly Step[] => [
      [[0, 0, 0, 0], mean(0)],
      [band, bits],
      [[1, 63, band[3], band[3] - 1], EOB],
    ];
    const largest = progressive(first([1, 63, 0, 1], ac(0, 511) + EOB));
    expect(readPhoto(largest.bytes)).toMatchObject(plain({ progressive: true, scans: 3 }));
    expect(readPhoto(progressive(first([1, 63, 0, 1], ac(0, 512) + EOB)).bytes)).toMatchObject({
      reason: 'coefficient_out_of_range',
      segment: 'scan 2',
    });
    expect(
      readPhoto(
        progressive([
          [[0, 0, 0, 1], mean(1023)],
          [[0, 0, 1, 0], '1'],
          [[1, 63, 0, 0], EOB],
        ]).bytes,
      ),
    ).toMatchObject(plain({ progressive: true, scans: 3 }));
    for (const value of [2047, -2047]) {
      const whole = progressive([
        [[0, 0, 0, 0], mean(value)],
        [[1, 63, 0, 0], EOB],
      ]);
      expect(readPhoto(whole.bytes)).toMatchObject(plain({ progressive: true, scans: 2 }));
    }
    // A coefficient that begins with a bit so high that no 8-bit sample has it.
    const high = progressive([
      [[0, 0, 0, 0], mean(0)],
      [[1, 63, 0, 11], EOB],
      [[1, 63, 11, 10], ac(0, 1) + EOB],
    ]);
    expect(readPhoto(high.bytes)).toMatchObject({ reason: 'coefficient_out_of_range', segment: 'scan 3' });
    expect(readPhoto(progressive([[[0, 0, 0, 1], mean(1024)]]).bytes)).toMatchObject({
      reason: 'coefficient_out_of_range',
      segment: 'scan 1',
    });
    expect(readPhoto(progressive([[[0, 0, 0, 1], mean(-1024)]]).bytes)).toMatchObject({
      reason: 'coefficient_out_of_range',
      segment: 'scan 1',
    });
  });

  it('refine: new coefficients, corrected ones and runs of zeros', () => {
    const head: readonly Step[] = [
      [[0, 0, 0, 0], mean(0)],
      [[1, 63, 0, 1], ac(0, 1) + EOB],
    ];
    const refine = (bits: string): object => readPhoto(progressive([...head, [[1, 63, 1, 0], bits]]).bytes);
    const done = plain({ progressive: true, scans: 3 });
    // One zero is passed over on the way to the new one, and the old one is corrected in between.
    expect(refine(AC.code(0x11) + '1' + '0' + EOB)).toMatchObject(done);
    expect(refine(AC.code(0x01) + '0' + '1' + EOB)).toMatchObject(done);
    expect(refine(ZRL + '1' + EOB)).toMatchObject(done);
    expect(refine(ZRL + '1' + ZRL + ZRL + AC.code(0xe1) + '1')).toMatchObject({
      reason: 'coefficient_out_of_range',
      segment: 'scan 3',
    });
    expect(refine(ZRL + '1' + ZRL + ZRL + AC.code(0x11) + '1' + EOB)).toMatchObject(done);
    expect(refine(AC.code(0x02) + '11' + EOB)).toMatchObject({ reason: 'coefficient_out_of_range', segment: 'scan 3' });
    expect(refine(AC.code(0x10) + '0' + '1')).toMatchObject({ reason: 'data_left_over', segment: 'scan 3' });
  });

  it('leave no sample where readers differ', () => {
    const steep = (bits: string): readonly Step[] => [
      [[0, 0, 0, 0], mean(0)],
      [[1, 63, 0, 0], bits + EOB],
    ];
    expect(readPhoto(progressive(steep(ac(0, 1023))).bytes)).toMatchObject(plain({ progressive: true, scans: 2 }));
    const far = progressive(steep(ac(0, 1023).repeat(3)));
    expect(readPhoto(far.bytes)).toMatchObject(refused('scan 2', far.end, 'sample_out_of_range'));
    const mild = progressive(steep(ac(0, 511) + ac(0, -511) + ac(0, 511) + ac(0, -511) + ac(0, 511)));
    expect(readPhoto(mild.bytes)).toMatchObject(plain({ progressive: true, scans: 2 }));
  });

  it('are at most 64', () => {
    const bands = Array.from({ length: 63 }, (_, i): Step => [[i + 1, i + 1, 0, 0], EOB]);
    expect(readPhoto(progressive([[[0, 0, 0, 0], mean(0)], ...bands]).bytes)).toMatchObject(
      plain({ progressive: true, scans: 64 }),
    );
    const more = progressive([[[0, 0, 0, 1], mean(0)], [[0, 0, 1, 0], '0'], ...bands]);
    expect(readPhoto(more.bytes)).toMatchObject(refused('SOS', more.scans[64]!, 'scans_too_many'));
  });
});
