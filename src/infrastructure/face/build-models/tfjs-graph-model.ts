import { BlockedNet, type Window } from './blocked-net.js';
import { OnnxGraph, type Tensor } from './onnx-graph.js';
import {
  convolutionFilters,
  depthwiseFilters,
  readWeights,
  weight,
  type WeightEntry,
  type Weights,
} from './weights.js';

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

/** Converts a TensorFlow.js graph model whose operators are convolutions, pooling, padding, addition, activations and
 * reshapes. TensorFlow keeps channels last and ONNX first; only padding and reshape notice the difference.
 * @param outputs name in the ONNX file -> name and shape of the graph's output node
 * @param anySize whether the net takes pictures of any size (multiples of its stride); the outputs' second axis grows
 *   with them
 * @returns an ONNX file with input `image` [1, 3, height, width]
 * @throws at an operator that is not known here */
export function convertGraphModel(
  model: TfjsGraphModel,
  bytes: Uint8Array,
  outputs: Record<string, { node: string; shape: (number | string)[] }>,
  { name, anySize = false }: { name: string; anySize?: boolean },
): Uint8Array {
  const weights = readWeights(
    model.weightsManifest.flatMap((group) => group.weights),
    bytes,
  );
  const nodes = neededNodes(
    model.modelTopology.node,
    Object.values(outputs).map((output) => output.node),
  );
  const graph = new OnnxGraph(name);
  const converter = new Converter(new BlockedNet(graph), weights, { anySize, reshaped: reshapedNodes(nodes) });
  for (const node of nodes) converter.add(node);
  for (const [output, { node, shape }] of Object.entries(outputs)) graph.output(output, converter.value(node), shape);
  return graph.encode();
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

/** The nodes whose channels a reshape counts, with those before them up to the convolution that makes these
 * channels. */
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

interface ConverterOptions {
  readonly anySize: boolean;
  /** Nodes that keep their own channels, because a reshape counts every number. */
  readonly reshaped: ReadonlySet<string>;
}

class Converter {
  private readonly values = new Map<string, string>();

  constructor(
    private readonly net: BlockedNet,
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
        return this.net.convolution(this.read(node, 0), depthwiseFilters(this.tensor(node, 1)), {
          window: windowOf(node),
          depthwise: true,
        });
      case 'AddV2':
        return this.net.sum(this.read(node, 0), this.read(node, 1));
      case 'Relu':
      case 'Sigmoid':
        return this.net.activation(node.op, this.read(node, 0));
      case 'Prelu':
        return this.net.prelu(this.read(node, 0), this.tensor(node, 1));
      case 'MaxPool':
        return this.net.maxPool(this.read(node, 0), spatial(node, 'ksize'), windowOf(node));
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
    const [, height = 0, width = 0, channels = 0] = (node.attr?.['shape']?.shape?.dim ?? []).map((axis) =>
      Number(axis.size),
    );
    return this.net.input('image', [1, channels, ...(this.options.anySize ? ['height', 'width'] : [height, width])]);
  }

  private fusedConvolution(node: GraphNode): string {
    const filters = convolutionFilters(this.tensor(node, 1));
    const [bias, activation] = (node.attr?.['fused_ops']?.list?.s ?? []).map((text) =>
      Buffer.from(text, 'base64').toString('latin1'),
    );
    if (bias !== 'BiasAdd') throw new Error(`${node.name} fuses ${bias}, which is not known here`);
    const value = this.net.convolution(this.read(node, 0), filters, {
      window: windowOf(node),
      bias: this.tensor(node, 2),
      wholeBlocks: !this.options.reshaped.has(node.name),
    });
    if (activation === undefined) return value;
    if (activation === 'Relu') return this.net.activation('Relu', value);
    if (activation === 'Prelu') return this.net.prelu(value, this.tensor(node, 3));
    throw new Error(`${node.name} fuses ${activation}, which is not known here`);
  }

  private padChannels(node: GraphNode): string {
    const [, , , , , , before = 0, after = 0] = this.tensor(node, 1).data;
    const others = this.tensor(node, 1).data.slice(0, 6);
    if (before !== 0 || others.some((pad) => pad !== 0))
      throw new Error(`${node.name} pads more than channels behind the last, which is not known here`);
    return this.net.padChannels(this.read(node, 0), after);
  }

  private reshape(node: GraphNode): string {
    const [batch = 1, count = 1, ...rest] = Array.from(this.tensor(node, 1).data);
    return this.net.reshape(this.read(node, 0), [batch, this.options.anySize ? -1 : count, ...rest]);
  }

  private read(node: GraphNode, at: number): string {
    return this.value(node.input?.[at] ?? '');
  }

  private tensor(node: GraphNode, at: number): Tensor {
    return weight(this.weights, plainName(node.input?.[at] ?? ''));
  }
}

function windowOf(node: GraphNode): Window {
  return { strides: spatial(node, 'strides'), padding: padding(node) };
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
