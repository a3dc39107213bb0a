import { BlockedNet } from './blocked-net.js';
import { OnnxGraph, type Tensor } from './onnx-graph.js';
import { channelsFirst, depthwise, windowOf } from './tflite-filters.js';
import { readTflite, type TfliteModel, type TfliteOperator } from './tflite-file.js';

/** Converts MediaPipe's attention mesh. After the mesh of 468 points it looks at either eye once more, in a window that
 * it turns and scales by these points, and there it follows the lids, which the plain mesh does not. Source:
 * Grishchenko et al. 2020, "Attention Mesh"; the file is `face_landmark_with_attention.tflite` of the npm package
 * `@mediapipe/face_mesh`.
 * @returns an ONNX file: `image` [1, 3, 192, 192] in RGB 0..1 to `left_eye` and `right_eye` [1, 71, 2] in pixels of the
 *   input ("left" in the picture's terms; the first 9 points run along the lower lid from the outer corner to the inner
 *   one, the next 7 along the upper), `mesh` [1, 468, 3] and `flag` [1, 1, 1, 1], to be sent through a sigmoid
 * @throws when the file is not that network */
export function convertAttentionMesh(file: Uint8Array): Uint8Array {
  const model = readTflite(file);
  const writer = new AttentionMeshWriter(model, new BlockedNet(new OnnxGraph('attention-mesh')));
  const output = (name: string): number => {
    const found = model.outputs.find((tensor) => model.tensors[tensor]?.name === name);
    if (found === undefined) throw new Error(`the network has no output named ${name}`);
    return found;
  };
  // The last step only strings the points together.
  const points = (name: string): string => writer.value(writer.made(output(name)).inputs[0]!);
  const { graph } = writer.net;
  graph.output('left_eye', points('output_left_eye'), [1, 71, 2]);
  graph.output('right_eye', points('output_right_eye'), [1, 71, 2]);
  graph.output('mesh', writer.value(writer.meshTensor()), [1, 468, 3]);
  graph.output('flag', writer.value(output('conv_faceflag')), [1, 1, 1, 1]);
  return graph.encode(16);
}

/** A window into the feature map: `axes` are the steps of one window cell, to the right and down, in cells of the
 * map. */
interface Window {
  /** [1, 2, 2]. */
  readonly axes: string;
  /** [1, 1, 2]. */
  readonly centre: string;
}

/** Width and height of a window in its own cells. */
const WINDOW = 16;
/** The points of an eye come in quarters of a window cell, and go out in the pixels of the picture, of which a cell of
 * the map has four. */
const FINE = 4;

/** Writes what the outputs depend on, each value once. */
class AttentionMeshWriter {
  private readonly makers = new Map<number, TfliteOperator>();
  private readonly values = new Map<number, string>();
  private readonly windows = new Map<number, Window>();
  private readonly reshaped = new Set<number>();

  constructor(
    private readonly model: TfliteModel,
    readonly net: BlockedNet,
  ) {
    for (const operator of model.operators) {
      for (const output of operator.outputs) this.makers.set(output, operator);
      if (operator.kind === 'RESHAPE') this.reshaped.add(operator.inputs[0] ?? -1);
    }
    for (const output of model.outputs) this.reshaped.add(output);
    const [input] = model.inputs;
    const [, height = 0, width = 0, channels = 0] = this.shape(input ?? -1);
    this.values.set(input ?? -1, net.input('image', [1, channels, height, width]));
  }

  made(tensor: number): TfliteOperator {
    const operator = this.makers.get(tensor);
    if (!operator) throw new Error(`nothing makes the tensor ${tensor}`);
    return operator;
  }

  value(tensor: number): string {
    let value = this.values.get(tensor);
    if (value === undefined) {
      value = this.write(tensor, this.made(tensor));
      this.values.set(tensor, value);
    }
    return value;
  }

  /** The tensor from which the windows are derived: 468 points before they are scaled to the feature map. */
  meshTensor(): number {
    const found = this.model.operators.find(({ kind }) => kind === 'Landmarks2TransformMatrix');
    return this.made(found?.inputs[0] ?? -1).inputs[0] ?? -1;
  }

  private write(tensor: number, operator: TfliteOperator): string {
    const [first = -1, second = -1, third = -1] = operator.inputs;
    const { net } = this;
    switch (operator.kind) {
      case 'CONV_2D':
        return net.convolution(this.value(first), channelsFirst(this.constant(second)), {
          window: windowOf(operator),
          bias: this.constant(third),
          wholeBlocks: !this.reshaped.has(tensor),
        });
      case 'DEPTHWISE_CONV_2D':
        return net.convolution(this.value(first), depthwise(this.constant(second)), {
          window: windowOf(operator),
          bias: this.constant(third),
          depthwise: true,
        });
      case 'PRELU':
        return net.prelu(this.value(first), this.constant(second));
      case 'ADD':
        return net.sum(this.value(first), this.value(second));
      case 'MAX_POOL_2D':
        return net.maxPool(this.value(first), operator.poolSize ?? [], windowOf(operator));
      case 'PAD':
        return net.padChannels(this.value(first), this.channelsBehind(second));
      case 'RESHAPE':
        return net.reshape(this.value(first), [...this.shape(tensor)]);
      case 'TransformTensorBilinear':
        return this.lookThrough(this.value(first), this.shape(first), this.window(second));
      case 'TransformLandmarks':
        return this.toPicture(this.value(first), this.window(this.made(second).inputs[0] ?? -1));
      default:
        throw new Error(`the operator ${operator.kind} is not known here`);
    }
  }

