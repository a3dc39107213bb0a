import { PatchSums, type Grain, type Patch, type Tone } from '../image/patch-sums.js';
import type { Point } from '../image/rgb-image.js';
import { mirroredLight, type MirroredLight } from './mirrored-light.js';

/** A face cut out upright, both eye middles at fixed places, so that neither the picture's size nor the head's tilt
 *  counts. */
export interface CutFace {
  readonly side: number;
  /** side*side*3 values 0..255, RGB interleaved. */
  readonly crop: Float32Array;
  /** Middles of the eyes, image-left and image-right, in the crop. */
  readonly eyes: readonly [Point, Point];
  /** 68 points in the crop (iBUG's numbers). */
  readonly landmarks: readonly Point[];
  /** Place of a point of the 468 of the face mesh, in the crop. */
  readonly mesh: (point: number) => Point;
  /** The mesh net's opinion whether this is a face, 0..1. */
  readonly flag: number;
  /** Degrees by which the head is turned to a side. */
  readonly yaw: number;
}

export type Cues = Readonly<Record<string, number>>;

/** What tells a seen part of a face from a covered one, for the rules and for setting them. */
export interface CoverCues {
  readonly eyes: readonly [Cues, Cues];
  readonly mouth: Cues;
  readonly forehead: Cues;
  /** Light of one half against the other. */
  readonly halves: Cues;
  /** How sure the mesh net is, as odds (natural logarithm). */
  readonly odds: number;
}

/** A face is compared with nothing but itself: colours and grain of a part with those of nose, bridge and cheeks,
 *  brightness along lines that cross the edge of what may lie over it, and places that two nets give one point. */
export function coverCues(face: CutFace): CoverCues {
  const looked = new LookedAt(face);
  const eyes = eyeCues(looked);
  return {
    eyes,
    mouth: mouthCues(looked),
    forehead: foreheadCues(looked),
    halves: halfCues(looked, Math.max(...eyes.map((eye) => eye['contrast']!))),
    odds: looked.odds,
  };
}

/** Points and parts of one side of the face. `out` is the direction away from the nose. */
interface Side {
  readonly eye: Point;
  /** Middle between lid and brow. */
  readonly lid: Point;
  readonly brow: Point;
  readonly corner: Point;
  readonly mouthCorner: Point;
  readonly jaw: Point;
  readonly out: -1 | 1;
}

/** A face and the parts of it that are hardly ever covered together. */
class LookedAt {
  readonly unit: number;
  readonly sides: readonly [Side, Side];
  readonly odds: number;
  readonly nose: Tone;
  readonly bridge: Tone;
  readonly upperCheeks: readonly [Tone, Tone];
  readonly cheeks: readonly [Tone, Tone];
  /** Of nose, bridge and cheeks. */
  readonly skin: Tone;
  readonly skinGrain: Pick<Grain, 'fine' | 'coarse'>;
  /** How much uncovered parts differ among themselves: in hard or coloured light everything differs more. */
  readonly spread: number;
  readonly forehead: Tone;
  private readonly sums: PatchSums;

  constructor(readonly face: CutFace) {
    const [left, right] = face.eyes;
    this.unit = right.x - left.x;
    this.sums = new PatchSums(face.crop, face.side, this.unit);
    this.odds = Math.min(17, Math.log(face.flag / Math.max(1 - face.flag, 1e-9)));
    const side = (eye: Point, [lidA, lidB, brow, corner, mouth, jaw]: readonly number[], out: -1 | 1): Side => ({
      eye,
      lid: between(between(this.at(lidA!), this.at(lidB!)), this.at(brow!), 0.45),
      brow: this.at(brow!),
      corner: this.at(corner!),
      mouthCorner: this.at(mouth!),
      jaw: this.at(jaw!),
      out,
    });
    this.sides = [side(left, [37, 38, 19, 36, 48, 5], -1), side(right, [43, 44, 24, 45, 54, 11], 1)];
    const nose = this.nosePatch;
    this.nose = this.tone(nose);
    this.bridge = this.tone([between(this.at(27), this.at(28)), 0.06, 0.06]);
    const [upperLeft, upperRight] = this.upperCheekPatches;
    const [lowerLeft, lowerRight] = this.cheekPatches;
    this.upperCheeks = [this.tone(upperLeft), this.tone(upperRight)];
    this.cheeks = [this.tone(lowerLeft), this.tone(lowerRight)];
    this.skin = medianTone([this.bridge, this.nose, ...this.upperCheeks, ...this.cheeks]);
    const grains = [nose, upperLeft, upperRight, lowerLeft, lowerRight].map((patch) => this.grain(patch));
    this.skinGrain = {
      fine: median(grains.map(({ fine }) => fine)),
      coarse: median(grains.map(({ coarse }) => coarse)),
    };
    const [a, b] = this.upperCheeks;
    const neighbours = [
      [this.nose, this.bridge],
      [a, this.nose],
      [b, this.nose],
      [a, b],
    ] as const;
    this.spread = 0.03 + median(neighbours.map(([one, other]) => colour(one, other)));
    this.forehead = medianTone([...this.browsMoved(0.25), this.tone([this.up(this.glabella, 0.22), 0.11, 0.07])]);
  }

