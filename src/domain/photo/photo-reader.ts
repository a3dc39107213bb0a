import { DC_CATEGORY_MAX, huffmanTable, type HuffmanTable } from './huffman-table.js';
import { photoFrame, type PhotoFrame, type PhotoLimits } from './photo-frame.js';
import { PhotoFault, refusedPhoto, type PhotoRefused } from './photo-refusal.js';
import { passOverScan, PhotoPlane, walkScan, type ScanData, type ScanPart, type ScanPlan } from './photo-scan.js';
import { markerName } from './photo-segments.js';

/** A JPEG that is one picture for every reader. */
export interface PlainPhoto {
  readonly outcome: 'plain';
  readonly width: number;
  readonly height: number;
  /** 1: grey; 3: YCbCr. */
  readonly components: number;
  readonly progressive: boolean;
  readonly scans: number;
}

export type PhotoReading = PlainPhoto | PhotoRefused;

/** What any photograph may declare. */
export const PHOTO_LIMITS: PhotoLimits = { sideMax: 8_000, pixelsMax: 40_000_000 };

/** Writers use up to a dozen; each further one costs a walk over the whole picture. */
const SCANS_MAX = 64;
const LOW_BITS_MAX = 13;
const JFIF = 'APP0 (JFIF)';

/** Reads a file from its first byte to its last and says whether it is a plain JPEG: start, JFIF (if any) without
 *  thumbnail, tables, baseline or complete
 *  progressive scans of 8-bit grey or YCbCr, end, nothing else anywhere. Every coded bit is read, so that nothing is
 *  missing, left over, or open
 *  to two readings: two readers that follow ITU-T T.81 and T.871 see the same picture. Nothing is decoded to pixels.
 *  Total: any bytes give an answer, in time and memory that their number and the limits bound. */
export function readPhoto(bytes: Uint8Array, limits: PhotoLimits = PHOTO_LIMITS): PhotoReading {
  return readingOf(new PhotoWalk(bytes, limits, walkScan));
}

/** The same without the coded data, which is passed over: for those who give the file to a decoder next and take its
 *  warnings for refusals. */
export function readPhotoOutline(bytes: Uint8Array, limits: PhotoLimits = PHOTO_LIMITS): PhotoReading {
  return readingOf(new PhotoWalk(bytes, limits, passOverScan));
}

function readingOf(walk: PhotoWalk): PhotoReading {
  try {
    return walk.toEnd();
  } catch (error) {
    if (error instanceof PhotoFault) return refusedPhoto(error);
    throw error;
  }
}

interface Segment {
  readonly name: string;
  readonly at: number;
  /** One behind its last byte. */
  readonly end: number;
}

/** Goes through the coded data of one scan. @returns the offset of the marker behind it */
type ScanWalk = (frame: PhotoFrame, plan: ScanPlan, data: ScanData) => number;

class PhotoWalk {
  private readonly quantisers = new Map<number, { readonly steps: Uint8Array; readonly byte: number }>();
  private readonly tables = new Map<number, HuffmanTable>();
  private frame: PhotoFrame | undefined;
  private planes: readonly PhotoPlane[] = [];
  private scans = 0;
  private restartInterval = 0;
  /** Where the restart interval stands that no scan has used yet. */
  private unusedInterval: number | null = null;

  constructor(
    private readonly bytes: Uint8Array,
    private readonly limits: PhotoLimits,
    private readonly walk: ScanWalk,
  ) {}

  toEnd(): PlainPhoto {
    const { bytes } = this;
    if (bytes[0] !== 0xff || bytes[1] !== 0xd8) throw new PhotoFault('SOI', bytes[0] === 0xff ? 1 : 0, 'not_a_jpeg');
    let at = this.jfif(2);
    for (;;) {
      const marker = this.markerAt(at);
      if (marker === 0xd9) return this.finished(at);
      at = this.read(marker, this.segmentAt(at));
    }
  }

