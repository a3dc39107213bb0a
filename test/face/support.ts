import { existsSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export const projectRoot = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..', '..');

/** Measured photographs lie beside the project and are never part of it. */
export const sharedFaces = path.join(process.env['HONNIN_SHARED'] ?? path.resolve(projectRoot, '../shared'), 'faces');

/** Pictures that must never be submitted as they are; beside the project as well. */
export const sharedPictures = path.join(
  process.env['HONNIN_SHARED'] ?? path.resolve(projectRoot, '../shared'),
  'cases',
  'pictures',
);

/** Models are made once per machine for the tests and checked at every use. */
export const testModels = path.join(tmpdir(), 'honnin-test-models');

export function emptyFolder(): string {
  return mkdtempSync(path.join(tmpdir(), 'honnin-face-'));
}

/** @returns the path of an optional model that may lie beside the project, or null. */
export function sharedModel(file: string): string | null {
  const found = path.join(process.env['HONNIN_SHARED'] ?? path.resolve(projectRoot, '../shared'), 'models', file);
  return existsSync(found) ? found : null;
}
