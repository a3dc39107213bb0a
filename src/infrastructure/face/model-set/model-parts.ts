import { DEFAULT_MODEL_SET, type EmbedderSpec, type ModelFile, type ModelSet } from './model-set.js';

/** A network that an operator may install: what takes its place in a model set, besides the file itself. */
export interface ModelPart {
  readonly summary: string;
  /** The published file, where one is known. */
  readonly known: { readonly file: string; readonly sha256: string; readonly bytes: number } | null;
  /** Puts an installed file into a set. */
  readonly into: (base: ModelSet, file: ModelFile, id: string) => ModelSet;
}

/** Eyes, nose tip and mouth corners as ArcFace and SFace expect them in a square of 112 px.
 *  Source: OpenCV, modules/objdetect/src/face_recognize.cpp (`alignCrop`). */
export const ARCFACE_112: EmbedderSpec['template'] = {
  name: 'arcface-112',
  landmarks: ['left-eye', 'right-eye', 30, 48, 54],
  points: [
    [38.2946, 51.6963],
    [73.5318, 51.5014],
    [56.0252, 71.7366],
    [41.5493, 92.3655],
    [70.7299, 92.2041],
  ],
};

const PLAIN_AND_MIRRORED: EmbedderSpec['views'] = [
  { scale: 1, mirrored: false },
  { scale: 1, mirrored: true },
];

/** Networks that fit in without code. Others need a manifest written by hand (docs/face.md). */
export const MODEL_PARTS: Readonly<Record<string, ModelPart>> = {
  'yunet-detector': {
    summary: 'YuNet 2023-03 (OpenCV Zoo): finds smaller faces and more bystanders than the default detector',
    known: {
      file: 'face_detection_yunet_2023mar.onnx',
      sha256: '8f2383e4dd3cfbb4553ea8718107fc0423210dc964f9f4280604804ed2552fa4',
      bytes: 232_589,
    },
    into: (base, file, id) => ({
      ...base,
      id,
      detector: {
        kind: 'yunet',
        ...file,
        input: { width: 640, height: 640, channelOrder: 'BGR', mean: [0, 0, 0], scale: 1 },
        margin: 0,
        scoreMin: 0.6,
        overlapMax: 0.3,
      },
    }),
  },
  'sface-embedder': {
    summary: 'SFace 2021-12 (OpenCV Zoo): another embedding; not measured here, so calibrate it before use',
    known: {
      file: 'face_recognition_sface_2021dec.onnx',
      sha256: '0ba9fbfa01b5270c96627c4ef784da859931e02f04419c829e83484087c34e79',
      bytes: 38_696_353,
    },
    into: (base, file, id) => ({
      ...base,
      id,
      embedder: {
        ...file,
        input: { width: 112, height: 112, channelOrder: 'RGB', mean: [0, 0, 0], scale: 1 },
        length: 128,
        template: ARCFACE_112,
        views: PLAIN_AND_MIRRORED,
        unitLength: false,
      },
      distance: 'cosine',
      // OpenCV's published mark is a cosine of 0.363, a distance of 0.637. The curve goes through one half there; its
      // steepness is a placeholder that `face calibrate` replaces.
      calibration: {
        kind: 'logistic',
        slope: 20,
        offset: 12.74,
        source: "NOT MEASURED: one half at OpenCV's published mark; run `./honnin face calibrate` before use",
      },
      suggestedBands: { matchDistanceMax: 0.5, referDistanceMax: 0.637 },
    }),
  },
};

/** Puts an installed file in the place of the part that the set has. */
export function withPart(
  name: string,
  file: ModelFile,
  { base = DEFAULT_MODEL_SET, id }: { base?: ModelSet; id: string },
): ModelSet {
  const part = MODEL_PARTS[name];
  if (!part) throw new RangeError(`there is no part '${name}'; known are ${Object.keys(MODEL_PARTS).join(', ')}`);
  return part.into(base, file, id);
}
