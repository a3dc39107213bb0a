import { crc32, deflateSync } from 'node:zlib';
import sharp, { type Sharp } from 'sharp';
import { seeded } from '../../src/infrastructure/face/evaluation/statistics/bootstrap.js';
import { encodeGreyJp2 } from '../../src/sandbox/card/jp2-writer.js';

export interface HostileFile {
  readonly name: string;
  readonly bytes: Buffer;
}

/** Files that try to crash, stall or fill a picture decoder. None shows a face. The same seed gives the same files.
 *  @param count at least 100 */
export async function hostileCorpus(count: number, seed: number): Promise<HostileFile[]> {
  const random = seeded(seed);
  const below = (limit: number): number => Math.floor(random() * limit);
  const bases = await basePictures();
  const special = await specialFiles();
  const files: HostileFile[] = special.map(({ name, bytes }) => ({ name, bytes }));
  const makers = [truncated, flipped, spliced, resized, randomWithMagic, repeated] as const;
  for (let i = 0; files.length < count; i += 1) {
    const base = bases[below(bases.length)]!;
    const maker = makers[i % makers.length]!;
    files.push({ name: `${i}: ${base.name} ${maker.name}`, bytes: maker(base.bytes, below, bases) });
  }
  return files;
}

type Below = (limit: number) => number;

function truncated(bytes: Buffer, below: Below): Buffer {
  return bytes.subarray(0, below(bytes.length));
}

function flipped(bytes: Buffer, below: Below): Buffer {
  const copy = Buffer.from(bytes);
  for (let n = 1 + below(24); n > 0; n -= 1) copy[below(copy.length)]! ^= 1 << below(8);
  return copy;
}

/** The start of one file and the end of another. */
function spliced(bytes: Buffer, below: Below, bases: readonly HostileFile[]): Buffer {
  const other = bases[below(bases.length)]!.bytes;
  return Buffer.concat([bytes.subarray(0, below(bytes.length)), other.subarray(below(other.length))]);
}

/** Other dimensions where each format declares them: 0, 1, or very many pixels. */
function resized(bytes: Buffer, below: Below): Buffer {
  const copy = Buffer.from(bytes);
  const [w, h] = [0, 1, 7_999, 8_001, 65_535, 0x7fffffff, 0xffffffff].sort(() => below(3) - 1);
  const frame = [0xc0, 0xc1, 0xc2].map((marker) => copy.indexOf(Buffer.from([0xff, marker, 0]))).find((at) => at > 0);
  if (copy.subarray(12, 16).toString('latin1') === 'IHDR') {
    copy.writeUInt32BE(w!, 16);
    copy.writeUInt32BE(h!, 20);
    copy.writeUInt32BE(crc32(copy.subarray(12, 29)), 29);
  } else if (copy.includes('ihdr')) {
    const at = copy.indexOf('ihdr') + 4;
    const size = copy.indexOf(Buffer.from('ff4fff51', 'hex'));
    copy.writeUInt32BE(h!, at);
    copy.writeUInt32BE(w!, at + 4);
    copy.writeUInt32BE(w!, size + 8);
    copy.writeUInt32BE(h!, size + 12);
    // Half of them with tiles of one pixel: as many tiles as pixels.
    if (below(2) === 0) copy.fill(Buffer.from('0000000100000001', 'hex'), size + 24, size + 32);
  } else if (frame !== undefined) {
    copy.writeUInt16BE(h! & 0xffff, frame + 5);
    copy.writeUInt16BE(w! & 0xffff, frame + 7);
  }
  return copy;
}

const MAGICS = [
  'ffd8ffe0',
  'ffd8ffdb',
  '89504e470d0a1a0a0000000d49484452',
  '0000000c6a5020200d0a870a',
  'ff4fff51',
  '474946383961',
  '52494646',
  '49492a00',
  '4d4d002a',
  '25504446',
  '00000018667479706865696300000000',
  '424d',
  '3c737667',
  '504b0304',
];

function randomWithMagic(_bytes: Buffer, below: Below): Buffer {
  const length = below(4_000);
  return Buffer.concat([
    Buffer.from(MAGICS[below(MAGICS.length)]!, 'hex'),
    Buffer.from(Array.from({ length }, () => below(256))),
  ]);
}

/** A part of the file many times over: long chains of segments, chunks or boxes. */
function repeated(bytes: Buffer, below: Below): Buffer {
  const at = below(bytes.length);
  const part = bytes.subarray(at, at + 1 + below(400));
  return Buffer.concat([
    bytes.subarray(0, at),
    ...Array.from({ length: 1 + below(200) }, () => part),
    bytes.subarray(at),
  ]);
}

