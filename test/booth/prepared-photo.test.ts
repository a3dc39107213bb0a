import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import sharp from 'sharp';
import { preparedPhoto } from '../../src/booth/prepared-photo.js';
import { readPhoto } from '../../src/domain/photo/photo-reader.js';
import { openBrowser } from '../support/browser.js';
import { ascii, plainJpeg, segmentBytes } from '../support/jpeg-writer.js';
import { peer, peerProgram } from '../support/peers.js';
import { itUnless } from '../support/unless.js';

/** Red above, blue below: turning it shows. */
const flag = () =>
  sharp({ create: { width: 48, height: 32, channels: 3, background: '#c02020' } }).composite([
    { input: { create: { width: 48, height: 16, channels: 3, background: '#2020c0' } }, top: 16, left: 0 },
  ]);
const pixels = async (file: Uint8Array): Promise<{ width: number; height: number; corners: string[] }> => {
  const { data, info } = await sharp(file).raw().toBuffer({ resolveWithObject: true });
  const colour = (x: number, y: number): string => {
    const [r = 0, , b = 0] = data.subarray((y * info.width + x) * 3);
    return r > b ? 'red' : 'blue';
  };
  const corners = [colour(2, 2), colour(info.width - 3, 2), colour(2, info.height - 3)];
  return { width: info.width, height: info.height, corners };
};

describe('a photograph before it is signed', () => {
  it('is not touched where it is plain', async () => {
    const photo = plainJpeg(3, 4);
    const { bytes, done } = await preparedPhoto(photo);
    expect(bytes).toBe(photo);
    expect(done).toEqual([]);
  });

  it('is turned upright as its EXIF says, and loses it', async () => {
    const camera = await flag().withMetadata({ orientation: 6 }).jpeg().toBuffer();
    const { bytes, done } = await preparedPhoto(camera);
    expect(readPhoto(bytes).outcome).toBe('plain');
    expect(await pixels(bytes)).toEqual({ width: 32, height: 48, corners: ['blue', 'red', 'blue'] });
    expect(done).toContain('turned upright as its EXIF says');
    expect(done).toContain('notes about it (EXIF and the like) left out');
  });

  it('is brought to sRGB by its profile, as readers that obey profiles show it', async () => {
    const camera = await sharp({ create: { width: 16, height: 16, channels: 3, background: '#40c040' } })
      .withIccProfile('p3')
      .jpeg({ quality: 100, chromaSubsampling: '4:4:4' })
      .toBuffer();
    const { bytes, done } = await preparedPhoto(camera);
    expect(done[0]).toBe('colours brought to sRGB by its profile');
    const obeyed = await sharp(camera).toColourspace('srgb').raw().toBuffer();
    const ignored = await sharp(camera, { ignoreIcc: true }).raw().toBuffer();
    const got = await sharp(bytes).raw().toBuffer();
    expect(Math.abs(got[0]! - obeyed[0]!)).toBeLessThanOrEqual(3);
    expect(Math.abs(ignored[0]! - obeyed[0]!)).toBeGreaterThan(10);
  });

  it('is written anew where anything else is too much', async () => {
    const photo = plainJpeg(3, 4);
    const comment = Buffer.from(segmentBytes({ marker: 0xfe, content: ascii('1234') }));
    const { bytes, done } = await preparedPhoto(Buffer.concat([photo.subarray(0, 20), comment, photo.subarray(20)]));
    expect(readPhoto(bytes).outcome).toBe('plain');
    expect(done).toEqual(['written anew: comment (COM, byte 20)']);
    const png = await preparedPhoto(await flag().png().toBuffer());
    expect(readPhoto(png.bytes).outcome).toBe('plain');
    expect(png.done).toEqual(['written as a JPEG']);
  });

  it.each<[string, () => Promise<Uint8Array>]>([
    ['neither JPEG nor PNG', () => flag().webp().toBuffer()],
    ['nothing that can be read', async () => Buffer.from('no picture')],
    ['cut off', async () => (await flag().withMetadata({ orientation: 1 }).jpeg().toBuffer()).subarray(0, -200)],
    [
      'wider than any limit',
      async () => {
        const wide = plainJpeg(1, 2);
        wide.writeUInt16BE(9_000, wide.indexOf(Buffer.from([0xff, 0xc0])) + 7);
        return wide;
      },
    ],
  ])('is refused where it is %s', async (_name, picture) => {
    await expect(preparedPhoto(await picture())).rejects.toThrow(RangeError);
  });
});

describe("a browser's canvas", () => {
  itUnless(
    peer('chromium'),
    'gives photographs that are plain after preparation',
    async () => {
      const profile = mkdtempSync(path.join(tmpdir(), 'honnin-canvas-'));
      const browser = await openBrowser({ program: peerProgram('chromium') as string, profile, url: 'about:blank' });
      try {
        for (const quality of [0.5, 0.95, 1]) {
          const url = await browser.tab.evaluate<string>(`(() => {
          const canvas = Object.assign(document.createElement('canvas'), { width: 123, height: 77 });
          const context = canvas.getContext('2d');
          for (let i = 0; i < 400; i += 1) {
            context.fillStyle = 'hsl(' + i * 37 + ' 60% 50%)';
            context.fillRect(i * 13 % 123, i * 7 % 77, 9, 9);
          }
          return canvas.toDataURL('image/jpeg', ${quality});
        })()`);
          const { bytes } = await preparedPhoto(Buffer.from(url.split(',')[1] ?? '', 'base64'));
          expect(readPhoto(bytes)).toMatchObject({ outcome: 'plain', width: 123, height: 77, components: 3 });
        }
      } finally {
        await browser.close();
        rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
      }
    },
    60_000,
  );
});
