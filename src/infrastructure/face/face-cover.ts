import type { Point } from './rgb-image.js';

/** A face cut out upright, both eye middles at fixed places, so that neither the picture's size nor the head's tilt counts. */
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
}

/** How likely it is that something hides a part of the face, 0..1 each. Not a share of the world's faces: of those on which the
 *  marks were set (docs/face.md). */
export interface Covered {
  /** Of the eyes the one that is more likely hidden, and the one that is less so. */
  readonly oneEye: number;
  readonly bothEyes: number;
  readonly mouth: number;
  readonly forehead: number;
  /** One half of the face in the dark. */
  readonly half: number;
  /** The mesh net is less sure of this face than of uncovered ones. */
  readonly face: number;
}

/** Brightness on a logarithmic scale, and two differences of colour that the strength of the light leaves alone. */
interface Tone {
  readonly light: number;
  readonly red: number;
  readonly blue: number;
}

/** Weights of a logistic rule over named cues. */
interface Rule {
  readonly bias: number;
  readonly weights: Readonly<Record<string, number>>;
}

/** Set by logistic regression over photographs of 15 people, plain, in other light and with something drawn over them; each person's
 *  were judged by rules that were set without them (docs/face.md says how well). */
const RULES = {
  eye: {
    bias: -8.751,
    weights: { detail: -2.62, contrast: -4.923, brightest: -1.24, underColour: 3.544, underRelative: 0.06, underLight: -3.44, lidColour: 3.529 },
  },
  mouth: {
    bias: 3.585,
    weights: {
      netsApart: 35.866,
      noseNetsApart: 11.47,
      line: -4.166,
      lipRed: -12.458,
      lipLight: -0.51,
      lowerColour: 0.72,
      lowerRelative: 0.95,
      lowerLight: -1.036,
      acrossOverAlong: -0.52,
      flag: -0.327,
    },
  },
  forehead: {
    bias: -3.227,
    weights: { colour: 8.475, relative: 2.876, browColour: -4.504, browRelative: 0.823, light: 1.66, browLight: 0.278, netsApart: 5.542 },
  },
} as const satisfies Record<string, Rule>;

/** Judges from colours and shapes within one face, which is compared with nothing but itself: so that no colour of skin is the measure
 *  of another. Nets for landmarks draw eyes and mouths wherever they should be, seen or not. */
export function judgeCover(face: CutFace): Covered {
  const cues = coverCues(face);
  const eyes = cues.eyes.map((cue) => chance(RULES.eye, cue));
  return {
    oneEye: Math.max(...eyes),
    bothEyes: Math.min(...eyes),
    mouth: chance(RULES.mouth, cues.mouth),
    forehead: chance(RULES.forehead, cues.forehead),
    half: logistic((cues.halfDifference - HALF_IN_THE_DARK.at) / HALF_IN_THE_DARK.width),
    face: logistic((DOUBTED_FACE.at - Math.log(face.flag / Math.max(1 - face.flag, 1e-9))) / DOUBTED_FACE.width),
  };
}

/** Difference of both halves' brightness (natural logarithm). */
const HALF_IN_THE_DARK = { at: 0.75, width: 0.07 };
/** Odds of the mesh net (natural logarithm). */
const DOUBTED_FACE = { at: 5.5, width: 0.5 };

type Cues = Readonly<Record<string, number>>;

