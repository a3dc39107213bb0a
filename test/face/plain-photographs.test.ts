import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import sharp from 'sharp';
import {
  decodeImage,
  DEFAULT_IMAGE_LIMITS,
  type TakenPictures,
} from '../../src/infrastructure/face/image/image-decoder.js';
import { loadDemoFace } from '../../src/sandbox/card/demo-faces.js';
import { sharedFaces } from './support.js';
import { elsewhere } from '../support/peers.js';
import { itUnless } from '../support/unless.js';

const endOf = async (bytes: Uint8Array, taken: TakenPictures = 'plain'): Promise<string> =>
  decodeImage(bytes, DEFAULT_IMAGE_LIMITS, taken).then(
    ({ width, height }) => `${width} x ${height}`,
    (error: unknown) => (error as Error).message,
  );

describe('what the comparer decodes', () => {
  it('is a plain JPEG; what turns a picture is for tools only', async () => {
    const face = await loadDemoFace('sample1-left');
    const turned = await sharp(face).withMetadata({ orientation: 6 }).jpeg().toBuffer();
    expect(await endOf(face)).toBe('720 x 960');
    expect(await endOf(turned)).toBe('not a plain JPEG: metadata (APP1 (Exif), byte 2)');
    expect(await endOf(turned, 'any')).toBe('960 x 720');
  });

  it('is no PNG, except for tools', async () => {
    const png = await sharp(await loadDemoFace('sample1-left'))
      .png()
      .toBuffer();
    expect(await endOf(png)).toBe('a PNG; photographs are plain JPEGs');
    expect(await endOf(png, 'any')).toBe('720 x 960');
  });

  it('is refused where the decoder only warns', async () => {
    const face = await loadDemoFace('sample1-left');
    const cut = Buffer.concat([face.subarray(0, Math.floor(face.length * 0.7)), Buffer.from([0xff, 0xd9])]);
    expect(await endOf(cut)).toMatch(/premature end|corrupt/i);
    expect(await endOf(cut, 'any')).toBe('720 x 960');
  });
});

const pictures = path.resolve(sharedFaces, '../cases/pictures');
const absence = elsewhere(existsSync(pictures) ? null : `${pictures} is absent`);

describe('photographs that public reports describe', () => {
  itUnless(absence, 'are not decoded where they have two readings', async () => {
    const read: string[] = [];
    for (const name of readdirSync(pictures).filter((file) => file.endsWith('.jpg'))) {
      if (/^\d+ x \d+$/.test(await endOf(readFileSync(path.join(pictures, name))))) read.push(name);
    }
    // What is turned or covered is for those who judge portraits.
    expect(read.filter((name) => !/^(rot|turn|lfw)/.test(name))).toEqual([]);
    expect(read.length).toBeGreaterThan(3);
  });
});
