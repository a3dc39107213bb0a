import { closeSync, fsyncSync, openSync, renameSync, unlinkSync, writeSync } from 'node:fs';
import path from 'node:path';

/** Replaces a file as a whole. When it returns, the new content survives a power cut; before that, the old one does. */
export function replaceDurably(file: string, content: Uint8Array): void {
  const draft = `${file}.new`;
  const handle = openSync(draft, 'w', 0o600);
  try {
    for (let written = 0; written < content.length;) written += writeSync(handle, content, written);
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
  renameSync(draft, file);
  syncFolder(path.dirname(file));
}

/** Removes a file so that it stays removed after a power cut. */
export function removeDurably(file: string): void {
  unlinkSync(file);
  syncFolder(path.dirname(file));
}

/** A rename or removal is only safe on disk when the folder is, too. */
function syncFolder(folder: string): void {
  const handle = openSync(folder, 'r');
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}
