import type { AnalysedFace } from '../engine/face-engine.js';

/** Degrees. Yaw: positive when the face looks to the image's right. Pitch: positive when it looks down. Roll: positive
 * clockwise. */
export interface HeadPose {
  readonly yaw: number;
  readonly pitch: number;
  readonly roll: number;
}

/** Forehead to chin is not upright in the mesh of a face that looks straight ahead: this is its tilt, the median over
 * 100 photographs of people facing a camera. */
const NEUTRAL_PITCH = 8;

/** Reads the head's pose off the face mesh: the line between the outer eye corners gives yaw, forehead to chin gives
 * pitch. */
export function headPose({ mesh, roll }: Pick<AnalysedFace, 'mesh' | 'roll'>): HeadPose {
  const vector = (from: number, to: number): [number, number, number] => [
    mesh[3 * to]! - mesh[3 * from]!,
    mesh[3 * to + 1]! - mesh[3 * from + 1]!,
    mesh[3 * to + 2]! - mesh[3 * from + 2]!,
  ];
  const degrees = (radians: number): number => (radians * 180) / Math.PI;
  const [ex, ey, ez] = vector(33, 263);
  const [cx, cy, cz] = vector(10, 152);
  return {
    yaw: degrees(Math.atan2(ez, Math.hypot(ex, ey))),
    pitch: degrees(Math.atan2(cz, Math.hypot(cx, cy))) - NEUTRAL_PITCH,
    roll,
  };
}