  get glabella(): Point {
    return between(this.at(21), this.at(22));
  }

  get nosePatch(): Patch {
    return [between(this.at(29), this.at(30), 0.6), 0.06, 0.06];
  }

  get upperCheekPatches(): readonly [Patch, Patch] {
    const patch = ({ eye, out }: Side): Patch => [this.moved(eye, 0.05 * out, 0.35), 0.11, 0.05];
    return [patch(this.sides[0]), patch(this.sides[1])];
  }

  get cheekPatches(): readonly [Patch, Patch] {
    const patch = ({ corner, mouthCorner }: Side): Patch => [between(corner, mouthCorner, 0.62), 0.1, 0.1];
    return [patch(this.sides[0]), patch(this.sides[1])];
  }

  /** Tones of the forehead above both brows. */
  browsMoved(up: number): Tone[] {
    return this.sides.map(({ brow }) => this.tone([this.up(brow, up), 0.11, 0.07]));
  }

  at(landmark: number): Point {
    return this.face.landmarks[landmark]!;
  }

  /** A point moved by shares of the eye distance, to the right and down. */
  moved({ x, y }: Point, right: number, down: number): Point {
    return { x: x + right * this.unit, y: y + down * this.unit };
  }

  up(point: Point, by: number): Point {
    return this.moved(point, 0, -by);
  }

  tone(patch: Patch): Tone {
    return this.sums.tone(patch);
  }

  grain(patch: Patch): Grain {
    return this.sums.grain(patch);
  }

  brightness(patch: Patch): number {
    return this.sums.brightness(patch);
  }

  percentiles(patch: Patch): (share: number) => number {
    return this.sums.percentiles(patch);
  }

  mirroredLight(): MirroredLight {
    return mirroredLight(this.face, this.sums);
  }

  /** A difference of colour, measured by how much uncovered parts of this face differ. */
  relative(difference: number): number {
    return Math.log(0.1 + difference / this.spread);
  }

  /** The largest difference between neighbours along a line of equal patches. */
  largestStep(line: readonly Patch[]): number {
    const tones = line.map((patch) => this.tone(patch));
    return Math.max(...tones.slice(1).map((tone, i) => apart(tone, tones[i]!)));
  }

  /** Mean distance between the places that two nets give the same points, in eye distances: on a seen part they
   *  agree. */
  netsApart(pairs: readonly (readonly [landmark: number, mesh: number])[]): number {
    const apartBy = pairs.map(([landmark, point]) => {
      const [a, b] = [this.at(landmark), this.face.mesh(point)];
      return Math.hypot(a.x - b.x, a.y - b.y) / this.unit;
    });
    return apartBy.reduce((sum, distance) => sum + distance, 0) / pairs.length;
  }
}

