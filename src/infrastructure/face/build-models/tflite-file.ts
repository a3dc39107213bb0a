import { ByteBuffer } from 'flatbuffers/js/byte-buffer.js';
import { toObject } from 'flatbuffers/js/flexbuffers.js';
import { halfToNumber } from './weights.js';

/** What this project reads of a TensorFlow Lite file. Numbers are those of the schema. Source:
 * tensorflow/lite/schema/schema.fbs. */
export interface TfliteModel {
  readonly operators: readonly TfliteOperator[];
  /** By the numbers that the operators name. */
  readonly tensors: readonly TfliteTensor[];
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
}

export interface TfliteTensor {
  readonly name: string;
  /** Channels last. */
  readonly shape: readonly number[];
  /** Null for a value that the network computes. */
  readonly data: Float32Array | null;
}

export interface TfliteOperator {
  /** The schema's word, or the name of a custom operator. */
  readonly kind: string;
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
  /** Of convolutions and pooling. */
  readonly window: { readonly padding: 'SAME_UPPER' | 'VALID'; readonly strides: [number, number] } | null;
  /** Height and width. */
  readonly poolSize: [number, number] | null;
  /** Of custom operators. */
  readonly options: Readonly<Record<string, unknown>>;
}

/** Numbers of BuiltinOperator. */
const OPERATORS: Readonly<Record<number, string>> = {
  0: 'ADD',
  3: 'CONV_2D',
  4: 'DEPTHWISE_CONV_2D',
  6: 'DEQUANTIZE',
  17: 'MAX_POOL_2D',
  18: 'MUL',
  19: 'RELU',
  22: 'RESHAPE',
  32: 'CUSTOM',
  34: 'PAD',
  41: 'SUB',
  45: 'STRIDED_SLICE',
  54: 'PRELU',
  101: 'ABS',
};

/** Reads a TensorFlow Lite file with one subgraph.
 *  @throws at an operator, a padding or a kind of number that is not known here, and where an activation is fused */
export function readTflite(bytes: Uint8Array): TfliteModel {
  const buffer = new ByteBuffer(bytes);
  const model = new Table(buffer, buffer.readInt32(0));
  const [subgraph, ...more] = model.tables(2);
  if (!subgraph || more.length > 0)
    throw new Error(`the file has ${more.length + (subgraph ? 1 : 0)} subgraphs, expected one`);
  const buffers = model.tables(4);
  const kinds = model.tables(1).map(operatorKind);
  return {
    operators: subgraph.tables(3).map((operator) => readOperator(operator, kinds)),
    tensors: subgraph
      .tables(0)
      .map((tensor) => ({
        name: tensor.text(3),
        shape: tensor.integers(0),
        data: numbers(buffers[tensor.integer(2)], tensor.byte(1)),
      })),
    inputs: subgraph.integers(1),
    outputs: subgraph.integers(2),
  };
}

function operatorKind(code: Table): string {
  // Old files have the number in a byte, newer ones in an integer beside it.
  const number = Math.max(code.byte(0), code.integer(3));
  const kind = OPERATORS[number];
  if (kind === undefined) throw new Error(`the operator number ${number} is not known here`);
  return kind === 'CUSTOM' ? code.text(1) : kind;
}

/** In which field of its options an operator says what activation is fused into it. */
const FUSED_ACTIVATION: Readonly<Record<string, number>> = {
  CONV_2D: 3,
  DEPTHWISE_CONV_2D: 4,
  MAX_POOL_2D: 5,
  ADD: 0,
  MUL: 0,
  SUB: 0,
};
/** Fields of Conv2DOptions, DepthwiseConv2DOptions and Pool2DOptions begin alike: padding, stride_w, stride_h. */
const WINDOWED: readonly string[] = ['CONV_2D', 'DEPTHWISE_CONV_2D', 'MAX_POOL_2D'];

function readOperator(operator: Table, kinds: readonly string[]): TfliteOperator {
  const kind = kinds[operator.integer(0)] ?? '';
  const [options, fused] = [operator.table(4), FUSED_ACTIVATION[kind]];
  if (options && fused !== undefined && options.byte(fused) !== 0)
    throw new Error(`${kind} fuses an activation, which is not known here`);
  const custom = operator.bytes(5);
  return {
    kind,
    inputs: operator.integers(1),
    outputs: operator.integers(2),
    window:
      options && WINDOWED.includes(kind)
        ? { padding: options.byte(0) === 0 ? 'SAME_UPPER' : 'VALID', strides: [options.integer(2), options.integer(1)] }
        : null,
    poolSize: options && kind === 'MAX_POOL_2D' ? [options.integer(4), options.integer(3)] : null,
    options: custom.length === 0 ? {} : (toObject(Uint8Array.from(custom).buffer) as Record<string, unknown>),
  };
}

function numbers(buffer: Table | undefined, type: number): Float32Array | null {
  const bytes = buffer?.bytes(0) ?? new Uint8Array();
  if (bytes.length === 0) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  switch (type) {
    case 0:
      return Float32Array.from({ length: bytes.length / 4 }, (_, i) => view.getFloat32(4 * i, true));
    case 1:
      return Float32Array.from({ length: bytes.length / 2 }, (_, i) => halfToNumber(view.getUint16(2 * i, true)));
    case 2:
      return Float32Array.from({ length: bytes.length / 4 }, (_, i) => view.getInt32(4 * i, true));
    default:
      throw new Error(`numbers of type ${type} are not known here`);
  }
}

/** A table of a flat buffer; fields are addressed by their number in the schema, and absent ones are 0 or empty. */
class Table {
  constructor(
    private readonly buffer: ByteBuffer,
    private readonly at: number,
  ) {}

  byte(field: number): number {
    const at = this.fieldAt(field);
    return at === null ? 0 : this.buffer.readInt8(at);
  }

  integer(field: number): number {
    const at = this.fieldAt(field);
    return at === null ? 0 : this.buffer.readInt32(at);
  }

  integers(field: number): number[] {
    return this.vector(field, 4, (at) => this.buffer.readInt32(at));
  }

  table(field: number): Table | null {
    const at = this.fieldAt(field);
    return at === null ? null : new Table(this.buffer, this.buffer.__indirect(at));
  }

  tables(field: number): Table[] {
    return this.vector(field, 4, (at) => new Table(this.buffer, this.buffer.__indirect(at)));
  }

  text(field: number): string {
    return Buffer.from(this.bytes(field)).toString('utf8');
  }

  bytes(field: number): Uint8Array {
    const at = this.fieldAt(field);
    if (at === null) return new Uint8Array();
    const start = at + this.buffer.readInt32(at);
    return this.buffer.bytes().subarray(start + 4, start + 4 + this.buffer.readInt32(start));
  }

  private vector<Item>(field: number, width: number, item: (at: number) => Item): Item[] {
    const at = this.fieldAt(field);
    if (at === null) return [];
    const start = at + this.buffer.readInt32(at);
    return Array.from({ length: this.buffer.readInt32(start) }, (_, i) => item(start + 4 + width * i));
  }

  private fieldAt(field: number): number | null {
    const offset = this.buffer.__offset(this.at, 4 + 2 * field);
    return offset === 0 ? null : this.at + offset;
  }
}
