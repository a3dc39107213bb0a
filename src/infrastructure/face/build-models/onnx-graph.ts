import onnxProto from 'onnx-proto';

const { onnx } = onnxProto;

/** Numbers of the ONNX enumerations that are used (onnx.proto3: AttributeType, DataType). */
const ATTRIBUTE = { float: 1, int: 2, string: 3, ints: 7 } as const;
const DATA = { float: 1, int64: 7 } as const;

export type Attribute = { int: number } | { float: number } | { ints: number[] } | { string: string };

export interface Tensor {
  readonly shape: number[];
  readonly data: Float32Array;
}

/** Puts an ONNX graph together node by node; every value is addressed by its name. The encoded bytes depend on the
 * calls alone, so that the finished file can be pinned by its SHA-256. */
export class OnnxGraph {
  private readonly nodes: InstanceType<typeof onnx.NodeProto>[] = [];
  private readonly initializers: InstanceType<typeof onnx.TensorProto>[] = [];
  private readonly inputs: InstanceType<typeof onnx.ValueInfoProto>[] = [];
  private readonly outputs: InstanceType<typeof onnx.ValueInfoProto>[] = [];
  private serial = 0;

  constructor(private readonly name: string) {}

  /** @param shape a number per axis, or the name of an axis whose length is free (the batch) */
  input(name: string, shape: (number | string)[]): string {
    this.inputs.push(valueInfo(name, shape));
    return name;
  }

  output(name: string, value: string, shape: (number | string)[]): void {
    this.nodes.push(onnx.NodeProto.create({ opType: 'Identity', name: `out_${name}`, input: [value], output: [name] }));
    this.outputs.push(valueInfo(name, shape));
  }

  /** Adds constant floats. @returns the value's name. */
  constant(tensor: Tensor): string {
    const expected = tensor.shape.reduce((product, length) => product * length, 1);
    if (expected !== tensor.data.length)
      throw new Error(
        `a tensor of shape ${tensor.shape.join('x')} needs ${expected} numbers, not ${tensor.data.length}`,
      );
    const name = this.nextName('c');
    this.initializers.push(
      onnx.TensorProto.create({ name, dataType: DATA.float, dims: tensor.shape, rawData: bytesOf(tensor.data) }),
    );
    return name;
  }

  /** Adds constant whole numbers (shapes, paddings). @returns the value's name. */
  integers(values: number[]): string {
    const name = this.nextName('i');
    const data = BigInt64Array.from(values, (value) => BigInt(value));
    this.initializers.push(
      onnx.TensorProto.create({ name, dataType: DATA.int64, dims: [values.length], rawData: bytesOf(data) }),
    );
    return name;
  }

  /** Adds one operator with one output. @returns the output's name. */
  node(opType: string, input: string[], attributes: Record<string, Attribute> = {}): string {
    const output = this.nextName('v');
    const attribute = Object.entries(attributes).map(([name, value]) => attributeProto(name, value));
    this.nodes.push(onnx.NodeProto.create({ opType, name: `n_${output}`, input, output: [output], attribute }));
    return output;
  }

  /** @param opset version of the operators; 16 is the first that can sample along a grid
   *  @returns the bytes of the ONNX file, with the intermediate representation that came with the opset */
  encode(opset: 13 | 16 = 13): Uint8Array {
    const graph = onnx.GraphProto.create({
      name: this.name,
      node: this.nodes,
      initializer: this.initializers,
      input: this.inputs,
      output: this.outputs,
    });
    const model = onnx.ModelProto.create({
      irVersion: opset === 13 ? 7 : 8,
      producerName: 'honnin',
      opsetImport: [onnx.OperatorSetIdProto.create({ domain: '', version: opset })],
      graph,
    });
    return onnx.ModelProto.encode(model).finish();
  }

  private nextName(kind: string): string {
    this.serial += 1;
    return `${kind}${this.serial}`;
  }
}

function valueInfo(name: string, shape: (number | string)[]): InstanceType<typeof onnx.ValueInfoProto> {
  const dim = shape.map((axis) => (typeof axis === 'number' ? { dimValue: axis } : { dimParam: axis }));
  return onnx.ValueInfoProto.create({ name, type: { tensorType: { elemType: DATA.float, shape: { dim } } } });
}

function attributeProto(name: string, value: Attribute): InstanceType<typeof onnx.AttributeProto> {
  if ('int' in value) return onnx.AttributeProto.create({ name, type: ATTRIBUTE.int, i: value.int });
  if ('float' in value) return onnx.AttributeProto.create({ name, type: ATTRIBUTE.float, f: value.float });
  if ('ints' in value) return onnx.AttributeProto.create({ name, type: ATTRIBUTE.ints, ints: value.ints });
  return onnx.AttributeProto.create({ name, type: ATTRIBUTE.string, s: new TextEncoder().encode(value.string) });
}

/** ONNX stores raw data little-endian, as every platform that onnxruntime-node supports does. */
function bytesOf(data: Float32Array | BigInt64Array): Uint8Array {
  return new Uint8Array(data.buffer.slice(data.byteOffset, data.byteOffset + data.byteLength));
}
