import type { Json, JsonObject } from '../../domain/event-envelope.js';

const CELL_MAX = 44;
/** A token is long; its beginning tells people apart, and whoever needs all of it asks for JSON. */
const TOKEN = /committed:([0-9a-f]{8})[0-9a-f]{56}/g;

/** Rows as a table: one column per member, as wide as its widest cell. */
export function tableLines(rows: readonly JsonObject[], columns = namesIn(rows)): string[] {
  const cells = [columns, ...rows.map((row) => columns.map((name) => cell(row[name])))];
  const widths = columns.map((_, i) => Math.max(...cells.map((line) => widthOf(line[i] as string))));
  return cells.map((line) =>
    line
      .map((text, i) => text + ' '.repeat((widths[i] as number) - widthOf(text)))
      .join('  ')
      .trimEnd(),
  );
}

/** A value with its members, one line each: `a.b.c   value`. */
export function memberLines(value: JsonObject): string[] {
  const members = flat(value);
  const width = Math.max(0, ...members.map(([path]) => path.length));
  return members.map(([path, text]) => `${path.padEnd(width)}  ${text}`);
}

export function shortText(value: Json): string {
  return (typeof value === 'string' ? value : JSON.stringify(value)).replace(TOKEN, '#$1');
}

function namesIn(rows: readonly JsonObject[]): string[] {
  return [...new Set(rows.flatMap((row) => Object.keys(row)))];
}

function flat(value: JsonObject, prefix = ''): [string, string][] {
  return Object.entries(value).flatMap(([name, member]): [string, string][] => {
    const path = prefix === '' ? name : `${prefix}.${name}`;
    return typeof member === 'object' && member !== null && !Array.isArray(member) && Object.keys(member).length > 0
      ? flat(member as JsonObject, path)
      : [[path, shortText(member)]];
  });
}

function cell(value: Json | undefined): string {
  if (value === undefined || value === null) return '—';
  const text = shortText(Array.isArray(value) && value.every((v) => typeof v === 'string') ? value.join(', ') : value);
  return text.length > CELL_MAX ? `${text.slice(0, CELL_MAX - 1)}…` : text;
}

/** Columns that a terminal needs: wide letters of Japanese count twice. */
function widthOf(text: string): number {
  return [...text].reduce(
    (sum, letter) =>
      sum +
      (/[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]/u.test(letter)
        ? 2
        : 1),
    0,
  );
}
