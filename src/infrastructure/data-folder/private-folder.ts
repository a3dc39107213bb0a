import { chmodSync, lstatSync, mkdirSync, readdirSync } from 'node:fs';
import path from 'node:path';

/** Bits of a mode that let anybody in but the owner. */
const OTHERS = 0o077;

/** Makes a folder and everything in it the owner's alone, whoever made it and with what rights: a backup that was
 * unpacked, a folder of an installer. Files that are made from here on by this process are private, too.
 * @returns the paths that others could read before */
export function makePrivate(folder: string): string[] {
  process.umask(OTHERS);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  return [...closed(folder), ...inside(folder).flatMap(closed)];
}

/** @returns the path when its rights had to be taken back */
function closed(file: string): string[] {
  const { mode } = lstatSync(file);
  if ((mode & OTHERS) === 0) return [];
  chmodSync(file, mode & ~OTHERS & 0o7777);
  return [file];
}

/** The folders and files of an installation, but for the sealed images: there are very many, they are encrypted, and
 * the folder above them is private now. Links lead elsewhere and stay as they are. */
function inside(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const one = path.join(folder, entry.name);
    if (entry.isSymbolicLink()) return [];
    if (!entry.isDirectory() || entry.name === 'sealed' || entry.name === 'audit') return [one];
    return [one, ...inside(one)];
  });
}
