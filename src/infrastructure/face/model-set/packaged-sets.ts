import { ARCFACE_112 } from './model-parts.js';
import { DEFAULT_MODEL_SET, type EmbedderSpec, type ModelFile, type ModelSet } from './model-set.js';
import { MOBILEFACENET, type PackagedModel } from './package-models.js';

/** What a packaged network gives: sets that an operator may choose. */
export interface PackagedSets {
  readonly model: PackagedModel;
  readonly summary: string;
  readonly sets: (file: ModelFile) => readonly ModelSet[];
}

function mobileFaceNet(file: ModelFile): EmbedderSpec {
  return {
    ...file,
    input: { width: 112, height: 112, channelOrder: 'RGB', mean: [127.5, 127.5, 127.5], scale: 1 / 128 },
    length: 192,
    template: ARCFACE_112,
    views: [
      { scale: 1, mirrored: false },
      { scale: 1, mirrored: true },
    ],
    unitLength: true,
  };
}

const SOURCE =
  'logistic fit at equal priors over photograph, grey card and colour card pairs of ten people; marks where every ' +
  'bounded condition of `face conditions` holds for people that no fit has seen';

/** The network in the place of the default embedder. */
function alone(file: ModelFile): ModelSet {
  return {
    ...DEFAULT_MODEL_SET,
    id: 'blazeface+mobilefacenet',
    embedder: mobileFaceNet(file),
    calibration: { kind: 'logistic', slope: 22.692, offset: 24.7655, source: SOURCE },
    qualityWeights: 'mobilefacenet-1',
    suggestedBands: { matchDistanceMax: 0.98, referDistanceMax: 1.12 },
  };
}

/** Both embedders' numbers in one row: what one of them takes for the same face the other seldom does. The weight is
 *  the middle of 0.3 to 1, between which equal error rates hardly differ. */
function fused(file: ModelFile): ModelSet {
  return {
    ...DEFAULT_MODEL_SET,
    id: 'blazeface+dlib-resnet+mobilefacenet',
    companion: { ...mobileFaceNet(file), weight: 0.7 },
    calibration: { kind: 'logistic', slope: 28.093, offset: 27.3572, source: SOURCE },
    qualityWeights: 'dlib+mobilefacenet-1',
    suggestedBands: { matchDistanceMax: 0.92, referDistanceMax: 1.005 },
  };
}

export const PACKAGED: Readonly<Record<string, PackagedSets>> = {
  mobilefacenet: {
    model: MOBILEFACENET,
    summary: 'MobileFaceNet, alone and fused with the default embedder; not everybody may use its weights',
    sets: (file) => [alone(file), fused(file)],
  },
};
