import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { FaceEngine } from '../../dist/infrastructure/face/engine/face-engine.js';
import { decodeImage, DEFAULT_IMAGE_LIMITS } from '../../dist/infrastructure/face/image/image-decoder.js';
import { DEFAULT_MODEL_SET } from '../../dist/infrastructure/face/model-set/model-set.js';
import { loadDemoFace, type DemoFaceName } from '../../dist/sandbox/card/demo-faces.js';
import { ALTERATIONS, randomOf } from './alterations.ts';
import { VARIANTS } from './variants.ts';

/** Draws every alteration of sample faces into a folder, as `FACE_KIND_SEED.jpg` (kinds by their number, those of the
 *  other painter after the first one's). A program of its own: the networks do not run inside the test runner.
 *  Arguments: the folder, the folder of the models, the faces' names with commas between them, how many seeds, and how
 *  many for the other painter. */
const [folder = '', models = '', names = '', seeds = '1', otherSeeds = '0'] = process.argv.slice(2);
const drawings = [
  ...Object.values(ALTERATIONS).map((alter) => ({ alter, times: Number(seeds) })),
  ...Object.values(VARIANTS).map((alter) => ({ alter, times: Number(otherSeeds) })),
];
const engine = await FaceEngine.load(DEFAULT_MODEL_SET, models);
for (const name of names.split(',')) {
  const bytes = await loadDemoFace(name as DemoFaceName);
  const image = await decodeImage(bytes, DEFAULT_IMAGE_LIMITS);
  const [face] = await engine.findFaces(image, 'largest');
  if (!face) throw new Error(`${name} has no face`);
  const portrait = { bytes, width: image.width, height: image.height, landmarks: face.landmarks };
  for (const [kind, { alter, times }] of drawings.entries()) {
    for (let seed = 1; seed <= times; seed += 1) {
      const picture = await alter(portrait, randomOf(7_919 * seed + kind));
      writeFileSync(join(folder, `${name}_${kind}_${seed}.jpg`), picture);
    }
  }
}
