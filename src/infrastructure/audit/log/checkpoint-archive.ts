import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { readIfThere, writeAfterNow } from '../durable-file.js';

/** Sizes of the log whose checkpoints share a file. Two entries a second make a thousand files a year; the largest
 * possible file has 13 MB. */
const SIZES_PER_FILE = 65_536;
const BLOCK_END = '\n\n';
const SIGNATURE = Buffer.from('\u2014 ');

/** A record of the archive. */
export interface ArchivedNote {
  /** Entries of the log, or null where the record cannot be one of its file: it was damaged. */
  readonly size: number | null;
  readonly note: string;
  /** Name of the file that holds it, for who has to say what is wrong. */
  readonly file: string;
}

/** Every checkpoint that was ever published. `65536-131071` holds those of 65,536 to 131,071 entries: signed notes one
 * after the other, an empty line after each. A record counts when its empty line is there. What a crash left behind the
 * last record was never published, and the next start cuts it off. Folders of older versions have a file per
 * checkpoint, named by its size: they are read as they are. */
export class CheckpointArchive {
  /** Where the next record goes; null: look. */
  private end: { readonly file: string; readonly at: number } | null = null;

  /** @param folder `checkpoints` of the log */
  constructor(private readonly folder: string) {}

  /** The note of this size as it was published, or null when none was; the later one of the size from which a log goes
   *  on under another name. Reads the one file that it would be in. */
  noteOf(size: number): string | null {
    const bytes = this.read(fileOf(size));
    let found: string | null = null;
    for (const record of recordsOf(bytes)) {
      if (record.size === size) found = bytes.toString('utf8', record.from, record.to);
    }
    return found ?? readIfThere(join(this.folder, String(size)))?.toString('utf8') ?? null;
  }

  /** Checkpoints of more than `size` entries, ascending, a file at a time. Damaged records of the files that are read
   * come too. */
  *after(size: number): Iterable<ArchivedNote> {
    const alone = this.aloneByFile();
    const files = this.files();
    for (const file of [...new Set([...files, ...alone.keys()])].sort((a, b) => firstOf(a) - firstOf(b))) {
      if (firstOf(file) + SIZES_PER_FILE <= size) continue;
      const notes = [
        ...this.notesIn(file, file !== files.at(-1)),
        ...(alone.get(file) ?? []).map((single) => ({
          size: single,
          note: this.read(String(single)).toString('utf8'),
          file: String(single),
        })),
      ];
      yield* notes
        .filter((note) => note.size === null || note.size > size)
        .sort((a, b) => (a.size ?? 0) - (b.size ?? 0));
    }
  }

  /** Cuts off what a crash left of a record. The writer does it when it opens, so only the newest file can have such an
   * end. */
  repair(): void {
    const file = this.files().at(-1);
    if (file === undefined) return;
    const bytes = this.read(file);
    this.end = { file, at: endOfRecords(bytes) };
    if (bytes.length > this.end.at) writeAfterNow(join(this.folder, file), this.end.at, '');
  }

  /** Adds a record; it is on the disk when this returns. One writer at a time. */
  append(size: number, note: string): void {
    const file = fileOf(size);
    const at = this.end?.file === file ? this.end.at : endOfRecords(this.read(file));
    // Half of the record may be there after an error: the next one looks where it begins.
    this.end = null;
    this.end = { file, at: writeAfterNow(join(this.folder, file), at, `${note}\n`) };
  }

  private *notesIn(file: string, isClosed: boolean): Iterable<ArchivedNote> {
    const bytes = this.read(file);
    const first = firstOf(file);
    for (const { size, from, to } of recordsOf(bytes))
      yield {
        size: size >= first && size < first + SIZES_PER_FILE ? size : null,
        note: bytes.toString('utf8', from, to),
        file,
      };
    const end = endOfRecords(bytes);
    if (isClosed && end < bytes.length) yield { size: null, note: bytes.toString('utf8', end), file };
  }

  /** Files of many checkpoints, ascending. */
  private files(): string[] {
    return this.names()
      .filter((name) => /^\d+-\d+$/.test(name))
      .sort((a, b) => firstOf(a) - firstOf(b));
  }

  /** Sizes of checkpoints that have a file of their own, by the file that they would be in today. */
  private aloneByFile(): Map<string, number[]> {
    const sizes = new Map<string, number[]>();
    for (const name of this.names()) {
      if (!/^\d+$/.test(name)) continue;
      const file = fileOf(Number(name));
      const others = sizes.get(file);
      if (others) others.push(Number(name));
      else sizes.set(file, [Number(name)]);
    }
    return sizes;
  }

  private names(): string[] {
    return existsSync(this.folder) ? readdirSync(this.folder) : [];
  }

  private read(file: string): Buffer {
    return readIfThere(join(this.folder, file)) ?? Buffer.alloc(0);
  }
}

function fileOf(size: number): string {
  const first = size - (size % SIZES_PER_FILE);
  return `${first}-${first + SIZES_PER_FILE - 1}`;
}

function firstOf(file: string): number {
  return Number(file.slice(0, file.indexOf('-')));
}

/** Whole records: a text, an empty line, signature lines, an empty line. Where a block of another kind lies between,
 * the size is NaN; the next record begins behind the next signatures, so that one damaged byte costs one record or two.
 * Looks at bytes and makes no strings: a file may have tens of thousands. */
function* recordsOf(bytes: Buffer): Iterable<{ readonly size: number; readonly from: number; readonly to: number }> {
  let [from, blocks] = [0, 0];
  for (let block = 0; ;) {
    const end = bytes.indexOf(BLOCK_END, block);
    if (end < 0) return;
    blocks += 1;
    const next = end + BLOCK_END.length;
    if (bytes.subarray(block, block + SIGNATURE.length).equals(SIGNATURE)) {
      yield { size: blocks === 2 ? sizeAt(bytes, from) : Number.NaN, from, to: end + 1 };
      [from, blocks] = [next, 0];
    }
    block = next;
  }
}

/** The second line of a text. */
function sizeAt(bytes: Buffer, from: number): number {
  const size = bytes.indexOf('\n', from) + 1;
  return Number(bytes.toString('latin1', size, bytes.indexOf('\n', size)));
}

function endOfRecords(bytes: Buffer): number {
  let end = 0;
  for (const { to } of recordsOf(bytes)) end = to + 1;
  return end;
}
