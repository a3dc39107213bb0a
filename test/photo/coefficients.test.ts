import { describe, expect, it } from '@jest/globals';
import { EntropyBits } from '../../src/domain/photo/entropy-bits.js';
import { huffmanTable, type HuffmanTable } from '../../src/domain/photo/huffman-table.js';
import { photoFrame, type PhotoFrame } from '../../src/domain/photo/photo-frame.js';
import { PhotoPlane, walkScan, type ScanPlan } from '../../src/domain/photo/photo-scan.js';
import { Random } from '../simulation/random.js';
import { entropy, frame, segmentBytes, type Code, type WrittenTable } from '../support/jpeg-writer.js';
import {
  EVERY_AC,
  EVERY_DC,
  firstBandBits,
  meanBits,
  reduced,
  refinedBandBits,
  sequentialBits,
  type Block,
  type WrittenBand,
} from '../support/scan-writer.js';
import { soakFactor, soakSeed } from '../support/soak.js';

const PICTURES = 10 * soakFactor();
const SEED = soakSeed(20_261_130);
const SAMPLINGS = [
  [1, 1],
  [2, 1],
  [1, 2],
  [2, 2],
  [4, 1],
  [4, 2],
] as const;
const MARKER = [0xff, 0xd9];
const tableOf = ({ content }: WrittenTable, symbolMax: number): HuffmanTable =>
  huffmanTable(Uint8Array.from(content), 1, { symbolMax, end: content.length });
const dc = tableOf(EVERY_DC, 11);
const ac = tableOf(EVERY_AC, 255);
const indices = (count: number): readonly number[] => Array.from({ length: count }, (_, i) => i);

/** Coefficients of every size and in every place, that stay where readers agree. */
function drawnBlock(random: Random): number[] {
  const fill = random.pick([0, 0.05, 0.3, 1]);
  const sizeMax = random.pick([1, 7, 1023]);
  const block = indices(64).map(() => (random.chance(fill) ? random.between(-sizeMax, sizeMax) : 0));
  block[0] = random.between(-300, 300);
  // One unit moves a sample by a quarter; the mean value by an eighth.
  for (let k = 63, far = sum(block); k > 0; k -= 1) {
    if (far <= 1_900) break;
    far -= Math.abs(block[k]!);
    block[k] = 0;
  }
  return block;
}

function sum(block: Block): number {
  return block.reduce((total, value) => total + Math.abs(value), 0);
}

function drawnFrame(random: Random, marker: number): PhotoFrame {
  const [across, down] = random.pick(SAMPLINGS);
  const components = random.chance(0.3)
    ? ([[1, 1, 1, 0]] as const)
    : ([
        [1, across, down, 0],
        [2, 1, 1, 0],
        [3, 1, 1, 0],
      ] as const);
  const [width, height] = [random.between(1, 70), random.between(1, 40)];
  const header = segmentBytes(frame(marker, { width, height, components }));
  return photoFrame(Uint8Array.from(header), { at: 0, end: header.length }, { sideMax: 100, pixelsMax: 10_000 });
}

/** Blocks in the order of a scan, unit by unit. One component's own scan has the blocks of the picture only. */
function unitsOf(
  planes: readonly PhotoPlane[],
  { unitsAcross, unitsDown }: PhotoFrame,
): readonly (readonly (readonly [plane: number, block: number])[])[] {
  if (planes.length === 1) {
    const { blocksAcross, blocksDown, storedAcross } = planes[0]!.component;
    return places(blocksAcross, blocksDown).map(([x, y]) => [[0, y * storedAcross + x]]);
  }
  return places(unitsAcross, unitsDown).map(([column, row]) =>
    planes.flatMap(({ component: { across, down, storedAcross } }, plane) =>
      places(across, down).map(([x, y]) => [plane, (row * down + y) * storedAcross + column * across + x] as const),
    ),
  );
}

