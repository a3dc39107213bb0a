import sharp from 'sharp';
import { fillTensor } from './alignment.js';
import { withoutOverlaps, type DetectedFace, type FaceDetector } from './face-detector.js';
import type { DetectorSpec } from './model-set.js';
import { OnnxSession } from './onnx-session.js';
import type { Point, RgbImage } from './rgb-image.js';

/** Two grids of anchors: stride in pixels of the 256-px input, anchors per cell. */
const GRIDS = [
  { scores: 512, stride: 16, perCell: 2 },
  { scores: 384, stride: 32, perCell: 6 },
] as const;

/** MediaPipe's short-range BlazeFace. The picture is laid on a larger square of its mean colour: with a quarter of its longer
 *  side as margin the net finds every face of the 881 measured pictures, without margin it misses 1 %. */
export class BlazefaceDetector implements FaceDetector {
  private constructor(
    private readonly session: OnnxSession,
    private readonly spec: DetectorSpec,
  ) {}

  static async load(cacheDir: string, spec: DetectorSpec): Promise<BlazefaceDetector> {
    return new BlazefaceDetector(await OnnxSession.load(cacheDir, spec), spec);
  }

  async detect(image: RgbImage): Promise<DetectedFace[]> {
    const placed = await this.place(image);
    const { width, height } = this.spec.input;
    const tensor = new Float32Array(3 * width * height);
    fillTensor(placed.square, this.spec.input, tensor);
    const outputs = Object.values(await this.session.run(tensor, [1, 3, height, width]));
    const faces = GRIDS.flatMap((grid) => {
      const scores = outputs.find((output) => output.shape[1] === grid.scores && output.shape[2] === 1);
      const boxes = outputs.find((output) => output.shape[1] === grid.scores && output.shape[2] === 16);
      return scores && boxes ? this.read(scores.data, boxes.data, { ...grid, toImage: placed.toImage }) : [];
    });
    return withoutOverlaps(faces, this.spec.overlapMax);
  }

  /** Shrinks (or enlarges) the picture so that it and its margins fill the input, and says where input pixels lie in it. */
  private async place(image: RgbImage): Promise<{ square: Uint8Array; toImage: (x: number, y: number) => Point }> {
    const side = this.spec.input.width;
    const inner = Math.round(side / (1 + 2 * this.spec.margin));
    const { data, info } = await sharp(image.data, { raw: { width: image.width, height: image.height, channels: 3 } })
      .resize({ width: inner, height: inner, fit: 'inside', kernel: 'linear' })
      .raw()
      .toBuffer({ resolveWithObject: true });
    const left = (side - info.width) >> 1;
    const top = (side - info.height) >> 1;
    const square = meanColourSquare(data, side);
    for (let y = 0; y < info.height; y += 1) square.set(data.subarray(y * info.width * 3, (y + 1) * info.width * 3), ((top + y) * side + left) * 3);
    const [scaleX, scaleY] = [image.width / info.width, image.height / info.height];
    return { square, toImage: (x, y) => ({ x: (x - left) * scaleX, y: (y - top) * scaleY }) };
  }

  private read(scores: Float32Array, boxes: Float32Array, { stride, perCell, toImage }: { stride: number; perCell: number; toImage: (x: number, y: number) => Point }): DetectedFace[] {
    const cells = this.spec.input.width / stride;
    const faces: DetectedFace[] = [];
    for (let i = 0; i < scores.length; i += 1) {
      const score = 1 / (1 + Math.exp(-scores[i]!));
      if (score < this.spec.scoreMin) continue;
      const cell = Math.floor(i / perCell);
      const anchorX = stride * ((cell % cells) + 0.5);
      const anchorY = stride * (Math.floor(cell / cells) + 0.5);
      const raw = boxes.subarray(i * 16, i * 16 + 16);
      const point = (k: number): Point => toImage(raw[4 + 2 * k]! + anchorX, raw[5 + 2 * k]! + anchorY);
      const [centreX, centreY, width, height] = [raw[0]! + anchorX, raw[1]! + anchorY, raw[2]!, raw[3]!];
      const from = toImage(centreX - width / 2, centreY - height / 2);
      const to = toImage(centreX + width / 2, centreY + height / 2);
      // Of the six points these are 0 image-left eye, 1 image-right eye, 3 mouth; 2 is the nose, 4 and 5 the ears.
      faces.push({ score, box: { x: from.x, y: from.y, width: to.x - from.x, height: to.y - from.y }, eyesAndMouth: [point(0), point(1), point(3)] });
    }
    return faces;
  }
}

function meanColourSquare(data: Uint8Array, side: number): Uint8Array {
  const sum = [0, 0, 0];
  for (let i = 0; i < data.length; i += 3) for (let c = 0; c < 3; c += 1) sum[c]! += data[i + c]!;
  const square = new Uint8Array(side * side * 3);
  const colour = sum.map((total) => Math.round((total * 3) / data.length));
  for (let i = 0; i < square.length; i += 3) square.set(colour, i);
  return square;
}
