import { OnnxGraph } from './onnx-graph.js';
import { convolutionFilters, weight, type Weights } from './weights.js';

/** Builds dlib's face recognition ResNet as face-api carries it: input `image` [N, 3, 150, 150] RGB, already normalised
 * by the caller; output `embedding` [N, 128], not of unit length. Source: @vladmandic/face-api 1.7.15,
 * src/faceRecognitionNet. */
export function buildRecognitionNet(weights: Weights): Uint8Array {
  const graph = new OnnxGraph('dlib_face_recognition_resnet');
  let value = graph.input('image', ['N', 3, 150, 150]);
  value = graph.node('Relu', [convolution(graph, weights, { input: value, name: 'conv32_down', stride: 2, pad: 0 })]);
  value = graph.node('MaxPool', [value], { kernel_shape: { ints: [3, 3] }, strides: { ints: [2, 2] } });
  for (const block of BLOCKS)
    value = block.down
      ? downBlock(graph, weights, { input: value, ...block })
      : plainBlock(graph, weights, value, block.name);
  value = graph.node('GlobalAveragePool', [value]);
  value = graph.node('Flatten', [value], { axis: { int: 1 } });
  value = graph.node('MatMul', [value, graph.constant(weight(weights, 'fc'))]);
  graph.output('embedding', value, ['N', 128]);
  return graph.encode();
}

interface Block {
  readonly name: string;
  readonly down?: boolean;
  /** Channels that the shortcut lacks; they are zero. */
  readonly zeroChannels?: number;
  /** The main path comes out one row and column shorter than the shortcut (8 -> 3 and 4, 4 -> 1 and 2). */
  readonly growByOne?: boolean;
}

const BLOCKS: readonly Block[] = [
  { name: 'conv32_1' },
  { name: 'conv32_2' },
  { name: 'conv32_3' },
  { name: 'conv64_down', down: true, zeroChannels: 32 },
  { name: 'conv64_1' },
  { name: 'conv64_2' },
  { name: 'conv64_3' },
  { name: 'conv128_down', down: true, zeroChannels: 64 },
  { name: 'conv128_1' },
  { name: 'conv128_2' },
  { name: 'conv256_down', down: true, zeroChannels: 128, growByOne: true },
  { name: 'conv256_1' },
  { name: 'conv256_2' },
  { name: 'conv256_down_out', down: true, growByOne: true },
];

function plainBlock(graph: OnnxGraph, weights: Weights, input: string, name: string): string {
  const first = graph.node('Relu', [convolution(graph, weights, { input, name: `${name}/conv1`, stride: 1, pad: 1 })]);
  const second = convolution(graph, weights, { input: first, name: `${name}/conv2`, stride: 1, pad: 1 });
  return graph.node('Relu', [graph.node('Add', [second, input])]);
}

function downBlock(
  graph: OnnxGraph,
  weights: Weights,
  { input, name, zeroChannels = 0, growByOne = false }: Block & { input: string },
): string {
  const first = graph.node('Relu', [convolution(graph, weights, { input, name: `${name}/conv1`, stride: 2, pad: 0 })]);
  let main = convolution(graph, weights, { input: first, name: `${name}/conv2`, stride: 1, pad: 1 });
  if (growByOne) main = graph.node('Pad', [main, graph.integers([0, 0, 0, 0, 0, 0, 1, 1])]);
  let shortcut = graph.node('AveragePool', [input], { kernel_shape: { ints: [2, 2] }, strides: { ints: [2, 2] } });
  if (zeroChannels > 0) shortcut = graph.node('Pad', [shortcut, graph.integers([0, 0, 0, 0, 0, zeroChannels, 0, 0])]);
  return graph.node('Relu', [graph.node('Add', [shortcut, main])]);
}

/** A convolution with its scale layer y*w + b folded into filters and bias. */
function convolution(
  graph: OnnxGraph,
  weights: Weights,
  { input, name, stride, pad }: { input: string; name: string; stride: number; pad: number },
): string {
  const filters = convolutionFilters(weight(weights, `${name}/conv/filters`));
  const bias = weight(weights, `${name}/conv/bias`).data;
  const scale = weight(weights, `${name}/scale/weights`).data;
  const shift = weight(weights, `${name}/scale/biases`).data;
  const perOutput = filters.data.length / scale.length;
  const folded = filters.data.map((value, i) => value * (scale[Math.floor(i / perOutput)] ?? 0));
  const foldedBias = bias.map((value, i) => value * (scale[i] ?? 0) + (shift[i] ?? 0));
  return graph.node(
    'Conv',
    [
      input,
      graph.constant({ shape: filters.shape, data: folded }),
      graph.constant({ shape: [scale.length], data: foldedBias }),
    ],
    {
      kernel_shape: { ints: filters.shape.slice(2) },
      strides: { ints: [stride, stride] },
      pads: { ints: [pad, pad, pad, pad] },
    },
  );
}
