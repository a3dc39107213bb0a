import { OnnxGraph, type Tensor } from './onnx-graph.js';
import { convolutionFilters, depthwiseFilters, readWeights, weight, type WeightEntry, type Weights } from './weights.js';

interface GraphNode {
  readonly name: string;
  readonly op: string;
  readonly input?: string[];
  readonly attr?: Record<string, AttributeValue | undefined>;
}

interface AttributeValue {
  readonly s?: string;
  readonly list?: { readonly i?: string[]; readonly s?: string[] };
  readonly shape?: { readonly dim: { readonly size: string }[] };
}

/** The JSON half of a TensorFlow.js graph model. */
export interface TfjsGraphModel {
  readonly modelTopology: { readonly node: GraphNode[] };
  readonly weightsManifest: { readonly weights: WeightEntry[] }[];
}

/** Converts a TensorFlow.js graph model whose operators are convolutions, pooling, padding, addition, activations and reshapes.
 *  TensorFlow keeps channels last and ONNX first; only padding and reshape notice the difference.
 *
 *  The graph is written so that onnxruntime never leaves its blocked layout (16 channels side by side) between the input and the
 *  outputs, which it does at every operator it has no blocked kernel for: channels are filled up with zeros to whole blocks, a
 *  padding of channels is a convolution that copies them, and PReLU is made of ReLU and two products per channel.
 *  @param outputs name in the ONNX file -> name and shape of the graph's output node
 *  @param anySize whether the net takes pictures of any size (multiples of its stride); the outputs' second axis grows with them
 *  @returns an ONNX file with input `image` [1, 3, height, width]
 *  @throws at an operator that is not known here */
export function convertGraphModel(model: TfjsGraphModel, bytes: Uint8Array, outputs: Record<string, { node: string; shape: (number | string)[] }>, { name, anySize = false }: { name: string; anySize?: boolean }): Uint8Array {
  const weights = readWeights(model.weightsManifest.flatMap((group) => group.weights), bytes);
  const nodes = neededNodes(model.modelTopology.node, Object.values(outputs).map((output) => output.node));
  const converter = new Converter(new OnnxGraph(name), weights, { anySize, reshaped: reshapedNodes(nodes) });
  for (const node of nodes) converter.add(node);
  for (const [output, { node, shape }] of Object.entries(outputs)) converter.graph.output(output, converter.value(node), shape);
  return converter.graph.encode();
}

/** The nodes that the outputs depend on, each after all that it reads (they are stored in any order). */
function neededNodes(nodes: readonly GraphNode[], outputs: readonly string[]): GraphNode[] {
  const byName = new Map(nodes.map((node) => [node.name, node]));
  const ordered = new Set<GraphNode>();
  const visit = (name: string): void => {
    const node = byName.get(plainName(name));
    if (!node || ordered.has(node)) return;
    (node.input ?? []).forEach(visit);
    ordered.add(node);
  };
  outputs.forEach(visit);
  return [...ordered];
}

/** The nodes whose channels a reshape counts, with those before them up to the convolution that makes these channels. */
function reshapedNodes(nodes: readonly GraphNode[]): Set<string> {
  const byName = new Map(nodes.map((node) => [node.name, node]));
  const found = new Set<string>();
  const visit = (name: string): void => {
    found.add(name);
    const node = byName.get(name);
    if (node?.op === 'Sigmoid' || node?.op === 'Relu' || node?.op === 'Prelu') visit(plainName(node.input?.[0] ?? ''));
  };
  for (const node of nodes) if (node.op === 'Reshape') visit(plainName(node.input?.[0] ?? ''));
  return found;
}

/** `name:0` means the first output of `name`. */
function plainName(input: string): string {
  return input.replace(/:0$/, '');
}

/** Channels that onnxruntime keeps side by side at most (AVX-512; with AVX2 it is half of them). */
const BLOCK = 16;

function wholeBlocks(channels: number): number {
  return Math.ceil(channels / BLOCK) * BLOCK;
}

/** Channels of the original graph, and those of the new one with its zeros. */
interface Channels {
  readonly own: number;
  readonly all: number;
}

