import { OnnxGraph } from './onnx-graph.js';
import { convolutionFilters, depthwiseFilters, weight, type Weights } from './weights.js';

/** Builds face-api's 68-point landmark net: input `image` [N, 3, 112, 112] RGB, already normalised by the caller;
 * output
 * `landmarks` [N, 136] = x, y of 68 points as fractions of the square. Source: @vladmandic/face-api 1.7.15,
 * src/faceFeatureExtractor and src/faceLandmarkNet. */
export function buildLandmarkNet(weights: Weights): Uint8Array {
  const graph = new OnnxGraph('face_landmark_68');
  let value = graph.input('image', ['N', 3, 112, 112]);
  for (const block of ['dense0', 'dense1', 'dense2', 'dense3']) value = denseBlock(graph, weights, value, block);
  value = graph.node('AveragePool', [value], { kernel_shape: { ints: [7, 7] }, strides: { ints: [2, 2] } });
  value = graph.node('Flatten', [value], { axis: { int: 1 } });
  value = graph.node('MatMul', [value, graph.constant(weight(weights, 'fc/weights'))]);
  value = graph.node('Add', [value, graph.constant(weight(weights, 'fc/bias'))]);
  graph.output('landmarks', value, ['N', 136]);
  return graph.encode();
}

/** Four convolutions, the first with stride 2; each later one sees the sum of all before it. */
function denseBlock(graph: OnnxGraph, weights: Weights, input: string, name: string): string {
  const first =
    name === 'dense0'
      ? plainConvolution(graph, weights, input, `${name}/conv0`)
      : separableConvolution(graph, weights, { input, name: `${name}/conv0`, stride: 2 });
  let sum = graph.node('Relu', [first]);
  const base = sum;
  let added: string | undefined;
  for (const part of ['conv1', 'conv2', 'conv3']) {
    const out = separableConvolution(graph, weights, { input: sum, name: `${name}/${part}`, stride: 1 });
    added = added === undefined ? out : graph.node('Add', [added, out]);
    sum = graph.node('Relu', [graph.node('Add', [base, added])]);
  }
  return sum;
}

function plainConvolution(graph: OnnxGraph, weights: Weights, input: string, name: string): string {
  const filters = convolutionFilters(weight(weights, `${name}/filters`));
  return graph.node('Conv', [input, graph.constant(filters), graph.constant(weight(weights, `${name}/bias`))], {
    kernel_shape: { ints: [3, 3] },
    strides: { ints: [2, 2] },
    auto_pad: { string: 'SAME_UPPER' },
  });
}

function separableConvolution(
  graph: OnnxGraph,
  weights: Weights,
  { input, name, stride }: { input: string; name: string; stride: number },
): string {
  const depthwise = depthwiseFilters(weight(weights, `${name}/depthwise_filter`));
  const pointwise = convolutionFilters(weight(weights, `${name}/pointwise_filter`));
  const spread = graph.node('Conv', [input, graph.constant(depthwise)], {
    kernel_shape: { ints: [3, 3] },
    strides: { ints: [stride, stride] },
    auto_pad: { string: 'SAME_UPPER' },
    group: { int: depthwise.shape[0] ?? 1 },
  });
  return graph.node('Conv', [spread, graph.constant(pointwise), graph.constant(weight(weights, `${name}/bias`))], {
    kernel_shape: { ints: [1, 1] },
  });
}