  /** The window around some points of the mesh: level with two of them, and larger than their box by a share.
   *  Source: `Landmarks2TransformMatrix` of TensorFlow Lite's operators for MediaPipe. */
  private window(matrix: number): Window {
    const known = this.windows.get(matrix);
    if (known) return known;
    const { graph } = this.net;
    const { inputs, options } = this.made(matrix);
    const [left, right, scaleX, scaleY, subset] = [
      options['left_rotation_idx'],
      options['right_rotation_idx'],
      options['scale_x'],
      options['scale_y'],
      options['subset_idxs'],
    ];
    if (
      typeof left !== 'number' ||
      typeof right !== 'number' ||
      typeof scaleX !== 'number' ||
      typeof scaleY !== 'number' ||
      !Array.isArray(subset)
    )
      throw new Error('a window is described in a way that is not known here');
    const scaled = this.made(inputs[0] ?? -1);
    const [factor = 0] = this.constant(scaled.inputs[1] ?? -1).data;
    const all = this.value(scaled.inputs[0] ?? -1);
    const pick = (points: number[]): string => {
      const plane = graph.node('Slice', [
        graph.node('Gather', [all, graph.integers(points)], { axis: { int: 1 } }),
        graph.integers([0]),
        graph.integers([2]),
        graph.integers([2]),
      ]);
      return graph.node('Mul', [plane, this.floats([1, 1, 1], [factor])]);
    };
    const level = graph.node('Sub', [pick([right]), pick([left])]);
    const along = graph.node('Div', [
      level,
      graph.node('ReduceL2', [level], { axes: { ints: [2] }, keepdims: { int: 1 } }),
    ]);
    const across = graph.node('MatMul', [along, this.floats([1, 2, 2], [0, 1, -1, 0])]);
    const turned = graph.node('Concat', [along, across], { axis: { int: 1 } });
    const points = graph.node('MatMul', [
      pick(subset as number[]),
      graph.node('Transpose', [turned], { perm: { ints: [0, 2, 1] } }),
    ]);
    const [most, least] = (['ReduceMax', 'ReduceMin'] as const).map((kind) =>
      graph.node(kind, [points], { axes: { ints: [1] }, keepdims: { int: 1 } }),
    );
    const size = graph.node('Mul', [
      graph.node('Sub', [most!, least!]),
      this.floats([1, 1, 2], [scaleX / WINDOW, scaleY / WINDOW]),
    ]);
    const middle = graph.node('Mul', [graph.node('Add', [most!, least!]), this.floats([1, 1, 1], [0.5])]);
    const window = {
      axes: graph.node('Mul', [turned, graph.node('Transpose', [size], { perm: { ints: [0, 2, 1] } })]),
      centre: graph.node('MatMul', [middle, turned]),
    };
    this.windows.set(matrix, window);
    return window;
  }

  /** Samples the feature map at the cells of a window, whose corner cell is at (-8, -8) of its centre. */
  private lookThrough(map: string, [, height = 0, width = 0, channels = 0]: readonly number[], window: Window): string {
    const { graph } = this.net;
    const cells = Array.from({ length: WINDOW * WINDOW }, (_, i) => [
      (i % WINDOW) - WINDOW / 2,
      Math.floor(i / WINDOW) - WINDOW / 2,
    ]).flat();
    const at = this.placed(this.floats([1, WINDOW * WINDOW, 2], cells), window);
    // A grid runs from -1 in the first cell of the map to 1 in the last.
    const relative = graph.node('Add', [
      graph.node('Mul', [at, this.floats([1, 1, 2], [2 / (width - 1), 2 / (height - 1)])]),
      this.floats([1, 1, 1], [-1]),
    ]);
    const grid = graph.node('Reshape', [relative, graph.integers([1, WINDOW, WINDOW, 2])]);
    return this.net.adopt(
      graph.node('GridSample', [map, grid], {
        mode: { string: 'bilinear' },
        padding_mode: { string: 'zeros' },
        align_corners: { int: 1 },
      }),
      channels,
    );
  }

  private toPicture(points: string, window: Window): string {
    const { graph } = this.net;
    const inCells = graph.node('Add', [
      graph.node('Mul', [points, this.floats([1, 1, 1], [1 / FINE])]),
      this.floats([1, 1, 1], [-WINDOW / 2]),
    ]);
    return graph.node('Mul', [this.placed(inCells, window), this.floats([1, 1, 1], [FINE])]);
  }

  private placed(points: string, { axes, centre }: Window): string {
    const { graph } = this.net;
    return graph.node('Add', [graph.node('MatMul', [points, axes]), centre]);
  }

  private channelsBehind(tensor: number): number {
    const pads = [...this.constant(tensor).data];
    if (pads.slice(0, 7).some((pad) => pad !== 0))
      throw new Error('a padding of more than the channels behind the last is not known here');
    return pads[7] ?? 0;
  }

  private floats(shape: number[], data: number[]): string {
    return this.net.graph.constant({ shape, data: Float32Array.from(data) });
  }

  private shape(tensor: number): readonly number[] {
    return this.model.tensors[tensor]?.shape ?? [];
  }

  /** Constants may lie behind an operator that only makes whole floats of halves. */
  private constant(tensor: number): Tensor {
    const found = this.model.tensors[tensor];
    if (found?.data) return { shape: [...found.shape], data: found.data };
    const maker = this.made(tensor);
    if (maker.kind !== 'DEQUANTIZE') throw new Error(`the tensor ${found?.name ?? tensor} is no constant`);
    return this.constant(maker.inputs[0] ?? -1);
  }
}
