import {
  apply,
  compose,
  cutTensor,
  fitSimilarity,
  invert,
  scaleAbout,
  scaleOf,
  turnOf,
  type Similarity,
} from './alignment.js';
import { eyeOpening, type EyesOpening } from '../judgement/eye-opening.js';
import { loadDetector } from '../model-set/load-detector.js';
import type { DetectedFace, FaceDetector } from './face-detector.js';
import type { EmbedderSpec, LandmarkName, ModelFile, ModelSet } from '../model-set/model-set.js';
import { OnnxSession } from './onnx-session.js';
import { dropPixels, turnedBack, type Box, type Point, type QuarterTurns, type RgbImage } from '../image/rgb-image.js';

/** Which face of a picture is the one that counts: the largest; the one nearest the picture's centre; or the one that
 * is large and near the centre (box area minus twice the squared distance of its centre from the picture's centre, the
 * rule of FaceNet's alignment script). */
export type PrimaryRule = 'largest' | 'centre' | 'prominent';
export const PRIMARY_RULES: readonly PrimaryRule[] = ['largest', 'centre', 'prominent'];

/** One face, measured. */
export interface AnalysedFace {
  readonly box: Box;
  readonly score: number;
  /** The face-mesh net's own opinion whether this is a face, 0..1. */
  readonly flag: number;
  /** 68 points in pixels of the picture, numbered as in the iBUG scheme (0..16 jaw, 36..41 and 42..47 eyes, 48..67
   * mouth). */
  readonly landmarks: readonly Point[];
  /** The mesh of 468 points: x, y in pixels of the picture, z in the same unit, smaller is nearer. */
  readonly mesh: Float32Array;
  /** Distance between the eye centres in pixels of the picture. */
  readonly interEyeDistance: number;
  /** Degrees, positive clockwise. */
  readonly roll: number;
  /** How far the landmarks miss the crop's template, as a share of the crop's side. */
  readonly alignmentError: number;
}

/** Square of the first alignment, in which the template below is given. */
const SEED_SIDE = 150;
/** Image-left eye, image-right eye, mouth in the 150-px chip, averaged over many chips. */
const SEED_TEMPLATE: readonly Point[] = [
  { x: 48.36, y: 46.91 },
  { x: 102.09, y: 46.33 },
  { x: 75.93, y: 104.86 },
];
/** Mesh nets see a frame that is this much wider than the chip. */
const MESH_FRAME = 1.3;

/** Narrower boxes hold no face that any net could confirm: eyes would be some five pixels apart, and noise looks like
 * that too. */
const FACE_WIDTH_MIN = 16;

/** The mesh net is as good as certain of nearly every face that stands upright (99.9999 %: 98 of 100 photographs of
 * people in front of a camera, the two others turned by 33 degrees) and never of the wrong features of one on its head
 * (at most 99.998 % of 100). */
const FLAG_OF_UPRIGHT = 1 - 2e-6;
/** Less is no face to call a picture turned for. */
const FLAG_OF_TURNED = 0.99;
/** Quarter turns bring every face to within 45 degrees; the rest is for the error of the points. */
const TURN_ROLL_MAX = 55;

/** The networks of one model set on one thread: finds faces in a picture and embeds one. */
export class FaceEngine {
  private constructor(
    readonly set: ModelSet,
    private readonly detector: FaceDetector,
    private readonly flagNet: OnnxSession,
    private readonly landmarkNet: OnnxSession,
    private readonly embedder: OnnxSession,
    /** Null where the set has none. */
    private readonly eyesNet: OnnxSession | null,
    private readonly companion: OnnxSession | null,
  ) {}

