import openjpeg, { type OpenJpegModule } from '@cornerstonejs/codec-openjpeg/wasmjs';

/** Bytes in front of the codestream: signature box 12, file type box 20, header box 45, codestream box header 8. */
const JP2_HEADER_BYTES = 85;

/** Writes a greyscale JP2 file, the kind of picture that a card carries (240 x 320, about 2,000 bytes).
 *  @param pixels      width*height luminance bytes, row by row
 *  @param targetBytes upper bound of the whole file; the encoder comes as close below it as its rate control can
 *  @throws {RangeError} when the pixels do not fill the frame, or when no rate gives a file that small
 *  Source: ISO/IEC 15444-1 Annex I (boxes). */
export async function encodeGreyJp2(
  pixels: Uint8Array,
  width: number,
  height: number,
  targetBytes: number,
): Promise<Uint8Array> {
  if (width < 1 || height < 1 || pixels.length !== width * height) {
    throw new RangeError(`${pixels.length} pixels do not fill ${width} x ${height}`);
  }
  const module = await codec();
  // Headers and rounding make the first attempt overshoot now and then, so the rate is lowered in steps of 4 %.
  for (let room = targetBytes - JP2_HEADER_BYTES, attempt = 0; attempt < 40 && room > 0; attempt += 1, room *= 0.96) {
    const codestream = encodeCodestream(module, { pixels, width, height, ratio: Math.max(1, pixels.length / room) });
    if (codestream.length + JP2_HEADER_BYTES <= targetBytes) return wrapInJp2(codestream, width, height);
  }
  throw new RangeError(`a ${width} x ${height} picture does not fit into ${targetBytes} bytes`);
}

let loading: Promise<OpenJpegModule> | undefined;

function codec(): Promise<OpenJpegModule> {
  loading ??= openjpeg({ print: () => undefined, printErr: () => undefined });
  return loading;
}

interface Frame {
  pixels: Uint8Array;
  width: number;
  height: number;
  ratio: number;
}

function encodeCodestream(module: OpenJpegModule, frame: Frame): Uint8Array {
  const encoder = new module.J2KEncoder();
  try {
    encoder
      .getDecodedBuffer({
        width: frame.width,
        height: frame.height,
        bitsPerSample: 8,
        componentCount: 1,
        isSigned: false,
      })
      .set(frame.pixels);
    encoder.setQuality(false, 1);
    encoder.setCompressionRatio(0, frame.ratio);
    encoder.encode();
    return Uint8Array.from(encoder.getEncodedBuffer());
  } finally {
    encoder.delete();
  }
}

function wrapInJp2(codestream: Uint8Array, width: number, height: number): Uint8Array {
  const u32 = (value: number): number[] => [value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255];
  const box = (type: string, content: number[]): number[] => [
    ...u32(content.length + 8),
    ...Buffer.from(type, 'latin1'),
    ...content,
  ];
  const ascii = (text: string): number[] => [...Buffer.from(text, 'latin1')];
  const header = [
    ...box('jP  ', [0x0d, 0x0a, 0x87, 0x0a]),
    ...box('ftyp', [...ascii('jp2 '), ...u32(0), ...ascii('jp2 ')]),
    ...box('jp2h', [
      // One component of 8 unsigned bits (7), compression type 7, colour space known, no rights box.
      ...box('ihdr', [...u32(height), ...u32(width), 0, 1, 7, 7, 0, 0]),
      // Enumerated colour space 17: greyscale.
      ...box('colr', [1, 0, 0, ...u32(17)]),
    ]),
    ...u32(codestream.length + 8),
    ...ascii('jp2c'),
  ];
  const file = new Uint8Array(header.length + codestream.length);
  file.set(header);
  file.set(codestream, header.length);
  return file;
}