interface ConverterOptions {
  readonly anySize: boolean;
  /** Nodes that keep their own channels, because a reshape counts every number. */
  readonly reshaped: ReadonlySet<string>;
}

class Converter {
  private readonly values = new Map<string, string>();
  private readonly channels = new Map<string, Channels>();

  constructor(
    readonly graph: OnnxGraph,
    private readonly weights: Weights,
    private readonly options: ConverterOptions,
  ) {}

  value(name: string): string {
    const value = this.values.get(plainName(name));
    if (value === undefined) throw new Error(`the graph has no value named ${name}`);
    return value;
  }

  add(node: GraphNode): void {
    if (node.op === 'Const') return;
    this.values.set(node.name, this.convert(node));
  }

  private convert(node: GraphNode): string {
    switch (node.op) {
      case 'Placeholder':
        return this.placeholder(node);
      case '_FusedConv2D':
        return this.fusedConvolution(node);
      case 'DepthwiseConv2dNative':
        return this.depthwiseConvolution(node);
      case 'AddV2':
        return this.sum(this.read(node, 0), this.read(node, 1));
      case 'Relu':
      case 'Sigmoid':
        return this.like(this.read(node, 0), this.graph.node(node.op, [this.read(node, 0)]));
      case 'Prelu':
        return this.prelu(this.read(node, 0), this.tensor(node, 1));
      case 'MaxPool':
        return this.like(
          this.read(node, 0),
          this.graph.node('MaxPool', [this.read(node, 0)], { kernel_shape: { ints: spatial(node, 'ksize') }, strides: { ints: spatial(node, 'strides') }, auto_pad: { string: padding(node) } }),
        );
      case 'Pad':
        return this.padChannels(node);
      case 'Reshape':
        return this.reshape(node);
      case 'Identity':
        return this.read(node, 0);
      default:
        throw new Error(`the operator ${node.op} (${node.name}) is not known here`);
    }
  }

  private placeholder(node: GraphNode): string {
    const [, height = 0, width = 0, channels = 0] = (node.attr?.['shape']?.shape?.dim ?? []).map((axis) => Number(axis.size));
    return this.of({ own: channels, all: channels }, this.graph.input('image', [1, channels, ...(this.options.anySize ? ['height', 'width'] : [height, width])]));
  }

  private fusedConvolution(node: GraphNode): string {
    const filters = convolutionFilters(this.tensor(node, 1));
    const [bias, activation] = (node.attr?.['fused_ops']?.list?.s ?? []).map((text) => Buffer.from(text, 'base64').toString('latin1'));
    if (bias !== 'BiasAdd') throw new Error(`${node.name} fuses ${bias}, which is not known here`);
    const value = this.convolve(node, filters, { bias: this.tensor(node, 2) });
    if (activation === undefined) return value;
    if (activation === 'Relu') return this.like(value, this.graph.node('Relu', [value]));
    if (activation === 'Prelu') return this.prelu(value, this.tensor(node, 3));
    throw new Error(`${node.name} fuses ${activation}, which is not known here`);
  }

  private depthwiseConvolution(node: GraphNode): string {
    const filters = depthwiseFilters(this.tensor(node, 1));
    return this.convolve(node, filters, { depthwise: true });
  }

  private convolve(node: GraphNode, filters: Tensor, { bias, depthwise = false }: { bias?: Tensor; depthwise?: boolean }): string {
    const from = this.read(node, 0);
    const inputs = this.channelsOf(from).all;
    const [own = 0] = filters.shape;
    const outputs = depthwise ? inputs : this.options.reshaped.has(node.name) ? own : wholeBlocks(own);
    const input = [from, this.graph.constant(filledUp(filters, outputs, depthwise ? 1 : inputs))];
    if (bias) input.push(this.graph.constant({ shape: [outputs], data: withZeros(bias.data, outputs) }));
    const value = this.graph.node('Conv', input, {
      kernel_shape: { ints: filters.shape.slice(2) },
      strides: { ints: spatial(node, 'strides') },
      auto_pad: { string: padding(node) },
      group: { int: depthwise ? inputs : 1 },
    });
    return this.of({ own, all: outputs }, value);
  }

