import { UnreadableImage, type ImageHeader } from './declared-picture.js';

/** Reads a JP2 file, or a codestream without boxes, as far as it says what its samples mean, and whether it is there
 *  to its end.
 *  What is not surely one picture for every reader is refused: this is the face of a card, which a machine compares
 *  and an officer
 *  looks at. Source: ISO/IEC 15444-1 Annex A (codestream) and Annex I (boxes).
 *  @throws {UnreadableImage} with the reason
 *  @throws {RangeError} where the file ends inside a field */
export function readJp2(view: DataView): ImageHeader {
  if (view.getUint32(0) === SOC_SIZ) return bareCodestream(view);
  let at = SIGNATURE_BYTES;
  let header: Jp2Header | undefined;
  while (at < view.byteLength) {
    const box = boxAt(view, { at, end: view.byteLength });
    if (box.type === 'jp2c') return containedCodestream(view, box, header);
    if (box.type === 'jp2h') {
      if (header) throw new UnreadableImage('a JP2 file with two header boxes');
      header = jp2Header(view, box);
    } else refuseBox(view, box);
    at = box.end;
  }
  throw new UnreadableImage('a JP2 file without a codestream');
}

const SIGNATURE_BYTES = 12;
/** Start of codestream, and the size marker that must follow it. */
const SOC_SIZ = 0xff4fff51;
/** Enumerated colour spaces (I.5.3.3). */
const SRGB = 16;
const GREY = 17;
/** A `uuid` box of this name holds EXIF, whose orientation some readers heed: "JpgTiffExif->JP2". */
const EXIF_UUID = 'JpgTiffExif->JP2';

interface Box {
  readonly type: string;
  readonly start: number;
  readonly end: number;
}

interface Jp2Header {
  readonly width: number;
  readonly height: number;
  readonly components: number;
}

function boxAt(view: DataView, { at, end }: { readonly at: number; readonly end: number }): Box {
  const type = ascii(view, at + 4);
  const box = { type, ...boxExtent(view, at, end) };
  if (box.end > end) throw new UnreadableImage(`the JP2 box '${printable(type)}' is cut off`);
  return box;
}

function boxExtent(view: DataView, at: number, end: number): { start: number; end: number } {
  const length = view.getUint32(at);
  if (length === 0) return { start: at + 8, end };
  const start = length === 1 ? at + 16 : at + 8;
  const whole = length === 1 ? Number(view.getBigUint64(at + 8)) : length;
  if (at + whole < start) throw new UnreadableImage('a JP2 box shorter than its own header');
  return { start, end: at + whole };
}

/** Boxes beside header and codestream: the file type, and notes that no reader draws. */
function refuseBox(view: DataView, { type, start, end }: Box): void {
  if (type === 'ftyp') return;
  if (type === 'uuid' && (end - start < 16 || ascii(view, start, 16) === EXIF_UUID))
    throw new UnreadableImage('a JP2 file with EXIF');
  if (type === 'xml ' || type === 'uuid' || type === 'uinf') return;
  throw new UnreadableImage(`a JP2 file with a box '${printable(type)}', which is not surely understood`);
}

/** The header box: image header first, then depths, one colour specification, and a resolution of square pixels. */
function jp2Header(view: DataView, { start, end }: Box): Jp2Header {
  const boxes: Box[] = [];
  for (let at = start; at < end; at = boxes.at(-1)!.end) boxes.push(boxAt(view, { at, end }));
  const [image, ...others] = boxes;
  if (image?.type !== 'ihdr' || image.end - image.start !== 14)
    throw new UnreadableImage('a JP2 header that does not begin with the image header');
  const header = {
    height: view.getUint32(image.start),
    width: view.getUint32(image.start + 4),
    components: view.getUint16(image.start + 8),
  };
  const depth = view.getUint8(image.start + 10);
  const depths = others.filter(({ type }) => type === 'bpcc');
  if (depth !== 0xff) refuseDepth(depth);
  if (depths.length > 1 || (depth === 0xff && depths.length === 0))
    throw new UnreadableImage('a JP2 header that does not say one depth for each component');
  for (const box of depths) refuseDepths(view, box, header.components);
  if (view.getUint8(image.start + 11) !== 7) throw new UnreadableImage('a JP2 file of another compression');
  if (view.getUint8(image.start + 12) !== 0)
    throw new UnreadableImage('a JP2 file that says that its colour space is not known');
  const colours = others.filter(({ type }) => type === 'colr');
  if (colours.length !== 1) throw new UnreadableImage(`a JP2 file with ${colours.length} colour specifications`);
  refuseColour(view, colours[0]!, header.components);
  for (const box of others) refuseHeaderBox(view, box);
  return header;
}

const MEANINGS: Readonly<Record<string, string>> = {
  pclr: 'a palette',
  cmap: 'a component mapping',
  cdef: 'a channel definition',
};

