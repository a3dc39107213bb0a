import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import sharp from 'sharp';

/** A folder that is removed at the end. */
export function temporaryFolder(): { path: string; remove(): void } {
  const folder = mkdtempSync(path.join(tmpdir(), 'honnin-sandbox-'));
  return { path: folder, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

export interface ProgramResult {
  readonly code: number;
  readonly output: string;
}

/** Runs a program asynchronously, because the server that it talks to lives in this process. */
export function run(program: string, args: readonly string[]): Promise<ProgramResult> {
  return new Promise((resolve, reject) => {
    execFile(program, args, { encoding: 'utf8', timeout: 120_000 }, (error, stdout, stderr) => {
      if (error !== null && typeof error.code !== 'number') reject(error);
      else resolve({ code: error === null ? 0 : Number(error.code), output: `${stderr}${stdout}` });
    });
  });
}

export const openssl = (...args: string[]): Promise<ProgramResult> => run('openssl', args);

/** A synthetic picture with structure, made anew each time: no face, only something to encode. */
export async function samplePicture(seed = 1): Promise<Buffer> {
  const pixels = Buffer.alloc(300 * 400 * 3);
  for (let i = 0, state = seed; i < pixels.length; i += 1) {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    pixels[i] = Math.round((((i / 3) % 300) / 300) * 200 + (state >>> 27));
  }
  return sharp(pixels, { raw: { width: 300, height: 400, channels: 3 } })
    .jpeg()
    .toBuffer();
}

export function save(folder: string, name: string, bytes: Uint8Array | string): string {
  const file = path.join(folder, name);
  writeFileSync(file, bytes);
  return file;
}

/** Asks again until the answer is there; fails after the limit. */
export async function eventually<T>(ask: () => Promise<T | undefined> | T | undefined, limitMs = 120_000): Promise<T> {
  const end = Date.now() + limitMs;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    if (Date.now() > end) throw new Error(`nothing came within ${limitMs} ms`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}