  /** The marker at this place. @throws {PhotoFault} where there is anything else */
  private markerAt(at: number): number {
    const { bytes } = this;
    if (at + 2 > bytes.length) throw new PhotoFault('end of file', bytes.length, 'cut_off');
    if (bytes[at] !== 0xff) throw new PhotoFault('between segments', at, 'stray_bytes');
    const marker = bytes[at + 1]!;
    if (marker === 0xff) throw new PhotoFault('between segments', at + 1, 'fill_bytes');
    return marker;
  }

  private segmentAt(at: number): Segment {
    const { bytes } = this;
    const name = markerName(bytes, at);
    const length = at + 4 > bytes.length ? 0xffff : (bytes[at + 2]! << 8) | bytes[at + 3]!;
    // Markers that stand alone are refused below, whatever follows them.
    return { name, at, end: at + 2 + length };
  }

  private read(marker: number, segment: Segment): number {
    const { name, at, end } = segment;
    const reader = this.readerOf(marker);
    if (name === JFIF) throw new PhotoFault(name, at, 'segment_unexpected');
    if (marker >= 0xe0 && marker <= 0xef) throw new PhotoFault(name, at, 'metadata');
    if (marker === 0xfe) throw new PhotoFault(name, at, 'comment');
    if (reader === null)
      throw new PhotoFault(name, at, isFrameMarker(marker) ? 'process_unsupported' : 'segment_unexpected');
    if (end > this.bytes.length) throw new PhotoFault(name, this.bytes.length, 'cut_off');
    if (end < at + 5) throw new PhotoFault(name, at + 2, 'segment_malformed');
    return reader(segment);
  }

  private readerOf(marker: number): ((segment: Segment) => number) | null {
    switch (marker) {
      case 0xdb:
        return (segment) => this.quantisationTables(segment);
      case 0xc4:
        return (segment) => this.huffmanTables(segment);
      case 0xdd:
        return (segment) => this.interval(segment);
      case 0xc0:
      case 0xc2:
        return (segment) => this.frameHeader(segment);
      case 0xda:
        return (segment) => this.scan(segment);
      default:
        return null;
    }
  }

  /** The JFIF segment, right behind the start if anywhere (T.871 10.1). Many writers leave it out; components 1, 2, 3
   *  are YCbCr without it too.
   *  @returns where the next segment begins */
  private jfif(at: number): number {
    const { bytes } = this;
    const end = at + 18;
    this.markerAt(at);
    if (markerName(bytes, at) !== JFIF) return at;
    const name = JFIF;
    if (bytes.length < end) throw new PhotoFault(name, bytes.length, 'cut_off');
    const [units, across, down] = [
      bytes[at + 11]!,
      (bytes[at + 12]! << 8) | bytes[at + 13]!,
      (bytes[at + 14]! << 8) | bytes[at + 15]!,
    ];
    if (bytes[at + 9] !== 1 || bytes[at + 10]! > 2) throw new PhotoFault(name, at + 9, 'jfif_version');
    if (units > 2) throw new PhotoFault(name, at + 11, 'jfif_malformed');
    // Pixels that are wider than high make another face for readers that heed them.
    if (across === 0 || across !== down) throw new PhotoFault(name, at + 12, 'pixels_not_square');
    if (bytes[at + 16] !== 0 || bytes[at + 17] !== 0) throw new PhotoFault(name, at + 16, 'thumbnail');
    if (bytes[at + 2] !== 0 || bytes[at + 3] !== 16) throw new PhotoFault(name, at + 2, 'jfif_malformed');
    return end;
  }

  private quantisationTables({ name, at, end }: Segment): number {
    // Readers differ about which table holds when it changes between scans.
    if (this.scans > 0) throw new PhotoFault(name, at, 'segment_unexpected');
    for (let from = at + 4; from < end; from += 65) {
      const head = this.bytes[from]!;
      if (head >> 4 !== 0) throw new PhotoFault(name, from, 'table_precision');
      if (head > 3 || from + 65 > end) throw new PhotoFault(name, from, 'table_malformed');
      if (this.quantisers.has(head)) throw new PhotoFault(name, from, 'segment_repeated');
      const steps = this.bytes.slice(from + 1, from + 65);
      const zero = steps.indexOf(0);
      if (zero >= 0) throw new PhotoFault(name, from + 1 + zero, 'table_malformed');
      this.quantisers.set(head, { steps, byte: from });
    }
    return end;
  }

