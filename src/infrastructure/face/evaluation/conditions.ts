import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { PictureMeasures } from '../../../domain/values/face-comparison.js';
import { sha256Hex } from '../build-models/build-models.js';
import { distanceOf, wholeDistance } from '../engine/calibration.js';
import type { PrimaryRule } from '../engine/face-engine.js';
import type { ModelSet } from '../model-set/model-set.js';
import type { OnnxFaceComparer } from '../onnx-face-comparer.js';
import { altered, nameOf, type Step } from './alterations.js';
import { subjectsOf } from './statistics/bootstrap.js';
import type { EmbeddingStore, Extract } from './embedding-store.js';
import type { LabelledPair } from './pair-list.js';

/** What both sides of a comparison went through. */
export interface Condition {
  readonly name: string;
  readonly captured: readonly Step[];
  readonly card: readonly Step[];
  /** Whether the bounds are asked of it; the others show where they end. */
  readonly bounded: boolean;
  /** Whether what quality takes is fitted to it. Not where a sum of properties says too little: a fit to it would cost
   *  honest people with an ordinary grey picture. */
  readonly fitted: boolean;
}

const both = (name: string, ...steps: Step[]): Condition => ({
  name,
  captured: steps,
  card: steps,
  bounded: true,
  fitted: true,
});
const unbounded = (condition: Condition): Condition => ({ ...condition, bounded: false });
const notFitted = (condition: Condition): Condition => ({ ...unbounded(condition), fitted: false });

export const CONDITIONS: readonly Condition[] = [
  both('sharp colour'),
  both('colour, eyes 24 px', ['eyes', 24]),
  both('colour, eyes 16 px', ['eyes', 16]),
  both('colour, eyes 12 px', ['eyes', 12]),
  both('grey', ['grey']),
  both('grey, eyes 24 px', ['eyes', 24], ['grey']),
  both('grey, eyes 12 px', ['eyes', 12], ['grey']),
  both('colour, blur 4 %', ['blur', 0.04]),
  both('colour, blur 6 %', ['blur', 0.06]),
  both('grey, blur 4 %', ['blur', 0.04], ['grey']),
  both('grey, blur 6 %', ['blur', 0.06], ['grey']),
  both('colour, JPEG quality 15', ['jpeg', 15]),
  both('grey, JPEG quality 15', ['grey'], ['jpeg', 15]),
  both('colour, noise sd 20', ['noise', 20]),
  both('dark, gamma 3', ['gamma', 3]),
  {
    name: 'photograph blur 5 %, card blur 6 %',
    captured: [['blur', 0.05]],
    card: [['blur', 0.06]],
    bounded: true,
    fitted: true,
  },
  {
    name: 'photograph blur 6 %, card blur 8 %',
    captured: [['blur', 0.06]],
    card: [['blur', 0.08]],
    bounded: true,
    fitted: true,
  },
  unbounded(both('colour, blur 8 %', ['blur', 0.08])),
  notFitted(both('grey, noise sd 20', ['grey'], ['grain', 20])),
  unbounded(both('grey, contrast 40 %', ['grey'], ['contrast', 0.4])),
  notFitted(both('grey, equalised', ['grey'], ['equalise'])),
  unbounded(both('colour, blur 6 %, noise sd 10', ['blur', 0.06], ['noise', 10])),
  { name: 'sharp photograph, card blur 8 %', captured: [], card: [['blur', 0.08]], bounded: false, fitted: true },
  {
    name: 'sharp photograph, grey card 24 px',
    captured: [],
    card: [['eyes', 24], ['grey']],
    bounded: false,
    fitted: true,
  },
  {
    name: 'photograph blur 6 %, grey card',
    captured: [['blur', 0.06]],
    card: [['grey']],
    bounded: false,
    fitted: true,
  },
];

/** A picture of a known person. */
export interface LabelledPicture {
  readonly file: string;
  readonly person: string;
}

/** Two pictures, what they measure and how far apart they are. */
export interface MeasuredPair {
  readonly a: string;
  readonly b: string;
  readonly people: readonly [string, string];
  readonly same: boolean;
  /** Times 10,000, without any correction; Infinity where one of both was not extracted. */
  readonly distance: number;
  readonly measures: readonly [PictureMeasures, PictureMeasures] | null;
}

/** The pictures of the list's first condition: those that are altered. Every one of them is a photograph of a known
 *  person.
 *  @throws {RangeError} where people cannot be told apart */
export function labelledPictures(list: readonly LabelledPair[]): LabelledPicture[] {
  const subjects = subjectsOf(list);
  if (subjects === null)
    throw new RangeError(
      'people cannot be told apart: a different-person pair joins two pictures that same-person pairs also join',
    );
  const [first] = list;
  const files = new Set(list.filter(({ condition }) => condition === first?.condition).flatMap(({ a, b }) => [a, b]));
  return [...files].sort().map((file) => ({ file, person: subjects.get(file)! }));
}

/** The conditions whose name holds a text, and the plain one, which all others are measured against. */
export function conditionsNamed(text: string): Condition[] {
  return CONDITIONS.filter(({ name }, i) => i === 0 || name.includes(text));
}

export interface ExtractionOptions {
  readonly conditions: readonly Condition[];
  readonly root: string;
  readonly primary: PrimaryRule;
  readonly onProgress?: (done: number, total: number) => void;
}