function places(across: number, down: number): readonly (readonly [x: number, y: number])[] {
  return indices(down).flatMap((y) => indices(across).map((x) => [x, y] as const));
}

/** The data of a scan with its restart markers, a marker behind it, and something before it. */
function scanBytes<Unit>(
  units: readonly Unit[],
  restartInterval: number,
  bitsOf: (units: readonly Unit[]) => Code,
): Uint8Array {
  const step = restartInterval || units.length;
  const data = indices(Math.ceil(units.length / step)).flatMap((i) => [
    ...(i === 0 ? [] : [0xff, 0xd0 + ((i - 1) & 7)]),
    ...entropy(bitsOf(units.slice(i * step, (i + 1) * step))),
  ]);
  return Uint8Array.from([7, 7, ...data, ...MARKER]);
}

function walked(frame: PhotoFrame, plan: ScanPlan, bytes: Uint8Array): void {
  expect(walkScan(frame, plan, { bytes, at: 2, segment: 'scan 1' })).toBe(bytes.length - 2);
}

describe('the coefficients that are read', () => {
  it('of one block are those that were written, and so is how far they reach', () => {
    const random = new Random(SEED);
    for (let i = 0; i < 15 * PICTURES; i += 1) {
      const block = drawnBlock(random);
      const after = random.pick([0, 0, 1, 3]);
      const from = random.between(1, 63);
      const band = { from, to: random.between(from, 63), after };
      const ends = reduced(block[band.to]!, after) === 0;
      const bits = firstBandBits([block], band, 1);
      const bytes = Uint8Array.from([...entropy(bits), ...MARKER]);
      const reader = new EntropyBits(bytes, 0, 'scan 1');
      const coefficients = new Int16Array(192);
      const reach = Float64Array.from({ length: 64 }, (_, k) => k + 1);
      expect(reader.band(ac, band, { coefficients, range: { reach } }, 64)).toBe(ends ? 0 : -1);
      const expected = block.map((value, k) => (k < from || k > band.to ? 0 : reduced(value, after) * (1 << after)));
      expect(coefficients.subarray(64, 128).join()).toBe(expected.join());
      expect(reader.reached).toBe(expected.reduce((total, value, k) => total + Math.abs(value) * (k + 1), 0));
      expect(reader.endAtMarker()).toBe(bytes.length - 2);
    }
  });

  it('of a sequential photograph are those that were written, block by block', () => {
    const random = new Random(SEED);
    for (let i = 0; i < PICTURES; i += 1) {
      const picture = drawnFrame(random, 0xc0);
      const steps = new Uint8Array(64).fill(1);
      const planes = picture.components.map((component) => new PhotoPlane(component, steps, false));
      const scanned = random.chance(0.7) ? planes : [random.pick(planes)];
      const seen: (readonly [Block, number])[] = [];
      for (const { range } of scanned) {
        const inside = range.isInside.bind(range);
        range.isInside = (coefficients, from, reached) => {
          seen.push([[...coefficients.subarray(from, from + 64)], reached!]);
          return inside(coefficients, from, reached);
        };
      }
      const written: Block[] = [];
      const restartInterval = random.pick([0, 1, 3]);
      const bytes = scanBytes(unitsOf(scanned, picture), restartInterval, (units) => {
        const means = scanned.map(() => 0);
        const bits = units.flat().map(([plane]) => {
          const block = drawnBlock(random);
          const before = means[plane]!;
          written.push(block);
          means[plane] = block[0]!;
          return sequentialBits(block, before);
        });
        return bits.join('');
      });
      const parts = scanned.map((plane) => ({ plane, dc, ac }));
      walked(picture, { parts, from: 0, to: 63, before: 0, after: 0, restartInterval }, bytes);
      expect(seen.map(([block]) => block.join())).toEqual(written.map((block) => block.join()));
      const reached = written.map((block) => sum(block) / 4 - Math.abs(block[0]!) / 8);
      expect(seen.map(([, far]) => far)).toEqual(reached);
    }
  });

  it('of a progressive photograph are those that were written, in whatever bands and steps they come', () => {
    const random = new Random(SEED);
    for (let i = 0; i < PICTURES; i += 1) assertProgressive(random);
  });
});