function refuseHeaderBox(view: DataView, box: Box): void {
  if (box.type === 'bpcc' || box.type === 'colr') return;
  if (box.type !== 'res ')
    throw new UnreadableImage(`a JP2 file with ${MEANINGS[box.type] ?? `a header box '${printable(box.type)}'`}`);
  for (let at = box.start; at < box.end;) {
    const { start, end } = boxAt(view, { at, end: box.end });
    const [down, across] = [
      [view.getUint16(start), view.getUint16(start + 2), view.getInt8(start + 8)],
      [view.getUint16(start + 4), view.getUint16(start + 6), view.getInt8(start + 9)],
    ] as const;
    if (down[0] * across[1] !== across[0] * down[1] || down[2] !== across[2])
      throw new UnreadableImage('a JP2 file whose pixels are not square');
    at = end;
  }
}

function refuseDepths(view: DataView, { start, end }: Box, components: number): void {
  if (end - start !== components)
    throw new UnreadableImage('a JP2 header that does not say one depth for each component');
  for (let at = start; at < end; at += 1) refuseDepth(view.getUint8(at));
}

/** Depth less one, and whether samples are signed: 7 is eight bits without a sign. */
function refuseDepth(coded: number): void {
  if (coded >= 0x80) throw new UnreadableImage('a JPEG 2000 picture of signed samples');
  if (coded !== 7) throw new UnreadableImage(`a JPEG 2000 picture with a component of ${coded + 1} bits; 8 are read`);
}

function refuseColour(view: DataView, { start, end }: Box, components: number): void {
  const method = view.getUint8(start);
  if (method !== 1)
    throw new UnreadableImage(
      `a JP2 file whose colours are given by ${method === 2 || method === 3 ? 'an ICC profile' : `method ${method}`}`,
    );
  if (end - start !== 7) throw new UnreadableImage('a JP2 colour specification that is not of its length');
  const space = view.getUint32(start + 3);
  if (space !== SRGB && space !== GREY)
    throw new UnreadableImage(`a JP2 file of colour space ${space}${SPACES[space] ?? ''}; sRGB and grey are read`);
  if (components !== (space === GREY ? 1 : 3))
    throw new UnreadableImage(`a JP2 file of ${components} components in ${space === GREY ? 'grey' : 'sRGB'}`);
}

const SPACES: Readonly<Record<number, string>> = {
  1: ' (YCbCr)',
  12: ' (CMYK)',
  14: ' (CIELab)',
  18: ' (sYCC)',
  20: ' (e-sRGB)',
  24: ' (e-sYCC)',
};

function containedCodestream(view: DataView, { start, end }: Box, declared: Jp2Header | undefined): ImageHeader {
  if (!declared) throw new UnreadableImage('a JP2 codestream without a header box before it');
  if (end !== view.byteLength) throw new UnreadableImage('a JP2 file that goes on behind its codestream');
  const header = codestream(view, { start, end });
  if (declared.width !== header.width || declared.height !== header.height)
    throw new UnreadableImage('JP2 header and codestream disagree about the dimensions');
  if (declared.components !== header.components)
    throw new UnreadableImage('JP2 header and codestream disagree about the components');
  return header;
}

/** Without boxes nothing says what three components mean. */
function bareCodestream(view: DataView): ImageHeader {
  const header = codestream(view, { start: 0, end: view.byteLength });
  if (header.components !== 1)
    throw new UnreadableImage('a JPEG 2000 codestream of several components that does not say its colour space');
  return header;
}

interface Extent {
  readonly start: number;
  readonly end: number;
}

/** The main header, then every tile-part up to the end marker. */
function codestream(view: DataView, { start, end }: Extent): ImageHeader {
  const header = sizes(view, start);
  const segments: Segment[] = [];
  let at = start + 4 + view.getUint16(start + 4);
  for (; view.getUint16(at) !== SOT; at = segments.at(-1)!.end) segments.push(segmentAt(view, at, MAIN_MARKERS));
  refuseCoding(view, segments, header.components);
  tileParts(view, { start: at, end }, header.tiles);
  return header;
}

/** SIZ segment (A.5.1). */
function sizes(view: DataView, at: number): ImageHeader {
  if (view.getUint32(at) !== SOC_SIZ) throw new UnreadableImage('a JPEG 2000 codestream without its size marker');
  const u32 = (offset: number): number => view.getUint32(at + offset);
  if (view.getUint16(at + 6) > 2) throw new UnreadableImage('a JPEG 2000 codestream that needs extensions');
  const [right, bottom, left, top, tileWidth, tileHeight] = [u32(8), u32(12), u32(16), u32(20), u32(24), u32(28)];
  const components = view.getUint16(at + 40);
  if (tileWidth === 0 || tileHeight === 0 || right <= left || bottom <= top)
    throw new UnreadableImage('an empty JPEG 2000 picture');
  if (view.getUint16(at + 4) !== 38 + 3 * components)
    throw new UnreadableImage('a JPEG 2000 size marker that is not of its length');
  for (let c = 0; c < components; c += 1) {
    refuseDepth(view.getUint8(at + 42 + c * 3));
    // Subsampled components would give planes of other sizes than the picture.
    if (view.getUint8(at + 43 + c * 3) !== 1 || view.getUint8(at + 44 + c * 3) !== 1)
      throw new UnreadableImage('a JPEG 2000 picture with subsampled components');
  }
  const [tileLeft, tileTop] = [u32(32), u32(36)];
  const tiles = Math.ceil((right - tileLeft) / tileWidth) * Math.ceil((bottom - tileTop) / tileHeight);
  return { kind: 'jp2', width: right - left, height: bottom - top, components, bitsPerSample: 8, tiles };
}