interface Picture {
  readonly file: string;
  readonly bytes: Uint8Array;
}

/** Extracts every listed picture as it is and every photograph in every alteration that the conditions name, out of
 *  the store where it is there already.
 *  @param listed files @returns by the alteration's name, by the picture's file */
export async function extractAll(
  comparer: OnnxFaceComparer,
  store: EmbeddingStore,
  { listed, pictures }: { listed: readonly string[]; pictures: readonly LabelledPicture[] },
  options: ExtractionOptions,
): Promise<Map<string, Map<string, Extract>>> {
  const alterations = new Map<string, readonly Step[]>();
  // The eye distance in the picture as it is comes first: shares of it say how strong the others are.
  for (const steps of [[], ...options.conditions.flatMap(({ captured, card }) => [captured, card])])
    alterations.set(nameOf(steps), steps);
  const open = async (file: string): Promise<Picture> => ({
    file,
    bytes: await readFile(path.resolve(options.root, file)),
  });
  const [all, photographs] = [
    await Promise.all(listed.map(open)),
    await Promise.all(pictures.map(({ file }) => open(file))),
  ];
  const total = all.length + (alterations.size - 1) * photographs.length;
  const extracts = new Map<string, Map<string, Extract>>();
  let done = 0;
  for (const [name, steps] of alterations) {
    const plain = extracts.get(nameOf([]));
    const known = await store.read(`${name}; ${options.primary} 1`);
    const found = new Map<string, Extract>();
    let isNew = false;
    const missing = (steps.length === 0 ? all : photographs).values();
    const lane = async (): Promise<void> => {
      for (const { file, bytes } of missing) {
        const digest = sha256Hex(bytes);
        const extract =
          known.get(digest) ?? (await extractOne(comparer, { bytes, steps, plain: plain?.get(file) }, options.primary));
        found.set(file, extract);
        isNew ||= !known.has(digest);
        known.set(digest, extract);
        options.onProgress?.(++done, total);
      }
    };
    // One more job than workers keeps each of them busy while results travel.
    await Promise.all(Array.from({ length: comparer.load().workers + 1 }, lane));
    if (isNew) await store.write(`${name}; ${options.primary} 1`, known);
    extracts.set(name, found);
  }
  return extracts;
}

async function extractOne(
  comparer: OnnxFaceComparer,
  { bytes, steps, plain }: { bytes: Uint8Array; steps: readonly Step[]; plain: Extract | undefined },
  primary: PrimaryRule,
): Promise<Extract> {
  let picture = bytes;
  if (steps.length > 0) {
    if (plain?.kind !== 'extracted') return { kind: 'failed', reason: 'the picture as it is was not extracted' };
    const seed = Number.parseInt(sha256Hex(bytes).slice(0, 8), 16);
    picture = await altered({ bytes, eyeDistance: plain.eyeDistance, seed }, steps);
  }
  const ended = await comparer.analyse(picture, { primary, quality: false });
  if (ended.outcome !== 'done') throw new Error(`a picture was not analysed (${ended.outcome}): ${ended.detail}`);
  const { result } = ended;
  if (result.kind === 'unusable') return { kind: 'failed', reason: result.reason };
  return {
    kind: 'extracted',
    embedding: result.embedding,
    measures: result.measures,
    eyeDistance: result.faces[0]!.interEyeDistance,
  };
}

/** Every pair of two different pictures; where the sides went through different things, each picture once on either
 *  side. */
export function pairsOf(
  { captured, card }: Condition,
  pictures: readonly LabelledPicture[],
  extracts: ReadonlyMap<string, ReadonlyMap<string, Extract>>,
  set: Pick<ModelSet, 'distance'>,
): MeasuredPair[] {
  const [left, right] = [extracts.get(nameOf(captured)), extracts.get(nameOf(card))];
  if (!left || !right) throw new Error('an alteration was not extracted');
  const once = nameOf(captured) === nameOf(card);
  return pictures.flatMap((a, i) =>
    pictures.flatMap((b, j) => {
      if (once ? j <= i : j === i) return [];
      return [
        {
          a: a.file,
          b: b.file,
          people: [a.person, b.person] as const,
          same: a.person === b.person,
          ...measured(left.get(a.file), right.get(b.file), set),
        },
      ];
    }),
  );
}

/** The pairs of one condition of the list, as they are. */
export function listedPairs(
  list: readonly LabelledPair[],
  condition: string,
  extracts: ReadonlyMap<string, ReadonlyMap<string, Extract>>,
  set: Pick<ModelSet, 'distance'>,
): MeasuredPair[] {
  const [subjects, plain] = [subjectsOf(list), extracts.get(nameOf([]))];
  return list
    .filter((pair) => pair.condition === condition)
    .map(({ a, b, same }) => {
      const people = [subjects?.get(a) ?? a, subjects?.get(b) ?? b] as const;
      return { a, b, people, same, ...measured(plain?.get(a), plain?.get(b), set) };
    });
}

function measured(
  a: Extract | undefined,
  b: Extract | undefined,
  set: Pick<ModelSet, 'distance'>,
): Pick<MeasuredPair, 'distance' | 'measures'> {
  if (a?.kind !== 'extracted' || b?.kind !== 'extracted') return { distance: Infinity, measures: null };
  return {
    distance: wholeDistance(distanceOf(a.embedding, b.embedding, set.distance)),
    measures: [a.measures, b.measures],
  };
}
