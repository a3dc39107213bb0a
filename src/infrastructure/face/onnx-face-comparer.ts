import { homedir } from 'node:os';
import path from 'node:path';
import {
  FaceComparer,
  type FaceComparison,
  type FaceComparisonRequest,
  type PhotoAssessment,
} from '../../application/ports/outside/face-comparer.js';
import { RendererBusyError } from '../../application/ports/registrant/image-renderer.js';
import type { FaceAlgorithm, FrameFacts, NotComparableReason } from '../../domain/values/face-comparison.js';
import { ensureModels } from './build-models/build-models.js';
import type { PrimaryRule } from './engine/face-engine.js';
import type {
  AnalyseResult,
  CheckResult,
  CompareResult,
  FaceJob,
  FaceJobResult,
  FaceRules,
  FramesResult,
  RenderResult,
} from './worker/face-jobs.js';
import { FRAME_RULES, type Prompt } from './judgement/frame-sequence.js';
import type { FaceWorkerData } from './worker/face-worker.js';
import { DEFAULT_IMAGE_LIMITS, type ImageLimits, type TakenPictures } from './image/image-decoder.js';
import { algorithmOf, DEFAULT_MODEL_SET, modelFiles, type ModelSet } from './model-set/model-set.js';
import { DEFAULT_CAPTURE_RULES, type CaptureRules } from './judgement/photo-quality.js';
import { refuseTelemetry, removeTelemetryLeftovers } from './engine/telemetry.js';
import { builtFile } from '../threads/built-file.js';
import { defaultWorkers, WorkerPool, type PoolOutcome } from '../threads/worker-pool.js';

export interface OnnxFaceComparerOptions {
  /** Folder of the model files; made at first use. Default: `$XDG_CACHE_HOME/honnin/models` or
   * `~/.cache/honnin/models`. */
  readonly cacheDir?: string;
  readonly modelSet?: ModelSet;
  /** Worker threads. Default: 2, or 1 on a machine with one core. */
  readonly workers?: number;
  /** Comparisons that may wait; further ones are answered `unknown('busy')`. Default: 32. */
  readonly queueLimit?: number;
  /** Time for one comparison; then its worker is replaced. Default: 10,000 ms. */
  readonly jobTimeoutMs?: number;
  /** Time for a worker to load its models. Default: 60,000 ms. */
  readonly startTimeoutMs?: number;
  readonly limits?: Partial<ImageLimits>;
  readonly capture?: Partial<CaptureRules>;
  /** Another face counts when its box is at least this share as wide as the main one's. Default: 0.3. */
  readonly otherFaceShareMin?: number;
}

/** Compares faces with ONNX models on worker threads: nothing here blocks the event loop for longer than handing bytes
 * over. Source: JP2024-177763A claims 1, 3 and 4 (face authentication means 52). @req R7 R13 */
export class OnnxFaceComparer extends FaceComparer {
  private readonly set: ModelSet;
  private readonly cacheDir: string;
  private pool: WorkerPool<FaceJob, FaceJobResult> | undefined;

  constructor(private readonly options: OnnxFaceComparerOptions = {}) {
    super();
    this.set = options.modelSet ?? DEFAULT_MODEL_SET;
    this.cacheDir = options.cacheDir ?? defaultModelCacheDir();
  }

  /** Makes missing models, checks all of them, and starts the worker threads.
   *  @throws {ModelError} when a model is not the pinned one
   *  @throws when a worker cannot start */
  async start(): Promise<void> {
    if (this.pool) return;
    refuseTelemetry();
    removeTelemetryLeftovers();
    await ensureModels(this.cacheDir, modelFiles(this.set));
    const {
      workers = defaultWorkers(),
      queueLimit = 32,
      jobTimeoutMs = 10_000,
      startTimeoutMs = 60_000,
    } = this.options;
    const workerData: FaceWorkerData = { set: this.set, cacheDir: this.cacheDir, rules: this.rules() };
    const pool = new WorkerPool<FaceJob, FaceJobResult>({
      name: 'faces',
      file: builtFile(import.meta.url, 'worker/face-worker.js'),
      workerData,
      workers,
      queueLimit,
      jobTimeoutMs,
      startTimeoutMs,
    });
    await pool.start();
    this.pool = pool;
  }

  /** Ends the worker threads; comparisons that wait or run end as `unknown('worker_failed')`. */
  async close(): Promise<void> {
    const pool = this.pool;
    this.pool = undefined;
    await pool?.close();
  }

  algorithm(): FaceAlgorithm {
    return algorithmOf(this.set);
  }

  /** What the scores depend on besides the pictures. */
  modelSet(): ModelSet {
    return this.set;
  }

  /** Workers alive, comparisons waiting and running: for metrics and for the health page. */
  load(): { workers: number; waiting: number; running: number } {
    return this.pool?.load() ?? { workers: 0, waiting: 0, running: 0 };
  }

  /** Workers that crashed or hung and were replaced since the start: for metrics. */
  replacedWorkers(): number {
    return this.pool?.replacements() ?? 0;
  }

  async compare(request: FaceComparisonRequest): Promise<FaceComparison> {
    const { captured, card, registered, frames = [], prompt = 'none' } = request;
    const ended = await this.submit({ kind: 'compare', request: { captured, card, registered }, taken: 'plain' });
    if (ended.outcome !== 'done') return { outcome: 'unknown', cause: ended.outcome, detail: ended.detail };
    const compared = this.comparison(ended.result as CompareResult);
    if (compared.outcome !== 'compared' || frames.length === 0) return compared;
    // The photograph is the first of the sequence: the frames have to show the person that it shows, turned away from
    // its pose.
    const judged = await this.assessFrames([captured, ...frames], prompt);
    if (judged.outcome !== 'done') return { outcome: 'unknown', cause: judged.outcome, detail: judged.detail };
    return { ...compared, signals: { ...compared.signals, frames: frameFacts(judged.result, frames.length) } };
  }