  private huffmanTables({ name, at, end }: Segment): number {
    for (let from = at + 4; from < end;) {
      const head = this.bytes[from]!;
      if ((head & 0xec) !== 0) throw new PhotoFault(name, from, 'table_malformed');
      const replaced = this.tables.get(head);
      if (replaced?.used === false) throw new PhotoFault(name, replaced.byte, 'table_unused');
      const symbolMax = head < 0x10 ? DC_CATEGORY_MAX : 255;
      const table = huffmanTable(this.bytes, from + 1, { symbolMax, end });
      this.tables.set(head, table);
      from += 17 + table.symbols.length;
    }
    return end;
  }

  private interval({ name, at, end }: Segment): number {
    if (end !== at + 6) throw new PhotoFault(name, at + 2, 'segment_malformed');
    if (this.unusedInterval !== null) throw new PhotoFault(name, at, 'segment_repeated');
    this.restartInterval = (this.bytes[at + 4]! << 8) | this.bytes[at + 5]!;
    this.unusedInterval = at;
    return end;
  }

  private frameHeader({ name, at, end }: Segment): number {
    if (this.frame) throw new PhotoFault(name, at, 'segment_repeated');
    this.frame = photoFrame(this.bytes, { at, end }, this.limits);
    return end;
  }

  private scan({ name, at, end }: Segment): number {
    const { frame } = this;
    if (!frame) throw new PhotoFault(name, at, 'segment_unexpected');
    if (this.scans === SCANS_MAX) throw new PhotoFault(name, at, 'scans_too_many');
    if (this.scans === 0) this.planes = this.planesOf(frame, at);
    const plan = this.planOf(frame, { name, at, end });
    this.scans += 1;
    this.unusedInterval = null;
    const next = this.walk(frame, plan, { bytes: this.bytes, at: end, segment: `scan ${this.scans}` });
    for (const { plane } of plan.parts) plane.missingBits.fill(plan.after, plan.from, plan.to + 1);
    return next;
  }

  private planesOf(frame: PhotoFrame, at: number): readonly PhotoPlane[] {
    const blocks = frame.components.reduce((sum, { storedAcross, storedDown }) => sum + storedAcross * storedDown, 0);
    // A block takes a bit at least; what cannot be there is not made room for.
    if (blocks > 8 * (this.bytes.length - at)) throw new PhotoFault('scan 1', this.bytes.length, 'rows_missing');
    const steps = frame.components.map(({ quantiser }) => {
      const table = this.quantisers.get(quantiser);
      if (!table) throw new PhotoFault('SOS', at, 'table_missing');
      return table.steps;
    });
    for (const [id, { byte }] of this.quantisers)
      if (!frame.components.some(({ quantiser }) => quantiser === id))
        throw new PhotoFault('DQT', byte, 'table_unused');
    return frame.components.map((component, i) => new PhotoPlane(component, steps[i]!, frame.progressive));
  }

