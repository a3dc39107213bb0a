import { createHash } from 'node:crypto';
import { chmod, mkdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import type { PictureMeasures } from '../../../domain/values/face-comparison.js';
import { sha256Hex, writeWhole } from '../build-models/build-models.js';
import { canonicalJson, PIPELINE_VERSION, type ModelSet } from '../model-set/model-set.js';
import { runtimeVersions } from '../model-set/runtime-versions.js';

/** What was measured on one picture, or why nothing was. */
export type Extract =
  | {
      readonly kind: 'extracted';
      readonly embedding: Float32Array;
      readonly measures: PictureMeasures;
      readonly eyeDistance: number;
    }
  | { readonly kind: 'failed'; readonly reason: string };

type Stored =
  | { readonly embedding: string; readonly measures: PictureMeasures; readonly eyeDistance: number }
  | { readonly failed: string };

/** Extracts on the disk, so that a report is not all the work a second time. Embeddings are biometric data: the folder
 *  is its owner's alone, and who no longer needs it deletes it.
 *  One file for each kind of alteration and each way of extracting, by the picture's digest. */
export class EmbeddingStore {
  constructor(
    readonly folder: string,
    private readonly set: ModelSet,
  ) {}

  /** @param alteration in words that change when it does @returns by the SHA-256 of the picture before it was altered
   *  */
  async read(alteration: string): Promise<Map<string, Extract>> {
    let text: string;
    try {
      text = await readFile(this.file(alteration), 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return new Map();
      throw error;
    }
    return new Map(
      Object.entries(JSON.parse(text) as Record<string, Stored>).map(([digest, stored]) => [digest, restored(stored)]),
    );
  }

  async write(alteration: string, extracts: ReadonlyMap<string, Extract>): Promise<void> {
    await mkdir(this.folder, { recursive: true, mode: 0o700 });
    await chmod(this.folder, 0o700);
    const stored = Object.fromEntries([...extracts].map(([digest, extract]) => [digest, toStore(extract)]));
    await writeWhole(this.file(alteration), Buffer.from(JSON.stringify(stored)));
  }

  private file(alteration: string): string {
    return path.join(
      this.folder,
      `${sha256Hex(Buffer.from(`${extractionOf(this.set)}\n${alteration}`)).slice(0, 24)}.json`,
    );
  }
}

/** Names all that an embedding and its measures depend on. Curve, weights and bands come later and are not part of it.
 *  */
function extractionOf({ detector, faceFlag, landmarks, embedder, companion }: ModelSet): string {
  const parts = canonicalJson({ detector, faceFlag, landmarks, embedder, companion });
  return `${PIPELINE_VERSION} ${runtimeVersions()} ${createHash('sha256').update(parts).digest('hex')}`;
}

function toStore(extract: Extract): Stored {
  if (extract.kind === 'failed') return { failed: extract.reason };
  const { embedding, measures, eyeDistance } = extract;
  return {
    embedding: Buffer.from(embedding.buffer, embedding.byteOffset, embedding.byteLength).toString('base64'),
    measures,
    eyeDistance,
  };
}

function restored(stored: Stored): Extract {
  if ('failed' in stored) return { kind: 'failed', reason: stored.failed };
  const bytes = Uint8Array.from(Buffer.from(stored.embedding, 'base64'));
  const { measures, eyeDistance } = stored;
  return { kind: 'extracted', embedding: new Float32Array(bytes.buffer), measures, eyeDistance };
}