  /** @throws {ModelError} when a file is missing or is not the pinned one */
  static async load(set: ModelSet, cacheDir: string): Promise<FaceEngine> {
    const detector = await loadDetector(cacheDir, set.detector);
    const [flagNet, landmarkNet, embedder] = [
      await OnnxSession.load(cacheDir, set.faceFlag),
      await OnnxSession.load(cacheDir, set.landmarks),
      await OnnxSession.load(cacheDir, set.embedder),
    ];
    const optional = async (file: ModelFile | undefined): Promise<OnnxSession | null> =>
      file ? OnnxSession.load(cacheDir, file) : null;
    return new FaceEngine(
      set,
      detector,
      flagNet,
      landmarkNet,
      embedder,
      await optional(set.eyes),
      await optional(set.companion),
    );
  }

  /** Finds the faces of a picture, each confirmed by the mesh net; the one that counts comes first.
   *  @returns an empty list when there is none */
  async findFaces(image: RgbImage, rule: PrimaryRule): Promise<AnalysedFace[]> {
    const candidates = (await this.detector.detect(image)).filter(({ box }) => box.width >= FACE_WIDTH_MIN);
    const faces: AnalysedFace[] = [];
    for (const candidate of candidates) {
      const face = await this.analyse(image, candidate);
      if (face) faces.push(face);
    }
    return faces.sort((a, b) => weightOf(b.box, image, rule) - weightOf(a.box, image, rule));
  }

  /** Looks for a face that lies on its side or stands on its head: the detector finds such faces seldom, or finds a
   * face in the wrong features of one. Only a doubtful finding is looked at again, because three more passes take their
   * time.
   * @param upright the face that was found in the picture as it is, if any
   * @returns how far the face that is really there is turned, in degrees clockwise, or null where none is seen */
  async turnedFace(image: RgbImage, upright: AnalysedFace | undefined): Promise<number | null> {
    if (upright && upright.flag >= FLAG_OF_UPRIGHT) return null;
    let best: { readonly face: AnalysedFace; readonly turns: QuarterTurns } | undefined;
    for (const turns of [1, 2, 3] as const) {
      const copy = turnedBack(image, turns);
      const [face] = await this.findFaces(copy, 'largest');
      dropPixels(copy);
      if (face && Math.abs(face.roll) <= TURN_ROLL_MAX && face.flag > (best?.face.flag ?? FLAG_OF_TURNED))
        best = { face, turns };
    }
    if (!best || !isSurer(best.face, upright)) return null;
    const degrees = 90 * best.turns + best.face.roll;
    return degrees > 180 ? degrees - 360 : degrees;
  }

  /** Measures how far the eyes of a face are open. @returns null where the model set has no net that sees lids */
  async eyes(image: RgbImage, face: Pick<AnalysedFace, 'landmarks' | 'mesh'>): Promise<EyesOpening | null> {
    const spec = this.set.eyes;
    if (!spec || !this.eyesNet) return null;
    const toCrop = meshFrame(chipSimilarity(face, this.set.embedder), this.set.embedder.input.width, spec.input.width);
    const outputs = await this.eyesNet.run([1, 3, spec.input.height, spec.input.width], (tensor) =>
      cutTensor(image, toCrop, spec.input, tensor),
    );
    const toImage = invert(toCrop);
    const opening = (name: string): EyesOpening['left'] => {
      const points = outputs[name]?.data;
      if (!points) throw new Error(`the net for the eyes did not return ${name}`);
      return eyeOpening(
        Array.from({ length: points.length / 2 }, (_, i) =>
          apply(toImage, { x: points[2 * i]!, y: points[2 * i + 1]! }),
        ),
      );
    };
    return { left: opening('left_eye'), right: opening('right_eye') };
  }

  /** Embeds one face: every view of it, averaged, by every embedder of the set.
   *  @returns numbers that mean nothing alone; compare them with `distanceOf` */
  async embed(image: RgbImage, face: Pick<AnalysedFace, 'landmarks' | 'mesh'>): Promise<Float32Array> {
    const { embedder, companion } = this.set;
    const first = await this.embedBy(this.embedder, embedder, image, face);
    if (!companion || !this.companion) return first;
    const second = await this.embedBy(this.companion, companion, image, face);
    return Float32Array.from([...first, ...second.map((value) => companion.weight * value)]);
  }

