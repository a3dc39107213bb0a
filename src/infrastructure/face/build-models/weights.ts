import type { Tensor } from './onnx-graph.js';

/** One entry of a TensorFlow.js weights manifest. */
export interface WeightEntry {
  readonly name: string;
  readonly shape: number[];
  readonly dtype: string;
  readonly quantization?: { readonly dtype: string; readonly scale?: number; readonly min?: number };
}

export type Weights = ReadonlyMap<string, Tensor>;

/** Reads the weights of a TensorFlow.js model: tensors lie end to end in the order of the manifest, little-endian, and
 * may be stored as bytes (value = byte*scale + min), as half floats, as floats or as 32-bit integers.
 * @throws when bytes are missing or left over, or at a kind of number that is not known here */
export function readWeights(entries: readonly WeightEntry[], bytes: Uint8Array): Weights {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const weights = new Map<string, Tensor>();
  let offset = 0;
  for (const entry of entries) {
    const length = entry.shape.reduce((product, axis) => product * axis, 1);
    const { width, read } = reader(entry);
    if (offset + length * width > bytes.length) throw new Error(`the weights end before ${entry.name}`);
    const data = new Float32Array(length);
    for (let i = 0; i < length; i += 1) data[i] = read(view, offset + i * width);
    weights.set(entry.name, { shape: entry.shape, data });
    offset += length * width;
  }
  if (offset !== bytes.length) throw new Error(`${bytes.length - offset} bytes of weights are left over`);
  return weights;
}

interface Reader {
  width: number;
  read: (view: DataView, at: number) => number;
}

function reader(entry: WeightEntry): Reader {
  const stored = entry.quantization?.dtype ?? entry.dtype;
  const { scale, min } = entry.quantization ?? {};
  switch (stored) {
    case 'uint8':
      if (scale === undefined || min === undefined) throw new Error(`${entry.name} is quantised without scale and min`);
      return { width: 1, read: (view, at) => view.getUint8(at) * scale + min };
    case 'float16':
      return { width: 2, read: (view, at) => halfToNumber(view.getUint16(at, true)) };
    case 'float32':
      return { width: 4, read: (view, at) => view.getFloat32(at, true) };
    case 'int32':
      return { width: 4, read: (view, at) => view.getInt32(at, true) };
    default:
      throw new Error(`${entry.name} is stored as ${stored}, which is not known here`);
  }
}

/** IEEE 754 binary16: 1 sign bit, 5 exponent bits, 10 fraction bits. */
export function halfToNumber(half: number): number {
  const sign = half & 0x8000 ? -1 : 1;
  const exponent = (half >> 10) & 31;
  const fraction = half & 1023;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction === 0 ? sign * Infinity : NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** @throws when the model lacks the tensor: a different version of the package, or a wrong name here */
export function weight(weights: Weights, name: string): Tensor {
  const tensor = weights.get(name);
  if (!tensor) throw new Error(`the model has no weights named ${name}`);
  return tensor;
}

/** Filters of an ordinary convolution: height, width, in, out (TensorFlow) to out, in, height, width (ONNX). */
export function convolutionFilters({ shape, data }: Tensor): Tensor {
  const [h, w, inputs, outputs] = four(shape);
  const result = new Float32Array(data.length);
  let at = 0;
  for (let o = 0; o < outputs; o += 1) {
    for (let i = 0; i < inputs; i += 1) {
      for (let p = 0; p < h * w; p += 1) result[at++] = data[(p * inputs + i) * outputs + o] ?? 0;
    }
  }
  return { shape: [outputs, inputs, h, w], data: result };
}

/** Filters of a depthwise convolution: height, width, channels, 1 to channels, 1, height, width. */
export function depthwiseFilters({ shape, data }: Tensor): Tensor {
  const [h, w, channels, multiplier] = four(shape);
  if (multiplier !== 1) throw new Error('depthwise filters with a multiplier are not known here');
  const result = new Float32Array(data.length);
  for (let c = 0; c < channels; c += 1) {
    for (let p = 0; p < h * w; p += 1) result[c * h * w + p] = data[p * channels + c] ?? 0;
  }
  return { shape: [channels, 1, h, w], data: result };
}

function four(shape: number[]): [number, number, number, number] {
  const [a, b, c, d] = shape;
  if (shape.length !== 4 || a === undefined || b === undefined || c === undefined || d === undefined)
    throw new Error(`filters have four axes, not ${shape.length}`);
  return [a, b, c, d];
}
