import type { Box, Point, RgbImage } from '../image/rgb-image.js';

/** A face as a detector sees it, in pixels of the picture. */
export interface DetectedFace {
  readonly box: Box;
  /** 0..1. */
  readonly score: number;
  /** Points to start the alignment from: the eye on the image's left, the eye on the image's right, the middle of the
   * mouth. */
  readonly eyesAndMouth: readonly [Point, Point, Point];
}

/** Finds faces. Operators may install another network; thresholds belong to it. */
export interface FaceDetector {
  /** @returns the faces at or above the detector's score, overlaps removed, best score first. */
  detect(image: RgbImage): Promise<DetectedFace[]>;
}

/** Keeps the best of each group of overlapping boxes (non-maximum suppression). */
export function withoutOverlaps(faces: readonly DetectedFace[], overlapMax: number): DetectedFace[] {
  const kept: DetectedFace[] = [];
  for (const face of [...faces].sort((a, b) => b.score - a.score)) {
    if (kept.every((other) => overlap(face.box, other.box) <= overlapMax)) kept.push(face);
  }
  return kept;
}

/** Intersection over union. */
export function overlap(a: Box, b: Box): number {
  const width = Math.min(a.x + a.width, b.x + b.width) - Math.max(a.x, b.x);
  const height = Math.min(a.y + a.height, b.y + b.height) - Math.max(a.y, b.y);
  if (width <= 0 || height <= 0) return 0;
  const shared = width * height;
  return shared / (a.width * a.height + b.width * b.height - shared);
}