  /** Compares as `compare` does and also tells the distances and the words of a refusal: for tools, not for events.
   * @param taken `any` reads pictures that the door would refuse: turned upright by their EXIF, by their profile, also
   *   PNG */
  async compareInDetail(
    request: FaceComparisonRequest,
    taken: TakenPictures = 'any',
  ): Promise<PoolOutcome<CompareResult>> {
    return (await this.submit({ kind: 'compare', request, taken })) as PoolOutcome<CompareResult>;
  }

  /** Measures one picture: faces, quality, and the embedding of its main face. For guidance at the booth, evaluation
   * and calibration; an embedding is biometric data and never leaves the process that asked.
   * @param quality false leaves the quality measures out, which saves their time */
  async analyse(
    image: Uint8Array,
    { primary = 'largest', quality = true }: { primary?: PrimaryRule; quality?: boolean } = {},
  ): Promise<PoolOutcome<AnalyseResult>> {
    return (await this.submit({ kind: 'analyse', image, primary, quality })) as PoolOutcome<AnalyseResult>;
  }

  async assess(photo: Uint8Array): Promise<PhotoAssessment> {
    const ended = (await this.submit({ kind: 'check', image: photo })) as PoolOutcome<CheckResult>;
    if (ended.outcome !== 'done') return { outcome: 'unknown', cause: ended.outcome, detail: ended.detail };
    const { result } = ended;
    if (result.kind === 'unusable') return { outcome: 'assessed', reasons: [result.reason], quality: {} };
    const [main, ...others] = result.faces;
    const crowded =
      main !== undefined && others.some(({ box }) => box.width >= this.rules().otherFaceShareMin * main.box.width);
    const reasons: NotComparableReason[] = [
      ...(crowded ? ['several_faces' as const] : []),
      ...(result.captureRefusal === null ? [] : [result.captureRefusal]),
    ];
    return { outcome: 'assessed', reasons, quality: result.quality };
  }

  /** Judges a short sequence of frames from the booth, first to last: one person throughout, nothing repeated or
   * jumping, and the prompted turn followed. Hints, no attack detection.
   * @throws {RangeError} with fewer than 2 or more than 8 frames */
  async assessFrames(frames: readonly Uint8Array[], prompt: Prompt = 'none'): Promise<PoolOutcome<FramesResult>> {
    if (frames.length < FRAME_RULES.framesMin || frames.length > FRAME_RULES.framesMax)
      throw new RangeError(`${frames.length} frames; ${FRAME_RULES.framesMin} to ${FRAME_RULES.framesMax} are judged`);
    return (await this.submit({ kind: 'frames', frames, prompt })) as PoolOutcome<FramesResult>;
  }

  /** The picture as PNG, at most 1,280 px on a side: a browser shows no JPEG 2000.
   *  @returns null where the bytes are no picture within the limits
   *  @throws {RendererBusyError} while no worker can do it */
  async renderPng(image: Uint8Array): Promise<Uint8Array | null> {
    const ended = (await this.submit({ kind: 'render', image })) as PoolOutcome<RenderResult>;
    if (ended.outcome !== 'done')
      throw new RendererBusyError(`the picture was not decoded (${ended.outcome}): ${ended.detail}`);
    return ended.result.kind === 'rendered' ? ended.result.png : null;
  }

  private comparison(result: CompareResult): FaceComparison {
    const algorithm = this.algorithm();
    if (result.kind === 'refused') {
      const { image, reason, detail } = result;
      return { outcome: 'not_comparable', image, reason, algorithm, detail };
    }
    const {
      scores: { cardPoints, registeredPoints, basis },
      quality,
      signals,
    } = result;
    return { outcome: 'compared', cardPoints, registeredPoints, evidence: basis, algorithm, quality, signals };
  }

  private submit(job: FaceJob): Promise<PoolOutcome<FaceJobResult>> {
    if (!this.pool) throw new Error('the face comparer was not started');
    return this.pool.run(job);
  }

  private rules(): FaceRules {
    const { limits, capture, otherFaceShareMin = 0.3 } = this.options;
    return {
      limits: { ...DEFAULT_IMAGE_LIMITS, ...limits },
      capture: { ...DEFAULT_CAPTURE_RULES, ...capture },
      otherFaceShareMin,
    };
  }
}

/** The closed facts of a judged sequence: of the frames that could be used, where enough of them could.
 *  @param count frames that came besides the photograph */
function frameFacts(result: FramesResult, count: number): FrameFacts {
  if (result.kind === 'unusable_frames')
    return { count, samePerson: 'not_assessed', movement: 'not_assessed', promptFollowed: 'not_assessed' };
  const { frames, samePerson, repeatedFrame, promptFollowed } = result.signals;
  return { count: frames - 1, samePerson, movement: !repeatedFrame, promptFollowed };
}

/** `$XDG_CACHE_HOME/honnin/models`, or `~/.cache/honnin/models` where the variable is not set (XDG Base Directory
 * Specification). */
export function defaultModelCacheDir(): string {
  const base = process.env['XDG_CACHE_HOME'];
  return path.join(
    base !== undefined && path.isAbsolute(base) ? base : path.join(homedir(), '.cache'),
    'honnin',
    'models',
  );
}
