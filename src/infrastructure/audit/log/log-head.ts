import { dirname } from 'node:path';
import type { SignedState } from '../../../application/ports/audit/signed-log.js';
import { parseCheckpoint } from '../../../domain/audit/log/checkpoint.js';
import { rootHash, sameHash } from '../../../domain/audit/log/merkle-tree.js';
import { NoteFormatError } from '../../../domain/audit/log/signed-note.js';
import { hasher } from '../digest.js';
import { readIfThere, syncFolderNow, writeWholeNow } from '../durable-file.js';
import { AuditLogDamagedError, storedPositions, TileLog } from './tile-log.js';

/** The newest checkpoint that was signed, kept beside the folder of the log and not in it: who loses, restores or
 * exchanges the folder leaves this file. Written after the signature and before anything of it is published, so that
 * nothing was ever given out that is not here. */
export class LogHead {
  private constructor(readonly file: string) {}

  /** `data/audit.head` beside `data/audit`. */
  static beside(auditFolder: string): LogHead {
    return new LogHead(`${auditFolder}.head`);
  }

  /** The signed note; null where none was ever kept. */
  note(): string | null {
    return readIfThere(this.file)?.toString('utf8') ?? null;
  }

  /** It is on the disk when this returns. */
  keep(note: string): void {
    writeWholeNow(this.file, note);
    syncFolderNow(dirname(this.file));
  }
}

/** Whether the files hold the tree of this size and root, published or not. Reads what lies on the disk now: a handful
 * of hashes.
 * @throws {AuditLogDamagedError} naming the file, where a part of what is published is not there */
export function holdsTree(folder: string, { size, root }: SignedState): boolean {
  if (size > 0 && storedPositions(folder) < size) return false;
  try {
    return sameHash(rootHash(hasher, new TileLog(folder).nodes(size), size), root);
  } catch (error) {
    if (error instanceof AuditLogDamagedError && (publishedSize(folder) ?? 0) < size) return false;
    throw error;
  }
}

/** What is wrong with a folder that does not hold what was signed before, in words for an operator. @param keptIn where
 * that is said */
export function whyNot(folder: string, { size }: SignedState, keptIn: string): string {
  const published = publishedSize(folder);
  const before = `a log of ${size} entries was signed before (${keptIn})`;
  const nothing = 'Nothing is signed until then: what would be signed now is another history under the same name';
  if (published === null)
    return `the audit log in ${folder} is lost: ${before}, and there is none here. Stop the server and restore the folder from its newest copy. ${nothing}`;
  if (published < size)
    return `the audit log in ${folder} is an older copy: ${before}, and here are ${published}. Stop the server and restore the newest copy of the folder; where none has them, ./honnin recover. ${nothing}`;
  return `the audit log in ${folder} is another one: ${before}, and its first ${size} entries here are not those. Stop the server, put the right folder back, and find out where this one came from. ${nothing}`;
}

function publishedSize(folder: string): number | null {
  try {
    return new TileLog(folder).checkpoint()?.size ?? null;
  } catch (error) {
    // A checkpoint that is none says as little as one that is not there.
    if (error instanceof NoteFormatError) return null;
    throw error;
  }
}

/** @returns null for a text that is no checkpoint */
export function stateIn(note: string): (SignedState & { readonly origin: string }) | null {
  try {
    return parseCheckpoint(note).checkpoint;
  } catch (error) {
    if (error instanceof NoteFormatError) return null;
    throw error;
  }
}