async function basePictures(): Promise<HostileFile[]> {
  const waves = Buffer.from(
    Uint8Array.from({ length: 96 * 80 * 3 }, (_, i) => 128 + 60 * Math.sin(i / 37) + 50 * Math.cos(i / 911)),
  );
  const picture = (): Sharp => sharp(waves, { raw: { width: 96, height: 80, channels: 3 } });
  const grey = Uint8Array.from({ length: 96 * 80 }, (_, i) => waves[3 * i]!);
  return [
    { name: 'jpeg', bytes: await picture().jpeg({ quality: 80 }).toBuffer() },
    { name: 'progressive jpeg', bytes: await picture().jpeg({ progressive: true }).toBuffer() },
    { name: 'jpeg with exif', bytes: await picture().withMetadata({ orientation: 6 }).jpeg().toBuffer() },
    { name: 'grey jpeg', bytes: await picture().greyscale().jpeg().toBuffer() },
    { name: 'png', bytes: await picture().png().toBuffer() },
    { name: 'palette png', bytes: await picture().png({ palette: true }).toBuffer() },
    { name: 'png with alpha', bytes: await picture().ensureAlpha(0.5).png().toBuffer() },
    { name: 'jp2', bytes: Buffer.from(await encodeGreyJp2(grey, 96, 80, 1_500)) },
  ];
}

/** Files with one trick each. */
async function specialFiles(): Promise<HostileFile[]> {
  const [jpeg, , , , png, , , jp2] = await basePictures();
  const flat = sharp({ create: { width: 64, height: 64, channels: 3, background: '#808080' } });
  const cmyk = await flat.clone().toColourspace('cmyk').jpeg().toBuffer();
  const page = Buffer.from('<html><script>alert(1)</script></html>');
  const text = (type: string, data: Buffer): Buffer => chunk(type, data);
  return [
    { name: 'empty', bytes: Buffer.alloc(0) },
    { name: 'one byte', bytes: Buffer.from([0xff]) },
    { name: 'CMYK jpeg', bytes: cmyk },
    { name: '16-bit png', bytes: await flat.clone().toColourspace('rgb16').png().toBuffer() },
    {
      name: 'animated png',
      bytes: Buffer.concat([
        png!.bytes.subarray(0, 33),
        text('acTL', Buffer.from('0000000200000000', 'hex')),
        png!.bytes.subarray(33),
      ]),
    },
    {
      name: 'animated gif',
      bytes: await sharp([await flat.clone().png().toBuffer(), png!.bytes], { join: { animated: true } })
        .gif()
        .toBuffer(),
    },
    { name: 'webp', bytes: await flat.clone().webp().toBuffer() },
    { name: 'tiff', bytes: await flat.clone().tiff().toBuffer() },
    {
      name: 'svg that includes a file',
      bytes: Buffer.from(
        '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><image href="file:///etc/passwd" width="9" height="9"/></svg>',
      ),
    },
    { name: 'jpeg with a web page in front', bytes: Buffer.concat([page, jpeg!.bytes]) },
    { name: 'jpeg with a web page behind', bytes: Buffer.concat([jpeg!.bytes, page]) },
    {
      name: 'jpeg with a comment that is an archive',
      bytes: Buffer.concat([
        jpeg!.bytes.subarray(0, 2),
        Buffer.from('fffe0008504b03040000', 'hex'),
        jpeg!.bytes.subarray(2),
      ]),
    },
    { name: 'jpeg of markers only', bytes: Buffer.concat([Buffer.from('ffd8', 'hex'), Buffer.alloc(200_000, 0xff)]) },
    {
      name: 'jpeg of a million tiny segments',
      bytes: Buffer.concat([Buffer.from('ffd8', 'hex'), Buffer.alloc(4_000_000, Buffer.from('fffe0002', 'hex'))]),
    },
    { name: 'png that unpacks to 40 million pixels', bytes: pngBomb(8_000, 5_000) },
    { name: 'png that claims more pixels than any limit', bytes: pngBomb(8_001, 8_001) },
    {
      name: 'png of a million empty chunks',
      bytes: Buffer.concat([png!.bytes.subarray(0, 33), Buffer.alloc(6_000_000, chunk('teSt', Buffer.alloc(0)))]),
    },
    {
      name: 'png with packed text of 50 MB',
      bytes: Buffer.concat([
        png!.bytes.subarray(0, 33),
        text('zTXt', Buffer.concat([Buffer.from('k\0\0'), deflateSync(Buffer.alloc(50_000_000))])),
        png!.bytes.subarray(33),
      ]),
    },
    { name: 'jp2 of boxes without length', bytes: Buffer.concat([jp2!.bytes.subarray(0, 12), Buffer.alloc(8_000)]) },
    {
      name: 'jp2 with a box longer than the world',
      bytes: Buffer.concat([
        jp2!.bytes.subarray(0, 12),
        Buffer.from('000000016a7032687fffffffffffffff', 'hex'),
        jp2!.bytes.subarray(12),
      ]),
    },
    { name: 'too many bytes', bytes: Buffer.concat([jpeg!.bytes, Buffer.alloc(13 * 1024 * 1024)]) },
    { name: 'too many bytes of jp2', bytes: Buffer.concat([jp2!.bytes, Buffer.alloc(600 * 1024)]) },
  ];
}

function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const [length, check] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(data.length);
  check.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, check]);
}

function pngBomb(width: number, height: number): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([1, 0, 0, 0, 0], 8);
  const rows = Buffer.alloc((1 + Math.ceil(width / 8)) * height);
  return Buffer.concat([
    Buffer.from('89504e470d0a1a0a', 'hex'),
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(rows)),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}
