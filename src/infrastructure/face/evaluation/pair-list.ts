/** One row of a labelled list: two pictures, whether they show one person, and under which condition they were
 * taken. */
export interface LabelledPair {
  readonly a: string;
  readonly b: string;
  readonly same: boolean;
  readonly condition: string;
}

/** A list of pairs cannot be read; the message names the line. */
export class PairListError extends Error {}

const MISSING_CONDITION = 'all';

/** Reads a CSV list of labelled pairs (RFC 4180, with or without CR, optional byte order mark). The header names the
 * columns in any order: `a`, `b`, `same` (1/0, true/false, yes/no), and optionally `condition`; further columns are
 * ignored.
 * @throws {PairListError} where a column or a value is missing or not understood */
export function parsePairList(text: string): LabelledPair[] {
  const [header, ...rows] = csvRows(text.replace(/^\uFEFF/, ''));
  if (!header) throw new PairListError('the list is empty; its first line must name the columns a, b, same, condition');
  const columns = header.fields.map((name) => name.trim().toLowerCase());
  const column = (name: string): number => {
    const at = columns.indexOf(name);
    if (at < 0)
      throw new PairListError(
        `the list has no column '${name}'; its first line must name a, b, same and, if wanted, condition`,
      );
    return at;
  };
  const [a, b, same] = [column('a'), column('b'), column('same')];
  const condition = columns.indexOf('condition');
  return rows.map(({ fields, line }) => {
    const value = (at: number, name: string): string => {
      const text = fields[at]?.trim();
      if (!text) throw new PairListError(`line ${line}: no value for '${name}'`);
      return text;
    };
    return {
      a: value(a, 'a'),
      b: value(b, 'b'),
      same: yesOrNo(value(same, 'same'), line),
      condition: condition < 0 ? MISSING_CONDITION : fields[condition]?.trim() || MISSING_CONDITION,
    };
  });
}

function yesOrNo(text: string, line: number): boolean {
  const word = text.toLowerCase();
  if (['1', 'true', 'yes', 'same'].includes(word)) return true;
  if (['0', 'false', 'no', 'different'].includes(word)) return false;
  throw new PairListError(`line ${line}: 'same' is '${text}', expected 1 or 0`);
}

interface Row {
  readonly fields: string[];
  readonly line: number;
}

/** Splits CSV into rows; a quoted field may hold commas, line ends and doubled quotes. Empty lines are left out. */
function csvRows(text: string): Row[] {
  const rows: Row[] = [];
  let [fields, field, quoted, line, start]: [string[], string, boolean, number, number] = [[], '', false, 1, 1];
  const endRow = (): void => {
    fields.push(field);
    if (fields.length > 1 || field.trim() !== '') rows.push({ fields, line: start });
    [fields, field] = [[], ''];
  };
  for (let i = 0; i < text.length; i += 1) {
    const character = text[i]!;
    if (character === '\n') line += 1;
    if (quoted) {
      if (character !== '"') field += character;
      else if (text[i + 1] === '"') field += text[(i += 1)];
      else quoted = false;
    } else if (character === '"' && field === '') quoted = true;
    else if (character === ',') {
      fields.push(field);
      field = '';
    } else if (character === '\n') {
      endRow();
      start = line;
    } else if (character !== '\r') field += character;
  }
  if (quoted) throw new PairListError(`line ${start}: a quoted field does not end`);
  if (field !== '' || fields.length > 0) endRow();
  return rows;
}
