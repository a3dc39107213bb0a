import { coverCues, type Cues, type CutFace } from './cover-cues.js';

/** How likely it is that something hides a part of the face, 0..1 each. Not a share of the world's faces: of those on
 *  which the marks were set (docs/face.md). */
export interface Covered {
  /** Of the eyes the one that is more likely hidden, and the one that is less so. */
  readonly oneEye: number;
  readonly bothEyes: number;
  readonly mouth: number;
  readonly forehead: number;
  /** One half of the face in the dark. */
  readonly half: number;
  /** The far half of the face hidden, because the head is turned. */
  readonly farHalf: number;
  /** The mesh net is less sure of this face than of uncovered ones. */
  readonly face: number;
}

/** A logistic rule over named cues, each in standard deviations from its mean over parts that are seen. */
interface Rule {
  readonly bias: number;
  /** Weight of how far the cues lie, all together, from those of seen parts: what nobody drew is told by it. */
  readonly far: number;
  /** Each cue's weight, mean and standard deviation. */
  readonly cues: Readonly<Record<string, readonly [weight: number, mean: number, deviation: number]>>;
}

/** Set by logistic regression over photographs of some twenty people, plain, in other light and with something drawn
 *  over them; each person's were judged by rules that were set without them (docs/face.md says how well). */
const RULES = {
  eye: {
    bias: -4.125,
    far: 0.295,
    cues: {
      odds: [0.271, 14.637, 3.8009],
      alike: [-0.682, 0.4834, 0.2774],
      netsApart: [0.655, 0.0581, 0.0309],
      contrast: [-0.875, 0.9541, 0.3228],
      darkest: [1.02, -1.0934, 0.3848],
      underColour: [0.065, 0.0817, 0.057],
      underLight: [-0.626, -0.1389, 0.1752],
      lidColour: [0.146, 0.1859, 0.1515],
      lidLight: [0.412, -0.4706, 0.3351],
      fine: [1.947, 0.756, 0.5266],
      coarse: [-2.228, 0.7623, 0.5267],
      downOverAlong: [-0.098, 0.5064, 0.3917],
      colour: [0.484, 0.1728, 0.1234],
      step: [0.095, -2.0577, 0.6388],
      contrastAgainst: [0.262, 0.0162, 0.2545],
      netsApartAgainst: [-0.484, -0.0013, 0.0334],
      colourAgainst: [0.253, -0.0043, 0.0958],
      underLightAgainst: [0.191, 0.0012, 0.1573],
    },
  },
  mouth: {
    bias: -6.411,
    far: 0.44,
    cues: {
      odds: [0.013, 15.5737, 3.084],
      netsApart: [0.357, 0.0431, 0.0188],
      chinNetsApart: [0.117, 0.0617, 0.0297],
      width: [-0.402, 0.4326, 0.0432],
      height: [-1.648, 0.1641, 0.0524],
      line: [-1.866, 0.8062, 0.4343],
      lineBeside: [0.707, 0.1999, 0.1429],
      lipRedOverSkin: [-1.005, 0.1472, 0.1351],
      lipLight: [0.0, 0.2071, 0.1476],
      downOverAlong: [-0.575, 0.7834, 0.3322],
      twoParts: [0.554, -0.2378, 0.5233],
      lowerFine: [0.681, -0.087, 0.4505],
      chinColour: [0.108, 0.137, 0.1001],
      chinLight: [0.31, 0.1981, 0.1885],
      chinFine: [0.923, 0.7409, 0.6944],
      chinStep: [-0.758, -1.7811, 0.6671],
      chinOffLip: [0.139, -2.0284, 0.5749],
      lipStep: [0.089, -1.8078, 0.5731],
    },
  },
  forehead: {
    bias: -4.67,
    far: 0.378,
    cues: {
      relative: [0.233, -0.3476, 0.5863],
      highLight: [-0.066, 0.1976, 0.1683],
      sidesApart: [-1.725, -1.7406, 0.747],
      stepMax: [0.618, -2.7501, 0.4973],
      walkedOver: [0.653, -2.9666, 0.58],
      walkedMax: [0.368, -2.2581, 0.525],
      edgeUnder: [-0.093, -1.9656, 0.7663],
      browDark: [-0.53, 0.5651, 0.4406],
      middleFine: [0.163, 0.6316, 0.4055],
      highFine: [0.756, -0.5857, 0.4758],
      highFineApart: [0.801, 0.6466, 0.389],
      skinFine: [-0.298, 2.3153, 0.4355],
    },
  },
  side: {
    bias: -10.471,
    far: 0,
    cues: {
      leftRight: [1.165, 0.1609, 0.1497],
      leftRightOfHard: [1.482, 0.0991, 0.0856],
      contrast: [-0.369, 1.1548, 0.3872],
    },
  },
  mirrored: {
    bias: -6.88,
    far: 0,
    cues: {
      halvesApart: [2.353, -1.388, 0.6986],
      eyesApart: [2.282, -1.6458, 0.6619],
      contrast: [-0.943, 1.1122, 0.4006],
    },
  },
  above: {
    bias: -10.239,
    far: 0,
    cues: {
      foreheadCheek: [0.879, 0.235, 0.1887],
      foreheadOfHard: [1.999, 0.1432, 0.109],
      contrast: [-0.94, 1.1548, 0.3872],
    },
  },
  below: {
    bias: -5.831,
    far: 0,
    cues: {
      chinCheek: [-0.176, 0.3012, 0.3364],
      chinOfHard: [1.427, 0.1777, 0.1908],
      noseChin: [0.941, 0.242, 0.2404],
      contrast: [-0.526, 1.1548, 0.3872],
    },
  },
} as const satisfies Record<string, Rule>;

