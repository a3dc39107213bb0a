import sharp from 'sharp';
import { fillTensor } from './alignment.js';
import { withoutOverlaps, type DetectedFace, type FaceDetector } from './face-detector.js';
import type { DetectorSpec } from '../model-set/model-set.js';
import { OnnxSession } from './onnx-session.js';
import type { Point, RgbImage } from '../image/rgb-image.js';

const STRIDES = [8, 16, 32] as const;
/** Enlarging a small picture further adds work and no detail. */
const ENLARGE_MAX = 2;

/** YuNet (OpenCV Zoo, 2023-03): an optional detector that an operator installs. It sees smaller faces and more
 * bystanders than BlazeFace. The picture lies in the upper left corner of a black square. */
export class YunetDetector implements FaceDetector {
  private constructor(
    private readonly session: OnnxSession,
    private readonly spec: DetectorSpec,
  ) {}

  static async load(cacheDir: string, spec: DetectorSpec): Promise<YunetDetector> {
    return new YunetDetector(await OnnxSession.load(cacheDir, spec), spec);
  }

  async detect(image: RgbImage): Promise<DetectedFace[]> {
    const { square, scale } = await this.place(image);
    const { width, height } = this.spec.input;
    const outputs = await this.session.run([1, 3, height, width], (tensor) =>
      fillTensor(square, this.spec.input, tensor),
    );
    const faces = STRIDES.flatMap((stride) => {
      const [cls, obj, bbox, kps] = ['cls', 'obj', 'bbox', 'kps'].map((name) => outputs[`${name}_${stride}`]?.data);
      if (!cls || !obj || !bbox || !kps) throw new Error(`the YuNet model has no outputs for stride ${stride}`);
      return this.read({ cls, obj, bbox, kps }, stride, scale);
    });
    return withoutOverlaps(faces, this.spec.overlapMax);
  }

  /** @returns the square, and pixels of the picture per pixel of it, for x and y. */
  private async place(image: RgbImage): Promise<{ square: Uint8Array; scale: Point }> {
    const side = this.spec.input.width;
    const fit = Math.min(side / Math.max(image.width, image.height), ENLARGE_MAX);
    const [width, height] = [Math.max(1, Math.round(image.width * fit)), Math.max(1, Math.round(image.height * fit))];
    const small = await sharp(image.data, { raw: { width: image.width, height: image.height, channels: 3 } })
      .resize({ width, height, fit: 'fill', kernel: 'linear' })
      .raw()
      .toBuffer();
    const square = new Uint8Array(side * side * 3);
    for (let y = 0; y < height; y += 1) square.set(small.subarray(y * width * 3, (y + 1) * width * 3), y * side * 3);
    return { square, scale: { x: image.width / width, y: image.height / height } };
  }

  private read(
    { cls, obj, bbox, kps }: Record<'cls' | 'obj' | 'bbox' | 'kps', Float32Array>,
    stride: number,
    scale: Point,
  ): DetectedFace[] {
    const cells = this.spec.input.width / stride;
    const faces: DetectedFace[] = [];
    for (let i = 0; i < cls.length; i += 1) {
      const score = Math.sqrt(cls[i]! * obj[i]!);
      // Written so that a NaN is left out as well.
      if (!(score >= this.spec.scoreMin)) continue;
      const [column, row] = [i % cells, Math.floor(i / cells)];
      const point = (x: number, y: number): Point => ({
        x: (column + x) * stride * scale.x,
        y: (row + y) * stride * scale.y,
      });
      const centre = point(bbox[4 * i]!, bbox[4 * i + 1]!);
      const width = Math.exp(bbox[4 * i + 2]!) * stride * scale.x;
      const height = Math.exp(bbox[4 * i + 3]!) * stride * scale.y;
      const [leftEye, rightEye, , mouthLeft, mouthRight] = [0, 1, 2, 3, 4].map((k) =>
        point(kps[10 * i + 2 * k]!, kps[10 * i + 2 * k + 1]!),
      ) as [Point, Point, Point, Point, Point];
      const mouth = { x: (mouthLeft.x + mouthRight.x) / 2, y: (mouthLeft.y + mouthRight.y) / 2 };
      faces.push({
        score,
        box: { x: centre.x - width / 2, y: centre.y - height / 2, width, height },
        eyesAndMouth: [leftEye, rightEye, mouth],
      });
    }
    return faces;
  }
}
