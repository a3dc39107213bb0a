import type { OnnxGraph, Tensor } from './onnx-graph.js';

/** Channels that onnxruntime keeps side by side at most (AVX-512; with AVX2 it is half of them). */
const BLOCK = 16;

/** Channels of the original graph, and those of the new one with its zeros. */
interface Channels {
  readonly own: number;
  readonly all: number;
}

export interface Window {
  readonly strides: number[];
  /** SAME_UPPER or VALID. */
  readonly padding: string;
}

/** Writes networks of convolutions, pooling, padding, addition and activations so that onnxruntime never leaves its
 * blocked layout (16 channels side by side) between the input and the outputs, which it does at every operator it has
 * no blocked kernel for: channels are filled up with zeros to whole blocks, a padding of channels is a convolution that
 * copies them, and PReLU is made of ReLU and two products per channel. Values are names in the graph; channels come
 * first. */
export class BlockedNet {
  private readonly channels = new Map<string, Channels>();

  constructor(readonly graph: OnnxGraph) {}

  input(name: string, [batch = 1, channels = 0, height, width]: readonly (number | string)[]): string {
    if (typeof channels !== 'number' || height === undefined || width === undefined)
      throw new Error('an input has a batch, channels, a height and a width');
    return this.of({ own: channels, all: channels }, this.graph.input(name, [batch, channels, height, width]));
  }

  /** @param filters [out, in, height, width]; depthwise [channels, 1, height, width]
   *  @param wholeBlocks false where a reshape counts every channel of the result */
  convolution(
    from: string,
    filters: Tensor,
    {
      window,
      bias,
      depthwise = false,
      wholeBlocks = true,
    }: { window: Window; bias?: Tensor; depthwise?: boolean; wholeBlocks?: boolean },
  ): string {
    const inputs = this.channelsOf(from).all;
    const [own = 0] = filters.shape;
    const outputs = depthwise ? inputs : wholeBlocks ? wholeBlocksOf(own) : own;
    const input = [from, this.graph.constant(filledUp(filters, outputs, depthwise ? 1 : inputs))];
    if (bias) input.push(this.graph.constant({ shape: [outputs], data: withZeros(bias.data, outputs) }));
    const value = this.graph.node('Conv', input, {
      kernel_shape: { ints: filters.shape.slice(2) },
      strides: { ints: window.strides },
      auto_pad: { string: window.padding },
      group: { int: depthwise ? inputs : 1 },
    });
    return this.of({ own, all: outputs }, value);
  }

  maxPool(from: string, size: number[], window: Window): string {
    return this.like(
      from,
      this.graph.node('MaxPool', [from], {
        kernel_shape: { ints: size },
        strides: { ints: window.strides },
        auto_pad: { string: window.padding },
      }),
    );
  }

  activation(kind: 'Relu' | 'Sigmoid', value: string): string {
    return this.like(value, this.graph.node(kind, [value]));
  }

  /** slope * x + (1 - slope) * max(x, 0) is x above zero and slope * x below. */
  prelu(value: string, slope: Tensor): string {
    const positive = this.graph.node('Relu', [value]);
    const slopes = withZeros(slope.data, this.channelsOf(value).all);
    return this.like(
      value,
      this.graph.node('Add', [
        this.perChannel(
          positive,
          slopes.map((each) => 1 - each),
        ),
        this.perChannel(value, slopes),
      ]),
    );
  }

  sum(a: string, b: string): string {
    if (this.channelsOf(a).all !== this.channelsOf(b).all) throw new Error('values of different widths are added');
    return this.like(a, this.graph.node('Add', [a, b]));
  }

  /** Puts channels of zeros behind the last one: a convolution that copies the present ones says the same. */
  padChannels(from: string, after: number): string {
    const { own, all: inputs } = this.channelsOf(from);
    const outputs = wholeBlocksOf(own + after);
    const data = new Float32Array(outputs * inputs);
    for (let channel = 0; channel < own; channel += 1) data[channel * inputs + channel] = 1;
    return this.of(
      { own: own + after, all: outputs },
      this.graph.node('Conv', [from, this.graph.constant({ shape: [outputs, inputs, 1, 1], data })], {
        kernel_shape: { ints: [1, 1] },
        strides: { ints: [1, 1] },
      }),
    );
  }

  /** The numbers in TensorFlow's order (channels last) under another shape; the result is no value of this net any
   * more. */
  reshape(from: string, shape: number[]): string {
    const channelsLast = this.graph.node('Transpose', [from], { perm: { ints: [0, 2, 3, 1] } });
    return this.graph.node('Reshape', [channelsLast, this.graph.integers(shape)]);
  }

  /** Takes a value that other operators made for one of this net. */
  adopt(value: string, channels: number): string {
    return this.of({ own: channels, all: channels }, value);
  }

  private perChannel(value: string, factors: Float32Array): string {
    const attributes = { kernel_shape: { ints: [1, 1] }, strides: { ints: [1, 1] }, group: { int: factors.length } };
    return this.graph.node(
      'Conv',
      [value, this.graph.constant({ shape: [factors.length, 1, 1, 1], data: factors })],
      attributes,
    );
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
}

function wholeBlocksOf(channels: number): number {
  return Math.ceil(channels / BLOCK) * BLOCK;
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