interface Script extends WrittenBand {
  readonly planes: readonly number[];
  readonly before: number;
}

function assertProgressive(random: Random): void {
  const picture = drawnFrame(random, 0xc2);
  const planes = picture.components.map((component) => new PhotoPlane(component, new Uint8Array(64).fill(1), true));
  const isTogether = random.chance(0.7);
  const blocks = planes.map(({ component }) => drawnBlocks(random, component, isTogether && planes.length > 1));
  for (const script of drawnScripts(random, planes.length, isTogether)) {
    const parts = script.planes.map((n) => ({ plane: planes[n]!, dc: script.from === 0 ? dc : null, ac }));
    const restartInterval = random.pick([0, 0, 1, 4]);
    const scanned = parts.map(({ plane }) => plane);
    const units = unitsOf(scanned, picture).map((unit) =>
      unit.map(([part, block]) => [part, blocks[script.planes[part]!]![block]!] as const),
    );
    const runMax = random.pick([1, 2, 5, 32_767]);
    const bytes = scanBytes(units, restartInterval, (some) => scriptBits(script, some.flat(), runMax));
    walked(picture, { ...script, parts, restartInterval }, bytes);
  }
  for (const [n, { coefficients }] of planes.entries()) expect(coefficients.join()).toBe(blocks[n]!.flat().join());
}

/** Blocks that only fill up whole units have no AC, and a mean value only where all components come in one scan. */
function drawnBlocks(random: Random, component: PhotoPlane['component'], isMeanEverywhere: boolean): readonly Block[] {
  const { blocksAcross, blocksDown, storedAcross, storedDown } = component;
  return indices(storedAcross * storedDown).map((at) => {
    const block = drawnBlock(random);
    if (at % storedAcross < blocksAcross && Math.floor(at / storedAcross) < blocksDown) return block;
    return block.map((value, k) => (k === 0 && isMeanEverywhere ? value : 0));
  });
}

/** Means first, then whatever comes next of the bands and of the bits that refine them. */
function drawnScripts(random: Random, count: number, isTogether: boolean): readonly Script[] {
  const steps = (planes: readonly number[], from: number, to: number): readonly Script[] => {
    const afterFirst = random.between(0, 3);
    return indices(afterFirst + 1).map((i) => {
      const after = afterFirst - i;
      return { planes, from, to, before: i === 0 ? 0 : after + 1, after };
    });
  };
  const means = isTogether ? [steps(indices(count), 0, 0)] : indices(count).map((n) => steps([n], 0, 0));
  const bands = indices(count).flatMap((n) => {
    const cut = random.between(1, 63);
    return cut === 63 ? [steps([n], 1, 63)] : [steps([n], 1, cut), steps([n], cut + 1, 63)];
  });
  const later = [...means.map((all) => all.slice(1)), ...bands].map((all) => [...all]);
  const scripts = means.map(([first]) => first!);
  for (;;) {
    const left = later.filter((all) => all.length > 0);
    if (left.length === 0) return scripts;
    scripts.push(random.pick(left).shift()!);
  }
}

function scriptBits(script: Script, units: readonly (readonly [number, Block])[], runMax: number): Code {
  const blocks = units.map(([, block]) => block);
  const bandBits = script.before === 0 ? firstBandBits : refinedBandBits;
  if (script.from > 0) return bandBits(blocks, script, runMax);
  const means = script.planes.map(() => 0);
  const bits = units.map(([part, block]) => {
    // The mean's low bits are left out as they stand, those of a negative number too (G.1.2.1).
    const value = block[0]! >> script.after;
    if (script.before > 0) return String(value & 1);
    const difference = value - means[part]!;
    means[part] = value;
    return meanBits(difference);
  });
  return bits.join('');
}
