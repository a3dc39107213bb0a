import { createHash } from 'node:crypto';
import { runtimeVersions } from './runtime-versions.js';
import type { FaceAlgorithm } from '../../../domain/values/face-comparison.js';

/** Version of the pipeline around the models: cropping, warping, averaging, measuring. It changes with every change
 * that can move a score, because scores of different algorithms are never compared. */
export const PIPELINE_VERSION = '2.0.0';

/** A model file in the cache folder. */
export interface ModelFile {
  /** Plain file name inside the cache folder. */
  readonly file: string;
  readonly sha256: string;
}

/** What a network wants to see: value = (byte - mean) * scale, channels first. */
export interface ModelInput {
  readonly width: number;
  readonly height: number;
  readonly channelOrder: 'RGB' | 'BGR';
  readonly mean: readonly [number, number, number];
  readonly scale: number;
}

export interface DetectorSpec extends ModelFile {
  readonly kind: 'blazeface' | 'yunet';
  readonly input: ModelInput;
  /** Empty border around the picture on each side, as a share of its longer side. */
  readonly margin: number;
  readonly scoreMin: number;
  /** Boxes that overlap more than this (intersection over union) are one face. */
  readonly overlapMax: number;
}

export interface FaceFlagSpec extends ModelFile {
  readonly kind: 'facemesh';
  readonly input: ModelInput;
  readonly flagMin: number;
}

export interface LandmarkSpec extends ModelFile {
  readonly kind: 'face-api-68';
  readonly input: ModelInput;
}

/** The net that follows the lids, for photographs that a person will be judged by. */
export interface EyesSpec extends ModelFile {
  readonly kind: 'attention-mesh';
  readonly input: ModelInput;
}

export interface EmbedderSpec extends ModelFile {
  readonly input: ModelInput;
  /** Numbers in an embedding. */
  readonly length: number;
  /** Where the five points of a face go in the crop: which landmarks, and where, in pixels of the crop. */
  readonly template: AlignmentTemplate;
  /** The views of a face that are embedded and averaged. */
  readonly views: readonly FaceView[];
  /** Whether an embedding is scaled to length 1 before it is compared. */
  readonly unitLength: boolean;
}

export interface CompanionSpec extends EmbedderSpec {
  /** What its numbers are multiplied with before they are set beside the first embedder's. */
  readonly weight: number;
}

export interface FaceView {
  /** Enlargement of the crop about its centre; 1 for the plain crop, below 1 shows more around the face. */
  readonly scale: number;
  readonly mirrored: boolean;
}

export interface AlignmentTemplate {
  readonly name: string;
  readonly landmarks: readonly LandmarkName[];
  /** The same points in the face mesh, by number. Where given, the crop is fitted to both nets' points: their errors
   * are independent, so the fit is steadier than either. */
  readonly meshPoints?: readonly number[];
  readonly points: readonly (readonly [number, number])[];
}

/** Points of the 68-point scheme by number, or means of several. */
export type LandmarkName = number | 'left-eye' | 'right-eye';

/** Distance to points: `points = round(10000 / (1 + exp(slope * distance - offset)))`. */
export interface CalibrationSpec {
  readonly kind: 'logistic';
  readonly slope: number;
  readonly offset: number;
  /** Where the numbers come from, in words. */
  readonly source: string;
}

/** Everything that a score depends on besides the two pictures. */
export interface ModelSet {
  readonly format: 'honnin-model-set/1';
  readonly id: string;
  readonly detector: DetectorSpec;
  readonly faceFlag: FaceFlagSpec;
  readonly landmarks: LandmarkSpec;
  /** Without it nobody can say whether eyes are open: EyesOpen is 'not_assessed' and no photograph is refused for
   * it. */
  readonly eyes?: EyesSpec;
  readonly embedder: EmbedderSpec;
  /** Another network that embeds the same faces: its numbers are set behind the first one's, so that the square of a
   * Euclidean distance is the sum of both squares. */
  readonly companion?: CompanionSpec;
  readonly distance: 'euclidean' | 'cosine';
  readonly calibration: CalibrationSpec;
  /** Name of the weights by which the pictures' quality counts (`src/domain/registration/quality-weights.ts`). Without
   * it their quality does not count, and a mark holds for sharp colour photographs alone. */
  readonly qualityWeights?: string;
  /** Bands that the measurements suggest, as distances; the policy decides. */
  readonly suggestedBands: { readonly matchDistanceMax: number; readonly referDistanceMax: number };
}

const MEAN_RGB = [122.782, 117.001, 104.298] as const;