const SOT = 0xff90;
const SOD = 0xff93;
const EOC = 0xffd9;
const COD = 0xff52;
const COC = 0xff53;
/** What the first part of the standard has in a main header, without regions of interest (RGN), which readers may
 *  leave out. */
const MAIN_MARKERS: ReadonlySet<number> = new Set([
  COD,
  COC,
  0xff55,
  0xff57,
  0xff5c,
  0xff5d,
  0xff5f,
  0xff60,
  0xff63,
  0xff64,
]);
const TILE_MARKERS: ReadonlySet<number> = new Set([COD, COC, 0xff58, 0xff5c, 0xff5d, 0xff5f, 0xff61, 0xff64]);

interface Segment {
  readonly marker: number;
  readonly at: number;
  readonly end: number;
}

function segmentAt(view: DataView, at: number, allowed: ReadonlySet<number>): Segment {
  const marker = view.getUint16(at);
  if (marker === 0xff5e) throw new UnreadableImage('a JPEG 2000 picture with a region of interest');
  if (!allowed.has(marker))
    throw new UnreadableImage(
      `a JPEG 2000 codestream with the marker ${marker.toString(16)}, which is not surely understood`,
    );
  const length = view.getUint16(at + 2);
  if (length < 2) throw new UnreadableImage('a JPEG 2000 marker segment shorter than its own length');
  return { marker, at, end: at + 2 + length };
}

/** One coding style for the picture; the transform of three components needs three that are coded alike (A.6.1, G.2).
 *  */
function refuseCoding(view: DataView, segments: readonly Segment[], components: number): void {
  const styles = segments.filter(({ marker }) => marker === COD);
  if (styles.length !== 1) throw new UnreadableImage(`a JPEG 2000 codestream with ${styles.length} coding styles`);
  const [style] = styles as [Segment];
  const transform = view.getUint8(style.at + 8);
  if (transform > 1) throw new UnreadableImage('a JPEG 2000 picture whose components are transformed by an extension');
  if (transform === 1 && components !== 3)
    throw new UnreadableImage('a JPEG 2000 picture that transforms three components and has others');
  if (transform === 1 && segments.some(({ marker }) => marker === COC))
    throw new UnreadableImage('a JPEG 2000 picture that transforms components that are coded differently');
}

/** Every tile-part is there with the length that it states, every tile begins, and nothing stands behind the end
 *  marker. */
function tileParts(view: DataView, { start, end }: Extent, tiles: number): void {
  const parts = new Map<number, number>();
  let at = start;
  while (view.getUint16(at) === SOT) {
    const tile = view.getUint16(at + 4);
    const stated = view.getUint32(at + 6);
    const next = stated === 0 ? end - 2 : at + stated;
    const seen = parts.get(tile) ?? 0;
    if (view.getUint16(at + 2) !== 10 || tile >= tiles || view.getUint8(at + 10) !== seen)
      throw new UnreadableImage('a JPEG 2000 tile-part that does not fit the others');
    parts.set(tile, seen + 1);
    const data = tileHeader(view, at + 12);
    if (next > end - 2 || next < data) throw new UnreadableImage('a JPEG 2000 codestream that is cut off');
    at = next;
  }
  if (view.getUint16(at) !== EOC || at + 2 !== end)
    throw new UnreadableImage('a JPEG 2000 codestream without its end, or with more behind it');
  if (parts.size !== tiles) throw new UnreadableImage(`a JPEG 2000 codestream with ${parts.size} of ${tiles} tiles`);
}

/** @returns where the data of the tile-part begins */
function tileHeader(view: DataView, from: number): number {
  let at = from;
  while (view.getUint16(at) !== SOD) {
    const segment = segmentAt(view, at, TILE_MARKERS);
    if (segment.marker === COD || segment.marker === COC)
      throw new UnreadableImage('a JPEG 2000 picture with tiles of other coding styles');
    at = segment.end;
  }
  return at + 2;
}

function ascii(view: DataView, at: number, length = 4): string {
  return Array.from({ length }, (_, i) => String.fromCharCode(view.getUint8(at + i))).join('');
}

/** A box's name as it may be told: a foreign file's bytes are not printed. */
function printable(type: string): string {
  return /^[a-z0-9 ]{4}$/i.test(type) ? type : '?';
}
