import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { FaceEngine } from '../../dist/infrastructure/face/face-engine.js';
import { decodeImage, DEFAULT_IMAGE_LIMITS } from '../../dist/infrastructure/face/image-decoder.js';
import { DEFAULT_MODEL_SET } from '../../dist/infrastructure/face/model-set.js';
import { loadDemoFace, type DemoFaceName } from '../../dist/sandbox/demo-faces.js';
import { ALTERATIONS, randomOf } from './alterations.ts';

/** Draws every alteration of sample faces into a folder, as `FACE_KIND_SEED.jpg` (kinds by their number). A program of its own: the
 *  networks do not run inside the test runner.
 *  Arguments: the folder, the folder of the models, the faces' names with commas between them, how many seeds. */
const [folder = '', models = '', names = '', seeds = '1'] = process.argv.slice(2);
const engine = await FaceEngine.load(DEFAULT_MODEL_SET, models);
for (const name of names.split(',')) {
  const bytes = await loadDemoFace(name as DemoFaceName);
  const image = await decodeImage(bytes, DEFAULT_IMAGE_LIMITS);
  const [face] = await engine.findFaces(image, 'largest');
  if (!face) throw new Error(`${name} has no face`);
  const portrait = { bytes, width: image.width, height: image.height, landmarks: face.landmarks };
  for (const [kind, alter] of Object.values(ALTERATIONS).entries()) {
    for (let seed = 1; seed <= Number(seeds); seed += 1) writeFileSync(join(folder, `${name}_${kind}_${seed}.jpg`), await alter(portrait, randomOf(7_919 * seed + kind)));
  }
}