/** The cues that the rules weigh, for the rules and for setting them. */
export function coverCues(face: CutFace): { readonly eyes: readonly [Cues, Cues]; readonly mouth: Cues; readonly forehead: Cues; readonly halfDifference: number } {
  const { landmarks, eyes } = face;
  const at = (i: number): Point => landmarks[i]!;
  const unit = eyes[1].x - eyes[0].x;
  const looked = new Patches(face, unit);
  const tone = (...patches: readonly (readonly [Point, number, number])[]): Tone => looked.tone(patches);
  const [leftEye, rightEye] = eyes;
  const below = ({ x, y }: Point, by: number, outward = 0): Point => ({ x: x + outward * unit, y: y + by * unit });
  const bridge = tone([between(at(27), at(28)), 0.06, 0.06]);
  const nose = tone([between(at(29), at(30), 0.6), 0.06, 0.06]);
  const sides = [
    { eye: leftEye, lids: [37, 38], brow: 19, corner: 36, mouth: 48, jaw: 5, out: -1 },
    { eye: rightEye, lids: [43, 44], brow: 24, corner: 45, mouth: 54, jaw: 11, out: 1 },
  ] as const;
  const upperCheeks = sides.map(({ eye, out }) => [below(eye, 0.35, 0.05 * out), 0.11, 0.05] as const);
  const cheeks = sides.map(({ corner, mouth }) => [between(at(corner), at(mouth), 0.62), 0.1, 0.1] as const);
  const unders = sides.map(({ eye }) => [below(eye, 0.21), 0.15, 0.04] as const);
  const middle = medianTone([nose, bridge, tone(...upperCheeks), tone(...cheeks)]);
  const brows = sides.map(({ brow }) => at(brow));
  const forehead = tone(...brows.map((brow) => [below(brow, -0.25), 0.11, 0.07] as const), [below(between(at(21), at(22)), -0.22), 0.11, 0.07]);
  const overBrows = tone(...brows.map((brow) => [below(brow, -0.14), 0.1, 0.03] as const));
  const upper = medianTone([bridge, nose, forehead, tone(...upperCheeks), tone(...unders)]);
  // How much uncovered parts differ among themselves: in hard or coloured light everything differs more.
  const spread = 0.03 + median([distance(nose, bridge), ...upperCheeks.map((patch) => distance(tone(patch), nose)), distance(tone(upperCheeks[0]!), tone(upperCheeks[1]!))]);
  const colour = (a: Tone, b: Tone): number => distance(a, b);
  const relative = (a: Tone, b: Tone): number => Math.log(0.1 + distance(a, b) / spread);

  const eyeCues = sides.map(({ eye, lids, brow }, i): Cues => {
    const own = medianTone([nose, bridge, tone(upperCheeks[i]!), tone(cheeks[i]!)]);
    const [under, lid] = [tone(unders[i]!), tone([between(between(at(lids[0]), at(lids[1])), at(brow), 0.45), 0.11, 0.025])];
    const bright = looked.percentiles(eye, 0.22, 0.1);
    const reference = Math.exp(own.light);
    return {
      detail: Math.log((looked.detail(eye, 0.25, 0.1).all + 1) / reference),
      contrast: Math.log((bright(0.92) + 10) / (bright(0.08) + 10)),
      brightest: Math.log((bright(0.9) + 10) / reference),
      underColour: colour(under, own),
      underRelative: relative(under, own),
      underLight: under.light - own.light,
      lidColour: colour(lid, own),
    };
  });

  const [upperLip, chin] = [tone([between(at(33), at(51)), 0.11, 0.04]), tone([between(at(57), at(8), 0.55), 0.15, 0.06])];
  const corners = tone([below(at(48), 0, -0.12), 0.06, 0.06], [below(at(54), 0, 0.12), 0.06, 0.06]);
  const lower = medianTone([tone(...cheeks), upperLip, corners, chin]);
  const lips = tone([between(at(50), at(61)), 0.05, 0.025], [between(at(52), at(63)), 0.05, 0.025], [between(at(57), at(66)), 0.09, 0.025]);
  const mouthMiddle = between(at(51), at(57));
  const lipDetail = looked.detail(mouthMiddle, (at(54).x - at(48).x) / 2 / unit, Math.max(0.08, (at(57).y - at(51).y) / 2 / unit));
  const mouth: Cues = {
    netsApart: netsApart(face, [[48, 61], [54, 291], [51, 0], [57, 17]], unit),
    noseNetsApart: netsApart(face, [[30, 1], [33, 2], [31, 48], [35, 278]], unit),
    line: looked.lineAcross(mouthMiddle, 0.18, Math.max(0.1, (at(57).y - at(51).y) / 2 / unit + 0.05)),
    lipRed: lips.red - (upperLip.red + chin.red) / 2,
    lipLight: Math.abs(lips.light - (upperLip.light + chin.light) / 2),
    lowerColour: colour(lower, upper),
    lowerRelative: relative(lower, upper),
    lowerLight: Math.abs(lower.light - upper.light),
    acrossOverAlong: Math.log((lipDetail.down + 1) / (lipDetail.along + 1)),
    flag: Math.min(17, Math.log(face.flag / Math.max(1 - face.flag, 1e-9))),
  };
  const foreheadCues: Cues = {
    colour: colour(forehead, middle),
    relative: relative(forehead, middle),
    browColour: colour(overBrows, middle),
    browRelative: relative(overBrows, middle),
    light: Math.abs(forehead.light - middle.light),
    browLight: Math.abs(overBrows.light - middle.light),
    netsApart: netsApart(face, [[17, 70], [19, 105], [21, 107], [22, 336], [24, 334], [26, 300]], unit),
  };
  const halves = sides.map(({ corner, mouth: lip, brow, jaw }) =>
    median([tone([between(at(corner), at(lip)), 0.09, 0.09]), tone([below(at(brow), -0.2), 0.09, 0.09]), tone([between(at(lip), at(jaw)), 0.09, 0.09])].map(({ light }) => light)),
  );
  return { eyes: [eyeCues[0]!, eyeCues[1]!], mouth, forehead: foreheadCues, halfDifference: Math.abs(halves[0]! - halves[1]!) };
}

