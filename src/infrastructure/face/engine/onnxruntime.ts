import { refuseTelemetry } from './telemetry.js';

refuseTelemetry();

/** The one place that loads onnxruntime: only after the check above, since its library reports from the moment it is
 * loaded. */
export const { InferenceSession, Tensor } = await import('onnxruntime-node');
export type { InferenceSession as Session } from 'onnxruntime-node';
