import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import jpegJs from 'jpeg-js';
import sharp from 'sharp';
import { readPhoto } from '../../src/domain/photo/photo-reader.js';
import { plainJpeg } from '../support/jpeg-writer.js';
import { soakFactor } from '../support/soak.js';

const factor = soakFactor();

/** A sound photograph with structure: 4:4:4 or grey, so that both decoders draw every sample from one coefficient. */
function picture(options: { quality: number; progressive: boolean; grey: boolean }): Promise<Buffer> {
  const pixels = Buffer.from(
    Uint8Array.from({ length: 40 * 33 * 3 }, (_, i) => 128 + 70 * Math.sin(i / 31) + 50 * Math.cos(i / 407)),
  );
  const raw = sharp(pixels, { raw: { width: 40, height: 33, channels: 3 } });
  const { quality, progressive } = options;
  return (options.grey ? raw.greyscale() : raw).jpeg({ quality, progressive, chromaSubsampling: '4:4:4' }).toBuffer();
}

/** What a decoder that nobody of libjpeg wrote sees; null where it sees nothing. It knows no profiles and no EXIF. */
function seenApart(file: Uint8Array): Uint8Array | null {
  try {
    return jpegJs.decode(file, {
      useTArray: true,
      formatAsRGBA: false,
      tolerantDecoding: true,
      maxMemoryUsageInMB: 256,
    }).data;
  } catch {
    // It refuses: then nobody is shown another picture by it.
    return null;
  }
}

/** What sharp sees, whatever it warns of; null where it sees nothing. */
async function seen(file: Uint8Array): Promise<Uint8Array | null> {
  try {
    return await sharp(file, { failOn: 'none', ignoreIcc: true }).toColourspace('srgb').removeAlpha().raw().toBuffer();
  } catch {
    return null;
  }
}

/** Two inverse transforms and two colour conversions differ by a few steps at most. */
const STEPS = 6;
function differs(a: Uint8Array, b: Uint8Array): boolean {
  return a.length !== b.length || a.some((sample, i) => Math.abs(sample - b[i]!) > STEPS);
}

const place = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
const at = (file: Uint8Array, share: number): number => Math.floor(file.length * share);
type Change = (file: Buffer) => Buffer;
const changes: fc.Arbitrary<Change> = fc.oneof(
  fc.tuple(place, fc.integer({ min: 0, max: 7 })).map(([share, bit]): Change => (file) => {
    const copy = Buffer.from(file);
    copy[at(file, share)]! ^= 1 << bit;
    return copy;
  }),
  fc.tuple(place, fc.integer({ min: 0, max: 255 })).map(([share, byte]): Change => (file) => {
    const copy = Buffer.from(file);
    copy[at(file, share)] = byte;
    return copy;
  }),
  fc.tuple(place, fc.uint8Array({ minLength: 1, maxLength: 40 })).map(
    ([share, bytes]): Change =>
      (file) =>
        Buffer.concat([file.subarray(0, at(file, share)), bytes, file.subarray(at(file, share))]),
  ),
  fc.tuple(place, place).map(([from, to]): Change => (file) => {
    const [start = 0, end = 0] = [at(file, from), at(file, to)].sort((a, b) => a - b);
    return Buffer.concat([file.subarray(0, start), file.subarray(end)]);
  }),
  fc.tuple(place, place).map(([from, to]): Change => (file) => {
    const [start = 0, end = 0] = [at(file, from), at(file, to)].sort((a, b) => a - b);
    return Buffer.concat([file.subarray(0, end), file.subarray(start)]);
  }),
  fc.uint8Array({ minLength: 1, maxLength: 60 }).map(
    (bytes): Change =>
      (file) =>
        Buffer.concat([file, bytes]),
  ),
  fc.tuple(fc.integer({ min: 0xc0, max: 0xfe }), fc.uint8Array({ maxLength: 30 })).map(
    ([marker, content]): Change =>
      (file) =>
        Buffer.concat([
          file.subarray(0, 2),
          Buffer.from([0xff, marker, 0, content.length + 2]),
          content,
          file.subarray(2),
        ]),
  ),
  place.map(
    (share): Change =>
      (file) =>
        Buffer.concat([file.subarray(0, at(file, share)), Buffer.from([0xff, 0xd9])]),
  ),
);
const kinds = fc.record({ quality: fc.constantFrom(10, 60, 92, 100), progressive: fc.boolean(), grey: fc.boolean() });

describe('a sound photograph that was changed anywhere', () => {
  it(
    'is accepted only where two decoders see the same pixels',
    async () => {
      let accepted = 0;
      await fc.assert(
        fc.asyncProperty(kinds, fc.array(changes, { minLength: 1, maxLength: 2 }), async (kind, made) => {
          const file = made.reduce((bytes, change) => change(bytes), await picture(kind));
          if (readPhoto(file).outcome !== 'plain') return;
          accepted += 1;
          const [one, other] = [await seen(file), seenApart(file)];
          expect(one).not.toBeNull();
          expect(other).not.toBeNull();
          expect(differs(one!, other!)).toBe(false);
        }),
        { numRuns: 400 * factor, seed: 20_261_130 },
      );
      // Some flips inside coded data give another sound picture, the same for everybody.
      expect(accepted).toBeGreaterThan(0);
    },
    120_000 * factor,
  );

  it('is accepted unchanged, and both decoders agree about it', async () => {
    for (const quality of [1, 10, 60, 92, 100]) {
      for (const progressive of [false, true]) {
        for (const grey of [false, true]) {
          const file = await picture({ quality, progressive, grey });
          expect(readPhoto(file).outcome).toBe('plain');
          expect(differs((await seen(file))!, seenApart(file)!)).toBe(false);
        }
      }
    }
  });
});

describe('any bytes', () => {
  it('are answered, never thrown at, and nearly always refused', () => {
    const photo = plainJpeg(5, 6);
    const heads = [
      Buffer.alloc(0),
      photo.subarray(0, 2),
      photo.subarray(0, 20),
      photo.subarray(0, 100),
      photo.subarray(0, 160),
      photo.subarray(0, 200),
    ];
    fc.assert(
      fc.property(fc.constantFrom(...heads), fc.uint8Array({ maxLength: 600 }), (head, rest) => {
        const reading = readPhoto(Buffer.concat([head, rest]));
        expect(['plain', 'refused']).toContain(reading.outcome);
        if (reading.outcome === 'refused') expect(reading.byte).toBeLessThanOrEqual(head.length + rest.length);
      }),
      { numRuns: 3_000 * factor, seed: 20_261_130 },
    );
  });

  it('are answered in time that their number bounds, also where they declare the largest picture', () => {
    const photo = plainJpeg(5, 2);
    const header = photo.indexOf(Buffer.from([0xff, 0xc0]));
    const huge = Buffer.from(photo);
    huge[header + 1] = 0xc2;
    huge.writeUInt16BE(6_300, header + 5);
    huge.writeUInt16BE(6_300, header + 7);
    const begin = process.cpuUsage();
    expect(readPhoto(huge)).toMatchObject({ outcome: 'refused' });
    expect(readPhoto(Buffer.concat([photo.subarray(0, 2), Buffer.alloc(4_000_000, 0xff)]))).toMatchObject({
      reason: 'fill_bytes',
    });
    const { user, system } = process.cpuUsage(begin);
    expect((user + system) / 1000).toBeLessThan(2_000);
  });
});