  private async embedBy(
    net: OnnxSession,
    spec: EmbedderSpec,
    image: RgbImage,
    face: Pick<AnalysedFace, 'landmarks' | 'mesh'>,
  ): Promise<Float32Array> {
    const { input, length, unitLength, views } = spec;
    const chip = chipSimilarity(face, spec);
    const embedding = new Float32Array(length);
    // A model with a fixed batch of one gets one view after the other.
    for (const batch of inBatches(views, net.batchMax)) {
      const fill = (tensor: Float32Array): void => {
        for (const [i, { scale, mirrored }] of batch.entries()) {
          cutTensor(image, compose(scaleAbout(input.width / 2, scale), chip), input, tensor, {
            offset: (i * tensor.length) / batch.length,
            mirrored,
          });
        }
      };
      const [output] = Object.values(await net.run([batch.length, 3, input.height, input.width], fill));
      if (!output || output.data.length !== batch.length * length)
        throw new Error(`the embedder returned ${output?.data.length ?? 0} numbers, expected ${batch.length * length}`);
      for (let i = 0; i < output.data.length; i += 1) embedding[i % length]! += output.data[i]! / views.length;
    }
    return unitLength ? scaledToUnit(embedding) : embedding;
  }

  private async analyse(
    image: RgbImage,
    { box, score, eyesAndMouth }: DetectedFace,
  ): Promise<AnalysedFace | undefined> {
    const seed = fitSimilarity(eyesAndMouth, SEED_TEMPLATE);
    const { flag, mesh } = await this.mesh(image, seed);
    if (flag < this.set.faceFlag.flagMin) return undefined;
    const landmarks = await this.landmarks(image, seed);
    const chip = chipSimilarity({ landmarks, mesh }, this.set.embedder);
    const [left, right] = [centreOf(landmarks, 36, 41), centreOf(landmarks, 42, 47)];
    return {
      box,
      score,
      flag,
      landmarks,
      mesh,
      interEyeDistance: Math.hypot(right.x - left.x, right.y - left.y),
      roll: -turnOf(chip),
      alignmentError: alignmentError(landmarks, chip, this.set.embedder),
    };
  }

  private async mesh(image: RgbImage, seed: Similarity): Promise<{ flag: number; mesh: Float32Array }> {
    const { input } = this.set.faceFlag;
    const toCrop = meshFrame(seed, SEED_SIDE, input.width);
    const outputs = await this.runOnCrop(this.flagNet, image, toCrop, input);
    const flag = outputs.find((output) => output.length === 1)?.[0];
    const points = outputs.find((output) => output.length === 468 * 3);
    if (flag === undefined || !points) throw new Error('the mesh net did not return a flag and 468 points');
    const toImage = invert(toCrop);
    const depth = scaleOf(toImage);
    const mesh = new Float32Array(points.length);
    for (let i = 0; i < points.length; i += 3) {
      const { x, y } = apply(toImage, { x: points[i]!, y: points[i + 1]! });
      mesh.set([x, y, points[i + 2]! * depth], i);
    }
    return { flag, mesh };
  }

  private async landmarks(image: RgbImage, seed: Similarity): Promise<Point[]> {
    const { input } = this.set.landmarks;
    const toCrop = compose(scaling(input.width / SEED_SIDE), seed);
    const [output] = await this.runOnCrop(this.landmarkNet, image, toCrop, input);
    if (output?.length !== 136) throw new Error('the landmark net did not return 68 points');
    const toImage = invert(toCrop);
    return Array.from({ length: 68 }, (_, i) =>
      apply(toImage, { x: output[2 * i]! * input.width, y: output[2 * i + 1]! * input.height }),
    );
  }

