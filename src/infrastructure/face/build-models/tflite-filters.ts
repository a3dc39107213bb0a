import type { Tensor } from './onnx-graph.js';
import type { TfliteOperator } from './tflite-file.js';

/** Strides and padding of an operator that has a window. */
export function windowOf({ window, kind }: TfliteOperator): { padding: string; strides: number[] } {
  if (!window) throw new Error(`${kind} has no strides`);
  return window;
}

/** Filters of TensorFlow Lite: [out, height, width, in] to [out, in, height, width]. */
export function channelsFirst({ shape: [out = 0, height = 0, width = 0, into = 0], data }: Tensor): Tensor {
  const size = height * width;
  const result = new Float32Array(data.length);
  for (let o = 0; o < out; o += 1) {
    for (let p = 0; p < size; p += 1) {
      for (let i = 0; i < into; i += 1) result[(o * into + i) * size + p] = data[(o * size + p) * into + i]!;
    }
  }
  return { shape: [out, into, height, width], data: result };
}

/** [1, height, width, channels] to [channels, 1, height, width]. */
export function depthwise({ shape, data }: Tensor): Tensor {
  const {
    shape: [, channels = 0, height = 0, width = 0],
    data: planes,
  } = channelsFirst({ shape, data });
  return { shape: [channels, 1, height, width], data: planes };
}