  /** Reads a scan header (T.81 B.2.3) and compares it with what has come before (G.1.1.1.1). */
  private planOf(frame: PhotoFrame, { name, at, end }: Segment): ScanPlan {
    const { bytes } = this;
    const fault = (byte: number, reason: 'scan_malformed' | 'scan_order' | 'segment_malformed'): PhotoFault =>
      new PhotoFault(name, byte, reason);
    const count = bytes[at + 4]!;
    if (count === 0 || count > this.planes.length) throw fault(at + 4, 'scan_malformed');
    if (end !== at + 8 + 2 * count) throw fault(at + 2, 'segment_malformed');
    const [from, to, bitsAt] = [bytes[end - 3]!, bytes[end - 2]!, bytes[end - 1]!];
    const [before, after] = [bitsAt >> 4, bitsAt & 15];
    if (frame.progressive) this.refuseBand({ from, to, count }, { before, after }, end - 3);
    else if (from !== 0 || to !== 63 || bitsAt !== 0) throw fault(end - 3, 'scan_malformed');
    const uses = { dc: from === 0 && before === 0, ac: to > 0 };
    const parts: ScanPart[] = [];
    let position = -1;
    for (let i = 0; i < count; i += 1) {
      const partAt = at + 5 + 2 * i;
      const found = this.planes.findIndex(({ component }) => component.id === bytes[partAt]);
      // In the order of the frame, and none twice.
      if (found <= position) throw fault(partAt, 'scan_malformed');
      position = found;
      const plane = this.planes[found]!;
      // What has come before is refined by one bit; what has not come begins, its mean value first.
      const missing = before === 0 ? -1 : before;
      if (
        plane.missingBits.subarray(from, to + 1).some((bits) => bits !== missing) ||
        (from > 0 && plane.missingBits[0] === -1)
      )
        throw fault(partAt, 'scan_order');
      parts.push({
        plane,
        dc: this.table(uses.dc, bytes[partAt + 1]! >> 4, { frame, kind: 0, at: partAt + 1 }),
        ac: this.table(uses.ac, bytes[partAt + 1]! & 15, { frame, kind: 1, at: partAt + 1 }),
      });
    }
    return { parts, from, to, before, after, restartInterval: this.restartInterval };
  }

  /** A progressive scan brings DC alone, or a band of AC of one component; all bits but the last, or one bit more. */
  private refuseBand(
    { from, to, count }: { readonly from: number; readonly to: number; readonly count: number },
    { before, after }: { readonly before: number; readonly after: number },
    at: number,
  ): void {
    const band = from === 0 ? to === 0 : from <= to && to <= 63 && count === 1;
    if (!band) throw new PhotoFault('SOS', at, 'scan_malformed');
    if (before > 0 ? after !== before - 1 : after > LOW_BITS_MAX) throw new PhotoFault('SOS', at + 2, 'scan_malformed');
  }

  /** The table that a scan names; what it does not use it names 0. */
  private table(
    isUsed: boolean,
    id: number,
    { frame, kind, at }: { readonly frame: PhotoFrame; readonly kind: number; readonly at: number },
  ): HuffmanTable | null {
    if (!isUsed) {
      if (id !== 0) throw new PhotoFault('SOS', at, 'scan_malformed');
      return null;
    }
    const table = this.tables.get((kind << 4) | id);
    if (!table || (!frame.progressive && id > 1)) throw new PhotoFault('SOS', at, 'table_missing');
    table.used = true;
    return table;
  }

  private finished(at: number): PlainPhoto {
    const { bytes, frame, planes, scans } = this;
    if (!frame || planes.length === 0 || planes.some(({ missingBits }) => missingBits.some((bits) => bits !== 0)))
      throw new PhotoFault('EOI', at, 'scans_missing');
    for (const { used, byte } of this.tables.values()) if (!used) throw new PhotoFault('DHT', byte, 'table_unused');
    if (this.unusedInterval !== null) throw new PhotoFault('DRI', this.unusedInterval, 'segment_unexpected');
    if (bytes.length > at + 2) throw new PhotoFault('after EOI', at + 2, 'bytes_after_end');
    if (frame.progressive) for (const plane of planes) refuseFarSamples(plane, { scans, at });
    const { width, height, components, progressive } = frame;
    return { outcome: 'plain', width, height, components: components.length, progressive, scans };
  }
}

function refuseFarSamples(
  { range, coefficients }: PhotoPlane,
  { scans, at }: { readonly scans: number; readonly at: number },
): void {
  for (let from = 0; from < coefficients.length; from += 64) {
    if (!range.isInside(coefficients, from)) throw new PhotoFault(`scan ${scans}`, at, 'sample_out_of_range');
  }
}

/** SOF0 to SOF15 and the marks of other processes (T.81 table B.1). */
function isFrameMarker(marker: number): boolean {
  return (marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4) || marker === 0xde || marker === 0xdf;
}