  private async runOnCrop(
    net: OnnxSession,
    image: RgbImage,
    toCrop: Similarity,
    input: ModelSet['landmarks']['input'],
  ): Promise<Float32Array[]> {
    const outputs = await net.run([1, 3, input.height, input.width], (tensor) =>
      cutTensor(image, toCrop, input, tensor),
    );
    return Object.values(outputs).map((output) => output.data);
  }
}

/** Whether a face in the turned picture is the true reading, rather than the one that was found in the picture as it
 * is. */
function isSurer(turned: AnalysedFace, upright: AnalysedFace | undefined): boolean {
  if (!upright) return true;
  const oddsOf = (flag: number): number => flag / Math.max(1 - flag, 1e-9);
  // Somebody small beside the person, whose head lies on a shoulder, says nothing about the person.
  return oddsOf(turned.flag) > 3 * oddsOf(upright.flag) && turned.box.width > 0.5 * upright.box.width;
}

/** The frame that mesh nets see, out of the one in which the face fills a chip of a side. */
function meshFrame(chip: Similarity, chipSide: number, side: number): Similarity {
  return compose(compose(scaling(side / chipSide), scaleAbout(chipSide / 2, 1 / MESH_FRAME)), chip);
}

function scaling(scale: number): Similarity {
  return { a: scale, b: 0, tx: 0, ty: 0 };
}

/** Where the face goes in the embedder's crop: fitted to the landmarks, and to the mesh where the template names its
 * points. */
function chipSimilarity(
  { landmarks, mesh }: Pick<AnalysedFace, 'landmarks' | 'mesh'>,
  { template }: EmbedderSpec,
): Similarity {
  const from = template.landmarks.map((name) => landmark(landmarks, name));
  const to = templatePoints(template);
  const meshPoints = (template.meshPoints ?? []).map((i) => ({ x: mesh[3 * i]!, y: mesh[3 * i + 1]! }));
  return fitSimilarity([...from, ...meshPoints], [...to, ...to.slice(0, meshPoints.length)]);
}

function* inBatches<Item>(items: readonly Item[], size: number): Generator<readonly Item[]> {
  for (let done = 0; done < items.length; done += size) yield items.slice(done, done + size);
}

function alignmentError(landmarks: readonly Point[], chip: Similarity, { template, input }: EmbedderSpec): number {
  const wanted = templatePoints(template);
  const squares = template.landmarks.map((name, i) => {
    const at = apply(chip, landmark(landmarks, name));
    return (at.x - wanted[i]!.x) ** 2 + (at.y - wanted[i]!.y) ** 2;
  });
  return Math.sqrt(squares.reduce((sum, square) => sum + square, 0) / squares.length) / input.width;
}

function templatePoints(template: EmbedderSpec['template']): Point[] {
  return template.points.map(([x, y]) => ({ x, y }));
}

function landmark(landmarks: readonly Point[], name: LandmarkName): Point {
  if (name === 'left-eye') return centreOf(landmarks, 36, 41);
  if (name === 'right-eye') return centreOf(landmarks, 42, 47);
  return landmarks[name]!;
}

function centreOf(landmarks: readonly Point[], from: number, to: number): Point {
  const points = landmarks.slice(from, to + 1);
  return {
    x: points.reduce((sum, p) => sum + p.x, 0) / points.length,
    y: points.reduce((sum, p) => sum + p.y, 0) / points.length,
  };
}

function weightOf(box: Box, image: RgbImage, rule: PrimaryRule): number {
  const area = box.width * box.height;
  if (rule === 'largest') return area;
  const [dx, dy] = [box.x + box.width / 2 - image.width / 2, box.y + box.height / 2 - image.height / 2];
  const away = dx * dx + dy * dy;
  return rule === 'centre' ? -away : area - 2 * away;
}

function scaledToUnit(embedding: Float32Array): Float32Array {
  const norm = Math.hypot(...embedding);
  return embedding.map((value) => value / norm);
}
