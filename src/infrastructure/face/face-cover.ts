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
  /** The mesh net is less sure of this face than of uncovered ones. */
  readonly face: number;
}

/** A logistic rule over named cues. */
interface Rule {
  readonly bias: number;
  /** Weight of how far the cues lie, all together, from those of parts that are seen: what nobody drew is told by
   *  it. */
  readonly far: number;
  /** Each cue's weight and, where `far` counts, its mean and standard deviation of parts that are seen. */
  readonly cues: Readonly<Record<string, readonly [number] | readonly [number, number, number]>>;
}

/** Set by logistic regression over photographs of some twenty people, plain, in other light and with something drawn
 *  over them; each person's were judged by rules that were set without them (docs/face.md says how well). */
const RULES = {
  eye: {
    bias: -0.609,
    far: 0.297,
    cues: {
      odds: [0.083, 14.637, 3.801],
      alike: [-2.313, 0.483, 0.277],
      netsApart: [17.969, 0.058, 0.031],
      spread: [-2.857, 0.251, 0.092],
      contrast: [-2.067, 0.954, 0.323],
      darkest: [2.81, -1.094, 0.385],
      underColour: [1.692, 0.082, 0.057],
      underLight: [-3.115, -0.139, 0.176],
      lidColour: [1.5, 0.186, 0.151],
      lidLight: [0.857, -0.471, 0.335],
      fine: [2.248, 0.756, 0.527],
      coarse: [-2.698, 0.762, 0.527],
      downOverAlong: [-0.095, 0.506, 0.392],
      colour: [4.05, 0.173, 0.123],
      step: [0.275, -2.057, 0.639],
      lidStep: [-0.335, -1.542, 0.577],
      contrastAgainst: [0.924, 0.016, 0.254],
      netsApartAgainst: [-14.048, -0.001, 0.033],
      colourAgainst: [2.563, -0.004, 0.096],
      underLightAgainst: [1.303, 0.001, 0.157],
    },
  },
  mouth: {
    bias: 4.063,
    far: 0.458,
    cues: {
      odds: [-0.013, 15.574, 3.084],
      netsApart: [8.488, 0.043, 0.019],
      chinNetsApart: [5.195, 0.062, 0.03],
      width: [-8.271, 0.433, 0.043],
      height: [-27.291, 0.164, 0.052],
      line: [-3.054, 0.806, 0.434],
      lipRed: [-4.924, 0.114, 0.104],
      lipRedOverSkin: [-4.296, 0.147, 0.135],
      lipLight: [1.555, 0.207, 0.148],
      downOverAlong: [-1.57, 0.783, 0.332],
      twoParts: [0.845, -0.238, 0.523],
      lowerFine: [1.341, -0.088, 0.451],
      chinColour: [1.386, 0.137, 0.1],
      chinLight: [1.661, 0.198, 0.188],
      chinFine: [1.005, 0.742, 0.694],
      chinStep: [-0.827, -1.781, 0.667],
    },
  },
  forehead: {
    bias: 0.842,
    far: 0.465,
    cues: {
      relative: [0.355, -0.348, 0.586],
      highLight: [0.024, 0.198, 0.168],
      sidesApart: [-1.766, -1.741, 0.747],
      stepMax: [0.584, -2.75, 0.497],
      walkedOver: [0.986, -2.967, 0.58],
      walkedMax: [0.717, -2.258, 0.525],
      edgeUnder: [-0.179, -1.966, 0.766],
      browDark: [-1.136, 0.565, 0.441],
      highFine: [0.791, -0.586, 0.476],
      highFineApart: [1.252, 0.647, 0.389],
      skinFine: [-0.666, 2.315, 0.436],
    },
  },
  half: {
    bias: -7.622,
    far: 0,
    cues: {
      leftRight: [6.09],
      upDown: [4.729],
      upperDark: [-1.363],
      foreheadCheek: [4.979],
      lidsCheek: [-1.3],
      chinCheek: [0.937],
      noseChin: [0.327],
    },
  },
} as const satisfies Record<string, Rule>;

/** Odds of the mesh net (natural logarithm). */
const DOUBTED_FACE = { at: 5.5, width: 0.5 };

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
    half: chance(RULES.half, cues.halves),
    face: logistic((DOUBTED_FACE.at - cues.odds) / DOUBTED_FACE.width),
  };
}

function chance({ bias, far, cues: weighed }: Rule, cues: Cues): number {
  let [sum, away] = [bias, 0];
  for (const [name, [weight, mean = 0, deviation = Infinity]] of Object.entries(weighed)) {
    const cue = cues[name]!;
    sum += weight * cue;
    away += Math.min(AWAY.most, Math.max(0, Math.abs(cue - mean) / deviation - AWAY.from));
  }
  return logistic(sum + far * away);
}

/** In standard deviations. */
const AWAY = { from: 2, most: 4 };

function logistic(x: number): number {
  return 1 / (1 + Math.exp(-x));
}