/** A hat, a band or a fringe: another colour or grain than the skin's, and an edge that crosses the whole forehead. */
function foreheadCues(looked: LookedAt): Cues {
  const { skin, forehead, skinGrain, sides, glabella } = looked;
  const columns = [sides[0].brow, glabella, sides[1].brow];
  const bands = [0.08, 0.16, 0.24, 0.34, 0.44, 0.54].map((up) =>
    columns.map((column) => looked.tone([looked.up(column, up), 0.1, 0.035])),
  );
  const steps = bands.slice(1).map((band, k) => band.map((tone, column) => apart(tone, bands[k]![column]!)));
  const line = [-0.2, -0.12, -0.04, 0.04, 0.12, 0.2, 0.28].map((up) =>
    looked.tone([looked.up(glabella, up), 0.06, 0.03]),
  );
  const walked = line.slice(1).map((tone, k) => apart(tone, line[k]!));
  const brows = sides.map(({ brow, lid }) => {
    return looked.tone([brow, 0.12, 0.03]).light - looked.tone([lid, 0.11, 0.025]).light;
  });
  const fineAt = (up: number): number =>
    median(columns.map((column) => looked.grain([looked.up(column, up), 0.11, 0.07]).fine)) - skinGrain.fine;
  const [middleFine, highFine] = [fineAt(0.28), fineAt(0.45)];
  return {
    relative: looked.relative(colour(forehead, skin)),
    highLight: median(bands[4]!.map((tone) => Math.abs(tone.light - skin.light))),
    sidesApart: small(median(bands.map((tones) => apart(tones[0]!, tones[2]!)))),
    stepMax: small(Math.max(...steps.map(median))),
    walkedOver: small(walked[3]!),
    walkedMax: small(Math.max(...walked)),
    edgeUnder: small(edgeUnderBrows(looked)),
    browDark: median(brows),
    middleFine: Math.abs(middleFine),
    highFine,
    highFineApart: Math.abs(highFine),
    skinFine: skinGrain.fine,
  };
}

/** The step of brightness over the whole width of the lids, just below the brows. */
function edgeUnderBrows(looked: LookedAt): number {
  const [left, right] = [looked.at(18), looked.at(25)];
  const under = (looked.sides[0].brow.y + looked.sides[1].brow.y) / 2 + 0.1 * looked.unit;
  const row = (y: number): number =>
    looked.brightness([{ x: (left.x + right.x) / 2, y }, (right.x - left.x) / 2 / looked.unit, 0]);
  return Math.abs(row(under - 2) - row(under + 2)) / Math.exp(looked.skin.light);
}

const EYE_NETS = [
  [
    [36, 33],
    [37, 160],
    [38, 158],
    [39, 133],
    [40, 153],
    [41, 144],
  ],
  [
    [42, 362],
    [43, 385],
    [44, 387],
    [45, 263],
    [46, 373],
    [47, 380],
  ],
] as const;

/** A lens, a bar, a patch or hair: no dark pupil beside white, no lid, another colour than the skin around it. */
function eyeCues(looked: LookedAt): [Cues, Cues] {
  const { sides, nose, bridge, upperCheeks, cheeks, skinGrain } = looked;
  const [first, second] = [eyeCells(looked, sides[0].eye, -1), eyeCells(looked, sides[1].eye, 1)];
  const alike = first.reduce((sum, value, k) => sum + value * second[k]!, 0) / first.length;
  const alone = sides.map(({ eye, lid: lidAt }, i) => {
    const own = medianTone([nose, bridge, upperCheeks[i]!, cheeks[i]!]);
    const under = looked.tone([looked.moved(eye, 0, 0.21), 0.15, 0.04]);
    const lid = looked.tone([lidAt, 0.11, 0.025]);
    const bright = looked.percentiles([eye, 0.22, 0.1]);
    const grain = looked.grain([eye, 0.25, 0.1]);
    const down = (from: readonly number[]): Patch[] => from.map((by) => [looked.moved(eye, 0, by), 0.14, 0.02]);
    return {
      odds: looked.odds,
      alike,
      netsApart: looked.netsApart(EYE_NETS[i]!),
      contrast: Math.log((bright(0.92) + 10) / (bright(0.08) + 10)),
      darkest: Math.log(bright(0.08) + 10) - own.light,
      underColour: colour(under, own),
      underLight: under.light - own.light,
      lidColour: colour(lid, own),
      lidLight: lid.light - own.light,
      fine: grain.fine - skinGrain.fine,
      coarse: grain.coarse - skinGrain.coarse,
      downOverAlong: grain.down - grain.along,
      colour: colour(looked.tone([eye, 0.2, 0.07]), own),
      step: small(looked.largestStep(down([0.1, 0.16, 0.22, 0.28, 0.34]))),
    };
  });
  const [left, right] = [alone[0]!, alone[1]!];
  return [
    { ...left, ...against(left, right) },
    { ...right, ...against(right, left) },
  ];
}

