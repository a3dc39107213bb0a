import { readFile } from 'node:fs/promises';
import { ModelError, modelPath, sha256Hex } from '../build-models/build-models.js';
import type { ModelFile } from '../model-set/model-set.js';
import { InferenceSession, Tensor, type Session } from './onnxruntime.js';

/** One network, ready to run on one thread. */
export class OnnxSession {
  private spare: Float32Array | undefined;

  private constructor(
    private readonly session: Session,
    private readonly inputName: string,
    /** How many pictures one run takes: 1 where the model fixes its batch, else no limit. */
    readonly batchMax: number,
  ) {}

  /** Loads a model from bytes that were just checked, so that nothing can change between the check and the use.
   *  @throws {ModelError} when the file's SHA-256 is not the pinned one */
  static async load(cacheDir: string, { file, sha256 }: ModelFile): Promise<OnnxSession> {
    const bytes = await readFile(modelPath(cacheDir, file));
    const actual = sha256Hex(bytes);
    if (actual !== sha256) throw new ModelError(`${file} has SHA-256 ${actual}, expected ${sha256}`);
    const session = await InferenceSession.create(bytes, {
      executionProviders: ['cpu'],
      intraOpNumThreads: 1,
      interOpNumThreads: 1,
      executionMode: 'sequential',
      graphOptimizationLevel: 'all',
      // A waiting thread that spins takes the core away from the other worker.
      extra: { session: { intra_op: { allow_spinning: '0' }, inter_op: { allow_spinning: '0' } } },
    });
    const inputName = session.inputNames[0];
    if (session.inputNames.length !== 1 || inputName === undefined)
      throw new ModelError(`${file} has ${session.inputNames.length} inputs, expected one`);
    return new OnnxSession(session, inputName, batchOf(session));
  }

  /** Runs the network on what `fill` writes.
   *  @param fill has to write every number: the memory is that of an earlier run
   *  @returns every output by name, as floats */
  async run(
    shape: number[],
    fill: (input: Float32Array) => void,
  ): Promise<Record<string, { data: Float32Array; shape: readonly number[] }>> {
    const input = this.takeInput(shape.reduce((product, length) => product * length, 1));
    try {
      fill(input);
      const outputs = await this.session.run({ [this.inputName]: new Tensor('float32', input, shape) });
      return Object.fromEntries(
        Object.entries(outputs).map(([name, tensor]) => [
          name,
          { data: tensor.data as Float32Array, shape: tensor.dims },
        ]),
      );
    } finally {
      this.spare = input;
    }
  }

  /** The last run's memory where it fits and is free; a run beside it gets its own. */
  private takeInput(length: number): Float32Array {
    const { spare } = this;
    this.spare = undefined;
    return spare?.length === length ? spare : new Float32Array(length);
  }
}

function batchOf(session: Session): number {
  const [input] = session.inputMetadata;
  const batch = input?.isTensor === true ? input.shape[0] : undefined;
  return typeof batch === 'number' && batch > 0 ? batch : Infinity;
}
