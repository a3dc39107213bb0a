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
 *  @param outputs name in the ONNX file -> name of the graph's output node
 *  @returns an ONNX file with input `image` [1, 3, height, width]
 *  @throws at an operator that is not known here */
export function convertGraphModel(model: TfjsGraphModel, bytes: Uint8Array, outputs: Record<string, { node: string; shape: number[] }>, name: string): Uint8Array {
  const weights = readWeights(model.weightsManifest.flatMap((group) => group.weights), bytes);
  const converter = new Converter(new OnnxGraph(name), weights);
  for (const node of neededNodes(model.modelTopology.node, Object.values(outputs).map((output) => output.node))) converter.add(node);
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

/** `name:0` means the first output of `name`. */
function plainName(input: string): string {
  return input.replace(/:0$/, '');
}

class Converter {
  private readonly values = new Map<string, string>();

  constructor(
    readonly graph: OnnxGraph,
    private readonly weights: Weights,
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
        return this.graph.node('Add', [this.read(node, 0), this.read(node, 1)]);
      case 'Relu':
      case 'Sigmoid':
        return this.graph.node(node.op, [this.read(node, 0)]);
      case 'Prelu':
        return this.prelu(this.read(node, 0), this.tensor(node, 1));
      case 'MaxPool':
        return this.graph.node('MaxPool', [this.read(node, 0)], { kernel_shape: { ints: spatial(node, 'ksize') }, strides: { ints: spatial(node, 'strides') }, auto_pad: { string: padding(node) } });
      case 'Pad':
        return this.pad(node);
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
    return this.graph.input('image', [1, channels, height, width]);
  }

  private fusedConvolution(node: GraphNode): string {
    const filters = convolutionFilters(this.tensor(node, 1));
    const [bias, activation] = (node.attr?.['fused_ops']?.list?.s ?? []).map((text) => Buffer.from(text, 'base64').toString('latin1'));
    if (bias !== 'BiasAdd') throw new Error(`${node.name} fuses ${bias}, which is not known here`);
    const value = this.convolve(node, filters, { bias: this.tensor(node, 2) });
    if (activation === undefined) return value;
    if (activation === 'Relu') return this.graph.node('Relu', [value]);
    if (activation === 'Prelu') return this.prelu(value, this.tensor(node, 3));
    throw new Error(`${node.name} fuses ${activation}, which is not known here`);
  }

  private depthwiseConvolution(node: GraphNode): string {
    const filters = depthwiseFilters(this.tensor(node, 1));
    return this.convolve(node, filters, { group: filters.shape[0] ?? 1 });
  }

  private convolve(node: GraphNode, filters: Tensor, { bias, group = 1 }: { bias?: Tensor; group?: number }): string {
    const input = [this.read(node, 0), this.graph.constant(filters)];
    if (bias) input.push(this.graph.constant(bias));
    return this.graph.node('Conv', input, {
      kernel_shape: { ints: filters.shape.slice(2) },
      strides: { ints: spatial(node, 'strides') },
      auto_pad: { string: padding(node) },
      group: { int: group },
    });
  }

  private prelu(value: string, slope: Tensor): string {
    return this.graph.node('PRelu', [value, this.graph.constant({ shape: [slope.data.length, 1, 1], data: slope.data })]);
  }

  private pad(node: GraphNode): string {
    // Pairs (before, after) for batch, height, width, channels become all befores, then all afters, channels second.
    const pairs = Array.from(this.tensor(node, 1).data);
    const order = [0, 3, 1, 2];
    const pads = [...order.map((axis) => pairs[axis * 2] ?? 0), ...order.map((axis) => pairs[axis * 2 + 1] ?? 0)];
    return this.graph.node('Pad', [this.read(node, 0), this.graph.integers(pads)]);
  }

  private reshape(node: GraphNode): string {
    const channelsLast = this.graph.node('Transpose', [this.read(node, 0)], { perm: { ints: [0, 2, 3, 1] } });
    return this.graph.node('Reshape', [channelsLast, this.graph.integers(Array.from(this.tensor(node, 1).data))]);
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