/** dlib's five-point chip: eye corners and nose base on a square of 150 px with a quarter of padding. Points are
 * numbered as in the 68-point scheme. Source: dlib 19, `get_face_chip_details`, the mean face shape. */
const DLIB_CHIP: AlignmentTemplate = {
  name: 'dlib-5-150-0.25',
  landmarks: [45, 42, 36, 39, 33],
  meshPoints: [263, 362, 33, 133, 2],
  points: (
    [
      [0.8595674595992, 0.2134981538014],
      [0.6460604764104, 0.2289674387677],
      [0.1205750620789, 0.2137274526848],
      [0.3340850613712, 0.2290642403242],
      [0.4901123135679, 0.6277975316475],
    ] as const
  ).map(([x, y]): readonly [number, number] => [((x + 0.25) / 1.5) * 150, ((y + 0.25) / 1.5) * 150]),
};

/** The model set that `models build` makes out of npm packages; the hashes pin what the converter must produce. */
export const DEFAULT_MODEL_SET: ModelSet = {
  format: 'honnin-model-set/1',
  id: 'blazeface+dlib-resnet',
  detector: {
    kind: 'blazeface',
    file: 'blazeface-v2.onnx',
    sha256: '7a88681ceb6919d8bde5a8186d2063a8ed703342ef277d7b89b98f9fd15937d5',
    input: { width: 256, height: 256, channelOrder: 'RGB', mean: [127.5, 127.5, 127.5], scale: 1 / 127.5 },
    margin: 0.25,
    scoreMin: 0.6,
    overlapMax: 0.3,
  },
  faceFlag: {
    kind: 'facemesh',
    file: 'facemesh-v2.onnx',
    sha256: '85dd7141e4a81a2f49642f6983da50424e4930d6866518abd2d18727b02a61ec',
    input: { width: 192, height: 192, channelOrder: 'RGB', mean: [0, 0, 0], scale: 1 / 255 },
    flagMin: 0.5,
  },
  landmarks: {
    kind: 'face-api-68',
    file: 'landmark68.onnx',
    sha256: '6d35df64d6fd08066f3e4a45caa5a27c84b9685ae7daabe353828298b57f4ecc',
    input: { width: 112, height: 112, channelOrder: 'RGB', mean: MEAN_RGB, scale: 1 / 255 },
  },
  eyes: {
    kind: 'attention-mesh',
    file: 'attention-mesh.onnx',
    sha256: 'aa765ce32f09fcaf296384653d726e707c8debef427868ebbfb3b7799d294602',
    input: { width: 192, height: 192, channelOrder: 'RGB', mean: [0, 0, 0], scale: 1 / 255 },
  },
  embedder: {
    file: 'dlib-resnet.onnx',
    sha256: 'd81ce7a5b3c8a356241c85439ff11caec5419cc94193c6fa945a96f8c7641db2',
    input: { width: 150, height: 150, channelOrder: 'RGB', mean: MEAN_RGB, scale: 1 / 255 },
    length: 128,
    template: DLIB_CHIP,
    views: [
      { scale: 1, mirrored: false },
      { scale: 0.94, mirrored: true },
      { scale: 0.88, mirrored: false },
    ],
    unitLength: false,
  },
  distance: 'euclidean',
  calibration: {
    kind: 'logistic',
    slope: 41.7,
    offset: 25.383,
    source:
      'logistic fit at equal priors over photograph, grey card and colour card pairs of 44 people with one view and its mirror image; three views shorten distances by 0.010 (median of 4,437 pairs)',
  },
  qualityWeights: 'dlib-2',
  suggestedBands: { matchDistanceMax: 0.55, referDistanceMax: 0.61 },
};

/** The files of a set, each once, in a fixed order. */
export function modelFiles(set: ModelSet): ModelFile[] {
  return [
    set.detector,
    set.faceFlag,
    set.landmarks,
    ...(set.eyes ? [set.eyes] : []),
    set.embedder,
    ...(set.companion ? [set.companion] : []),
  ];
}

/** Names what scores depend on besides the pictures: a model set by its id and the first 12 hex digits of its SHA-256,
 * the pipeline by its version, runtime and decoders by theirs. */
export function algorithmOf(set: ModelSet): FaceAlgorithm {
  return {
    id: set.id,
    version: `${PIPELINE_VERSION}+${createHash('sha256').update(canonicalJson(set)).digest('hex').slice(0, 12)}.${runtimeVersions()}`,
  };
}

/** JSON with sorted keys: the same set has the same bytes whoever wrote it. */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const members = Object.entries(value).filter(([, member]) => member !== undefined);
  members.sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${members.map(([key, member]) => `${JSON.stringify(key)}:${canonicalJson(member)}`).join(',')}}`;
}
