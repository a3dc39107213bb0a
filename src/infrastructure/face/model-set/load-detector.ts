import { BlazefaceDetector } from '../engine/blazeface-detector.js';
import type { FaceDetector } from '../engine/face-detector.js';
import type { DetectorSpec } from './model-set.js';
import { YunetDetector } from '../engine/yunet-detector.js';

/** Loads the detector that a model set names. @throws {ModelError} when its file is missing or not the pinned one */
export function loadDetector(cacheDir: string, spec: DetectorSpec): Promise<FaceDetector> {
  return spec.kind === 'yunet' ? YunetDetector.load(cacheDir, spec) : BlazefaceDetector.load(cacheDir, spec);
}