/** One eye against the other: seldom both are hidden by the same hair. */
function against(eye: Cues, other: Cues): Cues {
  const names = ['contrast', 'netsApart', 'colour', 'underLight'] as const;
  return Object.fromEntries(names.map((name) => [`${name}Against`, eye[name]! - other[name]!]));
}

/** An eye in 8 by 5 cells of brightness about their mean, from the nose outwards. */
function eyeCells(looked: LookedAt, eye: Point, out: -1 | 1): readonly number[] {
  const cells = Array.from({ length: 40 }, (_, k) => {
    const [across, down] = [((k % 8) + 0.5) / 4 - 1, (Math.floor(k / 8) + 0.5) / 2.5 - 1];
    return looked.brightness([looked.moved(eye, out * across * 0.32, down * 0.2), 0.04, 0.04]);
  });
  const mean = cells.reduce((sum, value) => sum + value, 0) / cells.length;
  const deviation = Math.sqrt(cells.reduce((sum, value) => sum + (value - mean) ** 2, 0) / cells.length);
  return cells.map((value) => (value - mean) / (deviation + 2));
}

const MOUTH_NETS = [
  [48, 61],
  [54, 291],
  [51, 0],
  [57, 17],
] as const;
const CHIN_NETS = [
  [8, 152],
  [7, 176],
  [9, 400],
] as const;

/** A mask, a scarf, a hand or a cup: no red and no dark line of lips, another colour or grain than the skin's. */
function mouthCues(looked: LookedAt): Cues {
  const { skin, bridge, nose, forehead, upperCheeks, cheeks, unit, sides } = looked;
  const at = (landmark: number): Point => looked.at(landmark);
  const lipPatch: Patch = [between(at(33), at(51)), 0.11, 0.04];
  const chinPatch: Patch = [between(at(57), at(8), 0.55), 0.15, 0.06];
  const [upperLip, chin] = [looked.tone(lipPatch), looked.tone(chinPatch)];
  const besides = sides.map(({ mouthCorner, out }) =>
    looked.tone([looked.moved(mouthCorner, 0.12 * out, 0), 0.06, 0.06]),
  );
  const upperParts = [bridge, nose, forehead, ...upperCheeks];
  const lowerParts = [...cheeks, upperLip, chin, ...besides];
  const upper = medianTone(upperParts);
  const lower = medianTone([medianTone(cheeks), upperLip, medianTone(besides), chin]);
  const within = (parts: readonly Tone[], middle: Tone): number => median(parts.map((part) => apart(part, middle)));
  const lipPatches: Patch[] = [
    [between(at(50), at(61)), 0.05, 0.025],
    [between(at(52), at(63)), 0.05, 0.025],
    [between(at(57), at(66)), 0.09, 0.025],
  ];
  const lips = medianTone(lipPatches.map((patch) => looked.tone(patch)));
  const middle = between(at(51), at(57));
  const width = (at(54).x - at(48).x) / 2 / unit;
  const height = Math.max(0.08, (at(57).y - at(51).y) / 2 / unit);
  const grain = looked.grain([middle, width, height]);
  const fine = (patches: readonly Patch[]): number => median(patches.map((patch) => looked.grain(patch).fine));
  const foreheadPatches = sides.map(({ brow }): Patch => [looked.up(brow, 0.25), 0.11, 0.07]);
  const upperFine = fine([...looked.upperCheekPatches, looked.nosePatch, ...foreheadPatches]);
  const rowsBeside = ([-1, 1] as const).map((out) =>
    linesIn(looked, looked.moved(middle, out * (width + 0.16), 0), 0.08, height + 0.05),
  );
  const downLip = [0, 0.25, 0.5, 0.75, 1].map((by): Patch => [between(at(33), at(51), by), 0.08, 0.02]);
  const downChin = [0.15, 0.35, 0.55, 0.75, 0.95].map((by): Patch => [between(at(57), at(8), by), 0.12, 0.025]);
  return {
    odds: looked.odds,
    netsApart: looked.netsApart(MOUTH_NETS),
    chinNetsApart: looked.netsApart(CHIN_NETS),
    width,
    height,
    line: linesIn(looked, middle, 0.18, height + 0.05),
    // Lips end at the corners of the mouth, stripes and folds do not.
    lineBeside: Math.min(...rowsBeside),
    lipRedOverSkin: lips.red - skin.red,
    lipLight: Math.abs(lips.light - (upperLip.light + chin.light) / 2),
    downOverAlong: grain.down - grain.along,
    // Under a mask all parts are like each other and none like the rest; a beard or a shade leaves some of them alone.
    twoParts: Math.log((apart(lower, upper) + 0.01) / (within(upperParts, upper) + within(lowerParts, lower) + 0.03)),
    lowerFine: fine([...looked.cheekPatches, lipPatch, chinPatch]) - upperFine,
    chinColour: colour(chin, upper),
    chinLight: Math.abs(chin.light - upper.light),
    chinFine: Math.abs(looked.grain(chinPatch).fine - upperFine),
    chinStep: small(looked.largestStep(downChin)),
    chinOffLip: small(apart(upperLip, chin)),
    lipStep: small(looked.largestStep(downLip)),
  };
}