  /** slope * x + (1 - slope) * max(x, 0) is x above zero and slope * x below. */
  private prelu(value: string, slope: Tensor): string {
    const positive = this.graph.node('Relu', [value]);
    const slopes = withZeros(slope.data, this.channelsOf(value).all);
    return this.like(value, this.graph.node('Add', [this.perChannel(positive, slopes.map((each) => 1 - each)), this.perChannel(value, slopes)]));
  }

  private perChannel(value: string, factors: Float32Array): string {
    const attributes = { kernel_shape: { ints: [1, 1] }, strides: { ints: [1, 1] }, group: { int: factors.length } };
    return this.graph.node('Conv', [value, this.graph.constant({ shape: [factors.length, 1, 1, 1], data: factors })], attributes);
  }

  private sum(a: string, b: string): string {
    if (this.channelsOf(a).all !== this.channelsOf(b).all) throw new Error('values of different widths are added');
    return this.like(a, this.graph.node('Add', [a, b]));
  }

  /** Channels are padded behind the last one only, so a convolution that copies the present ones says the same. */
  private padChannels(node: GraphNode): string {
    const [, , , , , , before = 0, after = 0] = this.tensor(node, 1).data;
    const others = this.tensor(node, 1).data.slice(0, 6);
    if (before !== 0 || others.some((pad) => pad !== 0)) throw new Error(`${node.name} pads more than channels behind the last, which is not known here`);
    const from = this.read(node, 0);
    const { own, all: inputs } = this.channelsOf(from);
    const outputs = wholeBlocks(own + after);
    const data = new Float32Array(outputs * inputs);
    for (let channel = 0; channel < own; channel += 1) data[channel * inputs + channel] = 1;
    return this.of({ own: own + after, all: outputs }, this.graph.node('Conv', [from, this.graph.constant({ shape: [outputs, inputs, 1, 1], data })], { kernel_shape: { ints: [1, 1] }, strides: { ints: [1, 1] } }));
  }

  private reshape(node: GraphNode): string {
    const channelsLast = this.graph.node('Transpose', [this.read(node, 0)], { perm: { ints: [0, 2, 3, 1] } });
    const [batch = 1, count = 1, ...rest] = Array.from(this.tensor(node, 1).data);
    return this.graph.node('Reshape', [channelsLast, this.graph.integers([batch, this.options.anySize ? -1 : count, ...rest])]);
  }

  private of(channels: Channels, value: string): string {
    this.channels.set(value, channels);
    return value;
  }

  private like(model: string, value: string): string {
    return this.of(this.channelsOf(model), value);
  }

  private channelsOf(value: string): Channels {
    const channels = this.channels.get(value);
    if (channels === undefined) throw new Error(`the channels of ${value} are not known`);
    return channels;
  }

  private read(node: GraphNode, at: number): string {
    return this.value(node.input?.[at] ?? '');
  }

  private tensor(node: GraphNode, at: number): Tensor {
    return weight(this.weights, plainName(node.input?.[at] ?? ''));
  }
}

/** Height and width out of a list over batch, height, width, channels. */
function spatial(node: GraphNode, attribute: string): number[] {
  return (node.attr?.[attribute]?.list?.i ?? []).slice(1, 3).map(Number);
}

function padding(node: GraphNode): string {
  const name = Buffer.from(node.attr?.['padding']?.s ?? '', 'base64').toString('latin1');
  if (name === 'SAME') return 'SAME_UPPER';
  if (name === 'VALID') return 'VALID';
  throw new Error(`${node.name} pads by ${name || 'nothing stated'}, which is not known here`);
}

/** The same filters among zeros: [out, in, height, width] grown to `outputs` and `inputs`. */
function filledUp({ shape, data }: Tensor, outputs: number, inputs: number): Tensor {
  const [out = 0, into = 0, height = 1, width = 1] = shape;
  const size = height * width;
  const grown = new Float32Array(outputs * inputs * size);
  for (let o = 0; o < out; o += 1) grown.set(data.subarray(o * into * size, (o + 1) * into * size), o * inputs * size);
  return { shape: [outputs, inputs, height, width], data: grown };
}

function withZeros(data: Float32Array, length: number): Float32Array {
  const grown = new Float32Array(length);
  grown.set(data);
  return grown;
}
