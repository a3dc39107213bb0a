import { describe, expect, it } from '@jest/globals';
import openjpeg from '@cornerstonejs/codec-openjpeg/wasmjs';
import { encodeGreyJp2 } from '../../src/sandbox/card/jp2-writer.js';

const WIDTH = 240;
const HEIGHT = 320;

/** A picture with soft and sharp parts, so that the rate control has something to drop. */
function pattern(): Uint8Array {
  const pixels = new Uint8Array(WIDTH * HEIGHT);
  for (let y = 0; y < HEIGHT; y += 1) {
    for (let x = 0; x < WIDTH; x += 1)
      pixels[y * WIDTH + x] = 128 + 90 * Math.sin(x / 19) * Math.cos(y / 23) + ((x >> 4) % 2) * 20;
  }
  return pixels;
}

async function decode(
  file: Uint8Array,
): Promise<{ width: number; height: number; components: number; pixels: Uint8Array }> {
  const module = await openjpeg({ print: () => undefined, printErr: () => undefined });
  const decoder = new module.J2KDecoder();
  decoder.getEncodedBuffer(file.length).set(file);
  decoder.decode();
  const { width, height, componentCount } = decoder.getFrameInfo();
  const pixels = Uint8Array.from(decoder.getDecodedBuffer());
  decoder.delete();
  return { width, height, components: componentCount, pixels };
}

describe('encodeGreyJp2', () => {
  it.each([1_000, 2_000, 4_000, 20_000])(
    'keeps a 240 x 320 picture within %i bytes, and it decodes to the same picture',
    async (targetBytes) => {
      const pixels = pattern();
      const file = await encodeGreyJp2(pixels, WIDTH, HEIGHT, targetBytes);
      expect(file.length).toBeLessThanOrEqual(targetBytes);
      const decoded = await decode(file);
      expect([decoded.width, decoded.height, decoded.components]).toEqual([WIDTH, HEIGHT, 1]);
      const meanError =
        pixels.reduce((sum, value, i) => sum + Math.abs(value - (decoded.pixels[i] ?? 0)), 0) / pixels.length;
      expect(meanError).toBeLessThan(8);
    },
  );

  it('starts with the JP2 signature, an 85-byte header, and then the codestream', async () => {
    const file = Buffer.from(await encodeGreyJp2(pattern(), WIDTH, HEIGHT, 2_000));
    expect(file.subarray(0, 12).toString('hex')).toBe('0000000c6a5020200d0a870a');
    expect(file.subarray(81, 85).toString('latin1')).toBe('jp2c');
    expect(file.readUInt32BE(77)).toBe(file.length - 77);
    expect(file.subarray(85, 87).toString('hex')).toBe('ff4f');
  });

  it('refuses pixels that do not fill the frame, and a size that nothing fits into', async () => {
    await expect(encodeGreyJp2(new Uint8Array(10), WIDTH, HEIGHT, 2_000)).rejects.toThrow(RangeError);
    await expect(encodeGreyJp2(pattern(), WIDTH, HEIGHT, 60)).rejects.toThrow(RangeError);
  });
});
