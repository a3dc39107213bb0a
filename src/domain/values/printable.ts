/** Characters that move a cursor, hide what follows, turn the direction of reading, or begin another line: C0 and C1
 * controls, DEL, marks of direction and isolation, separators of lines and paragraphs, the mark of byte order, and
 * characters without a width. */
const UNPRINTABLE =
  /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\uffff]|[\ud800-\udfff]/g;
const PAIR = /[\ud800-\udbff][\udc00-\udfff]/g;
/** Tags and other invisible characters beyond the first plane. */
const INVISIBLE_PAIR = /^\udb40[\udc00-\udfff]$/;

/** A text of a stranger as one line that shows what is in it: every character that could do something else than be seen
 * is written as `\u{…}`. What a person reads must pass through here before it is put beside our own words. */
export function printable(text: string): string {
  let from = 0;
  let shown = '';
  for (const { 0: pair, index } of text.matchAll(PAIR)) {
    shown += text.slice(from, index).replace(UNPRINTABLE, escaped);
    shown += INVISIBLE_PAIR.test(pair) ? escaped(pair) : pair;
    from = index + pair.length;
  }
  return shown + text.slice(from).replace(UNPRINTABLE, escaped);
}

/** JSON in which every such character stands as an escape of JSON: the same value, and safe on a terminal. @param text
 * valid JSON */
export function printableJson(text: string): string {
  return text.replace(UNPRINTABLE, (character) => (character === '\n' ? character : jsonEscape(character)));
}

function escaped(character: string): string {
  return `\\u{${(character.codePointAt(0) as number).toString(16)}}`;
}

/** Halves of pairs stay what they are: a pair is one character, and JSON writes lone halves as escapes by itself. */
function jsonEscape(character: string): string {
  const code = character.charCodeAt(0);
  return code >= 0xd800 && code <= 0xdfff ? character : `\\u${code.toString(16).padStart(4, '0')}`;
}