/** How much the rows of a rectangle differ in brightness (natural logarithm). */
function linesIn(looked: LookedAt, middle: Point, halfWidth: number, halfHeight: number): number {
  const rows = Array.from({ length: 13 }, (_, k) =>
    looked.brightness([looked.moved(middle, 0, ((k - 6) / 6) * halfHeight), halfWidth, 0]),
  );
  return Math.log((Math.max(...rows) + 10) / (Math.min(...rows) + 10));
}

/** Light from one side, from above or from below leaves the other half in the dark.
 *  @param contrast of the eyes: where a picture is hard all over, halves differ more as well */
function halfCues(looked: LookedAt, contrast: number): Cues {
  const { sides, forehead, upperCheeks, cheeks, nose } = looked;
  const light = (patches: readonly Patch[]): number => median(patches.map((patch) => looked.tone(patch).light));
  const [left, right] = sides.map(({ corner, mouthCorner, brow, jaw }) =>
    light([
      [between(corner, mouthCorner), 0.09, 0.09],
      [looked.up(brow, 0.2), 0.09, 0.09],
      [between(mouthCorner, jaw), 0.09, 0.09],
    ]),
  );
  const chin = looked.tone([between(looked.at(57), looked.at(8), 0.55), 0.15, 0.06]).light;
  const cheek = median(cheeks.map((tone) => tone.light));
  const hard = 0.5 + Math.max(0, contrast);
  return {
    contrast,
    leftRight: Math.abs(left! - right!),
    leftRightOfHard: Math.abs(left! - right!) / hard,
    foreheadOfHard: Math.abs(forehead.light - cheek) / hard,
    chinOfHard: Math.abs(chin - median(upperCheeks.map((tone) => tone.light))) / hard,
    foreheadCheek: Math.abs(forehead.light - cheek),
    chinCheek: Math.abs(chin - median(upperCheeks.map((tone) => tone.light))),
    noseChin: Math.abs(nose.light - chin),
    ...looked.mirroredLight(),
  };
}

function between(a: Point, b: Point, share = 0.5): Point {
  return { x: a.x + (b.x - a.x) * share, y: a.y + (b.y - a.y) * share };
}

/** Of an even number of values the mean of the middle two. */
function median(values: readonly number[]): number {
  const sorted = Float64Array.from(values).sort();
  const half = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[half]! : (sorted[half - 1]! + sorted[half]!) / 2;
}

function medianTone(tones: readonly Tone[]): Tone {
  const of = (value: keyof Tone): number => median(tones.map((tone) => tone[value]));
  return { light: of('light'), red: of('red'), blue: of('blue') };
}

/** Of two colours, brightness aside. */
function colour(a: Tone, b: Tone): number {
  return Math.hypot(a.red - b.red, a.blue - b.blue);
}

/** Of two tones; brightness counts half, because shade is no cover. */
function apart(a: Tone, b: Tone): number {
  return Math.hypot(0.5 * (a.light - b.light), a.red - b.red, a.blue - b.blue);
}

/** A difference on a logarithmic scale: paint and cloth differ too little as well as too much. */
function small(difference: number): number {
  return Math.log(difference + 0.01);
}