function chance({ bias, weights }: Rule, cues: Cues): number {
  return logistic(Object.entries(weights).reduce((sum, [cue, weight]) => sum + weight * cues[cue]!, bias));
}

function logistic(x: number): number {
  return 1 / (1 + Math.exp(-x));
}

function between(a: Point, b: Point, share = 0.5): Point {
  return { x: a.x + (b.x - a.x) * share, y: a.y + (b.y - a.y) * share };
}

function median(values: readonly number[]): number {
  const sorted = Float64Array.from(values).sort();
  return sorted[sorted.length >> 1] ?? 0;
}

function medianTone(tones: readonly Tone[]): Tone {
  return { light: median(tones.map(({ light }) => light)), red: median(tones.map(({ red }) => red)), blue: median(tones.map(({ blue }) => blue)) };
}

/** Of two colours, brightness aside. */
function distance(a: Tone, b: Tone): number {
  return Math.hypot(a.red - b.red, a.blue - b.blue);
}

/** Mean distance between points that two nets place apart from each other, in eye distances: on a seen mouth they agree. */
function netsApart({ landmarks, mesh }: CutFace, pairs: readonly (readonly [number, number])[], unit: number): number {
  return pairs.reduce((sum, [a, b]) => sum + Math.hypot(landmarks[a]!.x - mesh(b).x, landmarks[a]!.y - mesh(b).y), 0) / pairs.length / unit;
}

/** Looks at rectangles of a cut face; half sizes are in eye distances. What lies outside the crop is not looked at. */
class Patches {
  constructor(
    private readonly face: CutFace,
    private readonly unit: number,
  ) {}

  tone(patches: readonly (readonly [Point, number, number])[]): Tone {
    const { crop } = this.face;
    const [light, red, blue]: number[][] = [[], [], []];
    for (const [centre, halfWidth, halfHeight] of patches) {
      this.each(centre, halfWidth, halfHeight, (at) => {
        const [r, g, b] = [crop[at]!, crop[at + 1]!, crop[at + 2]!];
        light!.push(0.299 * r + 0.587 * g + 0.114 * b);
        red!.push((r + 10) / (g + 10));
        blue!.push((b + 10) / (g + 10));
      });
    }
    return { light: Math.log(median(light!) + 10), red: Math.log(median(red!) || 1), blue: Math.log(median(blue!) || 1) };
  }

  /** @returns the brightness below which a share of the rectangle lies */
  percentiles(centre: Point, halfWidth: number, halfHeight: number): (share: number) => number {
    const values: number[] = [];
    this.each(centre, halfWidth, halfHeight, (at) => values.push(this.light(at)));
    const sorted = Float64Array.from(values).sort();
    return (share) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
  }

  /** Mean squared differences of brightness over four pixels, along the eyes' line and down, and the root of both. */
  detail(centre: Point, halfWidth: number, halfHeight: number): { readonly along: number; readonly down: number; readonly all: number } {
    const { side } = this.face;
    let [along, down, count] = [0, 0, 1e-9];
    this.each(centre, halfWidth, halfHeight, (at, x, y) => {
      if (x < 2 || y < 2 || x >= side - 2 || y >= side - 2) return;
      along += (this.light(at + 6) - this.light(at - 6)) ** 2;
      down += (this.light(at + 6 * side) - this.light(at - 6 * side)) ** 2;
      count += 1;
    });
    return { along: along / count, down: down / count, all: Math.sqrt((along + down) / count) };
  }

  /** How much the rows of a rectangle differ in brightness (natural logarithm): lips make a dark line. */
  lineAcross(centre: Point, halfWidth: number, halfHeight: number): number {
    const rows = new Map<number, { sum: number; count: number }>();
    this.each(centre, halfWidth, halfHeight, (at, _, y) => {
      const row = rows.get(y) ?? { sum: 0, count: 0 };
      rows.set(y, { sum: row.sum + this.light(at), count: row.count + 1 });
    });
    const means = [...rows.values()].map(({ sum, count }) => sum / count);
    return means.length === 0 ? 0 : Math.log((Math.max(...means) + 10) / (Math.min(...means) + 10));
  }

  private light(at: number): number {
    const { crop } = this.face;
    return 0.299 * crop[at]! + 0.587 * crop[at + 1]! + 0.114 * crop[at + 2]!;
  }

  private each({ x, y }: Point, halfWidth: number, halfHeight: number, look: (at: number, x: number, y: number) => void): void {
    const { side } = this.face;
    const [w, h] = [halfWidth * this.unit, halfHeight * this.unit];
    for (let row = Math.max(0, Math.round(y - h)); row <= Math.min(side - 1, Math.round(y + h)); row += 1) {
      for (let column = Math.max(0, Math.round(x - w)); column <= Math.min(side - 1, Math.round(x + w)); column += 1) look(3 * (row * side + column), column, row);
    }
  }
}