/** Which half lies in the dark. What lies at a side is looked for twice: between landmarks, and at points that a turned
 *  head takes along. */
const HALVES = ['side', 'mirrored', 'above', 'below'] as const;

/** Odds of the mesh net (natural logarithm). */
const DOUBTED_FACE = { at: 5.5, width: 0.5 };

/** Degrees. Of a head turned further the nose hides the cheek behind it: in what light the far half lies nobody can
 *  tell, nor what hides it. */
const DOUBTED_TURN = { at: 30, width: 0.5 };

/** Judges from colours, grain and shapes within one face, which is compared with nothing but itself: so that no colour
 *  of skin is the measure of another. Nets for landmarks draw eyes and mouths wherever they should be, seen or not. */
export function judgeCover(face: CutFace): Covered {
  const cues = coverCues(face);
  const eyes = cues.eyes.map((eye) => chance(RULES.eye, eye));
  return {
    oneEye: Math.max(...eyes),
    bothEyes: Math.min(...eyes),
    mouth: chance(RULES.mouth, cues.mouth),
    forehead: chance(RULES.forehead, cues.forehead),
    half: Math.max(...HALVES.map((rule) => chance(RULES[rule], cues.halves))),
    farHalf: logistic((Math.abs(face.yaw) - DOUBTED_TURN.at) / DOUBTED_TURN.width),
    face: logistic((DOUBTED_FACE.at - cues.odds) / DOUBTED_FACE.width),
  };
}

function chance({ bias, far, cues: rule }: Rule, cues: Cues): number {
  let [sum, away] = [bias, 0];
  for (const [name, [weight, mean, deviation]] of Object.entries(rule)) {
    const from = (cues[name]! - mean) / deviation;
    // No single cue outweighs all others, however strange it is.
    sum += weight * Math.max(-DEVIATIONS_MAX, Math.min(DEVIATIONS_MAX, from));
    away += Math.min(AWAY.most, Math.max(0, Math.abs(from) - AWAY.from));
  }
  const weighed = sum + far * away;
  // What cannot be reckoned is doubt, never a pass.
  return Number.isFinite(weighed) ? logistic(weighed) : 0.5;
}

const DEVIATIONS_MAX = 5;
/** In standard deviations. */
const AWAY = { from: 2, most: 4 };

function logistic(x: number): number {
  return 1 / (1 + Math.exp(-x));
}
