import { readFileSync } from 'node:fs';
import path from 'node:path';
import sharp from 'sharp';
import { packageFolder } from './package-folder.js';

/** Names the programs beside the networks that a score went through, as build metadata of a version (SemVer 2.0.0, item
 * 10): what computes, what decodes JPEG and PNG, what decodes JPEG 2000. Another one of them may move a score, so that
 * it is another algorithm. */
export function runtimeVersions(): string {
  named ??= [
    ['ort', packageVersion('onnxruntime-node')],
    ['sharp', sharp.versions.sharp ?? 'unknown'],
    ['vips', sharp.versions.vips],
    ['openjpeg', packageVersion('@cornerstonejs/codec-openjpeg')],
  ]
    .map(([name, version]) => `${name}-${version}`)
    .join('.');
  return named;
}

let named: string | undefined;

function packageVersion(name: string): string {
  const { version } = JSON.parse(readFileSync(path.join(packageFolder(name), 'package.json'), 'utf8')) as {
    version: string;
  };
  return version;
}
